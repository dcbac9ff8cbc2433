"""The filter of a build trigger."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.builds.triggers import cel
from trainshed.errors import InvalidArgument

NAMES = {
    "_TAG": "v1.2",
    "_EMPTY": "",
    "body": {"action": "INSERT", "n": 3, "x": 1.5, "ok": True, "none": None, "list": ["a", "b"], "deep": {"a-b": "c"}},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('_TAG == "v1.2"', True),
        ("_TAG != 'v1.2'", False),
        ('_TAG.matches("^v[0-9]+")', True),
        ('_TAG.startsWith("v") && _TAG.endsWith(".2") && _TAG.contains("1.")', True),
        ('body.action == "INSERT" || body.gone == "x"', True),
        ('body.gone == "x" || body.action == "INSERT"', True),
        ('body.gone == "x"', False),
        ('body.gone != "x"', False),
        ("!has(body.gone) && has(body.action)", True),
        ('body.action in ["INSERT", "UPDATE"]', True),
        ('"a" in body.list && body.list[1] == "b"', True),
        ('body.deep["a-b"] == "c"', True),
        ("body.n > 2 && body.n <= 3 && body.n * 2 - 1 == 5 && body.n % 2 == 1", True),
        ("body.x / 2.0 < 1", True),
        ("body.ok", True),
        ("body.ok == false ? body.gone : body.n == 3", True),
        ("body.none == null", True),
        ("size(body.list) == 2 && body.list.size() == 2", True),
        ('_TAG.upperAscii() == "V1.2"', True),
        ('"a" + "b" == "ab"', True),
        ('body.n == "3"', False),
        ("body.action", False),
        ("body.action && body.ok", False),
        ("1 / 0 == 1", False),
        ('"a" < 1', False),
        ("-body.n == 0 - 3", True),
        ("(body.n == 3) == true", True),
    ],
)
def test_a_filter_holds_or_not(text, holds):
    assert cel.read(text).holds(NAMES) is holds


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "ends where a value is expected"),
        ("_A = 1", "'= 1' is not understood"),
        ("_A ==", "ends where a value is expected"),
        ("(_A", "')' is expected where its end is"),
        ("_A _B", "'_B' is not expected there"),
        ("_A.explode()", "there is no function 'explode'"),
        ("_A.matches()", "matches takes 1 arguments, not 0"),
        ("has(a, b)", "has takes one argument, not 2"),
        ("(" * 60 + "1", "nested deeper"),
        ("a" * 5000, "5000 characters"),
    ],
)
def test_what_is_no_filter_is_refused_with_the_reason(text, part):
    with pytest.raises(InvalidArgument) as caught:
        cel.read(text)

    assert part in caught.value.message


@given(st.text(alphabet="_Abody.()[]!&|=<>?:+-*/% '\"\\0123in", max_size=60))
def test_no_text_breaks_the_reader(text):
    with suppress(InvalidArgument):
        assert cel.read(text).holds(NAMES) in {True, False}
