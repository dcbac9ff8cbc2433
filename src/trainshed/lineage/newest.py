"""The newest things of a kind, as resolvers ask for them."""

from collections.abc import Callable

from sqlalchemy import Connection, Select, select

from trainshed.lineage.model import Artifact
from trainshed.lineage.store import artifacts, as_artifact, contexts, events, executions


def find_newest(
    conn: Connection,
    is_wanted: Callable[[Artifact], bool],
    *,
    limit: int = 1,
    schema_title: str = "",
    beside: int | None = None,
) -> list[Artifact]:
    """Find the newest artifacts that are wanted, the newest first.

    `beside` is the context of a run: only what runs of the same pipeline made is looked at.
    """
    query = select(artifacts).order_by(artifacts.c.id.desc())
    if schema_title:
        query = query.where(artifacts.c.schema_title == schema_title)
    if beside is not None:
        query = _made_beside(query, beside)
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
    """Name the runs that read or wrote an artifact, and their pipelines."""
    run, pipeline = contexts.alias(), contexts.alias()
    query = (
        select(run.c.name, pipeline.c.name.label("pipeline"))
        .join(executions, executions.c.context_id == run.c.id)
        .join(events, events.c.execution_id == executions.c.id)
        .outerjoin(pipeline, pipeline.c.id == run.c.parent_id)
        .where(events.c.artifact_id == artifact_id)
    )
    return sorted({name for row in conn.execute(query) for name in row if name})


def _made_beside(query: Select[tuple[object, ...]], context_id: int) -> Select[tuple[object, ...]]:
    this = contexts.alias()
    pipeline = select(this.c.parent_id).where(this.c.id == context_id).scalar_subquery()
    made = (
        select(events.c.artifact_id)
        .join(executions, executions.c.id == events.c.execution_id)
        .join(contexts, contexts.c.id == executions.c.context_id)
        .where(events.c.artifact_id == artifacts.c.id, events.c.type == "OUTPUT", contexts.c.parent_id == pipeline)
    )
    return query.where(made.exists())
