"""Read masks: which part of each resource a list answers."""

from typing import Any

from trainshed.errors import InvalidArgument

_STRUCT = "google.protobuf.Struct"


class ReadMask:
    """The paths of a mask; of an empty one, or `*`, everything. Raises InvalidArgument for a path that there is not."""

    def __init__(self, mask: Any, kind: Any, *, field: str = "read_mask") -> None:
        self._paths = [[_snake(part) for part in path.split(".")] for path in mask.paths]
        if self._paths == [["*"]]:
            self._paths = []
        for path in self._paths:
            _check(path, kind.DESCRIPTOR, field)

    def asks_for(self, name: str) -> bool:
        """Whether a field of the resource is answered, or a part of it."""
        return not self._paths or any(path[0] == name for path in self._paths)

    def of(self, found: Any) -> Any:
        """Answer what is asked for of a resource."""
        if not self._paths:
            return found
        kept = type(found)()
        for path in self._paths:
            _keep(path, found, kept)
        return kept


def _check(path: list[str], descriptor: Any, field: str) -> None:
    for part in path:
        if descriptor is not None and descriptor.full_name == _STRUCT:
            return  # any key may be in there
        found = descriptor.fields_by_name.get(part) if descriptor is not None else None
        if found is None:
            raise InvalidArgument.field(field, f"has the path {'.'.join(path)!r}, which the resource does not have")
        descriptor = found.message_type


def _keep(path: list[str], source: Any, target: Any) -> None:
    head, *rest = path
    if source.DESCRIPTOR.full_name == _STRUCT:
        for key in source.fields:
            if _snake(key) == head:
                target.fields[key].CopyFrom(source.fields[key])
        return
    known = source.DESCRIPTOR.fields_by_name[head]
    if known.is_repeated:
        getattr(target, head).MergeFrom(getattr(source, head))
    elif known.message_type is None and (not known.has_presence or source.HasField(head)):
        setattr(target, head, getattr(source, head))
    elif known.message_type is None:
        return
    elif source.HasField(head) and rest:
        _keep(rest, getattr(source, head), getattr(target, head))
    elif source.HasField(head):
        getattr(target, head).CopyFrom(getattr(source, head))


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
