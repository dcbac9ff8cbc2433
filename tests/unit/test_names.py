"""Identifiers, and what their beginnings mean."""

import pytest

from trainshed import names
from trainshed.errors import InvalidArgument


def test_an_identifier_is_known_by_a_beginning_that_no_other_has():
    assert names.only("4b57fd65", ["4b57fd65-a"]) == "4b57fd65-a"
    assert names.only("4b57fd65", ["4b57fd65", "4b57fd65-a"]) == "4b57fd65"
    assert names.only("4b57fd65", []) == ""
    with pytest.raises(
        InvalidArgument,
        match="'4b57fd65' is the beginning of builds/4b57fd65-a and receipts/4b57fd65b; give more of it",
    ):
        names.only("4b57fd65", ["builds/4b57fd65-a", "receipts/4b57fd65b"])


@pytest.mark.parametrize(
    ("name", "kind", "called"),
    [
        ("projects/p/locations/l/jobs/hourly", "schedule", "schedule hourly"),
        ("projects/p/locations/l/schedules/7", "run schedule", "run schedule 7"),
        ("projects/p/triggers/push", "build trigger", "build trigger push"),
        ("projects/p/locations/l/functions/f/invocations/12", "invocation", "invocation 12"),
        ("projects/p/builds/4b57fd65-a1b2", "build", "build 4b57fd65"),
        ("projects/p/buckets/b", "", "b"),
        ("nightly", "", "nightly"),
        ("", "", ""),
    ],
)
def test_a_resource_is_called_by_its_kind(name, kind, called):
    assert (names.kind(name), names.called(name)) == (kind, called)


def test_a_beginning_has_eight_characters_of_identifiers_at_least():
    assert names.is_beginning("4b57fd65")
    assert not names.is_beginning("4b57fd6")
    assert not names.is_beginning("4b57/fd65")
    assert not names.is_beginning("Nightly schedule")
