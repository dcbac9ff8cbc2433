"""What filters and clients ask of a record. Pure."""

from typing import Any

from trainshed.lineage.filters import Facts
from trainshed.lineage.model import Artifact, Context, Execution


def facts_of(record: Artifact | Execution | Context, parent: str) -> Facts:
    """Answer what filters ask of a record; `parent` is that of its resource name."""
    common = {"create_time": record.create_time, "update_time": record.update_time or record.create_time}
    match record:
        case Artifact():
            own = {"name": f"{parent}/artifacts/{public_id(record)}", "display_name": record.name, "uri": record.uri}
            return common | own | {
                "state": record.last_known_state, "schema_title": record.schema_title, "metadata": record.metadata
            }  # fmt: skip
        case Execution():
            own = {"name": f"{parent}/executions/{public_id(record)}", "display_name": shown_name(record)}
            return common | own | {
                "state": record.last_known_state, "schema_title": record.schema_title, "metadata": metadata_of(record)
            }  # fmt: skip
        case Context():
            own = {"name": f"{parent}/contexts/{public_id(record)}", "display_name": record.display_name}
            return common | own | {"schema_title": record.type, "metadata": record.metadata}


def public_id(record: Artifact | Execution | Context) -> str:
    """Answer the last part of a record's resource name."""
    match record:
        case Artifact():
            return record.resource_id or str(record.artifact_id)
        case Execution():
            return record.resource_id or str(record.execution_id)
        case Context():
            return record.resource_id or str(record.context_id)


def shown_name(execution: Execution) -> str:
    """Answer the name that people know an execution by."""
    return execution.display_name or execution.task or execution.name.rsplit("/", 1)[-1]


def metadata_of(execution: Execution) -> dict[str, Any]:
    """Answer an execution's properties as Vertex AI Pipelines writes them: parameters as `input:x` and `output:y`."""
    rest = dict(execution.properties)
    inputs, outputs = rest.pop("inputs", None) or {}, rest.pop("outputs", None) or {}
    found = {f"input:{k}": v for k, v in inputs.items()} | {f"output:{k}": v for k, v in outputs.items()} | rest
    more = {"component": execution.type, "code": dict(execution.code or {}), "cached_from": execution.cached_from}
    return found | {key: value for key, value in more.items() if value and execution.task}
