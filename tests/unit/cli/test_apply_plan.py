"""What trainshed.yaml means, what differs, and what is said about a file that is wrong."""

import base64
import re
from pathlib import Path

import pytest
import yaml

from trainshed.cli.apply_plan import FILE_FIELDS, FORMAT, NOTIFICATION_FIELDS, compare, read
from trainshed.errors import InvalidArgument

ROOT = Path(__file__).parents[3]


def resources(text):
    return read(yaml.safe_load(text), project="p", region="r")


def only(text):
    (found,) = resources(text)
    return found


def test_short_names_become_whole_ones_in_the_files_project():
    assert only("topics: [{name: abc}]").name == "projects/p/topics/abc"
    assert only("{project: q, topics: [{name: abc}]}").name == "projects/q/topics/abc"
    assert only("topics: [{name: projects/x/topics/abc}]").name == "projects/x/topics/abc"


def test_topics_come_before_what_refers_to_them():
    found = resources(
        "{triggers: [{name: t, topic: abc, spec: 'gs://b/s'}], buckets: [{name: b}], topics: [{name: abc}]}"
    )
    assert [r.kind for r in found] == ["topic", "bucket", "trigger"]


def test_a_schedules_message_is_json_unless_it_is_text():
    target = only("schedules: [{name: s, schedule: '* * * * *', topic: t, message: {a: 1}}]").document["pubsubTarget"]
    assert base64.b64decode(target["data"]) == b'{"a": 1}'
    target = only("schedules: [{name: s, schedule: '* * * * *', topic: t, message: plain}]").document["pubsubTarget"]
    assert base64.b64decode(target["data"]) == b"plain"


def test_a_functions_trigger_is_googles_event_trigger():
    found = only(
        "functions: [{name: f, source: d, triggerTopic: t, retry: true, environmentVariables: {A: 1}}]"
    ).document
    assert found["eventTrigger"] == {
        "eventType": "google.pubsub.topic.publish",
        "resource": "projects/p/topics/t",
        "service": "pubsub.googleapis.com",
        "failurePolicy": {"retry": {}},
    }
    assert found["environmentVariables"] == {"A": "1"}


def test_a_bucket_brings_its_files_and_notifications():
    found = resources("buckets: [{name: 'gs://b/', files: [{source: d, to: x/}], notifications: [{topic: t}]}]")
    assert [(r.kind, r.name) for r in found] == [
        ("bucket", "b"), ("file", "gs://b/x/"), ("notification", "gs://b → projects/p/topics/t"),
    ]  # fmt: skip


def test_what_is_not_there_is_created_and_what_is_equal_is_kept():
    wanted = only("schedules: [{name: s, schedule: '* * * * *', topic: t, message: m}]")
    assert compare(wanted, None).action == "create"
    served = {
        **wanted.document,
        "state": "ENABLED",
        "pubsubTarget": {**wanted.document["pubsubTarget"], "attributes": {}},
    }
    assert compare(wanted, served).action == "keep"


def test_a_difference_names_the_field_and_both_values():
    wanted = only("schedules: [{name: s, schedule: '*/5 * * * *', topic: t, message: {a: 2}}]")
    before = only("schedules: [{name: s, schedule: '*/3 * * * *', topic: t, message: {a: 1}}]").document

    change = compare(wanted, before)

    assert change.action == "update"
    assert change.differences == ("schedule */3 * * * * → */5 * * * *", 'pubsubTarget.data {"a": 1} → {"a": 2}')


def test_a_retry_that_the_file_no_longer_asks_for_is_a_difference():
    before = only("functions: [{name: f, source: d, triggerTopic: t, retry: true}]").document
    assert compare(only("functions: [{name: f, source: d, triggerTopic: t}]"), before).action == "update"


def test_values_of_variables_are_not_shown():
    wanted = only("functions: [{name: f, source: d, triggerTopic: t, environmentVariables: {KEY: canary-1, B: x}}]")
    before = {**wanted.document, "environmentVariables": {"KEY": "canary-2", "B": "x"}}

    change = compare(wanted, before)

    assert "canary" not in str(change)
    assert change.differences == ("environmentVariables KEY changed",)


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("[]", "", "not a mapping of sections"),
        ("bukets: []", "bukets", "is not a section"),
        ("topics: {a: 1}", "topics", "is not a list"),
        ("topics: [a]", "topics[0]", "is not a mapping"),
        ("topics: [{}]", "topics[0].name", "is missing"),
        ("topics: [{name: a}, {name: a}]", "topics[1].name", "is there twice"),
        ("topics: [{name: a, lables: {}}]", "topics[0].lables", "is not a field"),
        ("schedules: [{name: s, schedule: x}]", "schedules[0]", "exactly one of topic, uri"),
        ("functions: [{name: f, source: d}]", "functions[0]", "exactly one of triggerTopic"),
        ("triggers: [{name: t, spec: s, topic: a, bucket: b}]", "triggers[0]", "exactly one of topic, bucket"),
        ("triggers: [{name: t, spec: s, topic: a, parameters: [1]}]", "triggers[0].parameters", "is not a mapping"),
        ("buckets: [{name: b, files: [{to: x}]}]", "buckets[0].files[0].source", "is missing"),
        ("project: 3", "project", "is not a string"),
    ],
)
def test_a_wrong_file_is_refused_naming_the_place(text, path, said):
    with pytest.raises(InvalidArgument) as raised:
        resources(text)
    (violation,) = [v for v in raised.value.violations if v.field == path]
    assert said in violation.description


def test_every_mistake_is_named_at_once():
    with pytest.raises(InvalidArgument) as raised:
        resources("{topics: [{}], oops: 1, triggers: [{name: 1}]}")
    assert len(raised.value.violations) >= 4


@pytest.mark.parametrize("example", sorted(ROOT.glob("examples/*/trainshed.yaml")), ids=lambda p: p.parent.name)
def test_the_examples_files_are_right(example):
    assert resources(example.read_text())


def test_the_reference_page_describes_every_section_and_field():
    page = (ROOT / "docs/reference/trainshed-yaml.md").read_text()
    for section, fields in FORMAT.items():
        part = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
        described = {m[0]: m[1] for m in re.findall(r"`(\w+)`(\*?)", part)}
        for name in fields:
            assert name.rstrip("*") in described, (section, name)
            assert not name.endswith("*") or described[name.rstrip("*")] == "*", (section, name)
    buckets = page.split("\n## buckets\n")[1].split("\n## ")[0]
    assert all(f"`{name.rstrip('*')}`" in buckets for name in (*FILE_FIELDS, *NOTIFICATION_FIELDS))
    assert resources(re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1])
