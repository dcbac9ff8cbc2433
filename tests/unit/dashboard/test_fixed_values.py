"""Fields that fix values of a run trigger: of the pipeline's types, and empty where nothing is fixed."""

import pytest

from trainshed import ir
from trainshed.dashboard.triggers import fixed_values

TAKES = {
    "epochs": ir.ParameterDefinition(type="NUMBER_INTEGER"),
    "rate": ir.ParameterDefinition(type="NUMBER_DOUBLE", default=0.5),
    "word": ir.ParameterDefinition(type="STRING"),
    "is_fast": ir.ParameterDefinition(type="BOOLEAN", default=False),
    "sizes": ir.ParameterDefinition(type="LIST"),
    "kind": ir.ParameterDefinition(type="STRING", literals=("a", "b")),
}


class Pipeline:
    """Stands in for run triggers that can read what they start."""

    def fixable(self, spec_uri, *, is_of_object):
        return TAKES


def made(fixed):
    fields = fixed_values.fields(Pipeline(), "gs://b/p.json", fixed, is_of_object=False)
    return {field.label.removeprefix("Fixed value of "): field for field in fields}


def test_a_value_that_is_not_fixed_has_an_empty_field_whatever_its_default():
    found = made({})

    assert {name: field.value for name, field in found.items()} == dict.fromkeys(TAKES, "")
    assert not any(field.is_required or field.sends_empty for field in found.values())
    assert [field.name for field in found.values()] == [f"parameters.[{name}]" for name in TAKES]
    assert found["is_fast"].choices == ("", "true", "false")
    assert list(found["kind"].choices) == ["", "a", "b"]


@pytest.mark.parametrize(
    ("name", "fixed", "shown", "kind"),
    [
        ("epochs", 5, "5", "integer"),
        ("epochs", "5", "5", "integer"),
        ("rate", 0.25, "0.25", "number"),
        ("word", "5", "5", "text"),
        ("is_fast", True, "true", "json"),
        ("is_fast", "True", "true", "json"),
        ("sizes", [1, "é"], '[1, "é"]', "json"),
        ("kind", "b", "b", "text"),
    ],
)
def test_a_fixed_value_stands_in_its_field_as_it_is_typed_there(name, fixed, shown, kind):
    field = made({name: fixed})[name]

    assert (field.value, field.type) == (shown, kind)


def test_an_empty_text_that_is_fixed_stays_one_and_any_choice_can_be_taken_back():
    found = made({"word": "", "kind": "a", "is_fast": False})

    assert found["word"].sends_empty
    assert {name for name, field in found.items() if field.choices and "" in field.choices} == {"is_fast", "kind"}
    assert not found["kind"].sends_empty


@pytest.mark.parametrize(("fixed", "shown", "sends_empty"), [({}, "", False), ({"n": "é"}, '{"n": "é"}', True)])
def test_where_the_pipeline_is_not_known_all_values_stand_in_one_field(fixed, shown, sends_empty):
    field = fixed_values.unread(fixed)

    assert (field.name, field.type, field.value, field.sends_empty) == ("parameters", "json", shown, sends_empty)
