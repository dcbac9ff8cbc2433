"""Pages of runs: filtered and ordered as Google's clients ask (ListPipelineJobs), continued by a token."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from trainshed import names
from trainshed.errors import InvalidArgument
from trainshed.lineage import filters, listed
from trainshed.runs import commits, store
from trainshed.runs.lifecycle import RUN
from trainshed.runs.model import Run

_FIELDS = frozenset(
    {"pipeline_name", "display_name", "state", "create_time", "update_time", "start_time", "end_time", "labels",
     "template_uri", "schedule_name"}
)  # fmt: skip
_ORDERED = ("create_time", "update_time", "end_time", "start_time")
_EXAMPLE = 'state="PIPELINE_STATE_FAILED" AND create_time>"2026-01-31T12:00:00Z"'
_PREFIX = "PIPELINE_STATE_"
_CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody wants to see of the runs."""

    parent: str = ""
    has_custom_jobs: bool = True  # whether the runs that custom jobs are count as well
    state: str = ""
    commit: str = ""  # of its code: seven characters of it, or more
    filter: str = ""
    order_by: str = ""
    page_size: int = 100
    page_token: str = ""


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a page begins: after a run, or after so many."""

    before: tuple[datetime, str] | None = None
    skip: int = 0


def page(conn: Connection, wanted: Wanted) -> tuple[list[Run], str]:
    """Answer a page and the token of the next one. Raises InvalidArgument."""
    condition = _readable(filters.parse(wanted.filter, _FIELDS, example=_EXAMPLE))
    order = listed.order(wanted.order_by, _ORDERED)
    found: list[Run] = []
    last = _Place()
    for run, place in _runs(conn, wanted, order):
        if condition is not None and not filters.holds(condition, _facts(run), lambda _: False):
            continue
        if len(found) == wanted.page_size:
            return found, _token(last)
        found.append(run)
        last = place
    return found, ""


def _runs(conn: Connection, wanted: Wanted, order: list[tuple[str, bool]]) -> Iterator[tuple[Run, _Place]]:
    """Read runs piece by piece, each with the place after it."""
    place = _start(wanted.page_token)
    state = _state(wanted.state, "state") if wanted.state else ""
    size = _CHUNK if wanted.filter.strip() else wanted.page_size + 1
    which = [commits.are_of(conn, wanted.commit)] if wanted.commit else []
    while True:
        rows = store.list_runs(
            conn, wanted.parent, limit=size, before=place.before, state=state, order=order, skip=place.skip, which=which
        )
        for run in rows:
            place = _Place(skip=place.skip + 1) if order else _Place(before=(run.create_time, run.name))
            if wanted.has_custom_jobs or "/customJobs/" not in run.origin:
                yield run, place
        if len(rows) < size:
            return


def _start(token: str) -> _Place:
    if "time" in names.read_page_token(token):
        return _Place(before=names.read_time_token(token))
    return _Place(skip=names.read_place(token, "skip", 0))


def _token(place: _Place) -> str:
    if place.before is None:
        return names.page_token(skip=place.skip)
    return names.time_token(*place.before)


def _readable(condition: filters.Condition | None) -> filters.Condition | None:
    """Take states with and without their prefix. Raises InvalidArgument for one that there is not."""
    match condition:
        case filters.All(parts=parts) | filters.Any_(parts=parts):
            return replace(condition, parts=tuple(found for p in parts if (found := _readable(p)) is not None))
        case filters.Not(part=part):
            return replace(condition, part=_readable(part) or part)
        case filters.Compare(path=("state",), value=value):
            return replace(condition, value=_state(value, "filter"))
    return condition


def _state(value: str, field: str) -> str:
    """Read a state with or without its prefix. Raises InvalidArgument for one that there is not."""
    state = value.removeprefix(_PREFIX)
    if state not in RUN.states:
        known = ", ".join(_PREFIX + known for known in RUN.states)
        raise InvalidArgument.field(field, f"{value!r} is not a state of a run; these are: {known}")
    return state


def _facts(run: Run) -> dict[str, Any]:
    return {
        "pipeline_name": run.pipeline,
        "display_name": run.display_name,
        "state": run.state,
        "create_time": run.create_time,
        "update_time": run.update_time,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "labels": run.labels,
        "template_uri": run.template_uri,
        "schedule_name": run.schedule_name,
    }
