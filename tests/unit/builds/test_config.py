"""Build documents: everything wrong is said at once, with the field and the way to mend it."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainshed.builds import config, document, plan, schema
from trainshed.errors import InvalidArgument

BUILT_IN = {"PROJECT_ID": "p", "BUILD_ID": "b"}


def checked(steps, **more):
    return config.check({"steps": steps, **more}, built_in=BUILT_IN)


def findings(steps, **more):
    with pytest.raises(InvalidArgument) as caught:
        checked(steps, **more)
    return {v.field: v.description for v in caught.value.violations}


def a_step(**fields):
    return {"name": "ubuntu", **fields}


def test_a_full_step_is_read():
    step = a_step(
        id="one",
        args=["a"],
        env=["A=1"],
        dir="d",
        timeout="1.5s",
        allowExitCodes=[3],
        volumes=[{"name": "vol", "path": "/v/"}],
    )
    found = checked(
        [step, a_step(volumes=[{"name": "vol", "path": "/v"}])],
        timeout="60s",
        options={"env": ["A=0"], "machineType": "E2_HIGHCPU_8"},
    ).config

    assert found.steps[0].env == ("A=0", "A=1")
    assert found.steps[0].timeout_seconds == 1.5
    assert found.steps[0].volumes[0].path == "/v"
    assert found.timeout_seconds == 60
    assert found.machine_type == "E2_HIGHCPU_8"


def test_defaults_are_clouds():
    found = checked([a_step()]).config

    assert (found.timeout_seconds, found.queue_ttl_seconds) == (3600, 3600)


def test_snake_case_is_taken_as_gcloud_takes_it():
    assert checked([a_step(wait_for=["-"], allow_failure=True)]).config.steps[0].allow_failure


def test_all_findings_come_at_once():
    found = findings(
        [a_step(argz=["x"], timeout="5m", env={"A": 1}), {"args": [1]}],
        timeOut="3s",
        options={"machineType": "e2-highcpu-8"},
    )

    assert "did you mean args?" in found["steps[0].argz"]
    assert "600s" in found["steps[0].timeout"]
    assert "a mapping" in found["steps[0].env"]
    assert "required" in found["steps[1].name"]
    assert 'in quotes, "1"' in found["steps[1].args[0]"]
    assert "did you mean timeout?" in found["timeOut"]
    assert "E2_HIGHCPU_8" in found["options.machineType"]


@pytest.mark.parametrize(
    ("steps", "more", "field", "part"),
    [
        ([], {}, "steps", "required"),
        ([a_step()] * 101, {}, "steps", "100"),
        ([a_step(args=["x" * 10_001])], {}, "steps[0].args[0]", "10000"),
        ([a_step(env=["NOVALUE"])], {}, "steps[0].env[0]", "KEY=VALUE"),
        ([a_step(script="x", args=["y"])], {}, "steps[0].args", "script"),
        ([a_step(script="x", entrypoint="y")], {}, "steps[0].entrypoint", "script"),
        ([a_step(timeout="70s")], {"timeout": "60s"}, "steps[0].timeout", "build's own timeout"),
        ([a_step()], {"timeout": "100000s"}, "timeout", "24 hours"),
        ([a_step()], {"timeout": 60}, "timeout", "600s"),
        ([a_step()], {"images": ["gcr.io/P/Upper Case"]}, "images[0]", "not the name of an image"),
        ([a_step()], {"substitutions": {"_A": 3}}, "substitutions._A", 'in quotes, "3"'),
        ([a_step(name="$_IMG")], {"options": {"substitutionOption": "ALLOW_LOOSE"}}, "steps[0].name", "empty"),
        ([a_step(volumes=[{"name": "v1", "path": "/workspace"}])], {}, "steps[0].volumes[0].path", "reserved"),
        ([a_step(volumes=[{"name": "v1", "path": "/x"}])], {}, "steps", "one step only"),
        ([a_step(secretEnv=["X"])], {}, "steps[0].secretEnv", "not defined"),
        ([a_step(allowExitCodes=[300])], {}, "steps[0].allowExitCodes", "0 to 255"),
        (
            [a_step()],
            {"artifacts": {"objects": {"location": "x", "paths": ["a"]}}},
            "artifacts.objects.location",
            "gs://",
        ),
        (
            [a_step()],
            {"artifacts": {"objects": {"location": "gs://b", "paths": ["a", "a"]}}},
            "artifacts.objects.paths",
            "keep one",
        ),
        (
            [a_step()],
            {"artifacts": {"objects": {"location": "gs://b", "paths": ["../a"]}}},
            "artifacts.objects.paths",
            "leaves",
        ),
        ([a_step(args=["a\0b"])], {}, "steps[0].args[0]", "NUL"),
    ],
)
def test_each_mistake_names_its_field(steps, more, field, part):
    assert part in findings(steps, **more)[field]


def test_a_secret_must_be_used_once_defined():
    secrets = {"secretManager": [{"versionName": "projects/p/secrets/s/versions/1", "env": "X"}]}

    assert "used by no step" in findings([a_step()], availableSecrets=secrets)["availableSecrets"]
    assert (
        "also in env"
        in findings([a_step(env=["X=1"], secretEnv=["X"])], availableSecrets=secrets)["steps[0].secretEnv"]
    )


def waits(*steps):
    return plan.after([{"name": "x", **s} for s in steps])


def test_s14_wait_for_becomes_a_graph():
    found, wrong = waits(
        {"id": "clone"}, {"id": "image", "waitFor": ["clone"]}, {"waitFor": ["clone"]}, {}, {"waitFor": ["-"]}
    )

    assert wrong == []
    assert found == [(), (0,), (0,), (0, 1, 2), ()]


@pytest.mark.parametrize(
    ("steps", "part"),
    [
        (({"waitFor": ["nobody"]},), "not the id of a step"),
        (({"id": "a", "waitFor": ["b"]}, {"id": "b"}), "below this one"),
        (({"id": "a", "waitFor": ["b"]}, {"id": "b", "waitFor": ["a"]}), "wait for each other"),
        (({"id": "a", "waitFor": ["a"]},), "waits for itself"),
        (({"id": "a"}, {"id": "a"}), "unique"),
        (({"id": "-"},), "reserved"),
    ],
)
def test_each_wrong_wait_for_is_explained(steps, part):
    _, wrong = waits(*steps)

    assert part in wrong[0].message


def refusal(text):
    with pytest.raises(InvalidArgument) as caught:
        document.load(text)
    return caught.value.message


def test_s03_yaml_and_json_are_read_alike():
    assert document.load("steps:\n- name: a\n") == document.load('{"steps": [{"name": "a"}]}')


def test_dates_stay_text_and_anchors_work():
    assert document.load("a: &x 2026-01-01\nb: *x\n") == {"a": "2026-01-01", "b": "2026-01-01"}


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8)
)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: 1\na: 2\n", "line 1 is given again in line 2"),
        ("steps: [", "line 2, column 1"),
        ("a: 'x", "not valid YAML"),
        ("- a\n", "not a mapping"),
        ("", "not a mapping"),
        ("a: 1\n---\nb: 2\n", "more than one YAML document"),
        (BOMB, "aliases are written out"),
        ("a: &a [*a]", "contains itself"),
        ("a: " + "[" * 5000, "nested deeper"),
        (b"a: \xff\xfe", "UTF-8"),
        ("x" * 1_000_001, "1000000 are allowed"),
        ("a: !!python/object/apply:os.system [x]", "not valid YAML"),
    ],
)
def test_s03_unreadable_documents_are_refused_in_a_sentence(text, part):
    start = time.process_time()

    assert part in refusal(text)
    assert time.process_time() - start < 5


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([*schema.BUILD.fields, "waitFor", "x"])


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(names, values, max_size=4), values)
def test_no_document_breaks_the_checker(top, step):
    with pytest.raises(InvalidArgument) as caught:
        config.check({"steps": [step, a_step(name="")], **top}, built_in=BUILT_IN)

    assert caught.value.violations
