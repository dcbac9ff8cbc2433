"""Every kind of page that can be reached by links, with one example of each: found by walking the JSON forms."""

import json
import re
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlencode, urlsplit

from trainshed.dashboard.render import NAVIGATION

_TELLING = {  # words of a query that make another page of it, not another part of a list
    "kind", "message", "node", "object", "see", "step", "tab", "task", "version", "view",
}  # fmt: skip
_SAYING = {"kind", "tab", "view"}  # those whose values do
_ENDINGS = {"clone", "compare", "metrics", "new", "edit"}
_KINDS = {"subscriptions", "schedules", "jobs", "snapshots", "schemas"}
_OF_MANY = {  # sections whose pages are of one kind, which is not said, or of others
    "why": {"artifacts", "builds", "functions", "models", "receipts", "topics", "triggers", "runTriggers"},
    "triggers": {"runTriggers"},
    "lineage": {"executions"},
}
_MOST = 200


def places(address):
    """Answer {name: path} of a server's pages, the overview first."""
    found, waiting = {}, ["/"]
    while waiting and len(found) < _MOST:
        path = waiting.pop(0)
        name = _name(path)
        if name in found:
            continue
        page = _json(address, path)
        if page is None:
            continue
        found[name] = path
        links = [*(href for href, _ in NAVIGATION), *_forms(address)] if path == "/" else []
        waiting += [*links, *(href for href in _hrefs(page) if _name(href) not in found)]
    assert len(found) < _MOST, "there are more kinds of pages than are looked at"
    return found


def _forms(address):
    """Answer where the forms lead that every page has: what is looked for is typed."""
    with urllib.request.urlopen(address, timeout=60) as answer:
        html = answer.read().decode()
    return [f"{action}?text=penguin" for action in re.findall(r'<form[^>]*\bmethod="get" action="([^"]+)"', html)]


def _name(href):
    parts = urlsplit(href)
    segments = [segment for segment in parts.path.split("/") if segment]
    words = [segments[0] if segments else "overview"]
    if len(segments) > 1:
        words.append("one")
        known = _KINDS | _OF_MANY.get(words[0], set())
        words += [segment for segment in segments[1:-1] if segment in known][-1:]
        words += [segments[-1]] if segments[-1] in _ENDINGS else []
    query = parse_qs(parts.query)
    for key in sorted((_TELLING if words[0] == "models" else _TELLING - {"version"}) & query.keys()):
        value = query[key][-1]
        is_folder = (
            key == "object" and "." not in value.rpartition("/")[2]
        )  # of an artifact: nothing has that very name
        words.append(value if key in _SAYING else "folder" if is_folder else key)
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")


def _hrefs(value):
    if isinstance(value, dict):
        if isinstance(href := value.get("href"), str) and href.startswith("/"):
            if "#" not in href:
                yield href
            if isinstance(word := value.get("word"), str):  # a button that looks ahead, without a link
                yield f"{href.partition('#')[0]}?{urlencode([*value.get('kept', ()), (word, 'true')])}"
        for inner in value.values():
            yield from _hrefs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _hrefs(inner)


def _json(address, path):
    """Answer a page's JSON form; None for what is no page: a picture, a download."""
    request = urllib.request.Request(address + path, headers={"accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            is_page = answer.headers.get_content_type() == "application/json"
            page = json.loads(answer.read()) if is_page else None
    except urllib.error.HTTPError as error:
        raise AssertionError(f"a link leads to {path}: {error.code} {error.read().decode()}") from error
    return page if isinstance(page, dict) and "parts" in page else None
