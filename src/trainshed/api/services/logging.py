"""google.logging.v2.LoggingServiceV2, to read: what functions print, as Cloud Logging shows it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from trainshed import functions, names
from trainshed.api import fields, filters
from trainshed.api.descriptors import from_json, message
from trainshed.errors import InvalidArgument

Entry = dict[str, Any]
_PARENT = re.compile(r"projects/(?!-(?:/|$))([^/]+)(?:/locations/[^/]+/buckets/[^/]+/views/[^/]+)?")
_DEFAULT_SIZE, _LARGEST_SIZE = 50, 1000


class Source(Protocol):
    """Somebody whose log can be read."""

    def entries(self, project: str, chosen: filters.Predicate) -> Iterator[Entry]:
        """Yield entries of a project as Google's JSON; those for which `chosen` holds, at least."""
        ...

    def logs(self, project: str) -> Iterable[str]:
        """Yield the names of the logs that there are."""
        ...


class Logging:
    """Read alone: entries are written by printing."""

    SERVICE = "google.logging.v2.LoggingServiceV2"

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def ListLogEntries(self, request: Any) -> Any:
        """Answer the entries that a filter chooses, by time."""
        projects = _projects(request.resource_names)
        chosen = filters.parse(request.filter)
        size = fields.page_size(request.page_size, default=_DEFAULT_SIZE, maximum=_LARGEST_SIZE)
        is_newest_first = _is_newest_first(request.order_by)
        found = [e for p in projects for s in self._sources for e in s.entries(p, chosen) if chosen(e)]
        found.sort(key=_position, reverse=is_newest_first)
        first: list[Any] = []
        after = tuple(map(str, names.read_place(request.page_token, "after", first)))
        if after:
            found = [e for e in found if (_position(e) < after if is_newest_first else _position(e) > after)]
        token = names.page_token(after=_position(found[size - 1])) if len(found) > size else ""
        made = [from_json("google.logging.v2.LogEntry", entry) for entry in found[:size]]
        return fields.listing("google.logging.v2.ListLogEntriesResponse", "entries", made, token)

    def ListLogs(self, request: Any) -> Any:
        """Answer the names of the logs that have entries."""
        projects = _projects([*request.resource_names] or [request.parent])
        found = sorted({name for p in projects for s in self._sources for name in s.logs(p)})
        return message("google.logging.v2.ListLogsResponse", log_names=found)


def _projects(resource_names: Iterable[str]) -> list[str]:
    projects = []
    for name in resource_names:
        match = _PARENT.fullmatch(name)
        if match is None:
            raise InvalidArgument.field("resource_names", f"{name!r} is not of the form 'projects/PROJECT'")
        projects.append(match[1])
    if not projects:
        raise InvalidArgument.field("resource_names", "is empty; name a project: projects/PROJECT")
    return list(dict.fromkeys(projects))


def _is_newest_first(order_by: str) -> bool:
    order = order_by.strip().lower()
    if order not in {"", "timestamp", "timestamp asc", "timestamp desc"}:
        raise InvalidArgument.field("order_by", f"{order_by!r} is neither 'timestamp asc' nor 'timestamp desc'")
    return order.endswith("desc")


def _position(entry: Entry) -> tuple[str, str, str]:
    labels = entry["resource"]["labels"]
    return entry["timestamp"], entry["insertId"], labels.get("function_name") or labels.get("service_name", "")


class Functions:
    """What functions print."""

    def __init__(self, service: functions.Service, host: functions.Host) -> None:
        self._service = service
        self._host = host

    def entries(self, project: str, chosen: filters.Predicate) -> Iterator[Entry]:
        """Yield the entries of every function whose log can hold any that are chosen."""
        for function in self._service.list(f"projects/{project}/locations/-"):
            common = functions.log_frame(function)
            labels = filters.Partial(common["resource"]["labels"])
            known = filters.Partial(resource=filters.Partial(type=common["resource"]["type"], labels=labels))
            if chosen(known) is False:
                continue
            for number, line in enumerate(self._host.log_of(function.name).entries()):
                yield functions.log_entry(function, common, line, number)

    def logs(self, project: str) -> Iterable[str]:
        """Yield the logs of both generations, as far as there are functions of them."""
        return {functions.log_frame(f)["logName"] for f in self._service.list(f"projects/{project}/locations/-")}
