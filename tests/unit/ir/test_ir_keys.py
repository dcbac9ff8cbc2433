"""Cache keys: what changes them and what does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed import ir

PLAN = ir.Plan(name="p", schema_version="2.1.0", root=ir.Dag(component="root", tasks={}), parameters={})
TASK = ir.Task(
    name="t",
    component="c",
    display_name="t",
    parameters={"n": ir.ParameterDefinition(type="NUMBER_INTEGER")},
    executor={"container": {"image": "i", "command": ["x", "{{$.inputs.parameters['channel--y']}}"]}},
    output_parameters={"o": "STRING"},
    output_artifacts={"m": ir.ArtifactOutput(schema={"schemaTitle": "system.Model"})},
)
FACTS = ir.RunFacts(
    job_name="j", resource_name="r", job_uuid="u", root="gs://b", create_time="now", schedule_time="now"
)
DATA = ir.ArtifactValue(name="d", uri="gs://b/d", type={"schemaTitle": "system.Dataset"}, digest="abc")
INPUTS = ir.TaskInputs(
    parameters={"n": 1}, given={"n": 1, "channel--y": "y", "channel--z": "z"}, artifacts={"d": [DATA]}
)


def parts(task=TASK, inputs=INPUTS, **more):
    settings = {"environment": "e", "data": {}} | more
    return ir.key_parts(PLAN, task, inputs, **settings)


def changed(**more):
    before, after = parts(), parts(**more)
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


def in_container(**more):
    return replace(TASK, executor={"container": TASK.executor["container"] | more})


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"task": in_container(image="j")}, "component"),
        ({"task": in_container(command=["z"])}, "component"),
        ({"task": in_container(env=[{"name": "A", "value": "b"}])}, "component"),
        ({"task": replace(TASK, output_parameters={"o": "LIST"})}, "component"),
        ({"inputs": replace(INPUTS, platform={"secretAsEnv": [{"secretNameParameter": "s"}]})}, "component"),
        ({"inputs": replace(INPUTS, parameters={"n": 2})}, "parameter n"),
        ({"inputs": replace(INPUTS, given={**INPUTS.given, "channel--y": "other"})}, "parameter channel--y"),
        ({"inputs": replace(INPUTS, artifacts={"d": [replace(DATA, digest="abd")]})}, "artifact d"),
        ({"inputs": replace(INPUTS, artifacts={"d": [DATA, DATA]})}, "artifact d"),
        ({"environment": "f"}, "environment"),
        ({"data": {"n": ["generation", 2]}}, "data of n"),
    ],
)
def test_a_key_changes_for_a_reason_that_has_a_name(more, reason):
    assert reason in changed(**more)
    assert changed(**more) <= {reason, "parameter channel--y"}


@pytest.mark.parametrize(
    "more",
    [
        {"task": in_container(resources={"cpuLimit": 3.0})},
        {"task": replace(TASK, name="other", display_name="other", upstream=("x",))},
        {"task": replace(TASK, retry=ir.Retry(count=3), timeout_seconds=5.0)},
        {"inputs": replace(INPUTS, platform={"activeDeadlineSeconds": "5", "imagePullPolicy": "Always"})},
        {"inputs": replace(INPUTS, given={**INPUTS.given, "channel--z": "other"})},
        {"inputs": replace(INPUTS, artifacts={"d": [replace(DATA, uri="gs://b/elsewhere", name="e")]})},
    ],
)
def test_a_key_stays_for_what_changes_no_result(more):
    assert changed(**more) == set()


def test_a_placeholder_names_an_undeclared_parameter_in_either_quotes():
    task = in_container(command=["x", '{{$.inputs.parameters["channel--z"]}}'])
    other = replace(INPUTS, given={**INPUTS.given, "channel--z": "other"})

    assert parts(task)["parameter channel--z"] != parts(task, other)["parameter channel--z"]


def test_a_key_changes_with_the_secret_that_a_parameter_names():
    named = {"secretNameParameter": {"componentInputParameter": "which"}, "keyToEnv": []}
    task = replace(TASK, parameters={}, platform={"secretAsEnv": [named]})

    def key(which):
        around = ir.Surroundings(parameters={"which": which}, artifacts={}, outputs=dict, final_status=dict)
        return parts(task, ir.inputs_of(task, FACTS, around))["component"]

    assert key("a") != key("b")


def test_a_fixed_key_stands_for_all_but_the_component():
    fixed = replace(TASK, fixed_key="mine")
    other = replace(INPUTS, parameters={"n": 2})

    assert ir.cache_key(parts(fixed), fixed) == ir.cache_key(parts(fixed, other, environment="f"), fixed)
    assert ir.cache_key(parts(fixed), fixed) != ir.cache_key(parts(in_container(image="j")), fixed)
    assert ir.cache_key(parts(), TASK) != ir.cache_key(parts(inputs=other), TASK)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_a_digest_does_not_depend_on_the_order_of_keys(document):
    assert ir.digest(document) == ir.digest(dict(reversed(document.items())))
