"""What a document must keep to: every fault is one finding, at its path, with what would mend it."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.ir.documents import a_document, a_loop, changed, problems

from trainshed import ir
from trainshed.errors import InvalidArgument

TASK = "root.dag.tasks.a"
EXECUTOR = "deploymentSpec.executors.exec"


def test_everything_wrong_is_said_at_once_with_its_path():
    document = a_document(
        ["a", "b"],
        a={"dependentTasks": ["b"], "colour": "red"},
        b={"dependentTasks": ["a", "zz"], "componentRef": {"name": "none"}},
    )
    document["components"]["comp"]["executorLabel"] = "gone"
    document["schemaVersion"] = "9"

    assert problems(document) == [
        "root.dag.tasks.a.colour: unknown field of a PipelineTaskSpec; remove it",
        "schemaVersion: '9' is not a schema that is read here (2.1.0 and 2.0.0); compile with kfp 2",
        "root.dag.tasks.b.componentRef.name: there is no component 'none'; add it to components",
        "root.dag.tasks.b.dependentTasks[1]: waits for task 'zz', which is not in the same DAG",
        "root.dag.tasks: tasks wait for each other in a circle: a -> b -> a; take one dependency out",
        "components.comp.executorLabel: there is no executor 'gone' in deploymentSpec.executors; add it",
    ]


def test_what_follows_from_a_part_that_cannot_be_read_is_not_said():
    assert problems(a_document() | {"components": []}) == ["components: a mapping belongs here, not a list"]
    assert problems(changed(a_document(), "components.comp.executorLabel", 5)) == [
        "components.comp.executorLabel: text belongs here, not a number; put it in quotes"
    ]


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("schemaVersion", "9", "schemaVersion: '9' is not a schema that is read here (2.1.0 and 2.0.0); compile with kfp 2"),
        ("pipelineInfo", {}, "pipelineInfo.name: the pipeline has no name; give it one"),
        ("root", {}, "root: there is no root.dag: nothing to run; this is not a compiled pipeline"),
        ("root.dag.tasks", {}, "root.dag.tasks: the DAG has no tasks: nothing to run; add one, or leave the DAG out"),
        ("components.comp", {}, "components.comp: the component has neither a dag nor an executorLabel; give it one of them"),
        ("deploymentSpec.executors", {}, "components.comp.executorLabel: there is no executor 'exec' in deploymentSpec.executors; add it"),
        (EXECUTOR, {}, f"{EXECUTOR}: the executor says not how to run; give it one of container, importer, resolver, customJob"),
        (f"{EXECUTOR}.container.resources", {"resourceCpuLimit": "two"}, f"{EXECUTOR}.container.resources.resourceCpuLimit: 'two' is not an amount; write a number, or one such as 500m or 4Gi"),
        (f"{EXECUTOR}.container.resources", {"memoryLimit": -1}, f"{EXECUTOR}.container.resources.memoryLimit: it is negative, or more than any machine has; give a number from 0 on"),
        (f"{EXECUTOR}.container.resources", {"memoryLimit": 1e308}, f"{EXECUTOR}.container.resources.memoryLimit: it is negative, or more than any machine has; give a number from 0 on"),
        (f"{EXECUTOR}.container.resources", {"resourceMemoryLimit": "9" * 20}, f"{EXECUTOR}.container.resources.resourceMemoryLimit: '99999999999999999999' is more than any machine has; give less"),
        (f"{EXECUTOR}.container.resources", {"resourceMemoryLimit": "9" * 500}, f"{EXECUTOR}.container.resources.resourceMemoryLimit: '{'9' * 79}…' is not an amount"),
        (f"{EXECUTOR}.container.resources", {"accelerator": {"count": -2}}, f"{EXECUTOR}.container.resources.accelerator.count: '-2' is not an amount; write a number, or one such as 500m or 4Gi"),
        (f"{EXECUTOR}.container.env", [{"name": "A=B"}], f"{EXECUTOR}.container.env[0].name: 'A=B' cannot name an environment variable; give it a name without `=`"),
        (TASK, {}, f"{TASK}.componentRef.name: no component is named"),
        (f"{TASK}.inputs.parameters.x", {}, f"{TASK}.inputs.parameters.x: it is not said where the value comes from; name an input, a task or a value"),
        (f"{TASK}.inputs.parameters.x", {"runtimeValue": {}}, f"{TASK}.inputs.parameters.x.runtimeValue: there is no value; give one, such as constant"),
        (f"{TASK}.inputs.parameters.x", {"runtimeValue": {"constantValue": {}}}, f"{TASK}.inputs.parameters.x.runtimeValue: there is no value; give one, such as constant"),
        (f"{TASK}.inputs.parameters.x", {"runtimeValue": {"runtimeParameter": "n"}}, f"{TASK}.inputs.parameters.x.runtimeValue.runtimeParameter: the pipeline has no parameter 'n'; declare it"),
        (f"{TASK}.inputs.parameters.x", {"componentInputParameter": "n"}, f"{TASK}.inputs.parameters.x.componentInputParameter: the surrounding pipeline has no input parameter 'n'; declare it there"),
        (f"{TASK}.inputs.parameters.x", {"componentInputParameter": ""}, f"{TASK}.inputs.parameters.x.componentInputParameter: the surrounding pipeline has no input parameter ''; declare it there"),
        (f"{TASK}.inputs.parameters.x", {"taskOutputParameter": {"producerTask": "zz", "outputParameterKey": "o"}}, f"{TASK}.inputs.parameters.x.taskOutputParameter.producerTask: takes from task 'zz', which is not in the same DAG"),
        (f"{TASK}.inputs.parameters.x", {"taskFinalStatus": {"producerTask": "zz"}}, f"{TASK}.inputs.parameters.x.taskFinalStatus.producerTask: takes from task 'zz', which is not in the same DAG"),
        (f"{TASK}.inputs.parameters.x", {"taskFinalStatus": {}}, f"{TASK}.inputs.parameters.x.taskFinalStatus.producerTask: takes from task '', which is not in the same DAG"),
        (f"{TASK}.inputs.artifacts.x", {"componentInputArtifact": "n"}, f"{TASK}.inputs.artifacts.x: the component has no such input artifact; declare it, or leave it out"),
        (f"{TASK}.retryPolicy", {"maxRetryCount": -1}, f"{TASK}.retryPolicy.maxRetryCount: it is negative; give a number from 0 on"),
        (f"{TASK}.retryPolicy", {"backoffFactor": -1}, f"{TASK}.retryPolicy.backoffFactor: it is not from 0 to 1000; give a number such as 2"),
        (f"{TASK}.retryPolicy", {"backoffFactor": 1e308}, f"{TASK}.retryPolicy.backoffFactor: it is not from 0 to 1000; give a number such as 2"),
        (f"{TASK}.retryPolicy", {"backoffDuration": "999999999999s"}, f"{TASK}.retryPolicy.backoffDuration: '999999999999s' is longer than ten years; give a shorter duration"),
        (f"{TASK}.iteratorPolicy", {"parallelismLimit": -1}, f"{TASK}.iteratorPolicy.parallelismLimit: it is negative; give a number from 1 on, or 0 for as many as there is room for"),
        (f"{TASK}.triggerPolicy", {"condition": "1 +"}, f"{TASK}.triggerPolicy.condition: '1 +' cannot be evaluated:"),
        (f"{TASK}.triggerPolicy", {"condition": "nobody == 1"}, f"{TASK}.triggerPolicy.condition: 'nobody == 1' cannot be evaluated: undeclared reference to 'nobody'"),
        ("components.comp.inputDefinitions.parameters", {"n": {"parameterType": "STRING"}}, f"{TASK}.inputs.parameters: the component needs the parameter 'n', which the task is not given; add it"),
        ("components.comp.inputDefinitions.artifacts", {"d": {}}, f"{TASK}.inputs.artifacts: the component needs the artifact 'd', which the task is not given; add it"),
    ],
)  # fmt: skip
def test_a_fault_is_one_finding_that_names_the_field_and_the_fix(path, value, problem):
    (found,) = problems(changed(a_document(), path, value))

    assert found.startswith(problem)


@pytest.mark.parametrize("expression", ["x" * 5000, "inputs." * 900, "'\ud800' == 'a'"])
def test_an_odd_expression_is_one_short_finding(expression):
    (found,) = problems(changed(a_document(), f"{TASK}.triggerPolicy.condition", expression))

    assert found.startswith(f"{TASK}.triggerPolicy.condition: ")
    assert len(found) < 600


def test_a_selector_that_cannot_be_evaluated_is_named():
    source = {"runtimeValue": {"constant": "{}"}, "parameterExpressionSelector": "parseJson(string_valu)"}

    (found,) = problems(changed(a_document(), f"{TASK}.inputs.parameters.x", source))

    path = f"{TASK}.inputs.parameters.x.parameterExpressionSelector"
    assert found.startswith(f"{path}: 'parseJson(string_valu)' cannot be evaluated: undeclared reference")


@pytest.mark.parametrize(
    "task",
    [
        {"triggerPolicy": {"condition": "inputs.parameter_values['n'] == 1"}},
        {"triggerPolicy": {"condition": "!(inputs.parameter_values['n'] in ['a']) && int(inputs.parameter_values['m']) > 3"}},
        {"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}},
        {"retryPolicy": {"maxRetryCount": 3, "backoffDuration": "1.5s", "backoffFactor": 2, "backoffMaxDuration": "3600s"}},
        {"inputs": {"parameters": {"x": {"runtimeValue": {"constant": None}}}}},
        {"inputs": {"parameters": {"x": {"runtimeValue": {"constant": "{}"}, "parameterExpressionSelector": 'parseJson(string_value)["a"]'}}}},
        {"cachingOptions": {"enableCache": True, "cacheKey": "k"}},
    ],
)  # fmt: skip
def test_what_the_engine_executes_is_not_refused(task):
    assert problems(a_document(a=task)) == []


def test_the_final_status_of_a_sibling_is_no_fault():
    status = {"inputs": {"parameters": {"s": {"taskFinalStatus": {"producerTask": "a"}}}}}
    document = a_document(["a", "b"], b={"dependentTasks": ["a"], **status})
    document["components"]["comp"]["inputDefinitions"] = {
        "parameters": {"s": {"parameterType": "TASK_FINAL_STATUS", "isOptional": True}}
    }

    assert problems(document) == []


@pytest.mark.parametrize(
    ("iterator", "problem"),
    [
        ({"itemInput": "item", "items": {"inputParameter": "items"}}, ""),
        ({"itemInput": "item", "items": {"raw": '[1, {"a": 2}]'}}, ""),
        ({"itemInput": "thing", "items": {"inputParameter": "items"}}, "itemInput: the component has no input parameter 'thing'; name one"),
        ({"itemInput": "item", "items": {"inputParameter": "all"}}, "items.inputParameter: the task has no input parameter 'all'; name one of its inputs"),
        ({"itemInput": "item"}, "items: it is not said what to iterate over; name an input"),
        ({"itemInput": "item", "items": {"raw": "[1"}}, "items.raw: not JSON: Expecting"),
        ({"itemInput": "item", "items": {"raw": '{"a": 1}'}}, "items.raw: this is not a list; write a JSON list"),
        ({"itemInput": "item", "items": {"raw": "[NaN]"}}, "items.raw[0]: nan is not a number that JSON has"),
        ({"itemInput": "item", "items": {"raw": "[" * 100_000}}, "items.raw: the document is nested more than 100 levels deep; flatten it; write a JSON list"),
    ],
)  # fmt: skip
def test_a_loop_names_its_item_and_its_list(iterator, problem):
    found = [p for p in problems(a_loop(iterator)) if "needs the parameter 'item'" not in p]

    assert [p.split(f"{TASK}.parameterIterator.")[1][: len(problem)] for p in found] == ([problem] if problem else [])


def test_only_a_dag_can_be_iterated():
    document = changed(a_loop(), f"{TASK}.componentRef.name", "comp")

    assert f"{TASK}.parameterIterator: only a DAG can be iterated; put the component into one" in problems(document)


def a_choice(*selectors, declared="o", produced="o"):
    document = a_document(["a", "b"])
    document["root"]["dag"]["outputs"] = {
        "parameters": {"o": {"valueFromOneof": {"parameterSelectors": list(selectors)}}}
    }
    document["root"]["outputDefinitions"] = {"parameters": {declared: {"parameterType": "STRING"}}}
    document["components"]["comp"]["outputDefinitions"] = {"parameters": {produced: {"parameterType": "STRING"}}}
    return document


def test_every_branch_of_a_choice_names_a_task_and_its_output():
    good = {"producerSubtask": "a", "outputParameterKey": "o"}

    assert problems(a_choice(good)) == []
    assert problems(a_choice(good, good | {"producerSubtask": "z"}, {"producerSubtask": "b"})) == [
        "root.dag.outputs.parameters.o.producerSubtask: there is no task 'z' in this DAG to take it from",
        "root.dag.outputs.parameters.o.outputParameterKey: task 'b' has no output parameter ''",
    ]
    assert problems(a_choice()) == [
        "root.dag.outputs.parameters.o: no task is named to take it from; name one, or leave the output out"
    ]
    assert problems(a_choice(good, declared="p")) == [
        "root.dag.outputs.parameters.o: outputDefinitions declare no output parameter 'o'; declare it",
        "root.outputDefinitions.parameters.p: dag.outputs do not say which task gives the parameter 'p'; name one",
    ]


def test_an_importer_names_a_uri_and_an_output():
    document = changed(a_document(), EXECUTOR, {"importer": {"artifactUri": {"runtimeParameter": "uri"}}})

    assert problems(document) == [
        f"{EXECUTOR}.importer.artifactUri.runtimeParameter: the component has no input parameter 'uri'; declare it",
        f"{EXECUTOR}.importer.typeSchema: the importer's component has no output artifact; declare one",
    ]
    document["components"]["comp"]["outputDefinitions"] = {"artifacts": {"artifact": {}}}
    document["deploymentSpec"]["executors"]["exec"]["importer"]["artifactUri"] = {"constant": "gs://b/o"}
    assert problems(document) == []


@pytest.mark.parametrize(
    ("job", "problem"),
    [
        ({}, "customJob.customJob: a mapping belongs here, not nothing"),
        ({"customJob": {"jobSpec": {"workerPoolSpecs": 1}}}, "customJob.customJob.jobSpec.workerPoolSpecs: a list with the worker pool to run belongs here"),
        ({"customJob": {"jobSpec": {"workerPoolSpecs": []}}}, "customJob.customJob.jobSpec.workerPoolSpecs: a list with the worker pool to run belongs here"),
        ({"customJob": {"jobSpec": {"workerPoolSpecs": [{"containerSpec": 5}]}}}, "customJob.customJob.jobSpec.workerPoolSpecs[0].containerSpec: a mapping belongs here, not a number"),
        ({"customJob": {"jobSpec": {"workerPoolSpecs": [{"containerSpec": {"imageUri": "i", "args": "x"}}]}}}, "customJob.customJob.jobSpec.workerPoolSpecs[0].containerSpec.args: a list of texts belongs here"),
        ({"customJob": {"jobSpec": {"workerPoolSpecs": [{"containerSpec": {"imageUri": "i"}, "machineSpec": {"acceleratorCount": "x"}}]}}}, "customJob.customJob.jobSpec.workerPoolSpecs[0].machineSpec.acceleratorCount: 'x' is not an amount; write a number, or one such as 500m or 4Gi"),
        ({"customJob": {"jobSpec": {"workerPoolSpecs": [{"containerSpec": {"imageUri": "i"}, "machineSpec": {"acceleratorCount": [1]}}]}}}, "customJob.customJob.jobSpec.workerPoolSpecs[0].machineSpec.acceleratorCount: a number belongs here, not a list"),
        ({"customJob": {"jobSpec": {"workerPoolSpecs": [{"containerSpec": {"imageUri": "i"}}], "scheduling": {"timeout": "soon"}}}}, "customJob.customJob.jobSpec.scheduling.timeout: a duration such as '30s' belongs here, not 'soon'"),
    ],
)  # fmt: skip
def test_the_free_part_of_a_custom_job_is_read_as_strictly(job, problem):
    assert problems(changed(a_document(), EXECUTOR, {"customJob": job})) == [f"{EXECUTOR}.{problem}"]


def test_components_that_contain_each_other_are_named():
    document = a_document()
    document["components"]["comp"] = {"dag": document["root"]["dag"]}

    assert problems(document) == ["components: components contain each other in a circle: comp -> comp"]


def nested(depth, width):
    """Make components that each hold `width` tasks of the next one."""
    document = a_document()
    for level in range(depth):
        inner = "comp" if level == depth - 1 else f"c{level + 1}"
        tasks = {f"t{i}": {"componentRef": {"name": inner}} for i in range(width)}
        document["components"][f"c{level}"] = {"dag": {"tasks": tasks}}
    document["root"]["dag"]["tasks"]["a"]["componentRef"]["name"] = "c0"
    return document


def test_a_pipeline_too_large_or_too_deep_once_unfolded_is_refused():
    assert problems(nested(5, 10)) == [
        "root: the pipeline has 100000 tasks once nested pipelines are unfolded; the limit is 20000"
    ]
    assert problems(nested(60, 2))[0].startswith("root: the pipeline has far too many tasks")
    assert problems(nested(60, 1)) == ["root: pipelines are nested 61 deep; the limit is 50"]
    assert problems(nested(40, 1)) == []


def test_a_long_circle_is_shortened():
    names = [f"t{i}" for i in range(100)]
    ring = {name: {"dependentTasks": [names[i - 1]]} for i, name in enumerate(names)}

    (found,) = problems(a_document(names, **ring))

    assert "t0 -> t99 -> t98" in found
    assert len(found) < 200


def test_long_names_are_shortened_and_stay_in_one_line():
    name = "x" * 5000 + "\n"
    document = a_document(a={"dependentTasks": [name], "componentRef": {"name": name}, name: 1})
    document["root"]["dag"]["tasks"][name] = {}

    found = problems(document)

    assert len(found) == 3
    assert all(len(each) < 400 and "\n" not in each for each in found)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
spots = st.sampled_from(
    [("root",), ("components",), ("deploymentSpec",), ("root", "dag"), ("root", "dag", "tasks"), ("pipelineInfo",)]
)


@settings(deadline=None)
@given(value=json_values, spot=spots, key=st.sampled_from(["a", "dag", "tasks", "executors", "comp", "name", "inputs"]))
def test_nothing_put_into_a_document_breaks_its_reading(value, spot, key):
    document = a_document()
    inside = document
    for step in spot:
        inside = inside[step]
    inside[key] = value

    read = read_or_refuse(document)
    if read is not None and not ir.check(read):
        ir.plan(read)


def read_or_refuse(document):
    try:
        return ir.load_dict(document) if isinstance(document, dict) else ir.load(document)
    except InvalidArgument:
        return None


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data):
    read = read_or_refuse(data)

    assert read is None or ir.check(read)


def test_findings_are_the_same_for_both_notations():
    document = changed(a_document(), f"{TASK}.colour", "red")

    assert problems(yaml.safe_dump(document, sort_keys=False)) == problems(document)


@pytest.mark.parametrize("name", ["a.b", "a[0].b", "a.", "a[x"])
def test_a_task_is_not_named_as_what_is_in_another(name):
    document = a_loop()
    document["root"]["dag"]["tasks"][name] = {"componentRef": {"name": "comp"}}

    (found,) = problems(document)

    assert "the name begins as those of what is in task 'a' do; give it another" in found
    assert problems(a_document(["a", name])) == []  # beside a leaf, no path is ambiguous


@pytest.mark.parametrize("kind", ["parameters", "artifacts"])
@pytest.mark.parametrize("key", ["../x", "/etc", "..", "."])
def test_an_output_has_a_name_that_a_file_can_have(kind, key):
    definition = {"parameters": {"parameterType": "STRING"}, "artifacts": {"artifactType": {"schemaTitle": "x"}}}[kind]
    document = a_document()
    document["components"]["comp"]["outputDefinitions"] = {kind: {key: definition}}

    (found,) = problems(document)

    assert f"'{key}' cannot name a file, which each output becomes; give it another name" in found
