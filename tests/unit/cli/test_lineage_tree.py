import textwrap

from trainshed.cli.lineage_tree import lines


def artifact(key, name="", **more):
    node = {
        "kind": "artifact",
        "name": name,
        "type": "system.Model",
        "uri": f"gs://b/{key}",
        "sameContent": [],
        "reused": 0,
    }
    return {f"artifacts/{key}": node | {"createTime": "2026-01-31T12:00:00.5Z"} | more}


def task(key, name, **more):
    run = "projects/p/locations/r/pipelineJobs/j1"
    node = {
        "kind": "execution",
        "name": name,
        "run": run,
        "state": "COMPLETE",
        "code": {},
        "environment": "",
        "data": {},
        "dataCounts": {},
    }
    values = {"parameters": {}, "outputs": {}, "createTime": "2026-01-31T12:00:00.5Z"}
    return {f"executions/{key}": node | values | more}


def edge(source, target, name="", kind="event"):
    return {"from": source, "to": target, "kind": kind, "name": name}


def document(nodes, up=(), down=(), root="artifacts/2", kind="artifact", **more):
    parts = {"upstream": up, "downstream": down}
    found = {way: {"roots": [root], "edges": list(edges), "isWhole": True} for way, edges in parts.items()}
    return {"subject": {"kind": kind, "name": root}, "nodes": nodes, **found, **more}


def test_both_questions_are_answered_on_one_screen():
    code = {"component": "c" * 64, "source": "abcdef0123456789", "function": "train", "image": "python:3.11"}
    nodes = {
        **artifact(1, "data"),
        **artifact(2, "model", sameContent=["artifacts/1"], reused=2),
        **task(7, "train", code=code, environment="e" * 64, parameters={"epochs": 3, "name": "x" * 80}),
        **task(8, "check", state="FAILED", data={"path": [["d/x.csv", 17, ""], ["d/y.csv", 18, ""]]}),
        "data/gs://b/d": {"kind": "data", "uri": "gs://b/d"},
    }
    up = [edge("executions/7", "artifacts/2", "model"), edge("artifacts/1", "executions/7", "data")]
    up += [edge("data/gs://b/d", "executions/7", "path", "data")]
    down = [edge("artifacts/2", "executions/8", "model")]

    assert (
        list(lines(document(nodes, up, down), 5))
        == textwrap.dedent(
            """\
        artifacts/2  model  system.Model  gs://b/2  2026-01-31T12:00:00Z
          same content as artifacts/1
          taken from the cache 2 times since

        Made from:
        └─ model: [train]  run j1  executions/7  COMPLETE
           │  code abcdef012345 function train image python:3.11 environment eeeeeeeeeeee
           │  parameters epochs=3, name=%s…
           ├─ data: artifacts/1  data  system.Model  gs://b/1
           └─ path: gs://b/d

        Used for:
        └─ model: [check]  run j1  executions/8  FAILED
              data of path d/x.csv#17, d/y.csv#18"""
            % ("x" * 59)
        ).splitlines()
    )


def test_what_was_shown_is_not_shown_again():
    nodes = {**artifact(1), **artifact(2), **artifact(3), **task(7, "a"), **task(8, "b"), **task(9, "load")}
    up = [
        edge("executions/7", "artifacts/2"),
        edge("artifacts/1", "executions/7", "x"),
        edge("artifacts/3", "executions/7", "y"),
    ]
    up += [
        edge("executions/8", "artifacts/3"),
        edge("artifacts/1", "executions/8", "x"),
        edge("executions/9", "artifacts/1"),
    ]

    found = list(lines(document(nodes, up), 9))

    assert sum("[load]" in line for line in found) == 1
    assert "         └─ x: artifacts/1  system.Model  gs://b/1  (see above)" in found


def test_a_cycle_ends():
    nodes = {**artifact(1), **artifact(2), **task(7, "a"), **task(8, "b")}
    up = [edge("executions/7", "artifacts/2"), edge("artifacts/1", "executions/7")]
    up += [edge("executions/8", "artifacts/1"), edge("artifacts/2", "executions/8")]

    assert len(list(lines(document(nodes, up), 50))) < 12


def test_more_than_fits_is_counted():
    nodes = {**artifact(2)} | {k: v for n in range(40) for k, v in task(n, f"t{n}").items()}
    down = [edge("artifacts/2", f"executions/{n}") for n in range(40)]

    found = list(lines(document(nodes, down=down), 5))

    assert "└─ … and 28 more" in found
    assert found[-1] == "There is more: --depth N looks further, --format json has everything."


def test_deeper_than_asked_is_said():
    nodes, up = artifact(0), []
    for n in range(1, 9):
        nodes |= {**artifact(n), **task(n, f"t{n}")}
        up += [edge(f"executions/{n}", f"artifacts/{n}"), edge(f"artifacts/{n - 1}", f"executions/{n}")]

    found = list(lines(document(nodes, up, root="artifacts/8"), 2))

    assert [line for line in found if "[t" in line][-1].strip().startswith("└─ [t7]")
    assert any("artifacts/6" in line for line in found)
    assert not any("[t6]" in line for line in found)
    assert "There is more: --depth N looks further, --format json has everything." in found


def test_a_run_shows_what_it_made():
    nodes = {**artifact(2, "model"), **task(7, "train")}
    found = list(lines(document(nodes, [edge("executions/7", "artifacts/2")], kind="run"), 5))

    assert found[0] == "run artifacts/2"
    assert {"Made:", "Used by others:"} <= set(found)
    assert "└─ artifacts/2  model  system.Model  gs://b/2" in found
    assert "   └─ [train]  run j1  executions/7  COMPLETE" in found


def test_what_the_cache_gave_names_where_from():
    code = {"component": "c" * 64}
    nodes = {**artifact(2, "model"), **task(8, "train", state="CACHED", cachedFrom="executions/7", code=code)}
    down = [edge("artifacts/2", "executions/8", "in"), edge("executions/8", "artifacts/2", "out", "cached")]

    found = list(lines(document(nodes, down=down), 5))

    assert found[-3:] == [
        "└─ in: [train]  run j1  executions/8  CACHED",
        "   │  reused the outputs of executions/7",
        "   └─ from the cache: artifacts/2  model  system.Model  gs://b/2  (see above)",
    ]
