"""What lineage has of one run, by its context: the doings of its tasks, and what they read and made."""

from sqlalchemy import Connection, select

from trainshed.lineage.model import RUN, Artifact, Coded, Event, Execution
from trainshed.lineage.store import artifacts, as_artifact, as_execution, events, executions, readings


def executions_of_context(conn: Connection, context_id: int) -> list[Execution]:
    """Read the doings of a run, the run itself left out."""
    query = select(executions).where(executions.c.context_id == context_id, executions.c.schema_title != RUN)
    return [as_execution(row) for row in conn.execute(query.order_by(executions.c.id))]


def coded_in_context(conn: Connection, context_id: int) -> Coded:
    """Read whose code the doings of a run are. There may be thousands; they are read one by one, and not kept."""
    c = executions.c
    brief = select(*(column for column in c if column.name not in {"properties", "notes"}))
    components: dict[str, str] = {}
    in_images: dict[str, Execution] = {}
    words: dict[str, str] = {}
    for row in conn.execute(brief.where(c.context_id == context_id, c.schema_title != RUN).order_by(c.id)):
        code = row.code or {}
        digest, image = str(code.get("component", "")), str(code.get("image", ""))
        components[row.name.partition("/tasks/")[2]] = words.setdefault(digest, digest)
        if image not in in_images:
            in_images[image] = as_execution(row, properties={}, notes=None)
    return Coded(components=components, in_images=tuple(in_images.values()))


def readers_of_context(conn: Connection, context_id: int) -> list[Execution]:
    """Read those doings of a run that read stored data."""
    c = executions.c
    inside = (c.context_id == context_id, c.schema_title != RUN)
    reads = select(readings.c.execution_id).join(executions, c.id == readings.c.execution_id).where(*inside)
    query = select(executions).where(c.id.in_(reads.distinct())).order_by(c.id)
    return [as_execution(row) for row in conn.execute(query)]


def events_of_context(conn: Connection, context_id: int) -> list[Event]:
    """Read what all of a run's doings read and wrote."""
    joined = events.join(executions, executions.c.id == events.c.execution_id)
    query = select(events).select_from(joined).where(executions.c.context_id == context_id)
    ordered = query.order_by(events.c.execution_id, events.c.type, events.c.position)
    return [Event(**row._mapping) for row in conn.execute(ordered)]  # noqa: SLF001  (a row's public mapping)


def artifacts_of_context(conn: Connection, context_id: int) -> list[Artifact]:
    """Read the things that a run's doings read or wrote."""
    joined = events.join(executions, executions.c.id == events.c.execution_id)
    ids = select(events.c.artifact_id).select_from(joined).where(executions.c.context_id == context_id)
    return [as_artifact(row) for row in conn.execute(select(artifacts).where(artifacts.c.id.in_(ids)))]
