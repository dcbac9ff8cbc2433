"""Lineage: artifacts, executions, contexts and events, as ML Metadata names them.

- `model`: Artifact, Execution, Context, Event.
- `store`: functions inside the transaction that finishes a task; queries.
"""

from trainshed.lineage.model import Artifact, Context, Event, Execution
from trainshed.lineage.store import (
    add_artifact,
    artifacts_of_context,
    ensure_context,
    events_of_artifact,
    events_of_execution,
    executions_of_context,
    find_context,
    find_same,
    get_artifact,
    list_artifacts,
    record_execution,
)

__all__ = [
    "Artifact",
    "Context",
    "Event",
    "Execution",
    "add_artifact",
    "artifacts_of_context",
    "ensure_context",
    "events_of_artifact",
    "events_of_execution",
    "executions_of_context",
    "find_context",
    "find_same",
    "get_artifact",
    "list_artifacts",
    "record_execution",
]
