from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed import names
from trainshed.errors import InvalidArgument

TOPIC = "projects/{project}/topics/{topic}"


def test_s53_name_of_the_right_form_is_split():
    assert names.parse(TOPIC, "projects/p/topics/t") == {"project": "p", "topic": "t"}


@pytest.mark.parametrize("name", ["t", "projects/p/topics/", "projects/p/topic/t", "projects/p/topics/t/x", ""])
def test_s53_name_of_another_form_is_refused_with_the_expected_one(name):
    with pytest.raises(InvalidArgument, match=r"topic: .*is not of the form 'projects/PROJECT/topics/TOPIC'") as caught:
        names.parse(TOPIC, name, field="topic")

    assert caught.value.violations[0].field == "topic"


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text()))
def test_page_token_goes_both_ways(position):
    token = names.page_token(p=position)

    assert names.read_page_token(token) == {"p": position}


@pytest.mark.parametrize("token", ["nonsense", "bm9uc2Vuc2U=", "W10=", "é", "W1tb" * 1000])
def test_foreign_page_token_is_refused(token):
    with pytest.raises(InvalidArgument, match="page_token"):
        names.read_page_token(token)


def test_identifiers_differ():
    assert len({names.short_id() for _ in range(1000)}) == 1000
    assert len(names.numeric_id()) == 18
    assert names.short("projects/p/topics/t") == "t"


def test_pages_hold_every_item_once_and_the_last_one_says_that_it_is():
    items = ["a", "b", "c", "d"]

    def read(after, limit):
        return [item for item in items if item > after][:limit]

    def page(token):
        return names.page(read, lambda item: item, size=2, token=token, start="")

    first, token = page("")
    second, last = page(token)

    assert (first, second, last) == (["a", "b"], ["c", "d"], "")
    assert names.page(read, lambda item: item, size=9, token="", start="", most=3)[0] == ["a", "b", "c"]


@pytest.mark.parametrize("place", [7, None, ["a"], True])
def test_a_token_with_another_kind_of_place_is_refused(place):
    with pytest.raises(InvalidArgument, match="page_token"):
        names.read_place(names.page_token(after=place), "after", "")


@pytest.mark.parametrize("position", [{"time": "soon", "name": "a"}, {"time": 7, "name": "a"}, {"skip": 3}])
def test_a_token_with_another_time_is_refused(position):
    with pytest.raises(InvalidArgument, match="page_token"):
        names.read_time_token(names.page_token(**position))


def test_a_token_of_a_time_goes_both_ways():
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    assert names.read_time_token(names.time_token(now, "a")) == (now, "a")
    assert names.read_time_token("") is None


@pytest.mark.parametrize("skip", [-1, 1 << 63, 10**30])
def test_a_token_of_a_place_that_no_list_has_is_refused(skip):
    with pytest.raises(InvalidArgument, match="page_token"):
        names.read_place(names.page_token(skip=skip), "skip", 0)


@pytest.mark.parametrize("time", ["2026-01-31T12:00:00", "0001-01-01T00:00:00+14:00"])
def test_a_token_of_a_time_without_a_zone_or_beyond_all_years_is_refused(time):
    with pytest.raises(InvalidArgument, match="page_token"):
        names.read_time_token(names.page_token(time=time, name="a"))
