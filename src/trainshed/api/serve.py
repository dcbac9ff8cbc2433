"""`Surface`: gRPC server, HTTP server and the front door, started and stopped together."""

import asyncio
import logging
import re
import resource
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import h11
import uvicorn
from starlette.routing import BaseRoute
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from trainshed.api import google_own, rest, rpc
from trainshed.api.calls import Calls, Servicer
from trainshed.api.door import Door, Rooms
from trainshed.api.reach import Reach
from trainshed.duty import off_loop
from trainshed.settings import Settings

if TYPE_CHECKING:
    import grpc.aio

log = logging.getLogger(__name__)

_IDENTITY = re.compile(rb"\r\ntransfer-encoding:[ \t]*identity[ \t]*(?=\r\n)", re.IGNORECASE)
_DRAIN_SECONDS = 3.0
_KEEP_ALIVE_SECONDS = 75
_SILENCE_SECONDS = 60.0  # of a client in the middle of a request
_FILES = 65_536  # that we ask the system to be allowed to have open
_THREADS = 64  # a call that waits for the store holds one; the store commits together what waits together


class HttpProtocol(H11Protocol):
    """uvicorn's, but a client that has said all may still wait for its answer, and may say an old word for nothing.

    A client that falls silent in the middle of a request is hung up on.
    """

    _silent: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Tell whether no request has come in whole: the connection may be closed without a loss."""
        return self.cycle is None or self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """Leave out `Transfer-Encoding: identity`, which TensorFlow sends with empty bodies and h11 does not know."""
        if self.conn.their_state is h11.IDLE and _IDENTITY.search(data):
            head, end, rest_of_it = data.partition(b"\r\n\r\n")
            data = _IDENTITY.sub(b"", head + end[:2]) + end[2:] + rest_of_it
        super().data_received(data)
        self._listen()

    def connection_lost(self, error: Exception | None) -> None:
        """Stop listening for silence."""
        if self._silent is not None:
            self._silent.cancel()
        super().connection_lost(error)

    def _listen(self) -> None:
        if self._silent is not None:
            self._silent.cancel()
            self._silent = None
        if not self.transport.is_closing() and self._is_in_the_middle():
            self._silent = asyncio.get_running_loop().call_later(_SILENCE_SECONDS, self._hang_up)

    def _is_in_the_middle(self) -> bool:
        """Tell whether a request has begun and not ended; while we do not read, the silence is ours."""
        has_begun = self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])
        return has_begun and not self.flow.read_paused

    def _hang_up(self) -> None:
        if self._is_in_the_middle():
            self.transport.close()
        else:
            self._silent = None

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio lets it say whether to stay open
        """Keep the connection until the answer is out; once it streams, the end of data means a client that left."""
        waits = self.cycle is not None and not self.cycle.response_started
        if waits:
            self.cycle.keep_alive = False
        return waits and self.transport.can_write_eof()


class Surface:
    """Everything that listens.

    - `servicers`: implementations of Google's RPCs, one object per service.
    - `routes`: hand-written HTTP (Starlette routes); asked after Google's paths.
    - `leave`: called when the server stops, to end what would stream for ever.
    - `draw`: makes the page that says what went wrong, for browsers.
    - `near`: credentials and certificates; the same object that the features ask for environments.

    `asgi` is the HTTP half alone, for tests without a socket.
    """

    def __init__(
        self,
        settings: Settings,
        servicers: Iterable[Servicer],
        routes: Sequence[BaseRoute] = (),
        *,
        near: Reach | None = None,
        leave: Callable[[], None] = lambda: None,
        draw: rest.Draw | None = None,
    ) -> None:
        self._leave = leave
        self._settings = settings
        self.reach = near or Reach(settings)
        self.calls = Calls(servicers)
        self.asgi = rest.Rest(
            self.calls,
            [*routes, *google_own.routes(self.reach)],
            self.reach.identify,
            self.reach.is_known,
            needs_token=self.reach.needs_token,
            draw=draw,
            when_ended=self.reach.when_ended,
        )
        self._config = uvicorn.Config(
            cast("Any", self.asgi),
            http=HttpProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # or whoever is on this machine names any address as their own
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            h11_max_incomplete_event_size=256 * 1024,
        )
        self._state = ServerState()
        self._grpc: grpc.aio.Server | None = None
        self._door: Door | None = None

    async def start(self) -> str:
        """Listen; answer the address. Raises FailedPrecondition when the port is in use."""
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="call")
        asyncio.get_running_loop().set_default_executor(threads)
        runtime = self._settings.runtime
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket = runtime / "grpc.sock"
        self._config.load()
        await off_loop(self.reach.prepare)
        self._door = Door(
            Rooms(
                grpc=socket,
                http=self._http,
                tls=self.reach.tls,
                is_ours=self.reach.is_ours,
                is_let_through=self.reach.is_let_through,
            ),
            most=_connections(),
        )
        port = await self._door.open(self._settings.host, self._settings.port)
        self._grpc = await rpc.start(self.calls, self.reach.identify, socket)
        self.reach.address = f"http://{_dialable(self._settings.host)}:{port}"
        if self.reach.needs_token:
            await off_loop(self.reach.hand_out)
        return self.reach.address

    async def stop(self) -> None:
        """Let nobody in, give running requests a moment, end the rest."""
        if self._door is not None:
            self._door.close()
        self._leave()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._grpc is not None:
            await self._grpc.stop(_DRAIN_SECONDS if self._state.tasks else 0.5)
        if self._state.tasks:
            _, running = await asyncio.wait(list(self._state.tasks), timeout=_DRAIN_SECONDS)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        if self._door is not None:
            await self._door.clear()

    def _http(self) -> asyncio.Protocol:
        return self._config.http_protocol_class(  # type: ignore[call-arg]  # as uvicorn.Server makes them
            config=self._config, server_state=self._state, app_state={}, _loop=asyncio.get_running_loop()
        )


def _connections() -> int:
    """Answer how many connections there may be: each may need two open files, and everything else needs some, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(soft, allowed) // 4


def _dialable(host: str) -> str:
    """Answer the address under which clients of this machine reach a listener on `host`."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104  (compared, not bound)
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
