"""Pages of custom jobs and training pipelines: filtered and ordered as Google's clients ask. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from trainshed import names
from trainshed.errors import InvalidArgument
from trainshed.lineage import filters
from trainshed.runs.custom_jobs.model import CustomJob, times_of

T = TypeVar("T")
_ORDERED = ("create_time", "update_time", "start_time", "end_time", "display_name")
_FIELDS = frozenset({*_ORDERED, "state", "labels"})
_EXAMPLE = 'display_name="train" AND state="JOB_STATE_FAILED"'
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody wants to see."""

    filter: str = ""
    order_by: str = ""
    page_size: int = 100
    page_token: str = ""


def page(found: Sequence[T], wanted: Wanted, facts: Callable[[T], Mapping[str, Any]]) -> tuple[list[T], str]:
    """Answer a page and the token of the next one. Raises InvalidArgument."""
    condition = filters.parse(wanted.filter, _FIELDS, example=_EXAMPLE)
    kept = [one for one in found if condition is None or filters.holds(condition, facts(one), lambda _: False)]
    name, _, direction = wanted.order_by.strip().partition(" ")
    if name:
        field = filters.snake(name)
        if field not in _ORDERED or direction.strip() not in {"", "asc", "desc"}:
            known = ", ".join(_ORDERED)
            raise InvalidArgument.field("order_by", f"{wanted.order_by!r} is not one of {known}, with or without desc")
        least: Any = "" if field == "display_name" else _EARLIEST
        kept.sort(key=lambda one: facts(one)[field] or least, reverse=direction.strip() == "desc")
    first = names.read_place(wanted.page_token, "skip", 0)
    last = first + wanted.page_size
    return kept[first:last], names.page_token(skip=last) if last < len(kept) else ""


def facts_of(job: CustomJob, state: str, **more: Any) -> dict[str, Any]:
    """Answer what filters may ask about a job; `state` as the client spells it."""
    return {"display_name": job.display_name, "state": state, "labels": job.labels, **times_of(job), **more}
