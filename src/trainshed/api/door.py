"""The front door: one listener whose visitors are told apart by their first bytes.

- `PRI`: plaintext gRPC, spliced to the gRPC server's unix socket.
- `CONNECT`: a Google host is answered with our own TLS, then told apart by ALPN; other hosts are refused by name or,
  where the settings say so, let through. Nothing meant for Google leaves the machine.
- anything else: HTTP, handed to the HTTP server in this process without another hop.
"""

import asyncio
import errno
import logging
import re
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from trainshed.api import outside
from trainshed.api.splice import Pipe, join
from trainshed.duty import Background
from trainshed.errors import FailedPrecondition

log = logging.getLogger(__name__)

LOCAL = ("localhost", "127.0.0.1", "::1")
_GRPC, _CONNECT = b"PRI", b"CONNECT "
_TARGET = re.compile(r"[!-~]{1,255}:[0-9]{1,5}")  # what may be repeated in a line of an answer
_HEAD_BYTES = 16 * 1024
_HANDSHAKE_SECONDS = 20.0
_FIRST_SECONDS = 30.0  # within which a visitor has to say what it wants
_FEW = 256  # connections, up to which those that have ended are not looked for
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """Where visitors are led to."""

    grpc: Path  # unix socket
    http: Callable[[], asyncio.Protocol]
    tls: Callable[[], ssl.SSLContext]
    is_ours: Callable[[str], bool]  # is this host answered here?
    is_let_through: Callable[[str], bool]  # may this other host be reached through us?


class Door:
    """Listens, and leads every connection to its room.

    When it is full, the oldest connection on which nothing is asked makes room; where there is none, the new one has
    to go. So nobody can shut others out by coming in and saying nothing.
    """

    def __init__(self, rooms: Rooms, *, most: int) -> None:
        self.rooms = rooms
        self.background = Background()
        self._most = most  # connections at once
        self._server: asyncio.Server | None = None
        self._inside: dict[asyncio.Transport, None] = {}  # oldest first
        self._look_at = min(_FEW, most)  # this many: time to drop those that have ended
        self._is_full = False

    async def open(self, host: str, port: int) -> int:
        """Listen; answer the port. Raises FailedPrecondition when it is taken."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Visitor(self), host, port, backlog=512)
        except OSError as error:
            raise _cannot_listen(host, port, error) from error
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def close(self) -> None:
        """Let nobody in any more; who is inside stays."""
        if self._server is not None:
            self._server.close()

    async def clear(self) -> None:
        """End every connection that is still open."""
        await self.background.close()
        for transport in list(self._inside):
            transport.abort()

    def entered(self, transport: asyncio.Transport) -> None:
        """Remember a connection until it ends, and see that there are not too many."""
        if len(self._inside) >= self._look_at:
            self._inside = {known: None for known in self._inside if not known.is_closing()}
            self._look_at = min(max(_FEW, 2 * len(self._inside)), self._most)
            self._is_full = self._is_full and len(self._inside) >= self._most
        self._inside[transport] = None
        if len(self._inside) > self._most:
            self._make_room(transport)

    def _make_room(self, newest: asyncio.Transport) -> None:
        idle = next((known for known in self._inside if _is_idle(known)), newest)
        if not self._is_full:  # said once, for a flood must not fill the log
            self._is_full = True
            log.warning("There are %d connections; for each new one an idle one is closed.", self._most)
        self._inside.pop(idle, None)
        idle.abort()

    async def to_grpc(self, transport: asyncio.Transport, first: bytes) -> None:
        """Splice to the gRPC server."""
        loop = asyncio.get_running_loop()
        _, pipe = await loop.create_unix_connection(Pipe, str(self.rooms.grpc))
        join(transport, pipe, first)

    def to_http(self, transport: asyncio.Transport, first: bytes) -> None:
        """Hand over to the HTTP server."""
        protocol = self.rooms.http()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if first:
            protocol.data_received(first)

    async def connect(self, transport: asyncio.Transport, target: str) -> None:
        """Serve a CONNECT request; reading is paused."""
        if not _TARGET.fullmatch(target):
            _end(transport, "400 Bad Request", "CONNECT takes HOST:PORT.")
            return
        host, _, port = target.rpartition(":")
        if self.rooms.is_ours(host):
            await self._answer(transport)
        elif self.rooms.is_let_through(host) and _is_of_this_machine(transport):
            await _let_through(transport, host.strip("[]"), port)
        else:
            _refuse(transport, host)

    async def _answer(self, transport: asyncio.Transport) -> None:
        transport.write(_ESTABLISHED)
        held = _Held()
        context = self.rooms.tls()
        secure = await asyncio.get_running_loop().start_tls(
            transport, held, context, server_side=True, ssl_handshake_timeout=_HANDSHAKE_SECONDS
        )
        if secure is None:
            return
        self.entered(secure)
        if secure.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
            secure.pause_reading()
            await self.to_grpc(secure, bytes(held.first))
        else:
            self.to_http(secure, bytes(held.first))


def _is_of_this_machine(transport: asyncio.Transport) -> bool:
    """Tell whether a visitor comes from this machine: for others we are no way into the world, nor to our neighbours."""
    return ip_address(transport.get_extra_info("peername")[0]).is_loopback


def _is_idle(transport: asyncio.Transport) -> bool:
    """Tell whether nothing is asked on a connection at the moment."""
    return getattr(transport.get_protocol(), "is_idle", False)


class _Held(asyncio.Protocol):
    """Keeps what arrives between the end of a handshake and the choice of a room."""

    def __init__(self) -> None:
        self.first = bytearray()

    def data_received(self, data: bytes) -> None:
        self.first += data


class _Visitor(asyncio.Protocol):
    """A connection whose first bytes are still coming in."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._first = b""
        self._transport: asyncio.Transport
        self._late: asyncio.TimerHandle
        self.is_idle = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._late = asyncio.get_running_loop().call_later(_FIRST_SECONDS, transport.abort)
        self._door.entered(transport)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  (asyncio's signature)
        self._late.cancel()

    def data_received(self, data: bytes) -> None:
        self._first += data
        if any(self._first != kind and kind.startswith(self._first) for kind in (_GRPC, _CONNECT)):
            return  # too early to tell
        if self._first.startswith(_GRPC):
            self._lead(self._door.to_grpc(self._transport, self._first))
        elif self._first.startswith(_CONNECT):
            self._connect()
        else:
            self._late.cancel()
            self._door.to_http(self._transport, self._first)

    def _connect(self) -> None:
        if b"\r\n\r\n" in self._first:
            target = self._first.split(b" ", 2)[1].decode("latin-1")
            self._lead(self._door.connect(self._transport, target))
        elif len(self._first) > _HEAD_BYTES:
            self._transport.abort()

    def _lead(self, work: Coroutine[Any, Any, None]) -> None:
        self.is_idle = False
        self._late.cancel()
        self._transport.pause_reading()
        self._door.background.spawn(self._led(work), name="front door")

    async def _led(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (OSError, ssl.SSLError) as error:
            log.debug("A connection was dropped: %r.", error, extra={"action": "connection_dropped"})
            self._transport.abort()


async def _let_through(transport: asyncio.Transport, host: str, port: str) -> None:
    try:
        pipe = await outside.connect(host, int(port), is_local=host in LOCAL)
    except (OSError, ValueError) as error:
        _end(transport, "502 Bad Gateway", f"{host}:{port} cannot be reached: {error}.")
        return
    transport.write(_ESTABLISHED)
    join(transport, pipe, b"")


def _refuse(transport: asyncio.Transport, host: str) -> None:
    way_out = f"{host} is not answered here; start the server with TRAINSHED_TUNNEL={host} (or *) to let it through"
    _end(transport, f"403 {way_out}", f"{way_out}, or name it in NO_PROXY.")


def _end(transport: asyncio.Transport, line: str, text: str) -> None:
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {line}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    transport.write(head.encode("latin-1", "replace") + body)
    transport.close()


def _cannot_listen(host: str, port: int, error: OSError) -> FailedPrecondition:
    if error.errno == errno.EADDRINUSE:
        message = f"port: {port} on {host} is in use; choose another with --port, or --port 0 for any free one."
        return FailedPrecondition(message, reason="PORT_IN_USE")
    return FailedPrecondition(f"port: cannot listen on {host}:{port}: {error.strerror}.", reason="PORT_UNUSABLE")
