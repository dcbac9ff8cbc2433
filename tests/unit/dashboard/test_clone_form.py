"""Each parameter of a pipeline has a field of its type, with the value that the run had."""

import pytest

from trainshed.dashboard.runs.given import field
from trainshed.ir import ABSENT, ParameterDefinition


def made(kind, current=ABSENT, **more):
    return field("x", ParameterDefinition(type=kind, **more), {} if current is ABSENT else {"x": current})


@pytest.mark.parametrize(
    ("kind", "current", "type_", "value"),
    [
        ("STRING", 'say "hello"', "text", 'say "hello"'),
        ("STRING", "5", "text", "5"),
        ("NUMBER_INTEGER", 5, "integer", "5"),
        ("NUMBER_DOUBLE", 1e-05, "number", "1e-05"),
        ("BOOLEAN", True, "boolean", "true"),
        ("LIST", [1, "ä"], "json", '[1, "ä"]'),
        ("STRUCT", {"a": None}, "json", '{"a": null}'),
    ],
)
def test_a_field_has_the_type_of_its_parameter_and_the_value_of_the_run(kind, current, type_, value):
    found = made(kind, current)

    assert (found.type, found.value, found.name) == (type_, value, "parameters.[x]")


def test_a_default_stands_where_the_run_had_nothing_and_is_said():
    found = made("NUMBER_INTEGER", default=3)

    assert (found.value, found.help, found.is_required) == ("3", "whole number, by default 3", False)


def test_what_must_be_given_is_required_and_what_may_be_absent_is_not_sent():
    assert made("NUMBER_DOUBLE").is_required
    optional = made("STRING", is_optional=True)
    assert (optional.is_required, optional.sends_empty, optional.help) == (False, False, "text, may be left empty")


def test_emptying_what_had_a_value_counts():
    assert made("STRING", "before").sends_empty
    assert made("NUMBER_INTEGER", 3, default=5).sends_empty


def test_an_optional_yes_or_no_can_stay_unsaid():
    found = made("BOOLEAN", is_optional=True)

    assert (found.type, found.choices, found.value) == ("json", ["", "true", "false"], "")


def test_known_values_are_chosen_among():
    assert made("STRING", "a", literals=("a", "b")).choices == ["a", "b"]
    assert made("NUMBER_INTEGER", 2, literals=(1, 2)).choices == ["1", "2"]


def test_no_known_value_is_chosen_by_itself():
    for found in (made("STRING", literals=("a", "b"), is_optional=True), made("STRING", literals=("a", "b"))):
        assert (found.choices, found.value, found.sends_empty) == (["", "a", "b"], "", False)


def test_long_texts_have_several_lines():
    assert made("STRING", "x" * 100).is_long
    assert made("STRING", "a\nb").is_long
    assert not made("STRING", "short").is_long
