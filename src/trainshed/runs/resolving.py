"""Resolvers: what exists already is found by a filter, the newest first, among what runs of the same pipeline made.

A filter that names a context itself (`in_context("…")`) looks there instead.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from trainshed import ir, lineage
from trainshed.blobs import Blobs
from trainshed.errors import InvalidArgument
from trainshed.lineage import filters, newest
from trainshed.runs import outputs, queries
from trainshed.runs.active import ActiveRun


def record(conn: Connection, blobs: Blobs, active: ActiveRun, path: str, *, now: datetime) -> ir.Outputs:
    """Answer what a resolver finds; it makes nothing, so nothing is written."""
    del now
    return preview(conn, blobs, active, path)


def preview(conn: Connection, blobs: Blobs, active: ActiveRun, path: str) -> ir.Outputs:
    """Answer what a resolver finds now. An output for which there is nothing is empty, and nobody misses it."""
    del blobs
    task, inputs, facts = active.task(path), active.inputs_of(path), active.facts(path)
    given = {key: {"artifacts": [a.to_json() for a in found]} for key, found in inputs.artifacts.items()}
    document = {"inputs": {"parameterValues": dict(inputs.given), "artifacts": given}}

    def fill(text: str) -> str:
        return ir.resolve(text, facts, document, str)

    asked = queries.queries_of(task)
    return ir.Outputs(
        artifacts={
            key: [outputs.value_of(a, active.parent) for a in _find(conn, active, asked[key], fill)]
            for key in task.output_artifacts
            if key in asked
        }
    )


def _find(
    conn: Connection, active: ActiveRun, wanted: Mapping[str, Any], fill: Callable[[str], str]
) -> list[lineage.Artifact]:
    read = queries.condition_of(wanted)
    condition = None if read is None else queries.filled(read, fill)
    is_anywhere = bool(filters.relations(condition))
    pipeline = None if is_anywhere else lineage.find_context(conn, "system.Pipeline", active.plan.name)
    if pipeline is None and not is_anywhere:
        return []  # the pipeline has never run

    def is_wanted(artifact: lineage.Artifact) -> bool:
        def is_related(related: filters.Related) -> bool:
            around = newest.contexts_around(conn, artifact.artifact_id)
            return any(related.context in {name, name.rpartition("/")[2]} for name in around)

        try:
            return condition is None or filters.holds(condition, _facts(artifact, active.parent), is_related)
        except InvalidArgument:  # a placeholder became a time that is none
            return False

    return newest.find_newest(
        conn,
        is_wanted,
        limit=int(wanted.get("limit") or 1),
        schema_title=queries.title_of(condition),
        inside=None if pipeline is None else pipeline.context_id,
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
