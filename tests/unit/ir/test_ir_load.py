"""Text in; a document out, or every reason why not, each with its path."""

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.ir.documents import a_document, changed, problems

from trainshed import ir
from trainshed.errors import InvalidArgument
from trainshed.ir.notation import parse


def refusal(text):
    with pytest.raises(InvalidArgument) as caught:
        ir.load(text)
    return caught.value


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: {"pipelineSpec": d, "displayName": "x"}])
def test_bare_and_wrapped_documents_are_read_from_both_notations(write, wrap):
    document = ir.load(write(wrap(a_document())))

    assert ir.check(document) == []
    assert list(ir.plan(document).root.tasks) == ["a"]


def test_tasks_keep_the_documents_order():
    names = ["z", "m", "a", "q"]

    assert list(ir.load_dict(a_document(names)).spec["root"]["dag"]["tasks"]) == names


def test_snake_case_is_read_as_well_in_the_spec_and_around_it():
    document = a_document()
    spec = {
        "schema_version": "2.1.0",
        "pipeline_info": {"name": "p"},
        "root": {
            "dag": {"tasks": {"a": {"component_ref": {"name": "comp"}, "caching_options": {"enable_cache": True}}}}
        },
        "components": {"comp": {"executor_label": "exec"}},
        "deployment_spec": document["deploymentSpec"],
    }

    read = ir.load_dict({"pipeline_spec": spec, "display_name": "x", "runtime_config": {"parameter_values": {"n": 1}}})

    assert ir.check(read) == []
    assert read.spec["root"]["dag"]["tasks"]["a"] == {
        "componentRef": {"name": "comp"},
        "cachingOptions": {"enableCache": True},
    }
    assert (read.display_name, read.runtime) == ("x", {"parameterValues": {"n": 1}})


def test_a_job_of_schema_2_0_0_is_read_with_what_its_run_is_given():
    spec = a_document(a={"inputs": {"parameters": {"n": {"runtimeValue": {"runtimeParameter": "n"}}}}})
    spec |= {"schemaVersion": "2.0.0", "runtimeParameters": {"n": {"type": "INT", "defaultValue": {"intValue": "3"}}}}
    job = {
        "pipelineSpec": spec,
        "runtimeConfig": {"gcsOutputDirectory": "gs://b", "parameters": {"n": {"intValue": 7}}},
    }

    read = ir.load_dict(job)

    assert ir.check(read) == []
    assert read.spec["runtimeParameters"] == {"n": {"type": "INT", "defaultValue": {"intValue": "3"}}}
    assert read.runtime["parameters"] == {"n": {"intValue": "7"}}


def test_free_values_keep_integers_and_their_order():
    value = {"z": [1, 2.5, {"b": 3.0, "a": None}], "a": 10}
    document = a_document(a={"inputs": {"parameters": {"x": {"runtimeValue": {"constant": value}}}}})

    read = ir.load_dict(document).spec["root"]["dag"]["tasks"]["a"]["inputs"]["parameters"]["x"]["runtimeValue"][
        "constant"
    ]

    assert json.dumps(read) == '{"z": [1, 2.5, {"b": 3, "a": null}], "a": 10}'


def test_a_platform_spec_may_come_first_and_unknown_fields_in_it_are_named():
    platform = {
        "platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec": {"pod_metadata": {"labls": {}}}}}}}
    }

    (found,) = problems("---\n".join(yaml.safe_dump(d) for d in (platform, a_document())))

    path = "platforms.kubernetes.deploymentSpec.executors.exec.pod_metadata.labls"
    assert found == f"{path}: unknown field of a PodMetadata; did you mean 'labels'?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe\x00", "the spec is not UTF-8 text (byte 0); save it as UTF-8"),
        (b"\x00\x01\x02", "not YAML"),
        ("{", "not JSON: Expecting property name"),
        ('{"a": 1} {"b": 2}', "not JSON: Extra data"),
        ("a: [", "not YAML"),
        (
            '"""A module."""\nimport os\n',
            "not YAML: did not find expected <document start> at line 1, column 3; a spec is what",
        ),
        ("", "0 YAML documents"),
        ("# nothing\n---\n", "0 YAML documents"),
        ("a: 1\n---\nb: 2\n---\nc: 3", "more than 2 YAML documents where a spec, and possibly a platform spec, belong"),
        ("- 1", "a pipeline spec is a mapping; this is a list"),
        ("text", "this is text"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "nested more than 100 levels"),
        ("[" * 5000, "nested more than 100 levels deep (line 1)"),
        ("a: !!python/object:os.system x", "line 1: the tag 'tag:yaml.org,2002:python/object:os.system' is not one"),
        ("a: !!set {x}", "the tag 'tag:yaml.org,2002:set' is not one that JSON has a value for"),
        ("a: !!int x", "'x' is not what its tag 'tag:yaml.org,2002:int' says"),
        ("a: &a [*a]", "the alias *a stands for nothing, or for what it is part of"),
    ],
)
def test_text_that_is_no_document_is_refused_in_one_sentence(text, message):
    error = refusal(text)

    assert message in error.message
    assert (error.code, error.reason, len(error.violations)) == ("INVALID_ARGUMENT", "SPEC_INVALID", 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"schemaVersion": "2.1.0", "schemaVersion": "2.1.0"}', "schemaVersion: the key is there twice; keep one"),
        ("root:\n  dag:\n    tasks:\n      a: {}\n      a: {}", "root.dag.tasks.a: the key is there twice; keep one"),
        ('{"components": {"c": NaN}}', "components.c: nan is not a number that JSON has; give a finite number"),
        ('{"pipelineInfo": -Infinity}', "pipelineInfo: -inf is not a number that JSON has; give a finite number"),
        ("a: .inf", "a: inf is not a number that JSON has; give a finite number"),
        ('{"a": 1e400}', "a: inf is not a number that JSON has; give a finite number"),
        ('{"a": [0, 1' + "0" * 30 + "]}", f"a[1]: 1{'0' * 30} is larger than 2^53, which a PipelineSpec number cannot hold; use a string"),
        ('{"a": ' + "9" * 5000 + "}", f"a: {'9' * 37}… is larger than 2^53, which a PipelineSpec number cannot hold; use a string"),
        ("a: 1" + ":59" * 5000, f"a: 1{':59' * 12}… is larger than 2^53, which a PipelineSpec number cannot hold; use a string"),
        ("root:\n  1: 2", "root: the key 1 is not text; put it in quotes"),
        ("root: {[a]: 2}", "root: the key a list is not text; put it in quotes"),
        ('{"a": "\\u0000"}', "a: the text holds a NUL character, which no file and no command can hold; take it out"),
        ('{"a": "\\ud800"}', "a: the text holds half a surrogate pair, which no file and no command can hold; take it out"),
        ('{"a":' * 150 + "1" + "}" * 150, f"{'.'.join('a' * 101)}: nested more than 100 levels deep; flatten it"),
    ],
)  # fmt: skip
def test_what_is_wrong_inside_a_text_is_said_with_its_path(text, problem):
    assert problem in problems(text)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("schemaVersion", 2.1, "schemaVersion: text belongs here, not a number; put it in quotes"),
        ("root", [], "root: a mapping belongs here, not a list"),
        ("root.dag.tasks", "x", "root.dag.tasks: a mapping belongs here, not text"),
        ("root.dag.tasks.a", None, "root.dag.tasks.a: a mapping belongs here, not nothing"),
        ("root.dag.tasks.a.dependentTasks", "b", "root.dag.tasks.a.dependentTasks: a list belongs here, not text"),
        ("root.dag.tasks.a.dependentTasks", [1], "root.dag.tasks.a.dependentTasks[0]: text belongs here, not a number; put it in quotes"),
        ("root.dag.tasks.a.cachingOptions.enableCache", "yes", "root.dag.tasks.a.cachingOptions.enableCache: true or false belongs here, not text"),
        ("root.dag.tasks.a.retryPolicy.maxRetryCount", 1.5, "root.dag.tasks.a.retryPolicy.maxRetryCount: a whole number belongs here, not 1.5"),
        ("root.dag.tasks.a.retryPolicy.maxRetryCount", 2**40, "root.dag.tasks.a.retryPolicy.maxRetryCount: 1099511627776 does not fit into 32 bits; give a smaller number"),
        ("root.dag.tasks.a.retryPolicy.backoffDuration", "5 minutes", "root.dag.tasks.a.retryPolicy.backoffDuration: a duration such as '30s' belongs here, not '5 minutes'"),
        ("root.dag.tasks.a.retryPolicy.backoffDuration", "-1s", "root.dag.tasks.a.retryPolicy.backoffDuration: '-1s' is negative; give a duration from '0s' on"),
        ("root.dag.tasks.a.retryPolicy.backoffFactor", "NaN", "root.dag.tasks.a.retryPolicy.backoffFactor: a number belongs here, not 'NaN'"),
        ("root.dag.tasks.a.triggerPolicy.strategy", "SOMETIMES", "root.dag.tasks.a.triggerPolicy.strategy: 'SOMETIMES' is not one of ALL_UPSTREAM_TASKS_SUCCEEDED, ALL_UPSTREAM_TASKS_COMPLETED; use one of them"),
        ("root.dag.tasks.a.colour", "red", "root.dag.tasks.a.colour: unknown field of a PipelineTaskSpec; remove it"),
        ("root.dag.tasks.a.component_ref", {"name": "comp"}, "root.dag.tasks.a.component_ref: componentRef is there in two spellings; keep one"),
        ("components.comp.dag", {"tasks": {}}, "components.comp.dag: dag and executorLabel exclude each other; keep one"),
        ("components.comp.excutorLabel", "x", "components.comp.excutorLabel: unknown field of a ComponentSpec; did you mean 'executorLabel'?"),
        ("deploymentSpec.executors.exec.container.comand", [], "deploymentSpec.executors.exec.container.comand: unknown field of a PipelineContainerSpec; did you mean 'command'?"),
        ("deploymentSpec.executors.exec.importer", {}, "deploymentSpec.executors.exec.importer: importer and container exclude each other; keep one"),
        ("runtimeParameters", {"n": {"kind": "INT"}}, "runtimeParameters.n.kind: unknown field of a RuntimeParameter; remove it"),
        ("root.dag.tasks.a.inputs.parameters.x.runtimeValue", {"constant": 1, "runtimeParameter": "n"}, "root.dag.tasks.a.inputs.parameters.x.runtimeValue.runtimeParameter: runtimeParameter and constant exclude each other; keep one"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_one_finding_that_says_what_belongs_there(path, value, problem):
    assert problems(changed(a_document(), path, value)) == [problem]


@pytest.mark.parametrize("depth", [120, 480, 900, 5000])
def test_values_nested_too_deep_are_refused_at_any_depth(depth):
    document = changed(a_document(), "root.dag.tasks.a.inputs.parameters.x.runtimeValue.constant", "here")
    text = json.dumps(document).replace('"here"', "[" * depth + "]" * depth)

    (found,) = problems(text)

    assert "nested more than 100 levels deep; flatten it" in found


@pytest.mark.parametrize(
    ("job", "problem"),
    [
        ({"bogus": 1}, "bogus: unknown field of a PipelineJob; remove it"),
        ({"displayName": 5}, "displayName: text belongs here, not a number; put it in quotes"),
        ({"labels": {"a": 1}}, "labels.a: text belongs here, not a number; put it in quotes"),
        ({"runtimeConfig": []}, "runtimeConfig: a mapping belongs here, not a list"),
        ({"runtimeConfig": {"parameterVals": {}}}, "runtimeConfig.parameterVals: unknown field of a RuntimeConfig; did you mean 'parameterValues'?"),
        ({"runtime_config": {"input_artifacts": {"a": {"artifactId": "1"}}}}, None),
        ({"runtimeConfig": {"inputArtifacts": {"a": "1"}}}, 'runtimeConfig.inputArtifacts: a mapping of names to {"artifactId": "ID"} belongs here'),
    ],
)  # fmt: skip
def test_the_wrapper_is_read_as_strictly_as_the_spec(job, problem):
    assert problems({"pipelineSpec": a_document()} | job) == ([problem] if problem else [])


def test_paths_in_a_wrapped_document_begin_at_the_wrapper():
    document = changed(a_document(["a"], a={"dependentTasks": ["zz"]}), "root.dag.colour", 1)

    assert problems({"pipelineSpec": document}) == [
        "pipelineSpec.root.dag.colour: unknown field of a DagSpec; remove it",
        "pipelineSpec.root.dag.tasks.a.dependentTasks[0]: waits for task 'zz', which is not in the same DAG",
    ]


def test_a_platform_spec_inside_the_wrapper_is_read_and_its_paths_begin_there():
    settings = {"pvcMount": [{"constant": "c", "mountPth": "/d"}]}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec": settings}}}}}

    unknown, refused = problems({"pipeline_spec": a_document(), "platform_spec": platform})

    path = "platform_spec.platforms.kubernetes.deploymentSpec.executors.exec.pvcMount"
    assert unknown.startswith(f"{path}[0].mountPth: unknown field of a PvcMount; did you mean")
    assert refused.startswith(f"{path}: task 'a' needs a persistent volume (pvcMount)")


def test_a_bomb_of_aliases_is_refused_at_once():
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]

    assert "aliases count each time" in refusal("\n".join(lines)).message


def test_aliases_and_merges_stand_for_what_they_name():
    text = "a: &a {x: 1, y: [2]}\nb: *a\nc: {<<: *a, x: 3}\nd: {<<: [*a, {z: 4}]}"

    (found,) = parse(text)

    assert found == yaml.safe_load(text)


def test_a_document_over_the_limit_is_refused_by_its_size_in_bytes():
    message = refusal_of(lambda: ir.load("ä" * 6, limit_bytes=10))

    assert message == "spec: the spec is 12 bytes; the limit is 10 (setting spec_bytes)"


def refusal_of(call):
    with pytest.raises(InvalidArgument) as caught:
        call()
    return caught.value.message


def test_very_many_findings_are_counted_after_the_first_hundred():
    found = problems({f"k{i}": 1 for i in range(1000)})

    assert len(found) < 120
    assert "spec: 900 more of these" in found


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(
        ["yes", "1e3", "0x1F", "012", "1_000", "12:30:00", "2026-11-23", "~", "=", "<<", "null", "on", ".5", "+1", "-0", "!", "a: b", "#c"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abn1 :-#'\"y~", max_size=5), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None)
@given(value=plain, style=st.booleans(), width=st.integers(10, 80))
def test_yaml_is_read_as_pyyaml_reads_it(value, style, width):
    text = yaml.safe_dump([value], default_flow_style=style, width=width, allow_unicode=True)

    assert parse(text) == [yaml.load(text, yaml.CSafeLoader)]


@settings(deadline=None)
@given(st.text("0123456789_.:+-eExXobBaAfF", min_size=1, max_size=12))
def test_plain_scalars_look_to_us_as_to_pyyaml(text):
    try:
        expected = yaml.safe_load(f"[{text}]")
    except (yaml.YAMLError, ValueError):
        return
    if isinstance(expected[0], (str, int, float)):
        found = parse(f"[{text}]")[0]
        assert (found, type(found[0])) == (expected, type(expected[0]))


@settings(deadline=None)
@given(plain)
def test_json_is_read_as_it_is(value):
    assert parse(json.dumps({"a": value})) == [{"a": value}]


@pytest.mark.parametrize("text", ["- a\n", "[a],"])
def test_too_many_values_are_refused_before_the_rest_is_read(text):
    many = text * (1_500_000 // len(text))
    broken_later = (many if text[0] == "-" else f"[{many}]") + "\n\t]"

    assert "more than 250000 values" in refusal(broken_later).message


def test_documents_beyond_the_second_are_not_read():
    assert "more than 2 YAML documents" in refusal("--- a\n" * 100_000).message
