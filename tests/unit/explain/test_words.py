"""How times are said in accounts."""

from datetime import UTC, datetime

from trainshed.explain import words


def test_the_time_of_a_commit_is_a_time_where_it_can_be_read():
    assert words.moment("2026-11-23T08:46:31+02:00") == datetime(2026, 11, 23, 6, 46, 31, tzinfo=UTC)
    assert [words.moment(text) for text in ("", "2026-11-23", "yesterday")] == ["", "2026-11-23", "yesterday"]
