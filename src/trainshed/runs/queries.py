"""What resolvers ask for: ML Metadata's filters, read before anything runs, their placeholders filled in when it does. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from trainshed import ir
from trainshed.errors import Finding, InvalidArgument
from trainshed.lineage import filters

_TITLES = ("schema_title", "artifact_type")
_FIELDS = frozenset(
    (*_TITLES, "name", "display_name", "uri", "state", "create_time", "update_time", "metadata", "in_context")
)


def problems(plan: ir.Plan) -> Iterator[Finding]:
    """Answer a finding for each filter that cannot be read."""
    for path, task in plan.leaves():
        for key, wanted in queries_of(task).items():
            try:
                condition_of(wanted)
            except InvalidArgument as error:
                said = "; ".join(v.description for v in error.violations)
                message = f"task {task.name!r} looks for its {key!r} by a filter that cannot be read: {said}"
                yield Finding(severity="error", path=f"tasks.{path}", message=message, anchor="resolvers")


def queries_of(task: ir.Task) -> Mapping[str, Mapping[str, Any]]:
    """Answer a resolver's query for each of its outputs."""
    found: Mapping[str, Mapping[str, Any]] = task.executor.get("resolver", {}).get("outputArtifactQueries", {})
    return found


def condition_of(wanted: Mapping[str, Any]) -> filters.Condition | None:
    """Read a query's filter; None: everything. Raises InvalidArgument."""
    return filters.parse(str(wanted.get("filter", "")), _FIELDS)


def filled(condition: filters.Condition, fill: Callable[[str], str]) -> filters.Condition:
    """Fill in placeholders after the filter was read: what they become is a value, whatever it holds."""
    match condition:
        case filters.Compare():
            return replace(condition, value=fill(condition.value))
        case filters.Related():
            return replace(condition, context=fill(condition.context))
        case filters.Not(part=part):
            return replace(condition, part=filled(part, fill))
        case filters.All(parts=parts) | filters.Any_(parts=parts):
            return replace(condition, parts=tuple(filled(part, fill) for part in parts))


def title_of(condition: filters.Condition | None) -> str:
    """Answer the one type that can match; empty when the filter does not say."""
    return next(
        (
            part.value
            for part in filters.conjuncts(condition)
            if isinstance(part, filters.Compare) and part.is_exact and part.path[0] in _TITLES
        ),
        "",
    )
