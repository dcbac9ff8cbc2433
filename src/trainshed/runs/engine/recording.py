"""What a run leaves in lineage: an execution for each attempt that ended, for each DAG task, and for the run itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from trainshed import ir, lineage
from trainshed.blobs import Blobs
from trainshed.errors import TrainshedError
from trainshed.runs import active as memory
from trainshed.runs import caching, outputs
from trainshed.runs.active import ActiveRun
from trainshed.runs.caching import Hit
from trainshed.runs.lifecycle import RUN

_TITLES = {"importer": lineage.IMPORTER, "resolver": lineage.RESOLVER}


def record_task(
    conn: Connection, blobs: Blobs, active: ActiveRun, path: str, state: str, made: ir.Outputs, *,
    now: datetime, hit: Hit | None = None,
) -> int:  # fmt: skip
    """Record that a leaf ended; answer the execution."""
    task, inputs = active.task(path), active.inputs_of(path)
    found = _edges(made.artifacts) if task.kind == "resolver" else []  # made by others: read here, not written
    new = lineage.NewExecution(
        type=task.component,
        schema_title=_TITLES.get(task.kind, lineage.CONTAINER),
        name=f"{active.run.name}/tasks/{path}",
        state=state,
        properties=_properties(active, path, inputs.parameters, made),
        context_id=active.run.context_id,
        inputs=_edges(inputs.artifacts) + found,
        outputs=[] if found else _edges(made.artifacts),
        code=_code_of(active, task) if task.needs_worker else None,
        cached_from=hit.task.execution_id if hit else None,
        data=_data_of(conn, blobs, active, path, made),
    )
    return lineage.record_execution(conn, new, now=now)


def record_dag(conn: Connection, active: ActiveRun, path: str, state: str, *, now: datetime) -> int:
    """Record that a DAG task ended: its parameters; artifacts are read and made by the leaves in it."""
    task, inputs, made = active.task(path), active.inputs_of(path), active.nodes[path].outputs
    new = lineage.NewExecution(
        type=task.component,
        schema_title=lineage.DAG,
        name=f"{active.run.name}/tasks/{path}",
        state=state,
        properties={"inputs": dict(inputs.parameters), "outputs": dict(made.parameters)},
        context_id=active.run.context_id,
    )
    return lineage.record_execution(conn, new, now=now)


def record_run(conn: Connection, active: ActiveRun, name: str, *, now: datetime) -> None:
    """Record that a run started or ended, by the name of its transition; any other is nothing to lineage."""
    state = RUN[name].target
    has_ended = RUN.is_final(state)
    if name != "start" and not has_ended:
        return
    lineage.record_run(
        conn,
        name=active.run.name,
        state="COMPLETE" if state == "SUCCEEDED" else state,
        context_id=active.run.context_id,
        now=now,
        pipeline=active.plan.name,
        parameters=None if has_ended else dict(active.run.parameters),
        outputs=memory.run_outputs(active) if has_ended else None,
    )


def _properties(active: ActiveRun, path: str, parameters: Mapping[str, Any], made: ir.Outputs) -> dict[str, Any]:
    found: dict[str, Any] = {"inputs": dict(parameters), "outputs": dict(made.parameters)}
    if active.task(path).needs_worker:
        found["environment"] = active.place(path).environment
    return found


def _code_of(active: ActiveRun, task: ir.Task) -> Mapping[str, Any]:
    if task.component not in active.codes:
        active.codes[task.component] = lineage.code_of(task.executor)
    return active.codes[task.component]


def _data_of(
    conn: Connection, blobs: Blobs, active: ActiveRun, path: str, made: ir.Outputs
) -> Mapping[str, list[list[Any]]]:
    """Answer the stored data that a task read by its address, as it was when its inputs were put together."""
    if active.task(path).kind != "importer":
        known = active.nodes[path].data
        return caching.data_of(conn, blobs, active.inputs_of(path).parameters) if known is None else known
    uris = {artifact.uri for found in made.artifacts.values() for artifact in found}
    return {uri: objects for uri in uris if (objects := _objects(conn, blobs, uri))}


def _objects(conn: Connection, blobs: Blobs, uri: str) -> list[list[Any]]:
    try:
        return [list(entry) for entry in blobs.generations(conn, uri)] if uri.startswith("gs://") else []
    except TrainshedError:  # no such bucket here
        return []


def _edges(artifacts: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [(key, outputs.artifact_id(a)) for key, found in artifacts.items() for a in found]
