"""Filters of resolvers, against artifacts by hand."""

from datetime import UTC, datetime

import pytest

from trainshed.ir import query

STORE = "projects/p/locations/l/metadataStores/default"
MODEL = {
    "name": f"{STORE}/artifacts/7",
    "display_name": "model",
    "uri": "gs://root/model",
    "state": "LIVE",
    "schema_title": "tfx.Model",
    "artifact_type": "tfx.Model",
    "create_time": datetime(2026, 3, 1, 12, tzinfo=UTC),
    "metadata": {"blessed": 1.0, "split": "train", "is_good": True, "input:config": 3},
    "contexts": (f"{STORE}/contexts/penguin",),
}


def holds(text, artifact=MODEL):
    return query.matches(query.parse(text), artifact)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'schema_title="tfx.Model" AND state=LIVE',
        "schema_title='tfx.Model'  AND  state = LIVE AND metadata.blessed.number_value=1",
        "metadata.blessed.number_value = 1.0",
        "metadata.blessed.number_value > 0.5 AND metadata.blessed.number_value <= 1",
        "metadata.blessed = 1",
        'metadata.split.string_value != "eval"',
        "metadata.is_good.bool_value = true",
        'metadata."input:config".number_value = 3',
        f'name="{STORE}/artifacts/7"',
        'name="7"',
        'in_context("penguin")',
        f'in_context("{STORE}/contexts/penguin") AND uri="gs://root/model"',
        "contexts.name='penguin'",
        "create_time > 2026-02-28T00:00:00+00:00",
        'create_time < "2026-03-01T12:00:01Z"',
        "NOT state=PENDING",
        '(uri="a" OR display_name="model") AND state=LIVE',
        'state=LIVE AND uri="a" OR display_name="model"',  # OR binds closer
    ],
)
def test_what_matches(text):
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        'schema_title="tfx.ModelBlessing" AND state=LIVE',
        "metadata.blessed.number_value=0",
        "metadata.blessed.string_value=1",
        "metadata.is_good.number_value=1",
        "metadata.missing.number_value != 1",
        "metadata.blessed.number_value=yes",
        'name=""',
        'in_context("another")',
        "create_time < 2026-02-28T00:00:00Z",
        "create_time < yesterday",
        'uri="a" OR display_name="model" AND state=PENDING',
    ],
)
def test_what_does_not_match(text):
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("schema_title", "a comparison (= != < <= > >=) is missing before its end"),
        ("schema_title=", "a value is missing before its end"),
        ('schema_title="a" state=LIVE', "AND or OR is missing before 'state=LIVE'"),
        ('(schema_title="a"', "')' is missing before its end"),
        ('schema_title="a" AND', "an attribute is missing before its end"),
        ('colour="red"', "asks for 'colour'"),
        ('metadata.a.list_value="red"', "asks for 'metadata.a.list_value'"),
        ("(" * 30 + "state=LIVE" + ")" * 30, "is nested more than 20 deep"),
        ('name="a', "a value is missing before"),
    ],
)
def test_what_is_no_filter(text, reason):
    with pytest.raises(ValueError) as caught:
        query.parse(text)

    assert reason in str(caught.value)


def test_a_placeholder_in_a_value_may_hold_quotes_and_what_it_becomes_is_only_a_value():
    text = "schema_title=\"tfx.Model\" AND name=\"{{$.inputs.artifacts['input'].metadata['current_model_id']}}\""

    asked = query.filled(query.parse(text), lambda value: value.replace("{{$", '" OR state=LIVE OR name="'))

    assert not query.matches(asked, MODEL)
    assert query.matches(query.filled(query.parse(text), lambda v: "7" if v.startswith("{{$.") else v), MODEL)


def test_a_placeholder_in_a_single_quoted_value():
    found = query.parse("name='{{$.inputs.artifacts['input'].metadata['id']}}'")

    assert found == query.Comparison(
        path=("name",), operator="=", value="{{$.inputs.artifacts['input'].metadata['id']}}"
    )


@pytest.mark.parametrize(
    ("text", "is_said"),
    [("state=LIVE", False), ('state=LIVE AND NOT in_context("a")', True), ("contexts.name='a' OR state=LIVE", True)],
)
def test_whether_a_filter_says_where_to_look(text, is_said):
    assert query.names_contexts(query.parse(text)) is is_said


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('schema_title="tfx.Model" AND state=LIVE', "tfx.Model"),
        ('schema_title="tfx.Model" OR state=LIVE', ""),
        ('schema_title!="tfx.Model"', ""),
        ('NOT schema_title="tfx.Model"', ""),
    ],
)
def test_the_title_that_everything_found_has(text, title):
    assert query.wanted_title(query.parse(text)) == title
