"""What changed between two texts: every changed line, with those around it, and what counts as the same."""

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.dashboard.runs import changed

NUMBERS = [str(number) for number in range(1, 31)]


def signs(found, sign):
    return [line for hunk in found.hunks for mark, line in hunk.lines if mark == sign]


def applied(before, found):
    """The second text, made of the first one and of what changed."""
    after, at = [], 0
    for hunk in found.hunks:
        after += before[at : hunk.before - 1]
        assert hunk.after == len(after) + 1
        at = hunk.before - 1
        for sign, line in hunk.lines:
            if sign != "+":
                assert before[at] == line
                at += 1
            if sign != "-":
                after.append(line)
    return after + before[at:]


def test_lines_that_changed_stand_with_three_around_them():
    after = [*NUMBERS[:9], "ten", *NUMBERS[10:]]

    found = changed.between(NUMBERS, after)

    (hunk,) = found.hunks
    assert (found.gone, found.new, found.is_cut) == (1, 1, False)
    assert (hunk.before, hunk.after) == (7, 7)
    assert hunk.lines == [
        (" ", "7"), (" ", "8"), (" ", "9"), ("-", "10"), ("+", "ten"), (" ", "11"), (" ", "12"), (" ", "13"),
    ]  # fmt: skip


def test_what_is_far_apart_stands_apart():
    after = ["zero", *NUMBERS[:20], "more", *NUMBERS[20:]]

    found = changed.between(NUMBERS, after)

    assert [(hunk.before, hunk.after) for hunk in found.hunks] == [(1, 1), (18, 19)]
    assert (found.gone, found.new) == (0, 2)


@given(st.lists(st.sampled_from("abc"), max_size=40), st.lists(st.sampled_from("abcd"), max_size=40))
def test_what_changed_makes_the_second_text_of_the_first(before, after):
    found = changed.between(before, after)

    assert applied(before, found) == after
    assert bool(found.hunks) == (before != after)
    assert not found.hunks or any(difflib.ndiff(before, after))


def test_a_text_that_differs_without_end_is_cut():
    found = changed.between([f"a{n}" for n in range(3000)], [f"b{n}" for n in range(3000)])

    assert found.is_cut
    assert found.gone == found.new == 2000


def test_lines_of_logs_that_differ_in_numbers_alone_are_the_same():
    before = ["epoch 1: loss 0.5", "done in 12.5 s at 0x7ffe", "saved"]
    after = ["epoch 1: loss 0.25", "done in 9e-3 s at 0x1234", "not saved: no space"]

    found = changed.between(before, after, key=changed.without_numbers)

    assert signs(found, "-") == ["saved"]
    assert signs(found, "+") == ["not saved: no space"]


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        ({"b": 1, "a": "x"}, ["a: x", "b: 1"]),
        ({"code": "def f():\n  return 1\n"}, ["code: |", "  def f():", "    return 1", ""]),
        ({"list": [1, {"k": None}], "none": {}}, ["list:", "  - 1", "  -", "    k: null", "none: {}"]),
        ({"yes": True, "empty": "", "nothing": []}, ['empty: ""', "nothing: []", "yes: true"]),
    ],
)
def test_a_document_is_spelled_in_lines(document, lines):
    assert changed.spelled(document) == lines
