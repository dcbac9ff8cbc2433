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
    "subscriptions": "/subscriptions",
    "schemas": "/schemas",
    "triggers": "/triggers",
    "runTriggers": "/triggers",
    "receipts": "/receipts",
    "buckets": "/buckets",
    "artifacts": "/artifacts",
}
_BELOW_TRIGGERS = {"/schedules", "/topics", "/subscriptions", "/schemas"}  # their entry of the navigation


def href(section: str, identifier: str) -> str:
    """Answer the address of a page; resource names keep their slashes."""
    return f"{section}/{quote(identifier)}"


def link(name: str) -> Cell:
    """Link a resource name (`projects/P/…/COLLECTION/ID`) to its page, or say it as text where it has none."""
    parts = name.split("/")
    collection = parts[-2] if len(parts) > 1 else ""
    if collection == "messages":
        return message("/".join(parts[:-2]), parts[-1])
    if collection == "invocations":
        return Link(
            text=f"call {parts[-1]}", href=f"{href('/functions', '/'.join(parts[:-2]))}?tab=logs&execution={parts[-1]}"
        )
    if parts[0] == "models" and collection == "versions":
        return Link(text=f"version {parts[-1]}", href=f"{href('/models', '/'.join(parts[1:-2]))}?version={parts[-1]}")
    section = _PAGES.get(collection)
    if section is None:
        return name
    identifier = parts[-1] if collection in {"builds", "receipts", "artifacts"} else name
    text = parts[-1].partition("-")[0] if collection == "builds" else parts[-1]
    return Link(text=text, href=href(section, identifier))


def message(topic: str, number: str, *, text: str = "") -> Link:
    """Link to a message of a topic, and what became of it."""
    return Link(text=text or f"message {number}", href=f"{href('/topics', topic)}?{urlencode({'message': number})}")


def stored(uri: str, generation: int | None = None) -> str:
    """Answer the page of an object, or of a folder, of a bucket of this server: `gs://BUCKET/NAME`, `gs://BUCKET/FOLDER/`."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    words = {"prefix" if name.endswith("/") else "object": name} if name else {}
    more = {"generation": str(generation)} if generation is not None else {}
    return href("/buckets", bucket) + (f"?{urlencode(words | more)}" if words else "")


def uri(address: str, *, has_files: bool = True) -> Cell:
    """Link an address: of stored data to its page; any other is said as text."""
    return Link(text=address, href=stored(address)) if address.startswith("gs://") and has_files else address


def lineage(of: str) -> str:
    """Answer the page of where something comes from and what came of it."""
    return href("/lineage", of)


def model(directory: str) -> str:
    """Answer the page of a model, by its serving directory."""
    return href("/models", directory.removeprefix("gs://"))


def named(text: str, name: str) -> Cell:
    """Link a resource, or `gs://BUCKET/NAME[#GENERATION]`, by what it is called; as text where it has no page."""
    if name.startswith("gs://"):
        address, _, generation = name.partition("#")
        return Link(text=text, href=stored(address, int(generation) if generation.isdigit() else None))
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
    page = _PAGES.get(parts[-2] if len(parts) > 1 else "", "")
    return "/triggers" if page in _BELOW_TRIGGERS else page


def metrics(trigger: str) -> Link:
    """Link to the metrics of the runs that a resource started, one after the other."""
    return Link(text="Metrics of its runs", href=f"/runs/metrics?{urlencode({'trigger': trigger})}")
