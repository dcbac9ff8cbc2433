"""Lineage: what something was made from, and what was made from it."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from trainshed import lineage
from trainshed.api import fields
from trainshed.clock import rfc3339
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument, NotFound
from trainshed.lineage import Artifact, Execution, Service, Subgraph, Trace

SpecOf = Callable[[str], Mapping[str, Any]]  # run → {"spec": …, "platform": …}
_DIRECTIONS = ("upstream", "downstream", "both")
_DIGITS = 9  # of a depth


def routes(service: Service, spec_of: SpecOf) -> list[Route]:
    """Answer /trainshed/v1/lineage?of=…&direction=…&depth=… and /trainshed/v1/lineage/code?of=….

    `spec_of` reads the document that a run was made from.
    """

    async def trace(request: Request) -> JSONResponse:
        wanted = request.query_params
        direction = wanted.get("direction") or "both"
        if direction not in _DIRECTIONS:
            raise InvalidArgument.field("direction", f"{direction!r} is not {', '.join(_DIRECTIONS[:2])} or both")
        found = await off_loop(
            service.trace,
            _of(request),
            upstream=direction != "downstream",
            downstream=direction != "upstream",
            depth=_depth(wanted.get("depth", "")),
        )
        return JSONResponse(as_json(found))

    async def code(request: Request) -> JSONResponse:
        execution = await off_loop(service.maker, _of(request))
        return JSONResponse(await off_loop(_code, execution, spec_of))

    return [Route("/trainshed/v1/lineage", trace), Route("/trainshed/v1/lineage/code", code)]


def as_json(trace: Trace) -> dict[str, Any]:
    """Write what was found: nodes once, edges in the direction in which data flowed."""
    parts = {"upstream": trace.upstream, "downstream": trace.downstream}
    found = {name: part for name, part in parts.items() if part is not None}
    subject = trace.subject
    roots = {
        "upstream": _names(subject.results, subject.result_executions),
        "downstream": _names(subject.sources, subject.source_executions),
    }
    return {
        "subject": {"kind": subject.kind, "name": subject.name},
        "nodes": {key: node for part in found.values() for key, node in _nodes(part, trace).items()},
        **{
            name: _part(part, roots[name], subject.kind if name == "downstream" else "") for name, part in found.items()
        },
    }


def _code(execution: Execution, spec_of: SpecOf) -> dict[str, Any]:
    """Answer what an execution ran, out of the document of its run."""
    if not execution.run:
        raise NotFound(f"Execution {lineage.public_id(execution)} was recorded by hand, without code.")
    spec = spec_of(execution.run)["spec"]
    label = spec.get("components", {}).get(execution.type, {}).get("executorLabel", "")
    executor = spec.get("deploymentSpec", {}).get("executors", {}).get(label, {})
    return {
        "execution": f"executions/{lineage.public_id(execution)}",
        "run": execution.run,
        "task": execution.task,
        "code": dict(execution.code or lineage.code_of(executor)),
        "text": lineage.source_text(executor),
        "executor": executor,
    }


def _of(request: Request) -> str:
    if not (of := request.query_params.get("of")):
        raise InvalidArgument.field("of", "is missing; give an artifact's number, a gs:// address or a run's id")
    return of


def _depth(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > _DIGITS:
        raise InvalidArgument.field("depth", f"{text!r} is not a number of tasks, such as 3")
    return int(text)


def _names(artifacts: tuple[int, ...], executions: tuple[int, ...]) -> list[str]:
    return [*(f"artifacts/{i}" for i in artifacts), *(f"executions/{i}" for i in executions)]


def _part(part: Subgraph, roots: list[str], kind: str) -> dict[str, Any]:
    """Write one direction; what stands elsewhere in it, or in the other one, is no root of its own."""
    edges = [{"from": e.source, "to": e.target, "kind": e.kind, "name": e.name} for e in lineage.edges(part)]
    shown = roots
    if kind == "run":  # what a run made and nobody used is shown by the other direction
        sources = {edge["from"] for edge in edges}
        shown = [root for root in roots if root in sources]
    elif kind == "data":  # what an importer made of it stands below the importer
        readers = {root for root in roots if root.startswith("executions/")}
        made = {edge["to"] for edge in edges if edge["from"] in readers}
        shown = [root for root in roots if root not in made]
    return {"roots": shown, "edges": edges, "isWhole": part.is_whole}


def _nodes(part: Subgraph, trace: Trace) -> dict[str, dict[str, Any]]:
    nodes = {f"artifacts/{i}": _artifact(a, trace) for i, a in part.artifacts.items()}
    nodes |= {f"executions/{i}": _execution(e) for i, e in part.executions.items()}
    for edge in lineage.edges(part):
        if edge.source not in nodes:
            nodes[edge.source] = {"kind": "data", "uri": edge.source.removeprefix("data/")}
    return nodes


def _artifact(artifact: Artifact, trace: Trace) -> dict[str, Any]:
    same = [i for i in trace.same.get(artifact.digest, ()) if i != artifact.artifact_id]
    return {
        "kind": "artifact",
        "id": lineage.public_id(artifact),
        "name": artifact.name,
        "type": artifact.schema_title,
        "uri": artifact.uri,
        "digest": artifact.digest,
        "metadata": fields.writable(artifact.metadata),
        "sameContent": [f"artifacts/{i}" for i in same],
        "reused": trace.reuses.get(artifact.artifact_id, 0),
        "createTime": rfc3339(artifact.create_time),
    }


def _execution(execution: Execution) -> dict[str, Any]:
    properties: Mapping[str, Any] = execution.properties
    document = {
        "kind": "execution",
        "id": lineage.public_id(execution),
        "name": lineage.shown_name(execution),
        "run": execution.run,
        "task": execution.task,
        "type": execution.schema_title,
        "component": execution.type,
        "state": execution.last_known_state,
        "parameters": fields.writable(properties.get("inputs") or {}),
        "outputs": fields.writable(properties.get("outputs") or {}),
        "environment": properties.get("environment", ""),
        "code": dict(execution.code or {}),
        "data": properties.get("data") or {},
        "dataCounts": properties.get("data_counts") or {},
        "createTime": rfc3339(execution.create_time),
    }
    if execution.cached_from is not None:
        document["cachedFrom"] = f"executions/{execution.cached_from}"
    return document
