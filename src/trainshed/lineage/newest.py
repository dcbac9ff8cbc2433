"""The newest things of a kind, as resolvers ask for them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from trainshed.lineage.model import Artifact
from trainshed.lineage.store import artifacts, as_artifact, attributions, contexts, events, executions


def find_newest(
    conn: Connection,
    is_wanted: Callable[[Artifact], bool],
    *,
    limit: int = 1,
    schema_title: str = "",
    inside: int | None = None,
) -> list[Artifact]:
    """Find the newest artifacts that are wanted, the newest first.

    `inside` is the context of a pipeline: only what its runs made, or somebody put there by hand, is looked at.
    """
    query = select(artifacts).order_by(artifacts.c.id.desc())
    if schema_title:
        query = query.where(artifacts.c.schema_title == schema_title)
    if inside is not None:
        query = query.where(or_(_was_made_in(inside), _was_put_in(inside)))
    found: list[Artifact] = []
    with conn.execute(query.execution_options(yield_per=100)) as rows:
        for row in rows:
            artifact = as_artifact(row)
            if is_wanted(artifact):
                found.append(artifact)
            if len(found) >= limit:
                break
    return found


def contexts_around(conn: Connection, artifact_id: int) -> list[str]:
    """Name the runs that read or wrote an artifact, their pipelines, and contexts that it was put in by hand."""
    run, pipeline = contexts.alias(), contexts.alias()
    query = (
        select(run.c.name, pipeline.c.name.label("pipeline"))
        .join(executions, executions.c.context_id == run.c.id)
        .join(events, events.c.execution_id == executions.c.id)
        .outerjoin(pipeline, pipeline.c.id == run.c.parent_id)
        .where(events.c.artifact_id == artifact_id)
    )
    given = (
        select(contexts.c.name)
        .join(attributions, attributions.c.context_id == contexts.c.id)
        .where(attributions.c.artifact_id == artifact_id)
    )
    return sorted({name for row in [*conn.execute(query), *conn.execute(given)] for name in row if name})


def _was_made_in(pipeline_id: int) -> ColumnElement[Any]:
    return (
        select(events.c.artifact_id)
        .join(executions, executions.c.id == events.c.execution_id)
        .join(contexts, contexts.c.id == executions.c.context_id)
        .where(events.c.artifact_id == artifacts.c.id, events.c.type == "OUTPUT", contexts.c.parent_id == pipeline_id)
        .exists()
    )


def _was_put_in(pipeline_id: int) -> ColumnElement[Any]:
    return (
        select(attributions.c.artifact_id)
        .join(contexts, contexts.c.id == attributions.c.context_id)
        .where(
            attributions.c.artifact_id == artifacts.c.id,
            or_(contexts.c.id == pipeline_id, contexts.c.parent_id == pipeline_id),
        )
        .exists()
    )
