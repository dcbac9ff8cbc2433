"""Plans drawn: what is a node, who feeds whom, what only waits."""

from trainshed import ir


def a_leaf(name, *, makes=(), takes=None, **more):
    return ir.Task(
        name=name,
        component=f"comp-{name}",
        display_name=name,
        given_artifacts=takes or {},
        output_artifacts={key: ir.ArtifactOutput(schema={"schemaTitle": "system.Model"}) for key in makes},
        executor={"container": {"image": "i"}},
        **more,
    )


def a_dag(name, tasks, *, takes=None, gives=None, **more):
    body = ir.Dag(component=f"comp-{name}", tasks={t.name: t for t in tasks}, output_artifacts=gives or {})
    return ir.Task(
        name=name, component=f"comp-{name}", display_name=name, given_artifacts=takes or {}, body=body, **more
    )


def drawn(*tasks):
    root = ir.Dag(component="root", tasks={t.name: t for t in tasks})
    plan = ir.Plan(name="p", schema_version="2.1.0", root=root, parameters={})
    graph = ir.graph(plan)
    return {n["id"]: n for n in graph["nodes"]}, {(e["from"], e["to"], e["kind"]) for e in graph["edges"]}


def made_by(task, key="m"):
    return ir.TaskArtifact(task=task, key=key)


def test_tasks_and_their_artifacts_are_nodes():
    nodes, edges = drawn(
        a_leaf("a", makes=["m"]),
        a_leaf("b", takes={"x": made_by("a")}, upstream=("a",)),
        a_leaf("c", upstream=("a", "b")),
    )

    assert nodes["a"] == {
        "id": "a", "kind": "task", "name": "a", "component": "comp-a", "image": "i", "parent": "",
    }  # fmt: skip
    assert nodes["a/m"] == {"id": "a/m", "kind": "artifact", "name": "m", "type": "system.Model", "parent": ""}
    assert edges == {
        ("a", "a/m", "output"),
        ("a/m", "b", "input"),
        ("a", "c", "order"),
        ("b", "c", "order"),
    }


def test_dags_are_nodes_of_their_kind_around_others():
    loop = ir.Loop(item="i", source=ir.Constant(value="[1]"))

    nodes, edges = drawn(
        a_dag("d", [a_leaf("x"), a_leaf("y", upstream=("x",))]),
        a_dag("l", [a_dag("c", [a_leaf("x")], condition="true")], loop=loop, upstream=("d",)),
    )

    assert {i: (n["kind"], n["parent"]) for i, n in nodes.items()} == {
        "d": ("dag", ""),
        "d.x": ("task", "d"),
        "d.y": ("task", "d"),
        "l": ("loop", ""),
        "l.c": ("condition", "l"),
        "l.c.x": ("task", "l.c"),
    }
    assert edges == {
        ("d", "d.x", "inside"),
        ("d.x", "d.y", "order"),
        ("d", "l", "order"),
        ("l", "l.c", "inside"),
        ("l.c", "l.c.x", "inside"),
    }


def test_artifacts_are_led_from_the_task_that_makes_them_to_the_one_that_takes_them():
    maker = a_dag(
        "outer",
        [
            a_dag("inner", [a_leaf("x", makes=["m"])], gives={"o": (made_by("x"),)}),
            a_leaf("other", makes=["m"]),
        ],
        gives={"either": (made_by("inner", "o"), made_by("other"))},
    )
    taker = a_dag(
        "taker",
        [a_leaf("y", takes={"a": ir.InputArtifact(name="given")})],
        takes={"given": made_by("outer", "either")},
        upstream=("outer",),
    )

    nodes, edges = drawn(maker, taker)

    assert {e for e in edges if e[2] == "input"} == {
        ("outer.inner.x/m", "taker.y", "input"),
        ("outer.other/m", "taker.y", "input"),
    }
    assert ("outer", "taker", "order") not in edges
    assert [i for i, n in nodes.items() if n["kind"] == "artifact"] == ["outer.inner.x/m", "outer.other/m"]


def test_an_iteration_takes_what_the_loop_goes_over():
    loop = ir.Loop(item="one", source=ir.InputArtifact(name="all"))
    body = [a_leaf("y", takes={"a": ir.InputArtifact(name="one")})]

    _, edges = drawn(
        a_leaf("x", makes=["m"]), a_dag("l", body, takes={"all": made_by("x")}, loop=loop, upstream=("x",))
    )

    assert ("x/m", "l.y", "input") in edges


def test_an_artifact_that_nobody_gives_has_no_edge():
    _, edges = drawn(a_leaf("y", takes={"a": ir.InputArtifact(name="optional")}))

    assert edges == set()


def test_a_type_is_named_however_it_is_written():
    assert ir.type_name({"schemaTitle": "system.Model"}) == "system.Model"
    assert ir.type_name({"instanceSchema": "title: tfx.Model\ntype: object\n"}) == "tfx.Model"
    assert ir.type_name({"schemaUri": "gs://b/x.yaml"}) == "gs://b/x.yaml"
    assert ir.type_name({}) == "system.Artifact"
