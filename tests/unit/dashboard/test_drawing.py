"""Cells as HTML, how much room they want, and what columns are sorted by."""

from datetime import UTC, datetime, timedelta

import pytest

from trainshed.dashboard import drawing
from trainshed.dashboard.cells import (
    Badge,
    Code,
    Link,
    Mark,
    Marks,
    Ranked,
    Seconds,
    Several,
    Size,
    Span,
    Time,
    Type,
)

WHEN = datetime(2026, 11, 23, 23, 30, 15, 250_000, tzinfo=UTC)
RUN, WHY = Link(text="run", href="/runs/1"), Link(text="Why", href="/why/1")


@pytest.mark.parametrize(
    ("value", "html"),
    [
        (0, "0"),
        ("a < b", "a &lt; b"),
        (Link(text="<x>", href="/a?b=1&c=2"), '<a href="/a?b=1&amp;c=2">&lt;x&gt;</a>'),
        (Link(text="x", href="/", depth=9), '<a href="/" class="depth-6">x</a>'),
        (Badge(state="IN DOUBT"), '<span class="badge in-doubt">IN DOUBT</span>'),
        (Badge(state="OK", note="<1>"), '<span class="badge ok">OK</span> <span class="note whole">&lt;1&gt;</span>'),
        (Seconds(seconds=90), '<span class="duration">1 min 30 s</span>'),
        (Span(start=WHEN, end=WHEN + timedelta(seconds=2)), '<span class="duration">2.0 s</span>'),
        (
            Span(start=WHEN, end=WHEN + timedelta(seconds=87), paused=85.5),
            '<span class="duration" title="without 1 min 25 s of pauses">1.5 s</span>',
        ),
        (Size(count=2048), '<span class="size">2.0 KiB</span>'),
        (Ranked(text="2 & more", rank=2), "2 &amp; more"),
        (Type(text="Model", title="system.Model"), '<span title="system.Model">Model</span>'),
        (Code(text="<x>"), "<code>&lt;x&gt;</code>"),
        (Several(cells=()), ""),
        (Several(cells=("a", RUN, "b")), 'a <a href="/runs/1">run</a> b'),
    ],
)
def test_cells_are_drawn_and_escaped(value, html):
    assert drawing.cell(value) == html


def test_a_time_is_written_in_its_zone_and_kept_exactly():
    drawn = drawing.cell(Time(when=WHEN, zone="Europe/Berlin", is_exact=True))

    written = "2026-11-24 00:30:15 Europe/Berlin"
    assert drawn == f'<time datetime="2026-11-23T23:30:15.250000Z" title="{written}" data-exact>{written}</time>'


def test_what_goes_on_says_since_when():
    since = "since 2026-11-23 23:30:15 UTC"
    assert drawing.cell(Span(start=WHEN)) == (
        f'<span class="duration" data-since="2026-11-23T23:30:15.250000Z" title="{since}">{since}</span>'
    )


@pytest.mark.parametrize("value", [None, "", Marks(marks=())])
def test_nothing_is_a_dash_that_is_read_out_as_none(value):
    assert drawing.cell(value) == '<span class="none" aria-label="none" title="none">–</span>'


def test_two_links_have_a_sign_between_them():
    assert '</a> <span class="none" aria-hidden="true">·</span> <a' in drawing.cell(Several(cells=(RUN, WHY)))


def test_a_button_copies_what_it_stands_beside():
    assert 'data-copy="a &#34;b&#34;" aria-label="Copy a &#34;b&#34;"' in drawing.cell(
        Code(text='a "b"', may_copy=True)
    )


@pytest.mark.parametrize(
    ("value", "wants"),
    [
        (None, ""), (12, "counted"), ("DONE", "brief"), ("x" * 15, ""), ("x" * 21, "spaceless"), ("some words " * 2, "long"),
        (RUN, "short"), (Link(text="17", href="/"), "short counted"), (Link(text="x" * 25, href="/"), "named"),
        (Link(text="inf", href="/"), "short"), (Code(text="d148feb"), "brief"), (Badge(state="OK"), ""),
    ],
)  # fmt: skip
def test_room_follows_from_how_long_a_text_is_and_whether_it_breaks(value, wants):
    assert drawing.room(value) == wants


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, ""), (3, 3), ("x", "x"), (RUN, "run"), (Badge(state="OK", note="2"), "OK"), (Seconds(seconds=1.5), 1.5),
        (Time(when=WHEN, zone="Europe/Berlin"), "2026-11-23T23:30:15.250000Z"), (Span(start=WHEN), "Infinity"),
        (Span(start=WHEN, end=WHEN + timedelta(seconds=2)), 2.0), (Size(count=5), 5), (Ranked(text="a", rank=-2), -2),
        (Several(cells=(Code(text="c"), "d")), "c"), (Several(cells=()), ""), (Type(text="Model", title="m"), "Model"),
        (Marks(marks=(Mark(state="FAILED", name=""), Mark(state="OK", name=""))), "OK"),
    ],
)  # fmt: skip
def test_a_column_is_sorted_by_exact_values(value, key):
    assert drawing.key(value) == key


def test_a_row_has_the_names_of_its_columns_and_keys_where_it_is_sorted():
    row = (RUN, Seconds(seconds=2))

    assert drawing.fields(row, ("Run & why", "Duration"), can_sort=True) == (
        '<td data-of="Run &amp; why" class="short" data-key="run"><a href="/runs/1">run</a></td>'
        '<td data-of="Duration" data-key="2"><span class="duration">2.0 s</span></td>'
    )
    assert drawing.fields(("a",), ()) == '<td data-of="" class="brief">a</td>'


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], set()), ([("a", 1)], {1}), ([(Seconds(seconds=1), None), (None, None)], {0}), ([(1, Size(count=2)), ("x", Size(count=3))], {1}),
        ([(Ranked(text="0.03 USD", rank=0.03), Ranked(text="low", rank=1))], {0}), ([(Span(start=WHEN), Time(when=WHEN))], {0}),
        ([(RUN, Code(text="7"))], set()), ([("", 3)], {1}),
    ],
)  # fmt: skip
def test_columns_of_quantities_alone_are_known(rows, found):
    assert drawing.numbers(rows) == found


def test_quantities_stand_below_each_other():
    assert drawing.fields((None, 12), ("Size", "Files"), numbers={0, 1}) == (
        '<td data-of="Size" class="number"><span class="none" aria-label="none" title="none">–</span></td>'
        '<td data-of="Files" class="counted number">12</td>'
    )


def test_a_short_note_stays_whole_below_its_badge():
    assert '<span class="note whole">3 tasks ran, 2 reused</span>' in drawing.cell(
        Badge(state="OK", note="3 tasks ran, 2 reused")
    )
    assert '<span class="note">a reason of many words that wraps' in drawing.cell(
        Badge(state="OK", note="a reason of many words that wraps")
    )
