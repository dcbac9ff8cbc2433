"""Placeholders inside constant values: what kfp writes for `[task.output, …]`, `{…: task.output}` and f-strings."""

import pytest

from trainshed import ir
from trainshed.ir.render import _deep

GIVEN = {"n": 6.0, "word": "w", "listed": [1, 2]}


def value_of(expression):
    return GIVEN.get(expression.split("'")[1], "") if "'" in expression else ir.ABSENT


def placeholder(name):
    return f"{{{{$.inputs.parameters['{name}']}}}}"


@pytest.mark.parametrize(
    ("constant", "expected"),
    [
        ([placeholder("n"), 2, "x"], [6.0, 2, "x"]),
        ([placeholder("listed")], [[1, 2]]),
        ({"k": {"deep": [placeholder("word")]}}, {"k": {"deep": ["w"]}}),
        ({placeholder("word"): f"n={placeholder('n')}"}, {"w": "n=6"}),
        ([f"{placeholder('n')}{placeholder('word')}"], ["6w"]),
        (f"{placeholder('n')} of {placeholder('word')}", "6 of w"),
        (["{{$.unknown}}"], ["{{$.unknown}}"]),
        ([True, None, 1.5], [True, None, 1.5]),
    ],
)
def test_placeholders_are_filled_in_wherever_they_stand(constant, expected):
    assert _deep(constant, value_of) == expected
