"""The filter of ListBuilds."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.builds import filters
from trainshed.builds.lifecycle import BUILD
from trainshed.errors import InvalidArgument

FACTS = {
    "status": "WORKING",
    "id": "b1",
    "trigger_id": ["7f", "nightly"],
    "create_time": datetime(2026, 1, 31, 8, tzinfo=UTC),
    "finish_time": None,
    "tags": ["a", "b"],
    "images": [],
    "substitutions": {"_A": "x y", "BRANCH_NAME": "main"},
    "source": {"repoSource": {"branchName": "main"}, "storageSource": {"bucket": "p_cloudbuild"}},
    "options": {"requestedVerifyOption": "VERIFIED"},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ('status="WORKING"', True),
        ('status="WORKING" OR status="QUEUED"', True),
        ('status!="WORKING"', False),
        ("status=QUEUED", False),
        ('tags="b"', True),
        ('tags="a" tags="b"', True),
        ('tags!="a"', False),
        ('-tags="c"', True),
        ('NOT (tags="c" AND tags="a")', True),
        ('create_time>"2026-01-31T07:59:59.000Z"', True),
        ("createTime>=2026-01-31T09:00:00+01:00", True),
        ('create_time<"2026-01-31T08:00:00Z"', False),
        ('finish_time>"2020-01-01T00:00:00Z"', False),
        ('trigger_id="nightly"', True),
        ('substitutions._A="x y" AND substitutions.BRANCH_NAME="main"', True),
        ('source.repo_source.branch_name="main"', True),
        ('source.storage_source.bucket="other"', False),
        ('options.requested_verify_option="VERIFIED"', True),
        ('images:"gcr"', False),
        ('substitutions._A:"X"', True),
        ('(status="WORKING" OR status="QUEUED") AND tags="c"', False),
    ],
)
def test_list_builds_filters_by_status_time_tags_trigger_substitutions_and_source(text, holds):
    assert filters.read(text, states=BUILD.states).matches(FACTS) is holds


def test_or_binds_tighter_than_and_as_in_googles_filters():
    read = filters.read('status="QUEUED" AND tags="a" OR tags="c"', states=BUILD.states)

    assert not read.matches(FACTS)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('status="RUNNING"', "'RUNNING' is not a status"),
        ('colour="red"', "'colour' is not a field of a build"),
        ("status", "ends where an operator is expected"),
        ("status=", "ends where a value is expected"),
        ('(status="WORKING"', "ends where ')' is expected"),
        ('status="WORKING")', "')' is not expected there"),
        ('create_time>"yesterday"', "'yesterday' is not a time"),
        ('"a"="b"', "'a' is not a field"),
        ('status ~ "x"', "is not one of"),
        ("(" * 50, "nested deeper"),
        ("x" * 9000, "9000 characters"),
    ],
)
def test_what_is_not_a_filter_is_refused_with_the_reason(text, part):
    with pytest.raises(InvalidArgument) as caught:
        filters.read(text, states=BUILD.states)

    assert caught.value.message.startswith("filter: ")
    assert part in caught.value.message


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ('status="WORKING" OR status="QUEUED"', {"WORKING", "QUEUED"}),
        ('(status="WORKING" OR status="QUEUED") AND status="QUEUED" tags="x"', {"QUEUED"}),
        ('status="WORKING" OR tags="x"', None),
        ('NOT status="WORKING"', None),
        ("", None),
    ],
)
def test_the_store_is_asked_for_the_states_that_can_match_only(text, states):
    assert filters.states_of(filters.read(text, states=BUILD.states)) == states


@given(st.text(alphabet="abst=<>!:()\"' ANDORNT-_.\\0", max_size=40))
def test_no_text_breaks_the_reader(text):
    with suppress(InvalidArgument):
        filters.read(text, states=BUILD.states).matches(FACTS)
