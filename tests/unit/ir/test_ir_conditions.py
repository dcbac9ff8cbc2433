"""Conditions and selectors, as the published driver evaluates them."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed import ir
from trainshed.ir import conditions

P = "inputs.parameter_values"
GIVEN = {
    "n": 1, "s": "heads", "digits": "7", "yes": True, "half": 0.5, "list": [1, 2], "deep": {"a": {"b": [1]}},
    "empty": "", "json": '{"a": 1}', "none": None,
}  # fmt: skip
MODEL = ir.ArtifactValue(
    name="m",
    uri="gs://b/m",
    type={"schemaTitle": "system.Model"},
    metadata={"blessed": 1, "accuracy": 0.95, "by": "me"},
)


def holds(expression):
    return conditions.holds(expression, GIVEN, {"m": [MODEL]})


@pytest.mark.parametrize(
    "expression",
    [
        f"{P}['n'] == 1", f"{P}['n'] == 1.0", f"int({P}['digits']) == 7", f"int({P}['n']) < int({P}['digits'])",
        f"!({P}['s'] == 'tails')", f"!({P}['s'] == 'tails') && {P}['n'] >= 0", f"{P}['s'] in ['heads', 'tails']",
        f"{P}['n'] in [1, 2]", f"{P}['half'] < 1 && {P}['half'] > 0", f"{P}['yes'] == true", f"{P}['yes']",
        f"{P}['s'] != 'x'", f'{P}["s"] == "heads"', f"{P}['list'] == [1, 2]", f"size({P}['list']) == 2",
        f"{P}['deep'].a.b[0] == 1", f"!('zz' in {P})", f"has({P}.n)", f"{P}['zz'] == 1 || true",
        f"double({P}['digits']) > 6.5", f"string({P}['n']) == '1'", f"{P}['s'].startsWith('he')",
        f"{P}['list'].exists(x, x > 1)", f"{P}['n'] + 1.0 == 2.0", f"{P}['empty'] == ''", f"int({P}['half']) == 0",
        f"parseJson({P}['json'])['a'] == 1", f"{P}['none'] == null", f"{P}['s'].matches('^h.*s$')",
        "(inputs.artifacts['m'].artifacts[0].metadata['blessed'] == 1.0)",
        "inputs.artifacts['m'].artifacts[0].metadata['accuracy']*100.0 > 90.0",
        "inputs.artifacts['m'].artifacts[0].uri == 'gs://b/m'",
        "inputs.artifacts['m'].artifacts[0].type.schema_title == 'system.Model'",
        "inputs.parameters['s'].string_value == 'heads'", "inputs.parameters['n'].int_value == 1",
    ],
)  # fmt: skip
def test_a_condition_that_holds(expression):
    assert holds(expression) is True


@pytest.mark.parametrize(
    "expression",
    [
        f"{P}['n'] == 'x'",
        f"{P}['s'] == 1",
        f"{P}['n'] == '1'",
        f"!({P}['yes'])",
        f"{P}['none'] == 'a'",
        f"{P}['s'] == ''",
    ],
)
def test_a_condition_that_does_not_hold(expression):
    assert holds(expression) is False


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        (f"{P}['zz'] == 1", "Key not found in map"),
        (f"int({P}['s']) == 1", "cannot convert string to int"),
        (f"{P}['n'] + 1 == 2", "No matching overloads found"),  # a double and an integer, as in the driver
        (f"{P}['s']", "is 'heads', neither true nor false"),
        ("1 +", "Syntax error"),
        ("[1,2,3,4,5,6,7,8,9,10].all(a, " * 9 + "true" + ")" * 9, "Iteration budget exceeded"),
        ("inputs.artifacts['none'].artifacts[0].uri == ''", "Key not found"),
        (f"parseJson({P}['s'])['a'] == 1", "cannot be evaluated"),
    ],
)
def test_what_cannot_be_decided_is_told_in_a_sentence(expression, sentence):
    with pytest.raises(ValueError, match=".") as caught:
        holds(expression)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "[I" not in str(caught.value)  # INVALID_ARGUMENT, INTERNAL


def test_a_text_that_the_library_would_cut_short_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        conditions.holds(f"{P}['x'] == 'a'", {"x": ["a\0b"]}, {})


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ('parseJson(string_value)["a"]', '{"a": "x"}', "x"),
        ('parseJson(string_value)["a"]', {"a": 1}, 1),
        ('parseJson(string_value)["a"][0]["b"]', {"a": [{"b": [1, 2.5, None, True]}]}, [1, 2.5, None, True]),
        ("parseJson(string_value)[1]", [10, 20], 20),
        ("parseJson(string_value)[0]", "[1.1, 1.2]", 1.1),
        ("string_value", "Hello", "Hello"),
        ("string_value", 6.0, "6"),
        ("struct_value.a.b", {"a": {"b": "B"}}, "B"),
        ("list_value[1]", ["x", "y"], "y"),
        ("number_value + 1.0", 2.0, 3.0),
        ("bool_value", True, True),
    ],
)
def test_a_part_of_a_value_is_taken(expression, value, expected):
    found = conditions.select(expression, value)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('parseJson(string_value)["b"]', {"a": 1}),
        ("parseJson(string_value)", "nojson"),
        ("struct_value", "text"),
        ("list_value[3]", [1]),
    ],
)
def test_a_part_that_is_not_there_is_told_in_a_sentence(expression, value):
    with pytest.raises(ValueError, match="cannot be evaluated: "):
        conditions.select(expression, value)


def test_a_value_that_is_nested_too_deep_is_told():
    deep = []
    for _ in range(5000):
        deep = [deep]

    for decide in (
        lambda: conditions.holds(f"size({P}['x']) == 1", {"x": deep}, {}),
        lambda: conditions.select("list_value[0]", deep),
        lambda: conditions.select("parseJson(string_value)[0]", "[" * 5000 + "]" * 5000),
    ):
        with pytest.raises(ValueError, match="nested too deep"):
            decide()


@pytest.mark.parametrize("expression", ["(" * 3000 + "1" + ")" * 3000, "1" + "+1" * 50_000, "inputs" + ".a" * 3000])
def test_an_expression_that_goes_on_and_on_is_refused_at_once(expression):
    said = conditions.problem(expression)

    assert "limit" in said or "depth" in said
    with pytest.raises(ValueError, match="cannot be evaluated"):
        holds(expression)


def test_integers_beyond_64_bits_lose_digits_and_nothing_else():
    assert conditions.select("parseJson(string_value)[0]", f"[{10**30}]") == 1e30
    assert conditions.select("parseJson(string_value)[0]", f"[{2**62 + 1}]") == 2**62 + 1
    assert conditions.holds(f"{P}['x'] > 5", {"x": 10**30}, {})


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("1 +", "Syntax error: mismatched input '<EOF>'"),
        ("foo == 1", "undeclared reference to 'foo'"),
        ("'a' + 1", "found no matching overload"),
        (f"{P}['x'].exists(i, i > 1)", ""),
        (f"{P}['x'] == 1 && int({P}['y']) < 3", ""),
        ("", "Syntax error"),
    ],
)
def test_an_expression_is_checked_before_there_are_values(expression, found):
    said = conditions.problem(expression)

    assert said.startswith(found)
    assert bool(said) == bool(found)


def test_a_selector_sees_the_fields_of_a_value_and_no_inputs():
    assert conditions.problem('parseJson(string_value)["a"]', is_selector=True) == ""
    assert "inputs" in conditions.problem(f"{P}['x']", is_selector=True)
    assert "string_value" in conditions.problem("string_value == ''")


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


@given(json_values)
def test_a_value_goes_through_the_library_unchanged(value):
    assert conditions.select('parseJson(string_value)["x"]', {"x": value}) == value


@given(texts)
def test_a_text_is_compared_as_it_is(text):
    assert conditions.holds(f"{P}['x'] == {P}['y']", {"x": text, "y": text}, {})
    assert not conditions.holds(f"{P}['x'] == {P}['y']", {"x": text, "y": text + "!"}, {})


@given(st.text(max_size=30))
def test_no_text_breaks_the_checker(text):
    assert isinstance(conditions.problem(text), str)


def test_the_library_is_not_loaded_with_the_package():
    code = "import sys, trainshed.ir; sys.exit('cel_expr_python' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
