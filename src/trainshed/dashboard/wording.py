"""How times, durations, sizes, money and states are written on pages. Pure."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from trainshed import quantities
from trainshed.costs import Cost, written

_CODE = re.compile("`([^`]+)`")


def exactly(when: datetime, zone: str = "UTC") -> str:
    """Write a time with its zone, to the second."""
    local = when.astimezone(UTC if zone == "UTC" else ZoneInfo(zone))
    return f"{local.replace(tzinfo=None).isoformat(' ', 'seconds')} {zone}"  # twice as fast as strftime


def duration(seconds: float | None) -> str:
    """Write a duration the way people say it."""
    return "–" if seconds is None else quantities.duration(seconds)


def size(count: int | None) -> str:
    """Write a number of bytes."""
    return "–" if count is None else quantities.size(count)


def money(value: float, currency: str) -> str:
    """Write an amount."""
    return f"{written(value)} {currency}"


def brief_cost(found: Cost) -> str:
    """Write what something cost here and on Google Cloud, in a column whose head says which is which."""
    return f"{written(found.local)} · {money(found.cloud, found.currency)}"


def codes(text: str) -> Markup:
    """Set what stands in backticks as code; everything is escaped."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  (it is escaped)


@lru_cache(maxsize=256)
def style_class(state: str) -> str:
    """Answer the class that a state is drawn by."""
    return state.lower().replace(" ", "-")
