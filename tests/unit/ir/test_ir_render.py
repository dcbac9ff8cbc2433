"""Executor inputs, commands and resources with everything filled in."""

import json

import pytest

from trainshed import ir
from trainshed.ir.values import filled

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
DOCUMENT = {
    "inputs": {
        "parameterValues": {
            "n": 6.0, "half": 0.5, "yes": True, "word": 'say "hi"\n', "list": [1, "é"], "none": None, "channel--x": "4",
        },
        "artifacts": {
            "d": {"artifacts": [{"name": "d", "uri": "gs://b/d", "metadata": {"k": "v", "n": 3}}, {"uri": "gs://b/e"}]},
            "custom": {"artifacts": [{"uri": "gs://b/c", "metadata": {}, "customPath": "/data/c"}]},
        },
    },
    "outputs": {
        "parameters": {"o": {"outputFile": "/o"}},
        "artifacts": {"m": {"artifacts": [{"uri": "gs://b/m", "metadata": {}}]}},
        "outputFile": "/out.json",
    },
}  # fmt: skip


def path_of(uri):
    return uri.replace("gs:/", "/mount")


def rendered(*words, **more):
    return ir.command_line(words, FACTS, DOCUMENT, path_of, **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n={{$.inputs.parameters['n']}}", "n=6"),
        ('{{$.inputs.parameters["half"]}}', "0.5"),
        ("{{$.inputs.parameters['yes']}}", "true"),
        ("{{$.inputs.parameters['list']}}", '[1, "é"]'),
        ("{{$.inputs.parameters['none']}}{{$.inputs.parameters['unknown']}}", ""),
        ("{{$.inputs.artifacts['d'].uri}} {{$.inputs.artifacts['d'].path}}", "gs://b/d /mount/b/d"),
        ("{{$.inputs.artifacts['d'].name}}", "d"),
        ("{{$.inputs.artifacts['d'].metadata['k']}}/{{$.inputs.artifacts['d'].metadata['n']}}", "v/3"),
        ("{{$.inputs.artifacts['d'].properties['k']}}", "v"),
        ("{{$.inputs.artifacts['d'].metadata}}", '{"k": "v", "n": 3}'),
        ("{{$.inputs.artifacts['d'].artifacts[1].uri}}", "gs://b/e"),
        ("{{$.inputs.artifacts['custom'].path}}", "/data/c"),
        ("{{$.inputs.artifacts['absent'].path}}", ""),
        ("{{$.outputs.artifacts['m'].path}} {{$.outputs.artifacts['m'].uri}}", "/mount/b/m gs://b/m"),
        ("{{$.outputs.parameters['o'].output_file}}", "/o"),
        ("{{$.outputs.output_file}} {{$.outputMetadataUri}}", "/out.json /out.json"),
        ("{{$.pipeline_job_name}} {{$.pipeline_job_uuid}} {{$.pipeline_root}}", "job 7 gs://b"),
        ("{{$.pipeline_job_resource_name}}", "projects/p/locations/l/pipelineJobs/job"),
        ("{{$.pipeline_google_cloud_project_id}} {{$.pipeline_google_cloud_location}}", "p l"),
        ("{{$.pipeline_task_name}} {{$.pipeline_task_uuid}}", "task 9"),
        ("{{$.pipeline_job_create_time_utc}} {{$.pipeline_job_schedule_time_utc}}", "t s"),
        ("{{$.workspace_path}}/x", "/ws/x"),
        ("{{$.inputs.parameters['word'].json_escape[0]}}", 'say \\"hi\\"\\n'),
        ("{{$.nothing.known}} {{other}} $HOME {{$.inputs.artifacts['d'].value}}",) * 2,
    ],
)
def test_a_placeholder_becomes_what_it_stands_for(text, expected):
    assert rendered(text) == [expected]


def test_the_whole_input_is_json_and_escaped_within_json():
    whole, inside = rendered("{{$}}", '{"args": "{{$.json_escape[1]}}"}')

    assert json.loads(whole) == DOCUMENT
    assert json.loads(json.loads(inside)["args"]) == DOCUMENT


def test_what_a_value_holds_is_not_read_as_a_placeholder():
    document = {"inputs": {"parameterValues": {"a": "{{$.pipeline_job_name}}"}}, "outputs": {}}

    assert ir.resolve("{{$.inputs.parameters['a']}}", FACTS, document, path_of) == "{{$.pipeline_job_name}}"


def test_the_value_of_an_artifact_is_read_when_somebody_can():
    word = "{{$.inputs.artifacts['d'].value}}"

    assert rendered(word, content_of=lambda uri: f"in {uri}") == ["in gs://b/d"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ('{"Concat": ["a", "{{$.inputs.parameters[\'n\']}}", "c"]}', ["a6c"]),
        ('{"IfPresent": {"InputName": "n", "Then": ["--n", "{{$.inputs.parameters[\'n\']}}"]}}', ["--n", "6"]),
        ('{"IfPresent": {"InputName": "m", "Then": ["--m"]}}', []),
        ('{"IfPresent": {"InputName": "none", "Then": "yes", "Else": "no"}}', ["no"]),
        ('{"IfPresent": {"InputName": "d", "Then": "artifact", "Else": null}}', ["artifact"]),
        ('{"IfPresent": {"InputName": "m", "Then": "x", "Else": null}}', []),
        (
            '{"Concat": ["<", {"IfPresent": {"InputName": "n", "Then": {"Concat": ["n", "=", "1"]}, "Else": "0"}}, ">"]}',
            ["<n=1>"],
        ),
        (
            '{"IfPresent": {"InputName": "n", "Then": ["a", {"Concat": ["b", "c"]}, {"IfPresent": {"InputName": "m", "Then": "d"}}]}}',
            ["a", "bc"],
        ),
        ('{"Concat": ["a"', ['{"Concat": ["a"']),
        ('{"Concatenate": ["a"]}', ['{"Concatenate": ["a"]}']),
    ],
)
def test_structured_words_become_the_words_they_stand_for(word, expected):
    assert rendered(word) == expected


def a_task(**more):
    return ir.Task(name="t", component="c", display_name="t", **more)


PLACES = ir.Places(
    artifact_uris={"m": "gs://b/m"}, parameter_files={"o": "/o"}, output_file="/out.json", path_of=path_of
)


def test_an_executor_input_holds_everything_given_and_where_to_leave_outputs():
    task = a_task(
        parameters={"n": ir.ParameterDefinition(type="NUMBER_INTEGER")},
        output_parameters={"o": "STRING"},
        output_artifacts={"m": ir.ArtifactOutput(schema={"schemaTitle": "system.Model"}, metadata={"a": 1})},
    )
    artifact = ir.ArtifactValue(name="x", uri="gs://b/x", type={"schemaTitle": "t"}, custom_path="/p")
    inputs = ir.TaskInputs(parameters={"n": 6}, artifacts={"d": [artifact]}, given={"n": 6, "undeclared": "u"})

    document = ir.executor_input(task, inputs, PLACES)

    shown = {"name": "x", "uri": "gs://b/x", "type": {"schemaTitle": "t"}, "metadata": {}, "customPath": "/p"}
    made = {"name": "m", "uri": "gs://b/m", "type": {"schemaTitle": "system.Model"}, "metadata": {"a": 1}}
    assert document == {
        "inputs": {"parameterValues": {"n": 6, "undeclared": "u"}, "artifacts": {"d": {"artifacts": [shown]}}},
        "outputs": {
            "outputFile": "/out.json",
            "parameters": {"o": {"outputFile": "/o"}},
            "artifacts": {"m": {"artifacts": [made]}},
        },
    }


def test_a_value_may_speak_of_the_task_itself():
    said = {
        "uri": "{{$.outputs.artifacts['m'].uri}}",
        "path": "in {{$.outputs.artifacts['m'].path}}",
        "file": "{{$.outputs.output_file}}",
        "whole": "{{$}}",
        "of others": "{{$.inputs.parameters['uri']}} {{$.unknown}}",
    }

    given = {name: ir.GivenParameter(source=ir.Constant(value=text)) for name, text in said.items()}
    task = a_task(output_artifacts={"m": ir.ArtifactOutput(schema={})}, given_parameters=given)

    values = ir.executor_input(task, ir.TaskInputs(parameters=said), PLACES)["inputs"]["parameterValues"]

    whole = json.loads(values.pop("whole"))
    assert values == {
        "uri": "gs://b/m",
        "path": "in /mount/b/m",
        "file": "/out.json",
        "of others": "{{$.inputs.parameters['uri']}} {{$.unknown}}",
    }
    assert whole["outputs"]["outputFile"] == "/out.json"


def test_what_another_task_gave_is_never_looked_into():
    given = {
        "whole": ir.GivenParameter(source=ir.TaskParameter(task="u", key="o")),
        "within": ir.GivenParameter(source=ir.Constant(value="in {{$.inputs.parameters['whole']}}")),
    }
    values = {"whole": "{{$}} {{$.outputs.output_file}}", "within": "in {{$}} {{$.outputs.output_file}}"}

    document = ir.executor_input(a_task(given_parameters=given), ir.TaskInputs(parameters=values), PLACES)

    assert document["inputs"]["parameterValues"] == values


def test_a_task_with_nothing_gets_an_input_with_nothing():
    document = ir.executor_input(a_task(), ir.TaskInputs(), PLACES)

    assert document == {"inputs": {"parameterValues": {}}, "outputs": {"outputFile": "/out.json"}}


def test_schema_2_0_0_says_the_kind_of_each_value_and_reads_it_back():
    inputs = ir.TaskInputs(parameters={"i": 3, "d": 0.5, "s": "x"})
    document = ir.executor_input(a_task(), inputs, PLACES, is_legacy=True)

    assert document["inputs"] == {
        "parameters": {"i": {"intValue": "3"}, "d": {"doubleValue": 0.5}, "s": {"stringValue": "x"}}
    }
    words = ["{{$.inputs.parameters['i']}}", '{"IfPresent": {"InputName": "s", "Then": "yes"}}']
    assert ir.command_line(words, FACTS, document, path_of) == ["3", "yes"]


def test_resources_are_known_once_the_inputs_are():
    wanted = {
        "resourceCpuLimit": "{{$.inputs.parameters['channel--x']}}",
        "resourceMemoryRequest": "{{$.inputs.parameters['n']}}Gi",
        "accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "{{$.inputs.parameters['n']}}"},
    }
    task = a_task(executor={"container": {"resources": wanted}, "machineType": "m-{{$.inputs.parameters['n']}}"})

    assert task.resources == ir.Resources()
    assert ir.resources_of(task, FACTS, DOCUMENT) == ir.Resources(
        cpus=4.0,
        cpu_limit=4.0,
        memory_bytes=6 * 2**30,
        accelerator_type="nvidia.com/gpu",
        accelerator_count=6,
        machine_type="m-6",
    )


def test_resources_written_as_numbers_are_cores_and_gigabytes():
    task = a_task(executor={"container": {"resources": {"cpuRequest": 0.5, "cpuLimit": 2.0, "memoryLimit": 1.5}}})

    found = ir.resources_of(task, FACTS, DOCUMENT)

    assert (found.cpus, found.cpu_limit) == (0.5, 2.0)
    assert (found.memory_bytes, found.memory_limit_bytes) == (1_500_000_000, 1_500_000_000)


GIVEN = {"n": 6.0, "word": "w", "listed": [1, 2]}


def value_of(expression):
    return GIVEN.get(expression.split("'")[1], "") if "'" in expression else ir.ABSENT


def placeholder(name):
    return f"{{{{$.inputs.parameters['{name}']}}}}"


@pytest.mark.parametrize(
    ("constant", "expected"),
    [
        ([placeholder("n"), 2, "x"], [6.0, 2, "x"]),
        ([placeholder("listed")], [[1, 2]]),
        ({"k": {"deep": [placeholder("word")]}}, {"k": {"deep": ["w"]}}),
        ({placeholder("word"): f"n={placeholder('n')}"}, {"w": "n=6"}),
        ([f"{placeholder('n')}{placeholder('word')}"], ["6w"]),
        (f"{placeholder('n')} of {placeholder('word')}", "6 of w"),
        (["{{$.unknown}}"], ["{{$.unknown}}"]),
        ([True, None, 1.5], [True, None, 1.5]),
    ],
)
def test_placeholders_are_filled_in_wherever_they_stand(constant, expected):
    assert filled(constant, value_of) == expected
