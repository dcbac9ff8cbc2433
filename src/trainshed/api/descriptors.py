"""Message classes and the table of methods, from `surface.binpb`.

The pool is private: in the default pool, importing one of Google's client packages in the same process would fail
with a duplicate file. Messages of both pools speak the same bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from google.api import annotations_pb2  # also registers the extension that holds the HTTP rules
from google.api.http_pb2 import HttpRule
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import Message

from trainshed.errors import InvalidArgument

# Packages whose messages are field by field those of another: older clients (kfp 1.x) ask for these.
ALIASES = {"google.cloud.aiplatform.v1beta1": "google.cloud.aiplatform.v1"}
EMPTY = "google.protobuf.Empty"
_SERIALIZING = re.compile(r"Failed to serialize (\S+) field: ")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One HTTP form of a method."""

    verb: str  # GET, POST, …
    template: str  # /v1/{name=projects/*/topics/*}:publish
    body: str  # "*": the whole request; a field of it; "": nothing


@dataclass(frozen=True, kw_only=True)
class Method:
    """One RPC of the surface."""

    service: str  # google.pubsub.v1.Publisher
    name: str  # Publish
    request: str  # full name of the message
    response: str
    client_streaming: bool
    server_streaming: bool
    rules: tuple[Rule, ...]

    @property
    def path(self) -> str:
        """The path of the RPC in gRPC."""
        return f"/{self.service}/{self.name}"


def message_class(full_name: str) -> type[Any]:
    """Answer the class of a message, such as `google.pubsub.v1.Topic`. Raises KeyError."""
    return _class(full_name)


def message(full_name: str, /, **fields: Any) -> Any:
    """Make a message. Fields may be messages, dicts, datetimes, timedeltas, enum names; None is left out."""
    return _class(full_name)(**{name: value for name, value in fields.items() if value is not None})


def from_json(full_name: str, document: Mapping[str, Any]) -> Any:
    """Make a message from Google's JSON, for documents that we wrote ourselves."""
    return json_format.ParseDict(dict(document), _class(full_name)(), descriptor_pool=POOL)


def to_json(found: Message, *, enums_as_numbers: bool = False) -> dict[str, Any]:
    """Write a message as Google's JSON: camel case, enum names, unset and default fields left out.

    Raises InvalidArgument for what a client can send by gRPC and JSON cannot say, such as a duration of a million years or an infinite
    number.
    """
    try:
        document: dict[str, Any] = json_format.MessageToDict(
            found, use_integers_for_enums=enums_as_numbers, descriptor_pool=POOL
        )
    except (json_format.SerializeToJsonError, TypeError, ValueError) as error:
        where = ".".join(_SERIALIZING.findall(str(error))) or found.DESCRIPTOR.name
        raise InvalidArgument.field(where, _SERIALIZING.sub("", str(error)).rstrip(".")) from error
    return document


def method(path: str) -> Method | None:
    """Find a method by its gRPC path; aliases count."""
    service, _, name = path.removeprefix("/").rpartition("/")
    package, _, short = service.rpartition(".")
    return METHODS.get(f"/{ALIASES.get(package, package)}.{short}/{name}")


@cache
def _class(full_name: str) -> type[Any]:
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(full_name))


def _load() -> descriptor_pb2.FileDescriptorSet:
    data = resources.files("trainshed.api").joinpath("surface.binpb").read_bytes()
    return descriptor_pb2.FileDescriptorSet.FromString(data)


def _pool(surface: descriptor_pb2.FileDescriptorSet) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in surface.file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def _methods(surface: descriptor_pb2.FileDescriptorSet) -> dict[str, Method]:
    found = (
        Method(
            service=f"{file.package}.{service.name}",
            name=declared.name,
            request=declared.input_type.lstrip("."),
            response=declared.output_type.lstrip("."),
            client_streaming=declared.client_streaming,
            server_streaming=declared.server_streaming,
            rules=_rules(declared.options.Extensions[annotations_pb2.http]),
        )
        for file in surface.file
        for service in file.service
        for declared in service.method
    )
    return {entry.path: entry for entry in found}


def _rules(http: HttpRule) -> tuple[Rule, ...]:
    rules = []
    for one in (http, *http.additional_bindings):
        verb = one.WhichOneof("pattern")
        if verb is not None:
            rules.append(Rule(verb=verb.upper(), template=getattr(one, verb), body=one.body))
    return tuple(rules)


_surface = _load()
POOL = _pool(_surface)
METHODS = _methods(_surface)  # by gRPC path
SERVICES = tuple(dict.fromkeys(entry.service for entry in METHODS.values()))
del _surface
