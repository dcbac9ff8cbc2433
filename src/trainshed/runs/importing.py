"""Importers: something that exists becomes an artifact, keyed by what it contains now."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from trainshed import ir, lineage
from trainshed.blobs import Blobs
from trainshed.runs import outputs
from trainshed.runs.active import ActiveRun


def record(conn: Connection, blobs: Blobs, active: ActiveRun, path: str, *, now: datetime) -> ir.Outputs:
    """Register what an importer names; the same content under the same name is the same artifact."""
    is_again = bool(active.task(path).executor["importer"].get("reimport"))
    artifacts: dict[str, list[ir.ArtifactValue]] = {}
    for key, value in preview(conn, blobs, active, path).artifacts.items():
        (found,) = value
        known: dict[str, Any] = {
            "uri": found.uri,
            "type": found.type,
            "metadata": found.metadata,
            "digest": found.digest,
        }
        made = (None if is_again else lineage.find_same(conn, **known)) or lineage.add_artifact(
            conn, **known, now=now, name=found.title
        )
        artifacts[key] = [replace(found, name=f"{active.parent}/metadataStores/default/artifacts/{made}")]
    return ir.Outputs(artifacts=artifacts)


def preview(conn: Connection, blobs: Blobs, active: ActiveRun, path: str) -> ir.Outputs:
    """Answer what an importer would register now; nothing is written."""
    task = active.task(path)
    importer = task.executor["importer"]
    inputs = active.inputs_of(path)
    document = {"inputs": {"parameterValues": dict(inputs.parameters)}, "outputs": {}}
    uri = str(_value(importer.get("artifactUri", {}), inputs.parameters))
    properties = {**importer.get("properties", {}), **importer.get("customProperties", {})}  # schema 2.0.0
    legacy = {key: _value(wanted, inputs.parameters) for key, wanted in properties.items()}
    metadata = legacy | _filled(importer.get("metadata", {}), active.facts(path), document)
    digest = outputs.content_digest(conn, blobs, uri) if uri.startswith("gs://") else ""
    return ir.Outputs(
        artifacts={
            key: [
                ir.ArtifactValue(
                    name="",
                    title=key,
                    uri=uri,
                    type=o.schema or importer.get("typeSchema", {}),
                    metadata=metadata,
                    digest=digest,
                )
            ]
            for key, o in task.output_artifacts.items()
        }
    )


def _value(wanted: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
    """Read a value that is written in the document, in either schema, or one of the task's parameters."""
    if "runtimeParameter" in wanted:
        return parameters.get(wanted["runtimeParameter"], "")
    if "constantValue" in wanted:
        return ir.plain_value(wanted["constantValue"])
    return wanted.get("constant", "")


def _filled(value: Any, facts: ir.RunFacts, document: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return ir.resolve(value, facts, document, lambda uri: uri)
    if isinstance(value, Mapping):
        return {_filled(k, facts, document): _filled(v, facts, document) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, facts, document) for v in value]
    return value
