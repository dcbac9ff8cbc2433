"""Drivers that run before the cache is asked, and artifacts that a resolver does not find."""

from trainshed import ir
from trainshed.ir.drivers import outputs_of_driver
from trainshed.ir.written import read_output

FACTS = ir.RunFacts(
    job_name="job", resource_name="projects/p/locations/l/pipelineJobs/job", job_uuid="1", root="gs://r",
    create_time="", schedule_time="",
)  # fmt: skip
EXAMPLES = {"artifactType": {"instanceSchema": "title: tfx.Examples\ntype: object\n"}}
HOOK = {"command": ["python", "-m", "driver"], "args": ["{{$}}"]}


def a_document(*, hook=HOOK, task=None, schema="2.1.0"):
    """gen (with a driver) -> use, which also takes what a resolver finds."""
    container = {"image": "tfx:1", "command": ["python", "-m", "gen"], "args": ["{{$}}"], "resources": {"cpuLimit": 4}}
    if hook:
        container["lifecycle"] = {"preCacheCheck": hook}
    kinds = {"type": "STRING"} if schema == "2.0.0" else {"parameterType": "STRING"}
    value = {"constantValue": {"stringValue": "*"}} if schema == "2.0.0" else {"constant": "*"}
    gen = {
        "componentRef": {"name": "Gen"},
        "taskInfo": {"name": "Gen"},
        "cachingOptions": {"enableCache": True},
        "inputs": {"parameters": {"pattern": {"runtimeValue": value}}},
    }
    made = {"taskOutputArtifact": {"producerTask": "Gen", "outputArtifactKey": "examples"}}
    found = {"taskOutputArtifact": {"producerTask": "Resolver.model", "outputArtifactKey": "model"}}
    use = {"componentRef": {"name": "Use"}, "inputs": {"artifacts": {"examples": made, "base_model": found}}}
    return ir.load_dict(
        {
            "schemaVersion": schema,
            "pipelineInfo": {"name": "driven"},
            "root": {
                "dag": {
                    "tasks": {
                        "Gen": {**gen, **(task or {})},
                        "Resolver.model": {"componentRef": {"name": "Resolver.model"}},
                        "Use": use,
                        "Before": {"componentRef": {"name": "Before"}},
                    }
                }
            },
            "components": {
                "Gen": {
                    "executorLabel": "gen",
                    "inputDefinitions": {"parameters": {"pattern": kinds}},
                    "outputDefinitions": {"artifacts": {"examples": {**EXAMPLES, "metadata": {"kind": "csv"}}}},
                },
                "Use": {
                    "executorLabel": "use",
                    "inputDefinitions": {"artifacts": {"examples": EXAMPLES, "base_model": EXAMPLES}},
                },
                "Resolver.model": {"executorLabel": "find", "outputDefinitions": {"artifacts": {"model": EXAMPLES}}},
                "Before": {"executorLabel": "use"},
            },
            "deploymentSpec": {
                "executors": {
                    "gen": {"container": container},
                    "use": {"container": {"image": "tfx:1", "command": ["use"]}},
                    "find": {"resolver": {"outputArtifactQueries": {"model": {"filter": "state=LIVE"}}}},
                }
            },
        }
    )


def tasks_of(**given):
    return ir.plan(a_document(**given)).root.tasks


def inputs_of(task, **outputs):
    around = ir.Surroundings(
        parameters={},
        artifacts={},
        outputs=lambda name: outputs.get(name.replace(".", "_"), ir.Outputs()),
        final_status=lambda _: {},
    )
    return ir.inputs_of(task, FACTS, around)


def places(task):
    return ir.Places(
        artifact_uris={key: f"gs://r/{key}" for key in task.output_artifacts},
        parameter_files={},
        output_file="/out.json",
        path_of=str,
    )


SAID = """{"parameterValues": {"pattern": "span-2/*", "span": 2.0, "input_fingerprint": "abc"},
 "artifacts": {"examples": {"artifacts": [{"uri": "gs://r/x", "metadata": {"custom:span": 2.0}}]}}}"""


def test_a_driver_comes_before_its_task_and_takes_the_same():
    tasks = tasks_of()

    driver, task = tasks["Gen.driver"], tasks["Gen"]

    assert [name for name in tasks if "Gen" in name][:2] == ["Gen.driver", "Gen"]
    assert driver.executor == {
        "container": {"image": "tfx:1", "command": ["python", "-m", "driver"], "args": ["{{$}}"]}
    }
    assert (driver.drives, driver.caching, driver.resources) == ("Gen", False, ir.Resources())
    assert (task.driver, task.caching, task.upstream) == ("Gen.driver", True, ("Gen.driver",))
    assert inputs_of(driver).parameters == {"pattern": "*"}
    assert tasks["Use"].upstream == ("Gen", "Resolver.model")


def test_what_the_task_waited_for_and_its_condition_are_its_drivers():
    policy = {"condition": "1 == 1", "strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    tasks = tasks_of(task={"dependentTasks": ["Before"], "triggerPolicy": policy})

    driver, task = tasks["Gen.driver"], tasks["Gen"]

    assert (driver.upstream, driver.condition, driver.runs_after_failure) == (("Before",), "1 == 1", True)
    assert (task.upstream, task.condition, task.runs_after_failure) == (("Gen.driver",), "", False)


def test_a_task_without_a_hook_has_no_driver():
    tasks = tasks_of(hook={})

    assert "Gen.driver" not in tasks
    assert tasks["Gen"].driver == ""


def test_what_a_driver_says_replaces_parameters_is_added_to_them_and_is_metadata_of_the_outputs():
    task = tasks_of()["Gen"]
    said = ir.Outputs(parameters=outputs_of_driver(read_output(SAID)))

    inputs = inputs_of(task, Gen_driver=said)
    document = ir.executor_input(task, inputs, places(task))

    assert document["inputs"]["parameterValues"] == {"pattern": "span-2/*", "span": 2, "input_fingerprint": "abc"}
    assert isinstance(document["inputs"]["parameterValues"]["span"], int)
    (examples,) = document["outputs"]["artifacts"]["examples"]["artifacts"]
    assert examples["metadata"] == {"kind": "csv", "custom:span": 2.0}
    assert examples["uri"] == "gs://r/examples"


def test_a_driver_of_schema_2_0_0_is_understood_and_passed_on_in_that_schema():
    task = tasks_of(schema="2.0.0")["Gen"]
    text = '{"parameters": {"span": {"intValue": "0"}, "pattern": {"stringValue": "span-0/*"}}}'
    said = ir.Outputs(parameters=outputs_of_driver(read_output(text)))

    document = ir.executor_input(task, inputs_of(task, Gen_driver=said), places(task), is_legacy=True)

    assert document["inputs"] == {"parameters": {"pattern": {"stringValue": "span-0/*"}, "span": {"intValue": "0"}}}


def test_everything_that_a_driver_says_is_in_the_cache_key():
    plan = ir.plan(a_document())
    task = plan.root.tasks["Gen"]

    def key(text):
        inputs = inputs_of(task, Gen_driver=ir.Outputs(parameters=outputs_of_driver(read_output(text))))
        return ir.cache_key(ir.key_parts(plan, task, inputs, environment="e", data={}), task)

    assert key(SAID) == key(SAID)
    assert (
        len({key(SAID), key(SAID.replace('"abc"', '"abd"')), key(SAID.replace('"custom:span": 2', '"custom:span": 3'))})
        == 3
    )


def test_an_artifact_that_a_resolver_did_not_find_is_not_missed():
    task = tasks_of()["Use"]
    examples = ir.ArtifactValue(name="a", uri="gs://r/e", type={})

    found = inputs_of(
        task, Gen=ir.Outputs(artifacts={"examples": [examples]}), Resolver_model=ir.Outputs(artifacts={"model": []})
    )
    nothing = inputs_of(task, Resolver_model=ir.Outputs(artifacts={"model": []}))

    assert found.missing == ()
    assert found.artifacts == {"examples": [examples]}
    assert nothing.missing == ("examples",)


def test_a_drawing_shows_what_the_task_makes_once():
    nodes = ir.graph(ir.plan(a_document()))["nodes"]

    assert [n["id"] for n in nodes if n["kind"] == "artifact"] == ["Gen/examples", "Resolver.model/model"]
