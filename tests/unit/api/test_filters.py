import pytest

from trainshed.api.filters import Partial, parse
from trainshed.errors import InvalidArgument

ENTRY = {
    "logName": "projects/p/logs/cloudfunctions.googleapis.com%2Fcloud-functions",
    "resource": {"type": "cloud_function", "labels": {"function_name": "f", "region": "us-central1"}},
    "labels": {"execution_id": "abc", "goog-managed-by": "cloudfunctions"},
    "severity": "WARNING",
    "timestamp": "2026-01-31T12:00:00.5Z",
    "textPayload": "Traceback: no 'such' thing",
    "count": 7,
    "open": True,
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        'resource.type="cloud_function"',
        "resource.type=cloud_function",
        'resource.labels.function_name="F"',
        'labels."goog-managed-by"="cloudfunctions"',
        'labels.goog-managed-by="cloudfunctions"',
        'logName:"cloud-functions"',
        "severity>=INFO",
        "severity>=warning severity<ERROR",
        "severity=(WARNING OR ERROR)",
        'timestamp>="2026-01-31T11:00:00Z" AND timestamp<"2026-01-31T12:00:01Z"',
        "timestamp>=2026-01-31T11:00:00+00:00",
        'textPayload:"traceback"',
        'text_payload=~"^Trace.*thing$"',
        'textPayload!~"other"',
        "NOT labels.execution_id=xyz",
        "-labels.execution_id=xyz",
        'labels.missing!="x"',
        "labels.execution_id:*",
        "count>6 count<=7 count!=8",
        "open=true",
        "traceback",
        '"such"',
        'resource.type="x" OR severity=WARNING resource.type=cloud_function',
        '(resource.type="x" severity=ERROR) OR (resource.type="cloud_function" logName:"cloud-functions")',
        "-- a comment\nseverity=WARNING",
    ],
)
def test_what_is_meant_is_chosen(text):
    assert parse(text)(ENTRY) is True


@pytest.mark.parametrize(
    "text",
    [
        'resource.type="x"',
        "severity<INFO",
        "severity=(INFO AND WARNING)",
        "labels.missing:*",
        'labels.missing="x"',
        "NOT severity>=INFO",
        "severity=WARNING AND (resource.type=x OR resource.type=y)",
        "severity=WARNING OR resource.type=cloud_function resource.type=x",
        'textPayload=~"^thing"',
        "absent",
        "count>10",
    ],
)
def test_or_binds_tighter_than_and_and_the_rest_is_left_out(text):
    assert parse(text)(ENTRY) is False


@pytest.mark.parametrize(
    "text",
    ["(", "a=b)", "a=", "=b", "AND a=b", "a=b OR", "a=(b", 'a="b', 'a=~"["', "(" * 60 + "a=b" + ")" * 60, "NOT " * 99 + "a", "a" * 30_000],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_naming_the_field(text):
    with pytest.raises(InvalidArgument, match="filter"):
        parse(text)


def test_of_a_part_it_may_be_too_early_to_tell():
    known = Partial(resource=Partial(type="cloud_function", labels=Partial(function_name="f")))

    assert parse('resource.type="x" severity=ERROR')(known) is False
    assert parse('resource.labels.function_name="f" severity=ERROR')(known) is None
    assert parse('resource.type="cloud_function" OR "word"')(known) is True
    assert parse("NOT severity=ERROR")(known) is None
    assert parse('"word"')(known) is None
