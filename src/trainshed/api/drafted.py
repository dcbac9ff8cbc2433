"""Answers that stay Google's JSON, as our own code wrote it, until they leave: large ones cost a tenth of a message.

Between a document and what leaves there is otherwise a message, which protobuf's own reader and writer of JSON fill and
read field by field: four tenths of a millisecond for each task of a run. What is not plain enough for the readers here
(`drafted_json`, `drafted_wire`) takes that way, so that it is what it always was, its refusals too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from trainshed.api import drafted_json, drafted_wire
from trainshed.api.descriptors import from_json, message_class, to_json


class Drafted:
    """A message that is a document of Google's JSON."""

    def __init__(self, full_name: str, document: Mapping[str, Any]) -> None:
        self.DESCRIPTOR = message_class(full_name).DESCRIPTOR
        self.document = document

    def message(self) -> Any:
        """Make the message."""
        return from_json(self.DESCRIPTOR.full_name, self.document)

    def to_json(self, *, enums_as_numbers: bool = False) -> Any:
        """Write it as `descriptors.to_json` writes the message: defaults left out, 64-bit numbers as text."""
        return _plainly(
            lambda: drafted_json.write(self.DESCRIPTOR, self.document, enums_as_numbers=enums_as_numbers),
            lambda: to_json(self.message(), enums_as_numbers=enums_as_numbers),
        )

    def SerializeToString(self) -> bytes:  # noqa: N802  (a message's)
        """Write it as the message writes itself."""
        found: bytes = _plainly(
            lambda: drafted_wire.write(self.DESCRIPTOR, self.document), lambda: self.message().SerializeToString()
        )
        return found


def _plainly(short: Callable[[], Any], long: Callable[[], Any]) -> Any:
    try:
        return short()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return long()
