"""From text to a document: YAML or JSON, bare PipelineSpec or PipelineJob, within limits.

Nothing is believed: size, depth, aliases, duplicate keys, unknown fields and number ranges are looked at before a
field is used, and everything wrong is said at once, by path.
"""

import json
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from trainshed.errors import Finding, InvalidArgument
from trainshed.ir import proto

_DEPTH = 100
_NODES = 2_000_000
_SAFE_INTEGER = 2**53
DEFAULT_LIMIT_BYTES = 10_000_000
_JOB_FIELDS = {
    "name", "displayName", "labels", "pipelineSpec", "runtimeConfig", "templateUri", "serviceAccount", "network",
    "encryptionSpec", "templateMetadata", "display_name", "pipeline_spec", "runtime_config", "reservedIpRanges",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Document:
    """A parsed document: the spec with field names as published, and what a PipelineJob wrapper said about the run."""

    given: Mapping[str, Any]  # the spec as it was written
    spec: Mapping[str, Any]
    executors: Mapping[str, Any]
    platform: Mapping[str, Any] = field(default_factory=dict)
    runtime: Mapping[str, Any] = field(default_factory=dict)
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def load(text: bytes | str, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> Document:
    """Read a compiled pipeline. Raises InvalidArgument with every finding."""
    if len(text) > limit_bytes:
        raise _refusal(f"the spec is {len(text)} bytes; the limit is {limit_bytes} (setting spec_bytes)")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _refusal(f"the spec is not UTF-8 text (byte {error.start})") from error
    documents = _parse(text)
    if not 1 <= len(documents) <= 2:  # noqa: PLR2004  (a spec, and a platform spec after `---`)
        raise _refusal(f"{len(documents)} YAML documents where a spec, and possibly a platform spec, belong")
    return load_dict(documents[0], platform=documents[1] if len(documents) > 1 else None)


def load_dict(document: Any, *, platform: Any = None) -> Document:
    """Read a compiled pipeline that is already plain data. Raises InvalidArgument with every finding."""
    if not isinstance(document, Mapping):
        raise _refusal(f"a pipeline spec is a mapping; this is {_kind(document)}")
    _measure(document, "")
    job = document if "pipelineSpec" in document or "pipeline_spec" in document else {"pipelineSpec": document}
    spec: Any = job.get("pipelineSpec", job.get("pipeline_spec"))
    prefix = "pipelineSpec." if job is document else ""
    findings = [
        Finding(severity="error", path=name, message="unknown field of a PipelineJob; remove it")
        for name in job
        if name not in _JOB_FIELDS
    ]
    findings += proto.unknown_fields(spec, "PipelineSpec", prefix.rstrip("."))
    deployment = spec.get("deploymentSpec", spec.get("deployment_spec")) if isinstance(spec, Mapping) else None
    findings += proto.unknown_fields(deployment or {}, "PipelineDeploymentConfig", f"{prefix}deploymentSpec")
    if findings:
        raise InvalidArgument.findings(findings, reason="SPEC_INVALID")
    runtime = job.get("runtimeConfig", job.get("runtime_config")) or {}
    return Document(
        given=spec,
        spec=whole(proto.normalise(spec, "PipelineSpec", prefix), spec),
        executors=whole(proto.normalise(deployment or {}, "PipelineDeploymentConfig", prefix), deployment).get(
            "executors", {}
        ),
        platform=platform or {},
        runtime=runtime if isinstance(runtime, Mapping) else {},
        display_name=str(job.get("displayName") or job.get("display_name") or ""),
        labels={str(k): str(v) for k, v in (job.get("labels") or {}).items()},
    )


def _refusal(message: str, path: str = "spec") -> InvalidArgument:
    finding = Finding(severity="error", path=path, message=message)
    return InvalidArgument.findings([finding], reason="SPEC_INVALID")


def _parse(text: str) -> list[Any]:
    try:
        if text.lstrip().startswith("{"):
            return [json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)]
        return [d for d in yaml.load_all(text, Loader=_Loader) if d is not None]
    except RecursionError as error:
        raise _refusal(f"the document is nested more than {_DEPTH} levels deep") from error
    except yaml.YAMLError as error:
        raise _refusal("not YAML: " + " ".join(str(error).split())) from error
    except ValueError as error:
        raise _refusal(f"not JSON: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        seen: set[str] = set()
        twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} is there twice")
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader that refuses keys given twice, and leaves dates as text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                if key_node.value in seen:
                    line = key_node.start_mark.line + 1
                    raise yaml.YAMLError(f"the key {key_node.value!r} is there twice (line {line})")
                seen.add(key_node.value)
        result: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return result


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def _measure(document: Any, path: str) -> None:
    """Refuse what would explode or lose digits further on; aliases count as often as they are used."""
    nodes = 0
    stack: list[tuple[Any, str, int]] = [(document, path, 0)]
    while stack:
        value, where, depth = stack.pop()
        nodes += 1
        if nodes > _NODES:
            raise _refusal(f"the document has more than {_NODES} values (aliases count each time)")
        if depth > _DEPTH:
            raise _refusal(f"nested more than {_DEPTH} levels deep", where[:200])
        if isinstance(value, Mapping):
            for key, child in value.items():
                if not isinstance(key, str):
                    raise _refusal(f"the key {key!r} is not text; put it in quotes", where)
                stack.append((child, f"{where}.{key}" if where else key, depth + 1))
        elif isinstance(value, list):
            stack.extend((child, f"{where}[{i}]", depth + 1) for i, child in enumerate(value))
        else:
            _measure_scalar(value, where)


def _measure_scalar(value: Any, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise _refusal(f"{value} is not a number that JSON has", where)
    if isinstance(value, int) and abs(value) > _SAFE_INTEGER:
        raise _refusal(
            f"{str(value)[:40]} is larger than 2^53, which a PipelineSpec number cannot hold; use a string", where
        )
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        raise _refusal("the text holds half a surrogate pair, which UTF-8 cannot hold", where)
    if not isinstance(value, (str, int, float, bool, type(None))):
        raise _refusal(f"{_kind(value)} is not a JSON value; put it in quotes", where)


def whole(value: Any, given: Any = None) -> Any:
    """Undo what protobuf does to documents: whole numbers are integers again, keys are in the given order again."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _SAFE_INTEGER:
        return int(value)
    if isinstance(value, dict):
        known = given if isinstance(given, Mapping) else {}
        keys = [k for k in known if k in value]
        keys += [k for k in value if k not in known]
        return {k: whole(value[k], known.get(k)) for k in keys}
    if isinstance(value, list):
        old = given if isinstance(given, list) and len(given) == len(value) else [None] * len(value)
        return [whole(v, o) for v, o in zip(value, old, strict=True)]
    return value


def _kind(value: Any) -> str:
    names = {list: "a list", dict: "a mapping", str: "text", int: "a number", float: "a number", bool: "a boolean"}
    return names.get(type(value), "empty" if value is None else type(value).__name__)
