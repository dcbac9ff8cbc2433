"""Pages as HTML: templates for parts, and what they draw cells with."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from trainshed.addresses import hide
from trainshed.clock import rfc3339
from trainshed.dashboard.document import plain, sayable
from trainshed.dashboard.drawing import cell, fields, numbers
from trainshed.dashboard.page import Page, Part
from trainshed.dashboard.wording import codes, duration, exactly, size, style_class

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import .*? from "\./(\w+\.js)";', re.MULTILINE)
_SENT = ("form", "actions")  # kinds of parts whose values go back to the server, and so stay as they are
_TURNING = "\u202d\u202e"  # turn the direction of writing around, whatever the letters are
_OVERRIDES = str.maketrans(dict.fromkeys(_TURNING, "\ufffd"))

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
            "class": style_class, "codes": codes,
        }  # fmt: skip
        self._environment.globals |= {
            "navigation": NAVIGATION, "has_login": has_login, "cell": cell, "fields": fields, "numbers": numbers,
        }  # fmt: skip

    def draw(self, page: Page) -> Drawn:
        """Draw the pieces of a page."""
        return Drawn(
            page=page,
            head=_tame(self.other("head.html", page=page)),
            parts={part.id: self._part(part) for part in page.parts},
        )

    def _part(self, part: Part) -> str:
        html = self.other(f"parts/{part.kind}.html", part=part)
        return html if part.kind in _SENT else _tame(html)

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


def _tame(html: str) -> str:
    """Leave out what nobody is to see, and signs that would show a name other than it is: `exe.png` for `gnp.exe`."""
    return hide(html.translate(_OVERRIDES) if any(map(html.__contains__, _TURNING)) else html)


def as_json(value: Any) -> str:
    """Write a value for an attribute that a script reads."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
