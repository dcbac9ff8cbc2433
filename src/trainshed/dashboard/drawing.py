"""Cells as HTML. Lists have a thousand of them, so they are drawn here, in a third of the time that a template takes."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from itertools import zip_longest
from typing import Any

from markupsafe import Markup, escape

from trainshed.clock import rfc3339
from trainshed.dashboard.cells import (
    Badge,
    Cell,
    Code,
    Link,
    Mark,
    Marks,
    Named,
    Ranked,
    Seconds,
    Several,
    Size,
    Span,
    Time,
    Type,
)
from trainshed.dashboard.wording import duration, exactly, size, style_class
from trainshed.quantities import of_pauses

_NONE = Markup('<span class="none" aria-label="none" title="none">–</span>')
_DEEPEST = 6  # of rows that are indented differently

# How much room a cell wants, by the characters of its text: classes of trainshed.css and narrow.css.
_COUNT, _BRIEF_CODE, _BRIEF, _SHORT, _LONG, _NAMED = 5, 8, 14, 16, 20, 24
_WHOLE = 28  # characters of a note that stays whole, beside its badge or below it


def cell(value: Cell) -> Markup:
    """Draw what stands in a cell; everything is escaped."""
    if value is None or value == "":
        return _NONE
    if isinstance(value, str | int | float):
        return escape(value)
    return Markup(_DRAWN[type(value)](value))  # noqa: S704  (each of them escapes)


def fields(
    row: Sequence[Cell], columns: Sequence[str], *, can_sort: bool = False, numbers: Collection[int] = ()
) -> Markup:
    """Draw a row of a table: each field carries the name of its column, which stands beside it where it is narrow."""
    drawn = []
    for number, (value, column) in enumerate(zip_longest(row, columns[: len(row)], fillvalue="")):
        wants = room(value)
        if number in numbers:
            wants = f"{wants} number".lstrip()
        looks = f' class="{wants}"' if wants else ""
        sorts = f' data-key="{escape(key(value))}"' if can_sort else ""
        drawn.append(f'<td data-of="{escape(column)}"{looks}{sorts}>{cell(value)}</td>')
    return Markup("".join(drawn))  # noqa: S704  (it is escaped)


def numbers(rows: Sequence[Sequence[Cell]]) -> frozenset[int]:
    """Answer which columns hold quantities alone: their digits stand below each other, at the right."""
    return frozenset(
        number
        for number, column in enumerate(zip_longest(*rows))
        if any(_is_quantity(value) for value in column)
        and all(value is None or value == "" or _is_quantity(value) for value in column)
    )


def room(value: Cell) -> str:
    """Answer the classes for how much room a cell wants."""
    if isinstance(value, int | float):
        return "counted"
    if isinstance(value, str):
        if len(value) > _LONG:
            return "long" if " " in value else "spaceless"
        return "brief" if len(value) <= _BRIEF else ""
    if isinstance(value, Link):
        wants = "short" if len(value.text) <= _SHORT else "named" if len(value.text) > _NAMED else ""
    elif isinstance(value, Code):
        wants = "brief" if len(value.text) <= _BRIEF_CODE else ""
    else:
        return ""
    return f"{wants} counted" if _is_count(value.text) else wants


def key(value: Cell) -> Any:
    """Answer what a column is sorted by: the exact value, however it is written."""
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else _KEYS[type(value)](value)


def _is_quantity(value: Cell) -> bool:
    if isinstance(value, Ranked):
        return value.text[:1].isdigit()
    return isinstance(value, int | float | Seconds | Size | Span)


def _is_count(text: str) -> bool:
    try:
        return len(text) <= _COUNT and math.isfinite(float(text)) and float(text) >= 0
    except ValueError:
        return False


def _link(link: Link) -> str:
    looks = f' class="depth-{min(link.depth, _DEEPEST)}"' if link.depth else ""
    return f'<a href="{escape(link.href)}"{looks}>{escape(link.text)}</a>'


def _titled(value: Type | Named) -> str:
    return f'<span title="{escape(value.title)}">{escape(value.text)}</span>'


def _badge(badge: Badge) -> str:
    looks = "note whole" if len(badge.note) <= _WHOLE else "note"
    note = f' <span class="{looks}">{escape(badge.note)}</span>' if badge.note else ""
    return f'<span class="badge {escape(style_class(badge.state))}">{escape(badge.state)}</span>{note}'


def _time(time: Time) -> str:
    when, stays = escape(exactly(time.when, time.zone)), " data-exact" if time.is_exact else ""
    return f'<time datetime="{rfc3339(time.when)}" title="{when}"{stays}>{when}</time>'


def _span(span: Span) -> str:
    pauses = f"without {of_pauses(span.paused)}" if span.paused else ""
    if span.lasted is not None:
        return _lasted(span.lasted, pauses)
    since = ", ".join(filter(None, (f"since {exactly(span.start)}", pauses)))
    counted = rfc3339(span.start + timedelta(seconds=span.paused))
    return f'<span class="duration" data-since="{counted}" title="{since}">{since}</span>'


def _lasted(seconds: float, says: str = "") -> str:
    title = f' title="{says}"' if says else ""
    return f'<span class="duration"{title}>{duration(seconds)}</span>'


def _code(code: Code) -> str:
    text = escape(code.text)
    if not code.may_copy:
        return f"<code>{text}</code>"
    button = f'<button type="button" class="copy" data-copy="{text}" aria-label="Copy {text}">Copy</button>'
    return f"<code>{text}</code> {button}"


def _marks(marks: Marks) -> str:
    if not marks.marks:
        return _NONE
    return f'<span class="marks" role="list">{"".join(map(_mark, marks.marks))}</span>'


def _mark(mark: Mark) -> str:
    name, looks = escape(mark.name), f"mark {escape(style_class(mark.state))}"
    says = f'title="{name}" aria-label="{name}"'
    link = f'<a class="{looks}" href="{escape(mark.href)}" {says}></a>'
    return (
        f'<span role="listitem">{link if mark.href else f"""<span class="{looks}" role="img" {says}></span>"""}</span>'
    )


def _several(several: Several) -> str:
    drawn, before = "", None
    for one in several.cells:
        # Between two links stands a sign: underlined words without one look like a single link.
        are_links = isinstance(before, Link) and isinstance(one, Link)
        between = ' <span class="none" aria-hidden="true">·</span> ' if are_links else " "
        drawn, before = f"{drawn}{between}{cell(one)}" if drawn else str(cell(one)), one
    return drawn


_DRAWN: Mapping[type, Callable[[Any], str]] = {
    Link: _link,
    Badge: _badge,
    Time: _time,
    Span: _span,
    Seconds: lambda value: _lasted(value.seconds),
    Size: lambda value: f'<span class="size">{size(value.count)}</span>',
    Ranked: lambda value: escape(value.text),
    Type: _titled,
    Named: _titled,
    Code: _code,
    Marks: _marks,
    Several: _several,
}
_KEYS: Mapping[type, Callable[[Any], Any]] = {
    Link: lambda value: value.text,
    Badge: lambda value: value.state,
    Time: lambda value: rfc3339(value.when),
    Span: lambda value: "Infinity" if value.lasted is None else value.lasted,
    Seconds: lambda value: value.seconds,
    Size: lambda value: value.count,
    Ranked: lambda value: value.rank,
    Type: lambda value: value.text,
    Named: lambda value: value.text,
    Code: lambda value: value.text,
    Marks: lambda value: value.marks[-1].state if value.marks else "",
    Several: lambda value: key(value.cells[0]) if value.cells else "",
}
