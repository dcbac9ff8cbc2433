from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.errors import InvalidArgument
from trainshed.lineage.filters import Related, conjuncts, holds, parse, relations

FIELDS = frozenset({"display_name", "uri", "state", "schema_title", "create_time", "metadata", "in_context"})
FACTS = {
    "display_name": "best model",
    "uri": "gs://b/model.v2",
    "state": "LIVE",
    "schema_title": "system.Model",
    "create_time": datetime(2026, 1, 31, 12, tzinfo=UTC),
    "metadata": {"accuracy": 0.9, "framework": "sklearn", "is_best": True, "input:rate": 3, "deep": {"a": {"b": "c"}}},
}


def matches(text, context="c1"):
    condition = parse(text, FIELDS)
    return condition is None or holds(condition, FACTS, lambda related: related.context == context)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        'schema_title = "system.Model"',
        "schema_title=system.Model",
        "state=LIVE",
        "uri='gs://b/model.v2'",
        'display_name = "best*"',
        'display_name = "*mod*"',
        'display_name != "worst"',
        'uri="gs://b/model.v2" AND state="LIVE"',
        'uri="gs://b/model.v2" state="LIVE"',
        'state="PENDING" OR state="LIVE"',
        'state="LIVE" AND (schema_title="system.Dataset" OR schema_title="system.Model")',
        'schema_title="system.Dataset" OR schema_title="system.Model" AND state="LIVE"',
        'NOT state="PENDING"',
        'create_time > "2026-01-31T11:30:00Z"',
        'create_time = "2026-01-31T07:00:00-05:00"',
        'create_time <= "2026-01-31T12:00:00Z"',
        "metadata.accuracy.number_value > 0.5",
        "metadata.accuracy.number_value = 0.9",
        "metadata.is_best.bool_value = true",
        'metadata.framework.string_value = "sklearn"',
        'metadata."input:rate".number_value >= 3',
        'metadata.deep.struct_value.fields.a.struct_value.fields.b.string_value = "c"',
        "metadata.missing.number_value != 3",
        'in_context("c1")',
        'in_context("c1") AND NOT in_context("c2")',
    ],
)
def test_what_matches(text):
    assert matches(text)


@pytest.mark.parametrize(
    "text",
    [
        'schema_title = "system.Dataset"',
        'display_name = "best"',
        'display_name = "*best"',
        'state="LIVE" AND state="PENDING"',
        'state="LIVE" AND schema_title="x" OR schema_title="y"',
        'create_time < "2026-01-31T12:00:00Z"',
        "metadata.accuracy.number_value > 0.95",
        "metadata.accuracy.number_value = many",
        "metadata.missing.number_value > 0",
        "metadata.is_best.bool_value = false",
        "metadata.framework.number_value > 3",
        'in_context("c2")',
    ],
)
def test_what_does_not_match(text):
    assert not matches(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('color = "red"', "'color' is not a field of these; create_time, display_name"),
        ("metadata = 3", "'metadata' is not a field"),
        ('uri.x = "y"', "'uri.x' is not a field"),
        ("state", "ends too early"),
        ("state =", "ends too early"),
        ("state LIVE", "has 'LIVE' where =, !="),
        ('(state="LIVE"', "ends too early"),
        ('state="LIVE")', "')' is not expected there"),
        ('state="LIVE', "cannot be read from '\"LIVE' on"),
        ("AND", "ends too early"),
        ('parent_contexts:"c"', "'parent_contexts' does not apply to these"),
        ('create_time > "yesterday"', "create_time: 'yesterday' is not a time like"),
        ("(" * 6 + 'state="LIVE"' + ")" * 6, "nested deeper than 5"),
        ("in_context", "ends too early"),
    ],
)
def test_what_cannot_be_read_is_told_with_an_example(text, said):
    with pytest.raises(InvalidArgument, match="^filter: ") as error:
        matches(text)

    assert said in str(error.value)


def test_parents_are_given_as_a_list():
    found = parse('schema_title="x" AND parent_contexts:"a","b"', frozenset({"schema_title", "parent_contexts"}))

    assert relations(found) == {Related(relation="parent_contexts", context=c) for c in "ab"}
    assert len(conjuncts(found)) == 2


PIECES = [*"()=<>!:,.\"'* ab1", " AND ", " OR ", "NOT ", "state", "metadata", "in_context"]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_text_is_read_or_refused_by_name(text):
    with suppress(InvalidArgument):
        matches(text)
        return
    with pytest.raises(InvalidArgument) as error:
        matches(text)
    assert str(error.value).startswith("filter: ")
