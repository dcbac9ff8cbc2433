"""Resolvers: what exists already is found by a filter, the newest first, among what runs of the same pipeline made.

Filters are those of ML Metadata; one that names a context itself (`in_context("…")`) looks there instead.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from trainshed import ir, lineage
from trainshed.blobs import Blobs
from trainshed.errors import Finding, InvalidArgument
from trainshed.lineage import filters, newest
from trainshed.runs import outputs
from trainshed.runs.active import ActiveRun

_TITLES = ("schema_title", "artifact_type")
_FIELDS = frozenset(
    (*_TITLES, "name", "display_name", "uri", "state", "create_time", "update_time", "metadata", "in_context")
)


def problems(plan: ir.Plan) -> Iterator[Finding]:
    """Answer a finding for each filter that cannot be read."""
    for path, task in plan.leaves():
        for key, wanted in _queries(task).items():
            try:
                _condition(wanted)
            except InvalidArgument as error:
                said = "; ".join(v.description for v in error.violations)
                message = f"task {task.name!r} looks for its {key!r} by a filter that cannot be read: {said}"
                yield Finding(severity="error", path=f"tasks.{path}", message=message, anchor="resolvers")


def record(conn: Connection, blobs: Blobs, active: ActiveRun, path: str, *, now: datetime) -> ir.Outputs:
    """Answer what a resolver finds; it makes nothing, so nothing is written."""
    del now
    return preview(conn, blobs, active, path)


def preview(conn: Connection, blobs: Blobs, active: ActiveRun, path: str) -> ir.Outputs:
    """Answer what a resolver finds now. An output for which there is nothing is empty, and nobody misses it."""
    del blobs
    task, inputs, facts = active.task(path), active.inputs_of(path), active.facts(path)
    given = {key: {"artifacts": [a.to_json() for a in found]} for key, found in inputs.artifacts.items()}
    document = {"inputs": {"parameterValues": dict(inputs.parameters), "artifacts": given}}

    def fill(text: str) -> str:
        return ir.resolve(text, facts, document, str)

    queries = _queries(task)
    return ir.Outputs(
        artifacts={
            key: [outputs.value_of(a, active.parent) for a in _find(conn, active, queries.get(key, {}), fill)]
            for key in task.output_artifacts
        }
    )


def _queries(task: ir.Task) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = task.executor.get("resolver", {}).get("outputArtifactQueries", {})
    return found


def _condition(wanted: Mapping[str, Any]) -> filters.Condition | None:
    return filters.parse(str(wanted.get("filter", "")), _FIELDS)


def _find(
    conn: Connection, active: ActiveRun, wanted: Mapping[str, Any], fill: Callable[[str], str]
) -> list[lineage.Artifact]:
    parsed = _condition(wanted)
    condition = None if parsed is None else _filled(parsed, fill)

    def is_wanted(artifact: lineage.Artifact) -> bool:
        def is_related(related: filters.Related) -> bool:
            around = newest.contexts_around(conn, artifact.artifact_id)
            return any(related.context in {name, name.rpartition("/")[2]} for name in around)

        facts = _facts(artifact, active.parent)
        return condition is None or filters.holds(condition, facts, is_related)

    return newest.find_newest(
        conn,
        is_wanted,
        limit=int(wanted.get("limit") or 1),
        schema_title=_title(condition),
        beside=None if filters.relations(condition) else active.run.context_id,
    )


def _filled(condition: filters.Condition, fill: Callable[[str], str]) -> filters.Condition:
    """Fill in placeholders after the filter was read: what they become is a value, whatever it holds."""
    match condition:
        case filters.Compare():
            return replace(condition, value=fill(condition.value))
        case filters.Related():
            return replace(condition, context=fill(condition.context))
        case filters.Not(part=part):
            return replace(condition, part=_filled(part, fill))
        case filters.All(parts=parts) | filters.Any_(parts=parts):
            return replace(condition, parts=tuple(_filled(part, fill) for part in parts))


def _title(condition: filters.Condition | None) -> str:
    """Answer the one type that can match; empty when the filter does not say."""
    return next(
        (
            part.value
            for part in filters.conjuncts(condition)
            if isinstance(part, filters.Compare) and part.is_exact and part.path[0] in _TITLES
        ),
        "",
    )


def _facts(artifact: lineage.Artifact, parent: str) -> filters.Facts:
    return {
        "name": outputs.value_of(artifact, parent).name,
        "display_name": artifact.name,
        "uri": artifact.uri,
        "state": artifact.last_known_state,
        "schema_title": artifact.schema_title,
        "artifact_type": artifact.schema_title,
        "create_time": artifact.create_time,
        "update_time": artifact.update_time or artifact.create_time,
        "metadata": artifact.metadata,
    }
