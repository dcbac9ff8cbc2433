"""What an address asks a page for is read whole, or refused in words; nothing of it is our defect."""

import json

import pytest

from trainshed.dashboard import asked
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.document import document
from trainshed.dashboard.page import Facts, Page
from trainshed.errors import InvalidArgument


def words(**query):
    return Asked(path="/it", query=tuple(query.items()))


@pytest.mark.parametrize("word", ["-1", "1.5", "11", "²", "1" * 5000, "0" * 9 + "11"])
def test_a_number_out_of_bounds_is_refused_however_it_is_written(word):
    with pytest.raises(InvalidArgument, match="no whole number from 0 to 10"):
        words(count=word).number("count", 5, most=10)


def test_a_number_longer_than_python_reads_is_refused():
    with pytest.raises(InvalidArgument, match="no whole number"):
        words(line="1" * 5000).number("line", 0, most=10**9 - 1)


def test_a_number_within_bounds_is_read():
    assert words(count="10").number("count", 5, most=10) == 10
    assert words(count="007").number("count", 5, most=10) == 7
    assert words().number("count", 5, most=10) == 5
    assert words(line="1" * 9).number("line", 0, most=10**9 - 1) == 111_111_111


@pytest.mark.parametrize("word", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "tomorrow"])
def test_a_time_that_is_none_is_refused(word):
    with pytest.raises(InvalidArgument, match="is no time such as"):
        words(since=word).moment("since")


def test_more_words_than_anybody_asks_are_refused():
    with pytest.raises(InvalidArgument, match="more than 200 words"):
        asked.read("/it", {}, "&".join(["a=b"] * 201), ("a",))


def test_a_word_that_nobody_reads_is_refused_with_what_was_meant():
    with pytest.raises(InvalidArgument) as caught:
        asked.read("/it", {}, "state=FAILED&staet=&zzz=1&staet=2", ("state", "page"))

    assert [violation.field for violation in caught.value.violations] == ["staet", "zzz"]
    assert caught.value.message == (
        "staet: this address has no such word; did you mean 'state'?\n"
        "zzz: this address has no such word\n"
        "It knows state, page."
    )


def test_many_unknown_words_are_said_in_few():
    with pytest.raises(InvalidArgument) as caught:
        asked.read("/it", {}, "&".join(f"{'w' * 100}{number}=1" for number in range(200)), ("page",))

    assert len(caught.value.message) < 1000


def test_a_page_that_reads_a_word_which_it_does_not_say_it_knows_is_a_defect():
    with pytest.raises(AssertionError, match="'page'"):
        asked.read("/it", {}, "", ("state",)).word("page")


def test_a_number_that_is_none_has_a_json_form():
    page = Page(title="It", section="", parts=[Facts(id="f", pairs=[("Loss", float("nan")), ("Most", float("inf"))])])

    written = json.dumps(document(page), allow_nan=False)

    assert json.loads(written)["parts"][0]["pairs"] == [["Loss", "NaN"], ["Most", "Infinity"]]
