"""Answers that stay Google's JSON, as our own code wrote it, until they leave: large ones cost a tenth of a message.

Between a document and what leaves there is otherwise a message that protobuf's own reader of JSON fills field by field,
and its own writer of JSON reads: four tenths of a millisecond for each task of a run. What is not plain enough for
`drafted_forms` takes that way, so that it is what it always was, its refusals too.
"""

from collections.abc import Mapping
from typing import Any

from trainshed.api import drafted_forms
from trainshed.api.descriptors import from_json, message_class, to_json


class Drafted:
    """A message that is a document of Google's JSON."""

    def __init__(self, full_name: str, document: Mapping[str, Any]) -> None:
        self.DESCRIPTOR = message_class(full_name).DESCRIPTOR
        self.document = document

    def message(self) -> Any:
        """Make the message."""
        try:
            return message_class(self.DESCRIPTOR.full_name)(**self._in(drafted_forms.FIELDS))
        except drafted_forms.NOT_PLAIN:
            return from_json(self.DESCRIPTOR.full_name, self.document)

    def to_json(self, *, enums_as_numbers: bool = False) -> Any:
        """Write it as `descriptors.to_json` writes the message: defaults left out, 64-bit numbers as text."""
        try:
            return self._in(drafted_forms.JSON_WITH_NUMBERS if enums_as_numbers else drafted_forms.JSON)
        except drafted_forms.NOT_PLAIN:
            return to_json(self.message(), enums_as_numbers=enums_as_numbers)

    def SerializeToString(self) -> bytes:  # noqa: N802  (a message's)
        """Write it as the message writes itself."""
        found: bytes = self.message().SerializeToString()
        return found

    def _in(self, form: drafted_forms.Form) -> dict[str, Any]:
        return form.write(self.DESCRIPTOR, self.document)
