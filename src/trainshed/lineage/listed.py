"""Pages of lists that are in memory: filtered and ordered as Vertex AI's clients ask. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from trainshed import names
from trainshed.errors import InvalidArgument
from trainshed.lineage import filters
from trainshed.lineage.pages import Wanted

T = TypeVar("T")
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What can be asked of a list."""

    fields: frozenset[str]  # that filters may name
    ordered: tuple[str, ...]  # fields that it can be ordered by
    example: str  # of a filter

    def page(self, found: Iterable[T], wanted: Wanted, facts: Callable[[T], Mapping[str, Any]]) -> tuple[list[T], str]:
        """Answer a page and the token of the next one. Raises InvalidArgument."""
        condition = filters.parse(wanted.filter, self.fields, example=self.example)
        kept = [one for one in found if condition is None or filters.holds(condition, facts(one), lambda _: False)]
        for name, descends in reversed(order(wanted.order_by, self.ordered)):
            least: Any = _EARLIEST if name.endswith("_time") else ""
            kept.sort(key=lambda one, name=name, least=least: facts(one)[name] or least, reverse=descends)  # type: ignore[misc]
        first = names.read_place(wanted.page_token, "skip", 0)
        last = first + wanted.page_size
        return kept[first:last], names.page_token(skip=last) if last < len(kept) else ""


def order(text: str, known: Collection[str]) -> list[tuple[str, bool]]:
    """Read `create_time desc, end_time`: fields, and whether they descend. Raises InvalidArgument."""
    found = []
    for part in text.split(",") if text.strip() else ():
        name, _, direction = part.strip().partition(" ")
        name = filters.snake(name)
        if name not in known or direction.strip() not in {"", "asc", "desc"}:
            fields = ", ".join(known)
            raise InvalidArgument.field("order_by", f"{part.strip()!r} is not one of {fields}, with or without desc")
        found.append((name, direction.strip() == "desc"))
    return found
