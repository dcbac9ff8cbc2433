"""One connection to the fork server: newline-delimited JSON both ways, without ever blocking the loop."""

import json
import selectors
import socket
from collections.abc import Callable
from typing import Any

_CHUNK = 1 << 18


class Peer:
    """Whoever is connected; there is one Trainshed server, and for a moment after a restart there may be two."""

    def __init__(
        self,
        connection: socket.socket,
        selector: selectors.BaseSelector,
        serve: Callable[[dict[str, Any]], None],
        forget: "Callable[[Peer], None]",
    ) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._selector = selector
        self._serve = serve
        self._forget = forget
        self._incoming: list[bytes] = []
        self._outgoing = bytearray()
        selector.register(connection, selectors.EVENT_READ, self._ready)

    def send(self, event: dict[str, Any]) -> None:
        """Queue an event and send what the other side takes now."""
        self._outgoing += json.dumps(event).encode() + b"\n"
        self._flush()

    def close(self) -> None:
        """Close the connection in this process only; a forked child does."""
        self._connection.close()

    def _ready(self) -> None:
        self._flush()
        try:
            chunk = self._connection.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._lost()
            return
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._incoming, lines[0]))
            self._incoming = []
        self._incoming.append(rest)
        for line in lines:
            self._serve(json.loads(line))

    def _flush(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: self._connection.send(self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self._outgoing.clear()  # the read side will notice
        if self._connection.fileno() >= 0:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
            self._selector.modify(self._connection, events, self._ready)

    def _lost(self) -> None:
        self._selector.unregister(self._connection)
        self._connection.close()
        self._forget(self)
