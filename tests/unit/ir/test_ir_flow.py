"""What tasks are given and what DAGs give: sources, defaults, loops, collected and chosen outputs."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed import ir

FACTS = ir.RunFacts(
    job_name="job",
    resource_name="projects/p/locations/l/pipelineJobs/job",
    job_uuid="7",
    root="gs://b",
    create_time="t",
    schedule_time="s",
    task_name="task",
    task_id="9",
    workspace_path="/ws",
)


def placeholder(name):
    return f"{{{{$.inputs.parameters['{name}']}}}}"


def an_artifact(name="a", **more):
    return ir.ArtifactValue(name=name, uri=f"gs://b/{name}", type={"schemaTitle": "system.Artifact"}, **more)


def around(parameters=None, artifacts=None, outputs=None, status=None):
    made = outputs or {}
    return ir.Surroundings(
        parameters=parameters or {},
        artifacts=artifacts or {},
        outputs=lambda task: made.get(task, ir.Outputs()),
        final_status=lambda task: (status or {})[task],
    )


def a_task(given=None, definitions=None, **more):
    parameters = {
        k: g if isinstance(g, ir.GivenParameter) else ir.GivenParameter(source=g) for k, g in (given or {}).items()
    }
    return ir.Task(
        name="t",
        component="c",
        display_name="t",
        given_parameters=parameters,
        parameters=definitions or {},
        executor={"container": {}},
        **more,
    )


def text(**more):
    return ir.ParameterDefinition(type="STRING", **more)


def integer(**more):
    return ir.ParameterDefinition(type="NUMBER_INTEGER", **more)


CONSTANT, INPUT = ir.Constant, ir.InputParameter


def test_each_source_gives_its_value_and_integers_stay_integers():
    task = a_task(
        {
            "c": CONSTANT(value=[1, {"a": 2}]),
            "i": INPUT(name="outer"),
            "o": ir.TaskParameter(task="up", key="k"),
            "s": ir.FinalStatus(task="up"),
        },
        {k: ir.ParameterDefinition(type="LIST") for k in "cio"}
        | {"s": ir.ParameterDefinition(type="TASK_FINAL_STATUS")},
    )
    given_by = ir.Outputs(parameters={"k": 10})  # declared a list, an integer all the same

    found = ir.inputs_of(
        task, FACTS, around({"outer": 6}, outputs={"up": given_by}, status={"up": {"state": "SUCCEEDED"}})
    )

    assert found.parameters == {"c": [1, {"a": 2}], "i": 6, "o": 10, "s": {"state": "SUCCEEDED"}}
    assert found.missing == ()


def test_a_final_status_for_a_text_is_json():
    task = a_task({"s": ir.FinalStatus(task="up")}, {"s": text()})

    found = ir.inputs_of(task, FACTS, around(status={"up": {"state": "FAILED"}}))

    assert json.loads(found.parameters["s"]) == {"state": "FAILED"}


@pytest.mark.parametrize(
    ("value", "said"),
    [("x", "x"), (6, "6"), (6.0, "6"), (True, "true"), ([1, "é"], '[1, "é"]'), ({"a": None}, '{"a": null}')],
)
def test_a_leaf_that_wants_a_text_gets_one_and_a_dag_hands_on_what_it_was_given(value, said):
    leaf = a_task({"p": INPUT(name="x"), "q": INPUT(name="x")}, {"p": text(), "q": ir.ParameterDefinition(type="LIST")})
    dag = replace(leaf, body=ir.Dag(component="c", tasks={}))

    assert ir.inputs_of(leaf, FACTS, around({"x": value})).parameters == {"p": said, "q": value}
    assert ir.inputs_of(dag, FACTS, around({"x": value})).parameters == {"p": value, "q": value}


def test_what_the_platform_fills_in_is_not_missing():
    task = a_task({}, {"config": ir.ParameterDefinition(type="TASK_CONFIG")})

    assert ir.inputs_of(task, FACTS, around()).missing == ()


@pytest.mark.parametrize(
    ("definition", "parameters", "missing"),
    [
        (text(), {}, ("p",)),
        (text(is_optional=True), {}, ()),
        (text(default="d"), {"p": "d"}, ()),
        (integer(default=3, is_optional=True), {"p": 3}, ()),
    ],
)
@pytest.mark.parametrize("source", [None, INPUT(name="absent"), ir.TaskParameter(task="failed", key="o")])
def test_what_nothing_gave_is_the_default_or_absent_or_missing(source, definition, parameters, missing):
    task = a_task({} if source is None else {"p": source}, {"p": definition})

    found = ir.inputs_of(task, FACTS, around())

    assert (dict(found.parameters), found.missing) == (parameters, missing)


@pytest.mark.parametrize("definition", [text(), text(default="d"), integer(is_optional=True)])
def test_an_item_that_is_null_is_a_value(definition):
    loop = a_loop(INPUT(name="xs"))
    inside = ir.iteration_inputs(loop, ir.TaskInputs(given={"xs": [1, None]}), None)
    inner = a_task({"p": INPUT(name="item")}, {"p": definition})

    found = ir.inputs_of(inner, FACTS, around(inside.parameters))

    assert (dict(found.parameters), found.missing) == ({"p": None}, ())


def test_a_given_value_wins_over_the_default():
    task = a_task({"p": INPUT(name="x")}, {"p": integer(default=3)})

    assert ir.inputs_of(task, FACTS, around({"x": 0})).parameters == {"p": 0}


def test_constants_may_name_other_inputs_wherever_they_stand():
    task = a_task(
        {
            "msg": CONSTANT(
                value=f"{placeholder('n')} of {placeholder('also')}, {placeholder('d')}, {placeholder('none')}."
            ),
            "also": CONSTANT(value=f"<{placeholder('n')}>"),
            "list": CONSTANT(value=[placeholder("n"), {"k": placeholder("xs")}]),
            "n": ir.TaskParameter(task="up", key="o"),
            "xs": INPUT(name="xs"),
        },
        {"msg": text(), "list": ir.ParameterDefinition(type="LIST"), "d": integer(default=5)},
    )

    found = ir.inputs_of(task, FACTS, around({"xs": [1]}, outputs={"up": ir.Outputs(parameters={"o": 6.0})}))

    assert found.parameters == {"msg": "6 of <6>, 5, .", "list": [6.0, {"k": [1]}], "d": 5}
    assert found.given == {**found.parameters, "also": "<6>", "n": 6.0, "xs": [1]}


def test_constants_that_name_each_other_in_a_circle_end():
    task = a_task({"a": CONSTANT(value=f"a{placeholder('b')}"), "b": CONSTANT(value=f"b{placeholder('a')}")}, {})

    assert ir.inputs_of(task, FACTS, around()).given == {"a": "ab", "b": "b"}


def test_a_constant_that_is_one_placeholder_keeps_its_type_unless_a_text_is_wanted():
    whole = CONSTANT(value=placeholder("n"))
    task = a_task({"i": whole, "s": whole, "undeclared": whole, "n": INPUT(name="n")}, {"i": integer(), "s": text()})

    found = ir.inputs_of(task, FACTS, around({"n": 3}))

    assert found.given == {"i": 3, "s": "3", "undeclared": "3", "n": 3}


def test_values_say_what_they_know_of_the_run_and_the_task():
    known = "{{$.pipeline_job_name}} {{$.pipeline_task_name}} {{$.pipeline_google_cloud_location}} {{$.workspace_path}}"
    task = a_task(
        {"c": CONSTANT(value=known), "i": INPUT(name="x")}, {"c": text(), "i": text(), "d": text(default=known)}
    )

    found = ir.inputs_of(task, FACTS, around({"x": known}))

    assert set(found.parameters.values()) == {"job task l /ws"}


def test_only_the_leaf_that_gets_it_says_what_it_is_called():
    dag = a_task({"i": INPUT(name="x")}, {"i": text()}, body=ir.Dag(component="c", tasks={}))

    found = ir.inputs_of(dag, FACTS, around({"x": "{{$.pipeline_task_name}} of {{$.pipeline_job_name}}"}))

    assert found.parameters == {"i": "{{$.pipeline_task_name}} of job"}


def test_a_part_of_a_value_is_given_on():
    part = ir.GivenParameter(source=INPUT(name="item"), selector='parseJson(string_value)["A_a"]')
    task = a_task({"p": part, "q": replace(part, source=INPUT(name="absent"))}, {"p": text(), "q": text(default="d")})

    for item in ({"A_a": "x"}, '{"A_a": "x"}'):
        assert ir.inputs_of(task, FACTS, around({"item": item})).parameters == {"p": "x", "q": "d"}


def test_a_part_that_is_not_there_is_told():
    part = ir.GivenParameter(source=INPUT(name="item"), selector='parseJson(string_value)["b"]')

    found = ir.inputs_of(a_task({"p": part}, {"p": text()}), FACTS, around({"item": {"a": 1}}))

    assert len(found.problems) == 1
    assert found.problems[0].startswith("p: ")
    assert found.missing == ("p",)


def test_a_value_that_is_none_of_the_accepted_ones_is_told():
    task = a_task({"p": INPUT(name="x")}, {"p": text(literals=("a", "b"))})

    assert ir.inputs_of(task, FACTS, around({"x": "a"})).problems == ()
    assert ir.inputs_of(task, FACTS, around({"x": "c"})).problems == (
        "p is 'c', which is none of the values that it accepts",
    )


def test_artifacts_come_from_the_dag_and_from_siblings():
    one, two = an_artifact("one"), an_artifact("two")
    task = a_task(
        given_artifacts={
            "i": ir.InputArtifact(name="x"),
            "o": ir.TaskArtifact(task="up", key="k"),
            "nobody": ir.TaskArtifact(task="up", key="none"),
            "needed": ir.TaskArtifact(task="up", key="none"),
            "none": ir.TaskArtifact(task="up", key="empty"),
            "empty": ir.TaskArtifact(task="up", key="empty"),
        },
        artifacts={
            "i": ir.ArtifactDefinition(),
            "o": ir.ArtifactDefinition(is_list=True),
            "nobody": ir.ArtifactDefinition(is_optional=True),
            "needed": ir.ArtifactDefinition(),
            "none": ir.ArtifactDefinition(),
            "empty": ir.ArtifactDefinition(is_list=True),
        },
    )
    made = ir.Outputs(artifacts={"k": [one, two], "empty": []})

    found = ir.inputs_of(task, FACTS, around(artifacts={"x": [one]}, outputs={"up": made}))

    assert found.artifacts == {"i": [one], "o": [one, two], "empty": []}  # a list of none is a list
    assert found.missing == ("needed",)


def test_settings_of_the_platform_take_their_values_from_where_the_task_is():
    secret = {
        "secretNameParameter": {"componentInputParameter": "outer"},
        "keyToEnv": [{"secretKey": "k", "envVar": "V"}],
        "optional": False,
    }
    claim = {"taskOutputParameter": {"producerTask": "up", "outputParameterKey": "name"}}
    said = {"runtimeValue": {"constant": "of {{$.pipeline_job_name}}"}}
    nobody = {"configMapNameParameter": {"componentInputParameter": "absent"}, "mountPath": "/m"}
    platform = {
        "secretAsEnv": [secret],
        "pvcMount": [{"mountPath": "/d", "pvcNameParameter": claim, "componentInputParameter": "old"}],
        "podMetadata": {"labels": {"l": said}},
        "configMapAsVolume": [nobody],
        "activeDeadlineSeconds": 5,
    }
    made = ir.Outputs(parameters={"name": "claim"})

    found = ir.inputs_of(a_task(platform=platform), FACTS, around({"outer": "s"}, outputs={"up": made}))

    assert found.platform == {
        "secretAsEnv": [secret | {"secretNameParameter": "s"}],
        "pvcMount": [{"mountPath": "/d", "pvcNameParameter": "claim", "componentInputParameter": "old"}],
        "podMetadata": {"labels": {"l": "of job"}},
        "configMapAsVolume": [{"mountPath": "/m"}],
        "activeDeadlineSeconds": 5,
    }


def test_a_dag_does_not_miss_what_it_only_hands_on():
    body = ir.Dag(component="c", tasks={})
    dag = a_task({"p": INPUT(name="x")}, {"p": text(), "q": text()}, body=body)

    assert ir.inputs_of(dag, FACTS, around()).missing == ("q",)


def test_the_roots_inputs_are_the_runs_parameters():
    plan = ir.Plan(
        name="p",
        schema_version="2.1.0",
        root=ir.Dag(component="root", tasks={}),
        parameters={"a": text(), "b": text(is_optional=True), "c": text()},
    )

    found = ir.root_inputs(plan, {"a": "x", "b": None})

    assert (found.parameters, found.missing) == ({"a": "x"}, ("c",))


@pytest.mark.parametrize(("value", "expected"), [(1, True), (2, False), (None, False)])
def test_a_condition_sees_all_that_is_given_and_null_for_what_is_not(value, expected):
    task = a_task({"undeclared": INPUT(name="x")}, condition="inputs.parameter_values['undeclared'] == 1")

    assert ir.holds(task, ir.inputs_of(task, FACTS, around({"x": value}))) is expected


def test_a_condition_sees_artifacts():
    condition = "(inputs.artifacts['b'].artifacts[0].metadata['blessed'] == 1.0)"
    task = a_task(given_artifacts={"b": ir.InputArtifact(name="b")}, condition=condition)

    for blessed in (0, 1):
        inputs = ir.inputs_of(task, FACTS, around(artifacts={"b": [an_artifact(metadata={"blessed": blessed})]}))
        assert ir.holds(task, inputs) is bool(blessed)


def test_without_a_condition_everything_runs():
    assert ir.holds(a_task(), ir.TaskInputs())


def a_loop(source, body=None):
    return a_task(loop=ir.Loop(item="item", source=source), body=body or ir.Dag(component="c", tasks={}))


@pytest.mark.parametrize(
    ("source", "values", "items"),
    [
        (INPUT(name="xs"), {"xs": [1, "a", {"b": 2}]}, [1, "a", {"b": 2}]),
        (INPUT(name="xs"), {"xs": "[1, 2.5]"}, [1, 2.5]),
        (INPUT(name="xs"), {"xs": []}, []),
        (CONSTANT(value='[1, "a", {"b": [2]}]'), {}, [1, "a", {"b": [2]}]),
        (
            CONSTANT(value=json.dumps([placeholder("n"), f"<{placeholder('n')}>", {"k": placeholder("n")}])),
            {"n": 3},
            [3, "<3>", {"k": 3}],
        ),
    ],
)
def test_a_loop_goes_over_lists_and_texts_of_lists(source, values, items):
    assert ir.items_of(a_loop(source), ir.TaskInputs(given=values), FACTS) == items


@pytest.mark.parametrize(
    ("source", "values", "sentence"),
    [
        (INPUT(name="xs"), {}, "goes over 'xs', which has no value"),
        (INPUT(name="xs"), {"xs": "no"}, "neither a list nor JSON text of one: 'no'"),
        (INPUT(name="xs"), {"xs": {"a": 1}}, "a loop needs a list"),
        (INPUT(name="xs"), {"xs": "[" * 100_000}, "neither a list nor JSON"),
        (CONSTANT(value="{}"), {}, "a loop needs a list"),
        (CONSTANT(value=""), {}, "neither a list nor JSON"),
    ],
)
def test_what_is_no_list_is_told(source, values, sentence):
    with pytest.raises(ValueError, match=".") as caught:
        ir.items_of(a_loop(source), ir.TaskInputs(given=values), FACTS)

    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_loop_over_artifacts_gives_each_iteration_one():
    one, two = an_artifact("one"), an_artifact("two")
    loop = a_loop(ir.InputArtifact(name="xs"))
    inputs = ir.TaskInputs(artifacts={"xs": [one, two]}, parameters={"p": 1}, given={"p": 1})

    items = ir.items_of(loop, inputs, FACTS)
    second = ir.iteration_inputs(loop, inputs, items[1])

    assert items == [one, two]
    assert second.artifacts == {"xs": [one, two], "item": [two]}
    assert second.parameters == {"p": 1}


def test_a_loop_over_no_artifacts_has_no_iterations():
    assert ir.items_of(a_loop(ir.InputArtifact(name="xs")), ir.TaskInputs(), FACTS) == []


def test_an_iteration_keeps_what_the_loop_was_given():
    inputs = ir.TaskInputs(parameters={"xs": [1, 2], "other": "o"}, given={"xs": [1, 2], "other": "o"})

    found = ir.iteration_inputs(a_loop(INPUT(name="xs")), inputs, 2)

    assert found.parameters == found.given == {"xs": [1, 2], "other": "o", "item": 2}


def test_outputs_are_the_first_that_there_are():
    sources = tuple(ir.TaskParameter(task=n, key="o") for n in ("skipped", "ran", "also"))
    chosen = tuple(ir.TaskArtifact(task=n, key="m") for n in ("skipped", "ran"))
    nowhere = (ir.TaskParameter(task="skipped", key="o"),)
    dag = ir.Dag(
        component="c",
        tasks={},
        output_parameters={"either": sources, "none": nowhere},
        output_artifacts={"m": chosen, "n": chosen[:1]},
    )
    made = {
        "ran": ir.Outputs(parameters={"o": 0}, artifacts={"m": [an_artifact()]}),
        "also": ir.Outputs(parameters={"o": 1}),
    }

    found = ir.outputs_of(dag, lambda task: made.get(task, ir.Outputs()))

    assert found == ir.Outputs(parameters={"either": 0}, artifacts={"m": [an_artifact()]})


def test_a_loops_outputs_are_lists_in_order_and_artifacts_are_flat():
    body = ir.Dag(
        component="c",
        tasks={},
        output_parameters={"o": (ir.TaskParameter(task="x", key="o"),)},
        output_artifacts={"m": (ir.TaskArtifact(task="x", key="m"),)},
    )
    a, b, c = (an_artifact(n) for n in "abc")

    found = ir.gathered(
        a_loop(INPUT(name="xs"), body),
        [
            ir.Outputs(parameters={"o": [1, 2]}, artifacts={"m": [a, b]}),
            ir.Outputs(),  # its producer was skipped
            ir.Outputs(parameters={"o": [3]}, artifacts={"m": [c]}),
        ],
    )

    assert found == ir.Outputs(parameters={"o": [[1, 2], [3]]}, artifacts={"m": [a, b, c]})
    assert ir.gathered(a_loop(INPUT(name="xs"), body), []) == ir.Outputs(parameters={"o": []}, artifacts={"m": []})


json_values = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(json_values.filter(lambda v: "{{$" not in json.dumps(v)))
def test_a_value_passes_through_dags_and_loops_unchanged(value):
    loop = a_task(
        {"xs": CONSTANT(value=[value])},
        {"xs": ir.ParameterDefinition(type="LIST")},
        loop=ir.Loop(item="item", source=INPUT(name="xs")),
        body=ir.Dag(component="c", tasks={}),
    )
    listed = ir.ParameterDefinition(type="LIST")
    leaf = a_task({"p": INPUT(name="item"), "q": CONSTANT(value=[placeholder("p")])}, {"p": listed, "q": listed})

    inputs = ir.inputs_of(loop, FACTS, around())
    (item,) = ir.items_of(loop, inputs, FACTS)
    inside = ir.iteration_inputs(loop, inputs, item)
    found = ir.inputs_of(leaf, FACTS, around(inside.parameters))

    assert found.parameters == {"p": value, "q": [value]}
    assert type(found.parameters["p"]) is type(value)
