"""Protocol buffers: which messages fit a definition, in binary and in JSON. Pure."""

import json
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError

from trainshed.topics.model import Encoding
from trainshed.topics.schemas import proto_language
from trainshed.topics.schemas.model import UnfitError

_FILE = "schema.proto"


def parse(text: str) -> Descriptor:
    """Read a definition: one top-level message. Raises UnfitError."""
    file = proto_language.parse(text, _FILE)
    if len(file.message_type) != 1:
        raise UnfitError(f"has {len(file.message_type)} messages at its top; Pub/Sub takes one, with others inside")
    prefix = f"{file.package}." if file.package else ""
    files = descriptor_pb2.FileDescriptorSet(file=[file])
    return _root(files, prefix + file.message_type[0].name)


def parse_compiled(compiled: bytes, root_message: str) -> Descriptor:
    """Read a compiled set of files. Raises UnfitError."""
    try:
        files = descriptor_pb2.FileDescriptorSet.FromString(compiled)
    except DecodeError as error:
        raise UnfitError("is no FileDescriptorSet") from error
    return _root(files, root_message.lstrip("."))


def check(root: Descriptor, data: bytes, encoding: Encoding) -> None:
    """Look whether a message fits. Raises UnfitError."""
    made = message_factory.GetMessageClass(root)()
    try:
        if encoding is Encoding.BINARY:
            made.ParseFromString(data)
        else:
            document = json.loads(data)
            if not isinstance(document, dict):
                raise UnfitError(f"is no {root.full_name}: it is not a JSON object")
            json_format.ParseDict(document, made, descriptor_pool=root.file.pool)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UnfitError(f"is no {root.full_name}: {str(error)[:300]}") from error
    if not made.IsInitialized():
        raise UnfitError(f"is no {root.full_name}: a required field is missing")


def check_revision(old: Descriptor, new: Descriptor) -> None:
    """Look whether fields that both have mean the same, and no required one comes or goes. Raises UnfitError."""
    _compare(old, new, set())


def _compare(old: Descriptor, new: Descriptor, seen: set[str]) -> None:
    if old.full_name in seen:
        return
    seen.add(old.full_name)
    before, after = ({f.number: f for f in d.fields} for d in (old, new))
    for number in before.keys() | after.keys():
        was, now = before.get(number), after.get(number)
        if was is None or now is None:
            lonely = was or now
            assert lonely is not None
            if lonely.is_required:
                raise UnfitError(f"{old.name}.{lonely.name} is required; only optional fields may come or go")
        elif _shape(was) != _shape(now):
            raise UnfitError(f"{old.name}.{was.name} (number {number}) is not what it was in the revision before")
        elif was.message_type is not None and now.message_type is not None:
            _compare(was.message_type, now.message_type, seen)


def _shape(field: FieldDescriptor) -> tuple[Any, ...]:
    of = field.message_type or field.enum_type
    return field.name, field.type, field.is_repeated, field.is_required, of.name if of else ""


def _root(files: descriptor_pb2.FileDescriptorSet, name: str) -> Descriptor:
    pool = descriptor_pool.DescriptorPool()
    try:
        for file in files.file:
            pool.AddSerializedFile(file.SerializeToString())
        return pool.FindMessageTypeByName(name)
    except KeyError as error:
        raise UnfitError(f"has no message {name!r}") from error
    except (TypeError, ValueError) as error:
        raise UnfitError(f"is no protocol buffer definition: {str(error)[:300]}") from error
