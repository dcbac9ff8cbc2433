"""The published PipelineSpec messages, loaded without the kfp package around them.

`import kfp.pipeline_spec` would run kfp's own `__init__` where the SDK is installed, so the module is loaded by its
file. It gives names, types and the JSON mapping; everything else works on plain data.
"""

import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from trainshed.errors import Finding, InvalidArgument

_MODULE = "pipeline_spec/pipeline_spec_pb2.py"
_FREE = {"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue", "google.protobuf.Duration"}


@cache
def _messages() -> Any:
    found = importlib.util.find_spec("kfp")
    assert found is not None, "kfp-pipeline-spec is a dependency"
    for folder in found.submodule_search_locations or ():
        path = Path(folder) / _MODULE
        if path.exists():
            spec = importlib.util.spec_from_file_location("trainshed_pipeline_spec_pb2", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise AssertionError("kfp-pipeline-spec is installed without its messages")


def normalise(document: Mapping[str, Any], message: str, path: str = "") -> dict[str, Any]:
    """Parse by the published schema and write with its own field names. Raises InvalidArgument."""
    try:
        parsed = json_format.ParseDict(dict(document), getattr(_messages(), message)())
    except (json_format.ParseError, TypeError, ValueError, AttributeError) as error:
        finding = Finding(severity="error", path=path.rstrip(".") or "spec", message=str(error))
        raise InvalidArgument.findings([finding], reason="SPEC_INVALID") from error
    result: dict[str, Any] = json_format.MessageToDict(parsed)
    return result


def unknown_fields(document: Any, message: str, path: str) -> list[Finding]:
    """Find every field that the schema does not have, and every mapping that is not one."""
    return list(_unknown(document, getattr(_messages(), message).DESCRIPTOR, path))


def _unknown(document: Any, descriptor: Any, path: str) -> Iterator[Finding]:
    if descriptor.full_name in _FREE:
        return
    if not isinstance(document, Mapping):
        yield Finding(severity="error", path=path or "spec", message="a mapping belongs here")
        return
    for key, value in document.items():
        here = f"{path}.{key}" if path else str(key)
        found = descriptor.fields_by_camelcase_name.get(key) or descriptor.fields_by_name.get(key)
        if found is None:
            yield Finding(severity="error", path=here, message=f"unknown field of a {descriptor.name}")
        elif found.message_type is not None and value is not None:
            yield from _unknown_inside(value, found, here)


def _unknown_inside(value: Any, found: Any, here: str) -> Iterator[Finding]:
    kind = found.message_type
    if kind.GetOptions().map_entry:
        inner = kind.fields_by_name["value"].message_type
        if not isinstance(value, Mapping):
            yield Finding(severity="error", path=here, message="a mapping belongs here")
        elif inner is not None:
            for key, entry in value.items():
                yield from _unknown(entry, inner, f"{here}.{key}")
    elif found.is_repeated:
        if isinstance(value, list):
            for index, entry in enumerate(value):
                yield from _unknown(entry, kind, f"{here}[{index}]")
        else:
            yield Finding(severity="error", path=here, message="a list belongs here")
    else:
        yield from _unknown(value, kind, here)
