"""Where each resource has its page."""

from urllib.parse import quote, urlencode

from trainshed.dashboard.cells import Cell, Link

_PAGES = {
    "builds": "/builds",
    "pipelineJobs": "/runs",
    "functions": "/functions",
    "jobs": "/schedules",
    "schedules": "/schedules",
    "topics": "/topics",
    "receipts": "/receipts",
    "buckets": "/buckets",
}


def href(section: str, identifier: str) -> str:
    """Answer the address of a page; resource names keep their slashes."""
    return f"{section}/{quote(identifier)}"


def link(name: str) -> Cell:
    """Link a resource name (`projects/P/…/COLLECTION/ID`) to its page, or say it as text where it has none."""
    parts = name.split("/")
    collection = parts[-2] if len(parts) > 1 else ""
    if collection == "messages":
        return Link(text=f"message {parts[-1]}", href=href("/topics", "/".join(parts[:-2])))
    section = _PAGES.get(collection)
    if section is None:
        return name
    identifier = parts[-1] if collection in {"builds", "receipts"} else name
    return Link(text=parts[-1], href=href(section, identifier))


def named(text: str, name: str) -> Cell:
    """Link a resource by what it is called in a sentence; as text where it has no page."""
    found = link(name)
    return Link(text=text, href=found.href) if isinstance(found, Link) else text


def why(name: str, text: str = "Why") -> Link:
    """Link to the account of a resource."""
    return Link(text=text, href=href("/why", name))


def compare(before: str, now: str) -> str:
    """Answer the address of the page that holds one run against another."""
    return f"/runs/compare?{urlencode([('run', before), ('run', now)])}"


def section_of(name: str) -> str:
    """Answer the section of the dashboard that a resource belongs to."""
    parts = name.split("/")
    return _PAGES.get(parts[-2] if len(parts) > 1 else "", "")
