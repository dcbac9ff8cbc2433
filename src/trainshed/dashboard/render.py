"""Templates, and how times, durations and sizes are written on every page."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from trainshed import quantities
from trainshed.clock import rfc3339
from trainshed.dashboard.cells import Mark
from trainshed.dashboard.document import plain, sayable
from trainshed.dashboard.page import Page

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import .*? from "\./(\w+\.js)";', re.MULTILINE)
_CODE = re.compile("`([^`]+)`")

NAVIGATION = (
    ("/", "Overview"),
    ("/builds", "Builds"),
    ("/runs", "Runs"),
    ("/functions", "Functions"),
    ("/triggers", "Triggers"),
    ("/receipts", "Receipts"),
    ("/buckets", "Buckets"),
    ("/artifacts", "Artifacts"),
    ("/models", "Models"),
)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A page as HTML, in the pieces that change by themselves."""

    page: Page
    head: str  # title, state, tabs
    parts: Mapping[str, str]  # by id, in order

    @property
    def version(self) -> str:
        """Tell whether two drawings are the same."""
        return sha256("\0".join([self.head, *self.parts, *self.parts.values()]).encode()).hexdigest()[:16]


class Pages:
    """Draws pages. Everything is escaped, an unknown variable is a defect."""

    def __init__(self, *, has_login: bool = False) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "exactly": exactly, "rfc3339": rfc3339, "duration": duration, "size": size, "json": as_json,
            "class": style_class, "marks": marks, "codes": codes,
        }  # fmt: skip
        self._environment.globals |= {"navigation": NAVIGATION, "has_login": has_login}

    def draw(self, page: Page) -> Drawn:
        """Draw the pieces of a page."""
        return Drawn(
            page=page,
            head=self.other("head.html", page=page),
            parts={part.id: self.other(f"parts/{part.kind}.html", part=part) for part in page.parts},
        )

    def whole(self, drawn: Drawn) -> str:
        """Put the pieces into a document."""
        modules = sorted({part.module for part in drawn.page.parts if part.module})
        imported = sorted(set().union(*(_imports(module) for module in ("live.js", *modules))) - {*modules})
        preloads = [part.preloads for part in drawn.page.parts if part.preloads]
        return self.other(
            "page.html", page=drawn.page, drawn=drawn, modules=modules, imported=imported, preloads=preloads
        )

    def other(self, template: str, **context: Any) -> str:
        """Draw what is no page of ours."""
        return sayable(self._environment.get_template(template).render(**context))


@cache
def _imports(module: str) -> frozenset[str]:
    """Answer what a script imports, and what that does: a browser would find out one after the other."""
    found = frozenset(_IMPORT.findall((_HERE / "static" / module).read_text()))
    return found.union(*map(_imports, found))


def exactly(when: datetime, zone: str = "UTC") -> str:
    """Write a time with its zone, to the second."""
    local = when.astimezone(UTC if zone == "UTC" else ZoneInfo(zone))
    return f"{local.replace(tzinfo=None).isoformat(' ', 'seconds')} {zone}"  # twice as fast as strftime


def duration(seconds: float | None) -> str:
    """Write a duration the way people say it."""
    return "–" if seconds is None else quantities.duration(seconds)


def size(count: int | None) -> str:
    """Write a number of bytes."""
    if count is None:
        return "–"
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if round(amount, 1) < 1024 or unit == "GiB":  # noqa: PLR2004  (bytes in the next unit)
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def codes(text: str) -> Markup:
    """Set what stands in backticks as code; everything is escaped."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  (it is escaped)


def marks(found: Sequence[Mark]) -> Markup:
    """Draw what came one after the other: a page of schedules has a thousand, each with its name in words."""
    drawn = []
    for mark in found:
        name, looks = escape(mark.name), f"mark {escape(style_class(mark.state))}"
        says = f'title="{name}" aria-label="{name}"'
        link = f'<a class="{looks}" href="{escape(mark.href)}" {says}></a>'
        drawn.append(link if mark.href else f'<span class="{looks}" role="img" {says}></span>')
    items = "".join(f'<span role="listitem">{one}</span>' for one in drawn)
    return Markup(f'<span class="marks" role="list">{items}</span>')  # noqa: S704  (it is escaped)


@lru_cache(maxsize=256)
def style_class(state: str) -> str:
    """Answer the class that a state is drawn by."""
    return state.lower().replace(" ", "-")


def as_json(value: Any) -> str:
    """Write a value for an attribute that a script reads."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
