"""Connections to hosts that are not answered here: straight, or by the proxy that the server itself was told to use."""

import asyncio
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from trainshed.api.splice import Pipe

_HEAD_BYTES = 16 * 1024


async def connect(host: str, port: int, *, is_local: bool) -> Pipe:
    """Open a connection whose reading is paused. Raises OSError."""
    proxy = getproxies_environment().get("https", "")
    if is_local or not proxy or proxy_bypass(host):
        _, pipe = await asyncio.get_running_loop().create_connection(Pipe, host, port)
        return pipe
    at = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    transport, head = await asyncio.get_running_loop().create_connection(_Head, at.hostname or "", at.port or 3128)
    transport.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    line = await head.first_line
    if line.split(" ")[1:2] != ["200"]:
        transport.abort()
        raise OSError(f"the proxy {at.hostname} answers {line!r}")
    pipe = Pipe()
    transport.set_protocol(pipe)
    pipe.connection_made(transport)
    return pipe


class _Head(asyncio.Protocol):
    """Waits for the head of a proxy's answer; nothing follows it before the client has spoken."""

    def __init__(self) -> None:
        self.first_line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        is_complete = b"\r\n\r\n" in self._received or len(self._received) > _HEAD_BYTES
        if is_complete and not self.first_line.done():
            self.first_line.set_result(self._received.split(b"\r\n", 1)[0].decode("latin-1"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.first_line.done():
            self.first_line.set_exception(exc or ConnectionResetError("the proxy closed the connection"))
