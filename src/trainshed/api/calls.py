"""One implementation per RPC, called by gRPC and REST alike."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol

from trainshed.api.descriptors import EMPTY, METHODS, SERVICES, Method, message
from trainshed.duty import off_loop
from trainshed.errors import Unimplemented


class Servicer(Protocol):
    """An object that implements RPCs of one Google service; see the package's docstring."""

    SERVICE: str


class Calls:
    """The methods of all servicers, by gRPC path. Raises AssertionError for a servicer that cannot be served."""

    def __init__(self, servicers: Iterable[Servicer]) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}
        self._waiting: set[str] = set()  # the asynchronous ones among them; asking each time costs more than the call
        for servicer in servicers:
            self._register(servicer)

    def serves(self, method: Method) -> bool:
        """Tell whether somebody implements the RPC."""
        return method.path in self._functions

    async def unary(self, method: Method, request: Any) -> Any:
        """Answer one request with one message. Raises what the servicer raised, or Unimplemented."""
        function = self._function(method)
        if method.path in self._waiting:
            response = await function(request)
        else:
            response = await off_loop(function, request)
        return message(EMPTY) if response is None and method.response == EMPTY else _checked(method, response)

    async def stream(self, method: Method, request: Any) -> AsyncIterator[Any]:
        """Answer with a stream; `request` is a message, or an iterator of them where the client streams."""
        function = self._function(method)
        async for response in function(request):
            yield _checked(method, response)

    def _function(self, method: Method) -> Callable[..., Any]:
        function = self._functions.get(method.path)
        if function is None:
            raise Unimplemented(f"{method.service}.{method.name} is not served here; docs/coverage.md lists what is.")
        return function

    def _register(self, servicer: Servicer) -> None:
        assert servicer.SERVICE in SERVICES, f"{type(servicer).__name__}: {servicer.SERVICE} is not in the surface"
        for name, function in inspect.getmembers(servicer, callable):
            if not name[0].isupper():
                continue
            path = f"/{servicer.SERVICE}/{name}"
            method = METHODS.get(path)
            assert method is not None, f"{type(servicer).__name__}.{name} is not an RPC of {servicer.SERVICE}"
            assert path not in self._functions, f"{path} is implemented twice"
            streams = method.client_streaming or method.server_streaming
            assert inspect.isasyncgenfunction(function) == streams, f"{path}: only streams are async generators"
            self._functions[path] = function
            if inspect.iscoroutinefunction(function):
                self._waiting.add(path)


def _checked(method: Method, response: Any) -> Any:
    found = getattr(getattr(response, "DESCRIPTOR", None), "full_name", type(response).__name__)
    assert found == method.response, f"{method.path} answered {found}, not {method.response}"
    return response
