"""What a browser is shown where a page would have been: what is wrong, and where to go on. Pure."""

from urllib.parse import urlsplit

from trainshed.dashboard.cells import Link
from trainshed.dashboard.page import Notice, Page
from trainshed.dashboard.render import NAVIGATION
from trainshed.errors import InvalidArgument, NotFound, PermissionDenied, TrainshedError, Unimplemented

_OVERVIEW = Link(text="To the overview", href="/")
_LISTS = {
    "schedules": Link(text="All schedules", href="/schedules"),
    "schemas": Link(text="All schemas", href="/schemas"),
    "topics": Link(text="All topics", href="/topics"),
    "subscriptions": Link(text="All topics", href="/topics"),
    "lineage": Link(text="All artifacts", href="/artifacts"),
    **{path[1:]: Link(text=f"All {label.lower()}", href=path) for path, label in NAVIGATION if path != "/"},
}
_SECTIONS = {
    **dict.fromkeys(("schedules", "schemas", "subscriptions", "topics"), "/triggers"),
    "lineage": "/artifacts",
}
_SHORT = {  # whose whole name has slashes -> what is meant by a name without
    "functions": "function",
    "schedules": "schedule",
    "schemas": "schema",
    "subscriptions": "subscription",
    "topics": "topic",
    "triggers": "trigger",
}
_INTERNAL = 500


def page(error: TrainshedError, address: str) -> Page:
    """Make the page: one sentence that names what is wrong, and a link to where one can go on."""
    first = urlsplit(address).path.strip("/").partition("/")[0]
    is_nothing = isinstance(error, NotFound | Unimplemented)
    following = _following(error, address, _LISTS.get(first, _OVERVIEW))
    return Page(
        title="There is nothing here" if is_nothing else error.code.replace("_", " ").capitalize(),
        section=_SECTIONS.get(first, f"/{first}" if first in _LISTS else ""),
        parts=(Notice(id="error", text=error.message, state="FAILED", next=following),),
    )


def in_words_of_pages(error: TrainshedError, path: str) -> TrainshedError:
    """Name what was typed in an address, a word or a short name; the services know the fields of a request and whole names."""
    section, _, name = path.strip("/").partition("/")
    if error.reason == "NAME_FORMAT" and name and "/" not in name and section in _SHORT:
        return NotFound(f"There is no {_SHORT[section]} {name!r}.")
    if [violation.field for violation in error.violations] != ["page_token"]:
        return error
    return InvalidArgument.field(
        "page", "leads to no part of this list; take it out for the newest", reason=error.reason
    )


def _following(error: TrainshedError, address: str, everything: Link) -> Link | None:
    asked = urlsplit(address)
    if isinstance(error, PermissionDenied):
        return None  # every other address would be refused as well
    if error.http_status == _INTERNAL:
        return _OVERVIEW
    if isinstance(error, InvalidArgument) and asked.query:
        return Link(text="The page without these words", href=asked.path)
    return everything if everything.href != address else _OVERVIEW
