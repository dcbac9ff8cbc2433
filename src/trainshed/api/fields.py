"""What requests and responses of all Google APIs have in common: masks, page sizes, times, operations."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from google.protobuf import json_format

from trainshed import errors, floats
from trainshed.api import status
from trainshed.api.descriptors import message, message_class, to_json


def mask_paths(mask: Any, target: Any, *, field: str = "update_mask") -> tuple[str, ...]:
    """Read a field mask as snake-case paths; `*` and an empty one mean every field that is set. Raises InvalidArgument."""
    paths = [_snake(path) for path in mask.paths]
    if not paths or paths == ["*"]:
        return tuple(descriptor.name for descriptor, _ in target.ListFields())
    for path in paths:
        _check(path, target.DESCRIPTOR, field)
    return tuple(paths)


def update(current: Any, patch: Any, mask: Any, *, field: str = "update_mask") -> Any:
    """Answer a copy of `current` in which the fields of the mask are those of `patch`."""
    result = type(current)()
    result.CopyFrom(current)
    for path in mask_paths(mask, patch, field=field):
        _copy(path.split("."), patch, result)
    return result


def page_size(asked: int, *, default: int = 100, maximum: int = 1000) -> int:
    """Answer how many to return. Raises InvalidArgument for a negative size."""
    if asked < 0:
        raise errors.InvalidArgument.field("page_size", "is negative; use 0 for the default")
    return min(asked or default, maximum)


def time(stamp: Any, *, field: str = "time") -> datetime:
    """Read a Timestamp as an aware UTC time. Raises InvalidArgument for one outside the years 1 to 9999."""
    try:
        found: datetime = stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise errors.InvalidArgument.field(field, "is no time of the years 1 to 9999") from error
    return found


def optional_time(parent: Any, name: str) -> datetime | None:
    """Read a Timestamp field that may be unset. Raises as `time`."""
    return time(getattr(parent, name), field=name) if parent.HasField(name) else None


def seconds(duration: Any) -> float:
    """Read a Duration."""
    return float(duration.seconds + duration.nanos / 1e9)


def plain(found: Any) -> Any:
    """Read a Struct, Value or ListValue, or any message, as plain data. Raises as `to_json`."""
    return to_json(found)


def struct(document: Mapping[str, Any]) -> Any:
    """Make a Struct of plain data."""
    return json_format.ParseDict(dict(document), message_class("google.protobuf.Struct")())


def value(data: Any) -> Any:
    """Make a Value of plain data."""
    return json_format.ParseDict(data, message_class("google.protobuf.Value")())


def writable(value: Any) -> Any:
    """Write what is no number, as metrics of a diverged model are, as its name: JSON has no other way."""
    return floats.writable(value)


def data(text: str, *, field: str) -> bytes:
    """Read base64 as JSON carries bytes. Raises InvalidArgument."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.InvalidArgument.field(field, "is not base64; encode the bytes") from error


def operation(
    name: str,
    *,
    done: bool = False,
    response: Any = None,
    metadata: Any = None,
    error: errors.TrainshedError | None = None,
) -> Any:
    """Make a google.longrunning.Operation; a done one without response or error carries Empty."""
    made = message("google.longrunning.Operation", name=name, done=done or error is not None)
    if metadata is not None:
        made.metadata.Pack(metadata)
    if error is not None:
        made.error.MergeFromString(status.to_status(error).SerializeToString())
    elif done:
        made.response.Pack(response if response is not None else message("google.protobuf.Empty"))
    return made


def listing(full_name: str, field: str, items: Iterable[Any], token: str = "") -> Any:
    """Make the response of a list method."""
    return message(full_name, **{field: list(items), "next_page_token": token})


def _snake(path: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in path)


def _check(path: str, descriptor: Any, field: str) -> None:
    for part in path.split("."):
        found = descriptor.fields_by_name.get(part) if descriptor is not None else None
        if found is None:
            raise errors.InvalidArgument.field(field, f"has the path {path!r}, which the resource does not have")
        is_map = found.message_type is not None and found.message_type.GetOptions().map_entry
        if is_map:
            return  # a key of a map stands for the whole map
        descriptor = found.message_type


def _copy(parts: list[str], source: Any, target: Any) -> None:
    head, *rest = parts
    found = source.DESCRIPTOR.fields_by_name[head]
    is_plain_message = found.message_type is not None and not found.is_repeated
    if rest and is_plain_message:
        _copy(rest, getattr(source, head), getattr(target, head))
        return
    target.ClearField(head)
    if is_plain_message:
        if source.HasField(head):
            getattr(target, head).CopyFrom(getattr(source, head))
    elif found.is_repeated:
        getattr(target, head).MergeFrom(getattr(source, head))
    elif not found.has_presence or source.HasField(head):
        setattr(target, head, getattr(source, head))
