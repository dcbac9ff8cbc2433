"""Which addresses a dashboard has, found as a person finds them: by its links, tabs, filters and next pages."""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_CHOICE = re.compile(r"[A-Za-z_-]{1,24}|\d{1,2}[a-z]")
_TYPED = {"number": ("3",), "datetime-local": ("2026-06-30T12:00",)}
_NAMED = {"value": ("epochs=3", "epochs=99"), "trigger": ("start-training", "nobody")}
_SOUGHT = ("train", "nowhere")  # what much fits, and what nothing does
_TOKENS = {"page", "page_token", "token", "before", "after"}
_VIEWS = {"tab", "view", "window"}
_FILES = ("/static/", "/v1/", "/trainshed/", "/storage/", "/runs/metrics.csv")

_SHAPES = (
    (re.compile(r"/projects/[^/]+(?:/locations/[^/]+)?/([^/]+)/.*"), r"/\1/…"),
    (re.compile(r"^/(buckets|models)/.+"), r"/\1/…"),
    (re.compile(r"/[^/]*[0-9%][^/]*(?=/|$)"), "/…"),
)

Ask = Callable[[str], Any]  # an address -> its JSON form, or None where it is no page or refuses


def wander(ask: Ask, starts: Iterable[str], *, each: int = 2, most: int = 1500) -> dict[str, list[str]]:
    """Ask for everything that can be reached, at most so many of each shape; answer the addresses by shape.

    Of a shape with several words of a query one is enough.
    """
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    waiting = deque(starts)
    counted: Counter[str] = Counter()
    while waiting and len(seen) < most:
        address = waiting.popleft()
        shape = shape_of(address)
        if address in seen or counted[shape] >= (1 if "&" in shape else each):
            continue
        seen.add(address)
        counted[shape] += 1
        document = ask(address)
        if document is None:
            continue
        found.setdefault(shape, []).append(address)
        waiting.extend(addresses_in(document, address))
    return found


def shape_of(address: str) -> str:
    """Answer what addresses of the same kind have in common."""
    parts = urlsplit(address)
    path = unquote(parts.path)
    for named, by in _SHAPES:
        path = named.sub(by, path)
    words = sorted(parse_qsl(parts.query))
    keys = [f"{key}={value}" if _is_choice(key, value) else key for key, value in words]
    return path + ("?" + "&".join(keys) if keys else "")


def addresses_in(document: Any, address: str) -> Iterator[str]:
    """Answer where one can go from a page."""
    for part in document.get("parts", ()):
        if part.get("kind") == "filters":
            yield from _filtered(part)
    for key, value in _leaves(document):
        if key in {"href", "more"} and isinstance(value, str) and value.startswith(("/", "?")):
            whole = urlsplit(address).path + value if value.startswith("?") else value
            if not whole.startswith(_FILES):
                yield whole.partition("#")[0]


def _filtered(part: Any) -> Iterator[str]:
    values = {one["name"]: _values(one) for one in part["filters"]}
    path, _, words = part["action"].partition("?")
    kept = dict(parse_qsl(words)) | dict(part["kept"])
    for name, choices in values.items():
        for value in choices:
            yield f"{path}?{urlencode(kept | {name: value})}"
    together = {name: choices[0] for name, choices in values.items() if choices}
    if len(together) > 1:
        yield f"{path}?{urlencode(kept | together)}"


def _values(one: Any) -> Sequence[str]:
    if one["choices"]:
        return [value for value, _ in one["choices"] if value][:12]
    return _NAMED.get(one["name"]) or _TYPED.get(one["type"]) or _SOUGHT


def _is_choice(key: str, value: str) -> bool:
    return key not in _TOKENS and bool(_CHOICE.fullmatch(value))


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for inner, found in value.items():
            yield from _leaves(found, inner)
    elif isinstance(value, list):
        for found in value:
            yield from _leaves(found, key)
    else:
        yield key, value


def kind_of(shape: str) -> tuple[str, bool]:
    """Name the kind of page that a shape is of, a tab or a view by itself; tell whether it is a list."""
    path, _, words = shape.partition("?")
    first, *rest = path[1:].split("/")
    if not rest:
        return (f"list /{first}, filtered or a next page" if words else f"list /{first}"), True
    known = [part for part in (first, *rest) if part != "…"]
    views = dict(word.split("=") for word in words.split("&") if word.partition("=")[0] in _VIEWS and "=" in word)
    if views.get("tab", "metrics") != "metrics":
        views.pop("window", None)  # it is kept for the tab that has it
    return ", ".join([f"one of /{'/'.join(known)}", *(f"{key}={value}" for key, value in views.items())]), False


def logs_in(document: Any) -> list[str]:
    """Answer where the logs on a page are asked for."""
    return [part["address"] for part in document.get("parts", ()) if part.get("kind") == "log"]
