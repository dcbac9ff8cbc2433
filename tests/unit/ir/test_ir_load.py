"""Documents in, or every reason why not."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trainshed import ir
from trainshed.errors import InvalidArgument


def a_document(tasks=("a",), **tasks_more):
    nodes = {n: {"taskInfo": {"name": n}, "componentRef": {"name": "comp"}, **tasks_more.get(n, {})} for n in tasks}
    return {
        "schemaVersion": "2.1.0",
        "pipelineInfo": {"name": "p"},
        "root": {"dag": {"tasks": nodes}},
        "components": {"comp": {"executorLabel": "exec"}},
        "deploymentSpec": {"executors": {"exec": {"container": {"image": "i", "command": ["x"]}}}},
    }


def problems(document):
    try:
        return [str(f) for f in ir.check(ir.load_dict(document))]
    except InvalidArgument as error:
        return error.message.splitlines()


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: {"pipelineSpec": d, "displayName": "x"}])
def test_bare_and_wrapped_documents_are_read_from_both_notations(write, wrap):
    document = ir.load(write(wrap(a_document())))

    assert ir.check(document) == []
    assert list(ir.plan(document).tasks) == ["a"]


def test_tasks_keep_the_documents_order():
    names = ["z", "m", "a", "q"]

    assert list(ir.plan(ir.load_dict(a_document(names))).tasks) == names


def test_everything_wrong_is_said_at_once_with_its_path():
    document = a_document(
        ["a", "b"], a={"dependentTasks": ["b"]}, b={"dependentTasks": ["a", "zz"], "componentRef": {"name": "none"}}
    )

    assert problems(document) == [
        "root.dag.tasks.b.componentRef.name: there is no component 'none'",
        "root.dag.tasks.b: waits for task 'zz', which is not in the same DAG",
        "root.dag.tasks: tasks wait for each other in a circle: a -> b -> a",
    ]


def test_unknown_fields_are_all_named():
    document = a_document() | {"bogus": 1}
    document["root"]["dag"]["tasks"]["a"]["colour"] = "red"

    assert problems(document) == [
        "root.dag.tasks.a.colour: unknown field of a PipelineTaskSpec",
        "bogus: unknown field of a PipelineSpec",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schemaVersion="9"), "schemaVersion: '9' is not a schema that is read here"),
        (lambda d: d["deploymentSpec"]["executors"].clear(), "there is no executor 'exec'"),
        (lambda d: d["root"].clear(), "there is no root.dag"),
        (lambda d: d["pipelineInfo"].clear(), "the pipeline has no name"),
        (lambda d: d["components"].update(comp={"dag": d["root"]["dag"]}), "components contain each other in a circle"),
    ],
)
def test_a_broken_structure_is_named(change, message):
    document = a_document()
    change(document)

    assert any(message in p for p in problems(document))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe\x00", "not UTF-8"),
        ("{", "not JSON"),
        ("a: [", "not YAML"),
        ("", "0 YAML documents"),
        ("- 1", "this is a list"),
        ('{"a": 1, "a": 2}', "the key 'a' is there twice"),
        ("a: 1\na: 2", "the key 'a' is there twice (line 2)"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("a: .inf", "is not a number that JSON has"),
        ('{"a": 1' + "0" * 30 + "}", "larger than 2^53"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested more than 100 levels"),
        ("1: 2", "is not text; put it in quotes"),
    ],
)
def test_text_that_cannot_be_a_pipeline_is_refused(text, message):
    with pytest.raises(InvalidArgument, match=".") as caught:
        ir.load(text)

    assert message in caught.value.message


def test_a_bomb_of_aliases_is_refused():
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]

    with pytest.raises(InvalidArgument, match="aliases count each time"):
        ir.load("\n".join(lines))


def test_a_document_over_the_limit_is_refused():
    with pytest.raises(InvalidArgument, match="the limit is 10"):
        ir.load("x" * 11, limit_bytes=10)


@pytest.mark.parametrize(
    ("more", "feature"),
    [
        ({"parameterIterator": {"itemInput": "x"}}, "a loop (ParallelFor)"),
        ({"triggerPolicy": {"condition": "x == 1"}}, "a condition (If, Elif, Else)"),
        ({"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}, "running after failed tasks"),
    ],
)
def test_what_is_not_executed_yet_is_refused_by_feature_and_task(more, feature):
    (found,) = problems(a_document(["a"], a=more))

    assert found.startswith(f"root.dag.tasks.a: task 'a' needs {feature}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
spots = st.sampled_from(
    [("root",), ("components",), ("deploymentSpec",), ("root", "dag"), ("root", "dag", "tasks"), ("pipelineInfo",)]
)


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


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data):
    read = read_or_refuse(data)

    assert read is None or ir.check(read)
