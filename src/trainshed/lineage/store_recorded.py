"""What runs and their tasks write to lineage as they go on. Every function works inside the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, CursorResult, select

from trainshed.lineage.addresses import trail
from trainshed.lineage.model import RUN, NewExecution
from trainshed.lineage.store import CHANGED, artifacts, contexts, events, executions, pushes, readings
from trainshed.sql import insert_new, notify

_SCHEME = "gs://"
_DESTINATION = "pushed_destination"  # as TFX's Pusher says it, and everybody who pushes as it does
_LISTED = 100  # objects of a folder that are kept with each execution that read it


def ensure_context(conn: Connection, kind: str, name: str, *, now: datetime, parent_id: int | None = None) -> int:
    """Answer the id of a context, made when missing."""
    short = name.rsplit("/", 1)[-1]
    values = {"type": kind, "name": name, "parent_id": parent_id, "resource_id": short, "display_name": short}
    insert_new(conn, contexts, {**values, "create_time": now})
    query = select(contexts.c.id).where(contexts.c.type == kind, contexts.c.name == name)
    found: int = conn.execute(query).scalar_one()
    return found


def record_run(
    conn: Connection,
    *,
    name: str,
    state: str,
    context_id: int,
    now: datetime,
    pipeline: str = "",
    display_name: str = "",
    parameters: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
) -> int:
    """Record a run as a doing of its own: when it starts, and again, with its last state, when it ends."""
    query = select(executions.c.id, executions.c.properties).where(
        executions.c.context_id == context_id, executions.c.schema_title == RUN
    )
    known = conn.execute(query).one_or_none()
    given = {"inputs": parameters, "outputs": outputs}
    properties = {k: dict(v) for k, v in given.items() if v is not None}
    if known is None:
        values = {"type": pipeline, "name": name, "properties": {"inputs": {}, "outputs": {}} | properties}
        more = {"display_name": display_name or name.rsplit("/", 1)[-1], "schema_title": RUN, "create_time": now}
        row = {**values, **more, "context_id": context_id, "last_known_state": state}
        return inserted(conn.execute(executions.insert(), row))
    changes = {"last_known_state": state, "properties": known.properties | properties, "update_time": now}
    conn.execute(executions.update().where(executions.c.id == known.id), changes)
    return int(known.id)


def find_same(
    conn: Connection,
    *,
    uri: str,
    type: Mapping[str, str],  # noqa: A002  (ML Metadata's word)
    metadata: Mapping[str, Any],
    digest: str,
) -> int | None:
    """Find the newest artifact that is equal in everything."""
    query = select(artifacts).where(artifacts.c.uri == uri, artifacts.c.digest == digest)
    for row in conn.execute(query.order_by(artifacts.c.id.desc()).limit(10)):
        if row.type == dict(type) and row.metadata == dict(metadata):
            return int(row.id)
    return None


def add_artifact(
    conn: Connection,
    *,
    type: Mapping[str, str],  # noqa: A002  (ML Metadata's word)
    uri: str,
    metadata: Mapping[str, Any],
    digest: str,
    now: datetime,
    name: str = "",
) -> int:
    """Record a thing; answer its id."""
    values = {"type": dict(type), "schema_title": schema_title(type), "uri": uri, "metadata": dict(metadata)}
    key = inserted(conn.execute(artifacts.insert(), {**values, "digest": digest, "name": name, "create_time": now}))
    note_push(conn, key, metadata)
    notify(conn, CHANGED)
    return key


def note_push(conn: Connection, artifact_id: int, metadata: Mapping[str, Any]) -> None:
    """Keep where a model was pushed to, so that it is found by that."""
    if destination := metadata.get(_DESTINATION):
        conn.execute(pushes.insert(), {"artifact_id": artifact_id, "destination": str(destination)})


def schema_title(kind: Mapping[str, Any]) -> str:
    """Answer the title of an artifact's type, also of one that is given as a schema."""
    if title := kind.get("schemaTitle"):
        return str(title)
    for line in str(kind.get("instanceSchema", "")).splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == "title":
            return value.strip().strip("'\"")
    return ""


def record_execution(conn: Connection, new: NewExecution, *, now: datetime) -> int:
    """Record a doing; of a large folder that it read the first objects are kept, and how many there were."""
    properties = dict(new.properties) | (_listed(new.data) if new.data else {})
    row = {
        "type": new.type,
        "name": new.name,
        "last_known_state": new.state,
        "properties": properties,
        "context_id": new.context_id,
        "schema_title": new.schema_title,
        "display_name": new.display_name,
        "code": dict(new.code) if new.code else None,
        "cached_from": new.cached_from,
        "create_time": now,
    }
    execution_id = inserted(conn.execute(executions.insert(), row))
    _add_events(conn, execution_id, new.inputs, new.outputs)
    if new.data:
        _add_readings(conn, execution_id, {key: str(properties.get("inputs", {}).get(key, key)) for key in new.data})
    return execution_id


def _listed(data: Mapping[str, Sequence[Sequence[Any]]]) -> dict[str, Any]:
    counts = {key: len(objects) for key, objects in data.items() if len(objects) > _LISTED}
    listed = {key: [list(entry) for entry in objects[:_LISTED]] for key, objects in data.items()}
    return {"data": listed} | ({"data_counts": counts} if counts else {})


def _add_events(
    conn: Connection, execution_id: int, inputs: Iterable[tuple[str, int]], outputs: Iterable[tuple[str, int]]
) -> None:
    rows = {
        (artifact_id, kind, path): {
            "execution_id": execution_id, "artifact_id": artifact_id, "type": kind, "path": path, "position": position
        }
        for kind, edges in (("INPUT", inputs), ("OUTPUT", outputs))
        for position, (path, artifact_id) in enumerate(edges)
    }  # fmt: skip
    if rows:
        conn.execute(events.insert(), list(rows.values()))
        notify(conn, CHANGED)


def _add_readings(conn: Connection, execution_id: int, addresses: Mapping[str, str]) -> None:
    rows = [
        {"execution_id": execution_id, "parameter": key, "path": path, "is_address": number == 0}
        for key, uri in addresses.items()
        if uri.startswith(_SCHEME)
        for number, path in enumerate(trail(uri))
    ]
    if rows:
        conn.execute(readings.insert(), rows)


def inserted(result: CursorResult[Any]) -> int:
    """Answer the id of the row that was just inserted."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])
