"""The gRPC half: generic handlers over the table of methods, on a unix socket that only the front door uses."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from trainshed.api import caller, descriptors, status
from trainshed.api.calls import Calls
from trainshed.api.descriptors import Method, message_class
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument

_MESSAGE_BYTES = 64 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
    # Google's subscriber pings an idle stream every 30 seconds; by default a server hangs up on that.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.keepalive_permit_without_calls", 1),
)
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_Context = grpc.aio.ServicerContext[Any, Any]
Identify = Callable[[str], caller.Caller]


class Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # the package cannot be subscripted
    """Answers every RPC of the surface; what no servicer implements is UNIMPLEMENTED."""

    def __init__(self, calls: Calls, identify: Identify) -> None:
        self._calls = calls
        self._identify = identify
        self._known: dict[str, Any] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Find the handler of one RPC."""
        path = handler_call_details.method
        if path not in self._known:
            method = descriptors.method(path)
            if method is None:
                return _unknown(path)
            self._known[path] = self._handler(method)
        return self._known[path]

    def _handler(self, method: Method) -> Any:
        streams = method.client_streaming or method.server_streaming
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[method.client_streaming, method.server_streaming]
        answer = self._stream(method) if streams else self._unary(method)
        reader = _reader(message_class(method.request))
        return make(answer, request_deserializer=reader, response_serializer=_write)

    def _unary(self, method: Method) -> Callable[[Any, _Context], Awaitable[Any]]:
        async def answer(request: Any, context: _Context) -> Any:
            try:
                self._enter(context)
                return await self._calls.unary(method, _whole(request, method))
            except Exception as error:  # noqa: BLE001  (the edge: every error becomes a status)
                await _abort(context, error, method)

        return answer

    def _stream(self, method: Method) -> Callable[[Any, _Context], AsyncIterator[Any]]:
        async def answer(request: Any, context: _Context) -> AsyncIterator[Any]:
            try:
                self._enter(context)
                asked = _all_whole(request, method) if method.client_streaming else _whole(request, method)
                async for response in self._calls.stream(method, asked):
                    yield response
            except Exception as error:  # noqa: BLE001  (the edge: every error becomes a status)
                await _abort(context, error, method)

        return answer

    def _enter(self, context: _Context) -> None:
        metadata = dict(context.invocation_metadata() or ())
        authorization = metadata.get("authorization", "")
        caller.enter(self._identify(str(authorization)))


async def start(calls: Calls, identify: Identify, socket: Path) -> grpc.aio.Server:
    """Start the server on `socket`."""
    server = grpc.aio.server(options=_OPTIONS)
    server.add_generic_rpc_handlers((Handlers(calls, identify),))
    await off_loop(socket.unlink, missing_ok=True)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    return server


def _reader(message: type[Any]) -> Callable[[bytes], Any]:
    """Read requests; bytes that are none come back as None, for gRPC itself would answer UNKNOWN."""

    def read(data: bytes) -> Any:
        try:
            return message.FromString(data)
        except DecodeError:
            return None

    return read


def _write(response: Any) -> bytes:
    found: bytes = response.SerializeToString()
    return found


def _whole(request: Any, method: Method) -> Any:
    if request is None:
        kind = method.request.rpartition(".")[2]
        raise InvalidArgument.field("request", f"these bytes are no {kind}; is a text in it not UTF-8?")
    return request


async def _all_whole(requests: AsyncIterable[Any], method: Method) -> AsyncIterator[Any]:
    async for request in requests:
        yield _whole(request, method)


def _unknown(path: str) -> Any:
    """Answer for a service of Google's that is none of ours; to a client that streams nothing, a stream is no other."""

    async def refuse(_: AsyncIterable[bytes], context: _Context) -> AsyncIterator[bytes]:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, status.not_served(path.lstrip("/")))
        yield b""  # never reached: what makes this a stream

    return grpc.stream_stream_rpc_method_handler(refuse)


async def _abort(context: _Context, error: Exception, method: Method) -> None:
    code, text, trailers = status.to_grpc(status.translate(error, where=method.path))
    await context.abort(_CODES[code], text, trailing_metadata=trailers)
