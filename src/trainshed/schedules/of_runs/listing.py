"""Pages of schedules of runs: filtered and ordered as ListSchedules documents it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trainshed import names
from trainshed.errors import InvalidArgument
from trainshed.lineage import filters
from trainshed.schedules.of_runs.model import RunSchedule

_TIMES = (
    "start_time",
    "end_time",
    "create_time",
    "update_time",
    "next_run_time",
    "last_pause_time",
    "last_resume_time",
)
_COUNTS = ("max_run_count", "started_run_count")
_FIELDS = frozenset({"display_name", "state", "create_pipeline_job_request", *_TIMES, *_COUNTS})
_ORDERED = ("create_time", "start_time", "next_run_time", "update_time", "end_time", "display_name")
_EXAMPLE = 'state="ACTIVE" AND next_run_time>"2026-01-31T12:00:00Z"'
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody wants to see of the schedules."""

    filter: str = ""
    order_by: str = ""
    page_size: int = 100
    page_token: str = ""


def page(found: Sequence[RunSchedule], wanted: Wanted) -> tuple[list[RunSchedule], str]:
    """Answer a page and the token of the next one. Raises InvalidArgument."""
    condition = filters.parse(wanted.filter, _FIELDS, example=_EXAMPLE)
    kept = [s for s in found if condition is None or filters.holds(condition, _facts(s), lambda _: False)]
    for name, descends in reversed(_order(wanted.order_by)):
        kept.sort(key=lambda s, name=name: _key(s, name), reverse=descends)  # type: ignore[misc]
    first = names.read_place(wanted.page_token, "skip", 0)
    last = first + wanted.page_size
    return kept[first:last], names.page_token(skip=last) if last < len(kept) else ""


def _order(text: str) -> list[tuple[str, bool]]:
    found = []
    for part in text.split(",") if text.strip() else ():
        name, _, direction = part.strip().partition(" ")
        name = filters.snake(name)
        if name not in _ORDERED or direction.strip() not in {"", "asc", "desc"}:
            known = ", ".join(_ORDERED)
            raise InvalidArgument.field("order_by", f"{part.strip()!r} is not one of {known}, with or without desc")
        found.append((name, direction.strip() == "desc"))
    return found


def _key(schedule: RunSchedule, name: str) -> Any:
    value = _facts(schedule)[name]
    return (_EARLIEST if name in _TIMES else "") if value is None else value


def _facts(schedule: RunSchedule) -> Mapping[str, Any]:
    options = schedule.options
    return {
        "display_name": options.display_name,
        "state": schedule.state,
        "create_pipeline_job_request": "there",  # asked for as create_pipeline_job_request:*
        "start_time": options.start_time or schedule.create_time,
        "end_time": options.end_time,
        "create_time": schedule.create_time,
        "update_time": schedule.update_time,
        "next_run_time": schedule.next_run_time,
        "last_pause_time": schedule.last_pause_time,
        "last_resume_time": schedule.last_resume_time,
        "max_run_count": options.max_run_count,
        "started_run_count": schedule.started_run_count,
    }
