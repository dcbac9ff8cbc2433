"""google.longrunning.Operations over whatever knows an operation by its name."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from trainshed import names
from trainshed.api import fields, filters
from trainshed.api.descriptors import to_json
from trainshed.duty import off_loop
from trainshed.errors import FailedPrecondition, NotFound

Get = Callable[[str], Any]  # name -> google.longrunning.Operation, None for a name it does not know; may raise NotFound
Listing = Callable[[str], Sequence[Any]]  # projects/P/locations/L -> its operations
Cancel = Callable[[str], bool]  # name -> whether it is one that it ends; may raise NotFound
_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.2


def _name(operation: Any) -> str:
    return str(operation.name)


class Operations:
    """Looks an operation up in each source in turn. `fields.operation` makes what sources answer."""

    SERVICE = "google.longrunning.Operations"

    def __init__(self, *sources: Get, cancels: Sequence[Cancel] = (), lists: Sequence[Listing] = ()) -> None:
        self._lists = lists
        self._sources = sources
        self._cancels = cancels

    def GetOperation(self, request: Any) -> Any:
        """Answer the operation of that name."""
        for source in self._sources:
            found = source(request.name)
            if found is not None:
                return found
        raise NotFound(f"There is no operation {request.name!r}.", reason="OPERATION_NOT_FOUND")

    def ListOperations(self, request: Any) -> Any:
        """Answer the operations of a place, by name, as far as they are kept together there."""
        chosen = filters.parse(request.filter)
        found = sorted((o for each in self._lists for o in each(request.name) if chosen(to_json(o))), key=_name)
        after, size = names.read_place(request.page_token, "after", ""), fields.page_size(request.page_size)
        rest = [operation for operation in found if operation.name > after]
        token = names.page_token(after=rest[size - 1].name) if len(rest) > size else ""
        return fields.listing("google.longrunning.ListOperationsResponse", "operations", rest[:size], token)

    def CancelOperation(self, request: Any) -> None:
        """Ask for the end of what goes on; nothing happens to an operation that is done, as Google says."""
        if self.GetOperation(request).done or any(cancel(request.name) for cancel in self._cancels):
            return
        raise FailedPrecondition(f"The operation {request.name!r} cannot be cancelled; wait for its end.")

    async def WaitOperation(self, request: Any) -> Any:
        """Answer when the operation is done, or as it is when the time given has passed."""
        loop = asyncio.get_running_loop()
        asked = fields.seconds(request.timeout)
        until = loop.time() + min(asked or _WAIT_SECONDS, _WAIT_SECONDS)
        while True:
            found = await off_loop(self.GetOperation, request)
            if found.done or loop.time() >= until:
                return found
            await asyncio.sleep(_LOOK_SECONDS)
