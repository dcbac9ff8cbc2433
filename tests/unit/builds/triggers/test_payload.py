"""What triggers take from events."""

from datetime import UTC, datetime

import pytest

from trainshed.builds.triggers import payload
from trainshed.errors import InvalidArgument

EVENT = {
    "body": {"message": {"data": {"tag": "v1", "n": 3, "f": "1.10"}, "attributes": {"k-1": "x"}}, "list": [{"a": True}]}
}


@pytest.mark.parametrize(
    ("value", "bound"),
    [
        ("plain", "plain"),
        ("$(body.message.data.tag)", "v1"),
        ("a-$(body.message.data.tag)-$(body.list[0].a)", "a-v1-true"),
        ("$(body.message.attributes['k-1'])", "x"),
        ("$(body.message.attributes.k-1)", "x"),
        ("$(body.message.data.n)", "3"),
        ("$(body.list)", '[{"a":true}]'),
        ("${_OTHER:-$(body.message.data.tag)}", "${_OTHER:-v1}"),
    ],
)
def test_bindings_are_json_paths_below_a_root(value, bound):
    assert payload.bind({"_A": value}, EVENT) == {"_A": bound}


def test_what_an_event_has_is_text_and_never_a_substitution():
    assert payload.bind({"_A": "$(body)"}, {"body": "$_B ${_C}"}) == {"_A": "$$_B $${_C}"}


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("$(body.gone.x)", "the event has no body.gone.x"),
        ("$(body.list[7])", "the event has no body.list[7]"),
        ("$(message.data)", "does not begin with body, push, pull_request"),
        ("$(body.x[y])", "'[y]' is not .field, [0] or ['field']"),
    ],
)
def test_what_cannot_be_taken_is_named(value, part):
    with pytest.raises(InvalidArgument) as caught:
        payload.bind({"_A": value}, EVENT)

    assert caught.value.message.startswith("substitutions._A: ")
    assert part in caught.value.message


def test_a_value_may_not_come_to_more_than_4000_characters():
    with pytest.raises(InvalidArgument, match="4000 are allowed"):
        payload.bind({"_A": "$(body)"}, {"body": "x" * 4001})


def test_a_message_is_the_pushed_envelope_with_its_data_decoded():
    time = datetime(2026, 1, 2, tzinfo=UTC)

    found = payload.of_message(b'{"a": 1.10}', {"k": "v"}, "7", time, "projects/p/subscriptions/s")
    plain = payload.of_message(b"\xff no json", {}, "8", time, "s")

    assert found["body"]["message"] == {
        "data": {"a": "1.10"},
        "attributes": {"k": "v"},
        "messageId": "7",
        "publishTime": "2026-01-02T00:00:00Z",
    }
    assert found["body"]["subscription"] == "projects/p/subscriptions/s"
    assert plain["body"]["message"]["data"] == "\ufffd no json"


def test_json_that_is_nested_without_end_stays_text():
    assert isinstance(payload.read_json(b"[" * 100_000), str)
