"""Documents planned: DAGs, their tasks, where inputs come from, what is shared and what is inherited."""

import pytest

from trainshed import ir
from trainshed.ir.plan import in_order


def a_document(tasks, *, components=None, executors=None, root=None, platform=None, **more):
    """Write a document in which every task without a component of its own is a command."""
    known = {"comp": {"executorLabel": "exec"}} | (components or {})
    for name, task in tasks.items():
        task.setdefault("componentRef", {"name": "comp"})
        task.setdefault("taskInfo", {"name": name})
    document = {
        "schemaVersion": "2.1.0",
        "pipelineInfo": {"name": "p"},
        "root": {"dag": {"tasks": tasks}} | (root or {}),
        "components": known,
        "deploymentSpec": {"executors": {"exec": {"container": {"image": "i", "command": ["x"]}}} | (executors or {})},
    }
    return ir.load_dict(document | more, platform=platform)


def planned(tasks, **more):
    return ir.plan(a_document(tasks, **more))


def a_dag(tasks, **more):
    for name, task in tasks.items():
        task.setdefault("componentRef", {"name": "comp"})
        task.setdefault("taskInfo", {"name": name})
    return {"dag": {"tasks": tasks}} | more


def test_a_task_waits_for_what_it_names_and_for_what_feeds_it():
    produced = {"taskOutputParameter": {"producerTask": "b", "outputParameterKey": "o"}}
    made = {"taskOutputArtifact": {"producerTask": "a", "outputArtifactKey": "m"}}
    status = {"taskFinalStatus": {"producerTask": "d"}}
    inputs = {"parameters": {"p": produced, "s": status}, "artifacts": {"q": made}}

    plan = planned({"e": {"inputs": inputs, "dependentTasks": ["c"]}, "a": {}, "b": {}, "c": {}, "d": {}})

    task = plan.root.tasks["e"]
    assert task.upstream == ("a", "b", "c", "d")
    assert task.given_parameters["p"].source == ir.TaskParameter(task="b", key="o")
    assert task.given_parameters["s"].source == ir.FinalStatus(task="d")
    assert task.given_artifacts["q"] == ir.TaskArtifact(task="a", key="m")
    assert list(plan.root.tasks) == ["a", "b", "c", "d", "e"]
    assert plan.root.successors == {"a": ("e",), "b": ("e",), "c": ("e",), "d": ("e",), "e": ()}


def test_a_component_used_twice_is_planned_once():
    inner = {"executorLabel": "exec"}
    components = {"inner": inner, "outer": a_dag({"x": {"componentRef": {"name": "inner"}}})}

    plan = planned({n: {"componentRef": {"name": "outer"}} for n in ("a", "b")}, components=components)

    assert plan.root.tasks["a"].body is plan.root.tasks["b"].body
    assert [path for path, _ in plan.walk()] == ["a", "a.x", "b", "b.x"]
    assert [path for path, _ in plan.leaves()] == ["a.x", "b.x"]


def test_depth_that_doubles_with_every_component_costs_one_plan_each():
    components = {"c0": {"executorLabel": "exec"}}
    for i in range(1, 60):
        tasks = {n: {"componentRef": {"name": f"c{i - 1}"}} for n in ("l", "r")}
        components[f"c{i}"] = a_dag(tasks)

    plan = planned({"top": {"componentRef": {"name": "c59"}}}, components=components)

    assert plan.find("top" + ".l" * 59).kind == "container"


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, "dag"),
        ({"parameterIterator": {"itemInput": "x", "items": {"raw": "[1]"}}}, "loop"),
        ({"triggerPolicy": {"condition": "true"}}, "dag"),
    ],
)
def test_a_task_with_a_body_is_a_dag_or_a_loop(more, kind):
    plan = planned({"t": {"componentRef": {"name": "d"}} | more}, components={"d": a_dag({"x": {}})})

    assert plan.root.tasks["t"].kind == kind


@pytest.mark.parametrize(
    ("executor", "kind"),
    [({"importer": {"artifactUri": {"constant": "gs://b"}}}, "importer"), ({"resolver": {}}, "resolver")],
)
def test_what_an_executor_is_names_the_kind_of_a_leaf(executor, kind):
    plan = planned({"t": {}}, executors={"exec": executor})

    assert plan.root.tasks["t"].kind == kind
    assert not plan.root.tasks["t"].needs_worker


@pytest.mark.parametrize(
    ("iterator", "expected"),
    [
        (
            {"parameterIterator": {"itemInput": "x", "items": {"raw": "[1, 2]"}}},
            ir.Loop(item="x", source=ir.Constant(value="[1, 2]")),
        ),
        (
            {
                "parameterIterator": {"itemInput": "x", "items": {"inputParameter": "xs"}},
                "iteratorPolicy": {"parallelismLimit": 3},
            },
            ir.Loop(item="x", source=ir.InputParameter(name="xs"), parallelism=3),
        ),
        (
            {"artifactIterator": {"itemInput": "x", "items": {"inputArtifact": "xs"}}},
            ir.Loop(item="x", source=ir.InputArtifact(name="xs")),
        ),
    ],
)
def test_loops_know_their_items_and_their_limit(iterator, expected):
    plan = planned({"t": {"componentRef": {"name": "d"}} | iterator}, components={"d": a_dag({"x": {}})})

    assert plan.root.tasks["t"].loop == expected
    assert expected.is_over_artifacts == ("artifactIterator" in iterator)


def test_conditions_strategies_and_selectors_are_kept():
    given = {"componentInputParameter": "n", "parameterExpressionSelector": "parseJson(string_value)[0]"}
    trigger = {"condition": "inputs.parameter_values['p'] == 1", "strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    document = a_document({"t": {"inputs": {"parameters": {"p": given}}, "triggerPolicy": trigger}})

    task = ir.plan(document).root.tasks["t"]

    assert task.condition == "inputs.parameter_values['p'] == 1"
    assert task.runs_after_failure
    assert task.given_parameters["p"] == ir.GivenParameter(
        source=ir.InputParameter(name="n"), selector="parseJson(string_value)[0]"
    )


def test_a_task_that_only_cleans_up_is_told_from_one_that_is_fed():
    fed = {"taskOutputParameter": {"producerTask": "a", "outputParameterKey": "o"}}
    status = {"taskFinalStatus": {"producerTask": "a"}}
    anyway = {"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}

    plan = planned(
        {
            "a": {},
            "cleans": anyway | {"inputs": {"parameters": {"s": status}}},
            "goes-on": anyway | {"inputs": {"parameters": {"p": fed}}},
            "waits": {"dependentTasks": ["a"]},
        }
    )

    assert [name for name, task in plan.root.tasks.items() if task.is_exit_task] == ["cleans"]


def test_outputs_may_have_several_sources():
    selectors = [{"producerSubtask": n, "outputParameterKey": "o"} for n in ("a", "b")]
    chosen = [{"producerSubtask": n, "outputArtifactKey": "m"} for n in ("a", "b")]
    one = {"valueFromParameter": {"producerSubtask": "a", "outputParameterKey": "o"}}
    outputs = {
        "parameters": {"one": one, "either": {"valueFromOneof": {"parameterSelectors": selectors}}},
        "artifacts": {"m": {"artifactSelectors": chosen}},
    }
    makes = {"m": {"artifactType": {"schemaTitle": "system.Model"}}}
    document = a_document({"a": {}, "b": {}}, root={"outputDefinitions": {"artifacts": makes}})
    document.spec["root"]["dag"]["outputs"] = outputs

    plan = ir.plan(document)

    a, b = (ir.TaskParameter(task=n, key="o") for n in ("a", "b"))
    assert plan.root.output_parameters == {"one": (a,), "either": (a, b)}
    assert plan.root.output_artifacts == {"m": tuple(ir.TaskArtifact(task=n, key="m") for n in ("a", "b"))}
    assert plan.artifact_outputs["m"].schema == {"schemaTitle": "system.Model"}


def test_definitions_keep_defaults_options_and_literals():
    parameters = {
        "a": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3},
        "b": {"parameterType": "STRING", "isOptional": True},
        "c": {"parameterType": "TASK_FINAL_STATUS", "isOptional": True},
    }
    artifacts = {"d": {"artifactType": {"schemaTitle": "x.Y"}, "isArtifactList": True, "isOptional": True}}
    component = {"executorLabel": "exec", "inputDefinitions": {"parameters": parameters, "artifacts": artifacts}}

    task = planned({"t": {}}, components={"comp": component}).root.tasks["t"]

    assert task.parameters == {
        "a": ir.ParameterDefinition(type="NUMBER_INTEGER", default=3),
        "b": ir.ParameterDefinition(type="STRING", is_optional=True),
        "c": ir.ParameterDefinition(type="TASK_FINAL_STATUS", is_optional=True),
    }
    assert task.artifacts == {"d": ir.ArtifactDefinition(is_optional=True, is_list=True)}


def test_a_retry_policy_of_a_dag_is_for_its_leaves_unless_they_have_their_own():
    policy = {"maxRetryCount": 3, "backoffDuration": "2s", "backoffFactor": 3.0, "backoffMaxDuration": "10s"}
    own = {"retryPolicy": {"maxRetryCount": 1}}
    components = {
        "deep": a_dag({"x": {}}),
        "d": a_dag({"plain": {}, "own": own, "deep": {"componentRef": {"name": "deep"}}}),
    }

    plan = planned(
        {"t": {"componentRef": {"name": "d"}, "retryPolicy": policy}, "u": {"componentRef": {"name": "d"}}},
        components=components,
    )

    retry = plan.find("t.plain").retry
    assert (retry.count, retry.backoff_seconds, retry.factor, retry.longest_seconds) == (3, 2.0, 3.0, 10.0)
    assert [retry.wait_seconds(n) for n in (1, 2, 3, 5000)] == [2.0, 6.0, 10.0, 10.0]
    assert plan.find("t.deep.x").retry == retry
    assert plan.find("t.own").retry.count == 1
    assert plan.find("u.plain").retry == ir.Retry()
    assert plan.find("u.deep.x").retry == ir.Retry()


def test_a_platform_says_what_a_leaf_gets_beside_its_container():
    wanted = {"activeDeadlineSeconds": "90", "secretAsEnv": [{"secretName": "s"}]}
    kubernetes = {"deploymentSpec": {"executors": {"exec": wanted}}, "pipelineConfig": {"workspace": {"size": "1Gi"}}}

    plan = planned({"t": {}}, platform={"platforms": {"kubernetes": kubernetes}})

    assert plan.root.tasks["t"].platform["secretAsEnv"] == [{"secretName": "s"}]
    assert plan.root.tasks["t"].timeout_seconds == 90.0
    assert plan.has_workspace


def test_without_a_platform_there_is_no_deadline_and_no_workspace():
    plan = planned({"t": {}})

    assert plan.root.tasks["t"].timeout_seconds is None
    assert not plan.has_workspace


def test_a_custom_job_is_the_container_of_its_first_pool():
    pool = {"containerSpec": {"imageUri": "i", "args": ["a"]}, "machineSpec": {"machineType": "n1-standard-4"}}
    job = {"jobSpec": {"workerPoolSpecs": [pool], "scheduling": {"timeout": "120s"}}}

    task = planned({"t": {}}, executors={"exec": {"customJob": {"customJob": job}}}).root.tasks["t"]

    assert (task.image, task.resources.machine_type, task.timeout_seconds) == ("i", "n1-standard-4", 120.0)


def test_constants_of_schema_2_0_0_are_values():
    values = {"i": {"intValue": "3"}, "d": {"doubleValue": 0.5}, "s": {"stringValue": "x"}}
    given = {k: {"runtimeValue": {"constantValue": v}} for k, v in values.items()}
    given["r"] = {"runtimeValue": {"runtimeParameter": "epochs"}}

    plan = ir.plan(legacy(given))

    sources = {k: g.source for k, g in plan.root.tasks["t"].given_parameters.items()}
    assert sources == {
        "i": ir.Constant(value=3),
        "d": ir.Constant(value=0.5),
        "s": ir.Constant(value="x"),
        "r": ir.InputParameter(name="epochs"),
    }
    assert plan.parameters["epochs"].type == "NUMBER_INTEGER"


def legacy(given, **more):
    document = {
        "schemaVersion": "2.0.0",
        "pipelineInfo": {"name": "p"},
        "root": {
            "inputDefinitions": {"parameters": {"epochs": {"type": "INT"}}},
            "dag": {"tasks": {"t": {"componentRef": {"name": "comp"}, "inputs": {"parameters": given}}}},
        },
        "components": {"comp": {"executorLabel": "exec"}},
        "deploymentSpec": {"executors": {"exec": {"container": {"image": "i", "command": ["x"]}}}},
    }
    return ir.load_dict(document | more)


def test_a_parameter_of_the_run_reaches_a_nested_task_that_names_it():
    given = {"n": {"runtimeValue": {"runtimeParameter": "epochs"}}}
    inner = {"dag": {"tasks": {"x": {"componentRef": {"name": "comp"}, "inputs": {"parameters": given}}}}}
    outer = {"dag": {"tasks": {"y": {"componentRef": {"name": "inner"}}}}}
    tasks = {"t": {"componentRef": {"name": "outer"}}}
    plan = ir.plan(
        legacy(
            {},
            root={"inputDefinitions": {"parameters": {"epochs": {"type": "INT"}}}, "dag": {"tasks": tasks}},
            components={"comp": {"executorLabel": "exec"}, "inner": inner, "outer": outer},
        )
    )

    for path in ("t", "t.y"):
        assert plan.find(path).given_parameters["epochs"].source == ir.InputParameter(name="epochs")
        assert "epochs" in plan.find(path).parameters
    assert plan.find("t.y.x").given_parameters["n"].source == ir.InputParameter(name="epochs")


def test_paths_lead_through_iterations_and_names_with_dots():
    loop = {"parameterIterator": {"itemInput": "x", "items": {"raw": "[1]"}}}
    components = {"d": a_dag({"b": {}, "b.c": {}, "l": {"componentRef": {"name": "e"}} | loop}), "e": a_dag({"z": {}})}

    plan = planned({"a": {"componentRef": {"name": "d"}} | loop, "a.b": {}}, components=components)

    assert plan.find("a.b") is plan.root.tasks["a.b"]
    assert plan.find("a[7].b").name == "b"
    assert plan.find("a.b.c").name == "b.c"
    assert plan.find("a[0].l[12].z").name == "z"
    assert plan.find("a.l.z").name == "z"
    for wrong in ("", "x", "a[0]b", "a.b[0]", "a[0].l[1].z[2]", "a[x].b", "a.", ".a", "a.b.d"):
        with pytest.raises(KeyError):
            plan.find(wrong)


def test_every_path_of_a_walk_is_found():
    components = {"d": a_dag({"x.y": {}, "x": {}})}
    plan = planned({n: {"componentRef": {"name": "d"}} for n in ("a", "a.x2", "b")}, components=components)

    for path, task in plan.walk():
        assert plan.find(path) is task


def test_ten_thousand_tasks_are_planned_in_one_pass():
    waits = {str(i): {"dependentTasks": [str(i - 1)] if i else []} for i in range(10_000)}

    plan = planned(waits)

    assert len(plan.root.tasks) == 10_000
    assert len(ir.graph(plan)["edges"]) == 9_999
    assert len({id(task.executor) for task in plan.root.tasks.values()}) == 1


def test_an_order_keeps_the_documents_where_nothing_else_is_said():
    assert list(in_order({"z": set(), "m": {"a"}, "a": set(), "q": {"z", "m"}})) == ["z", "a", "m", "q"]


def test_equal_documents_have_equal_plans_in_the_order_of_names_that_count():
    def names(*given):
        return list(planned({name: {} for name in given}).root.tasks)

    assert names("step-10", "step-2", "load", "step-1") == ["load", "step-1", "step-2", "step-10"]
    assert names("step-1", "step-2", "step-10", "load") == names("load", "step-10", "step-2", "step-1")
