"""HTTP/1.1 over a kept connection to an instance: just what functions-framework answers, no more."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from trainshed.functions.envelope import Request

_LARGEST_ANSWER = 32 << 20


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the instance answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Answer a header by its lower-case name, or ""."""
        return next((v for k, v in self.headers if k.lower() == name), "")


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> Answer:
    """Send a request and read its answer. Raises EOFError or OSError when the connection ends before."""
    method, body = request.method, request.body
    lines = [f"{method} {request.path} HTTP/1.1", "Host: function", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    writer.write("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body)
    await writer.drain()
    status, answered = await _head(reader)
    content = await _body(reader, status, {k.lower(): v for k, v in answered}, method)
    return Answer(status=status, headers=tuple(answered), body=content)


async def _head(reader: asyncio.StreamReader) -> tuple[int, list[tuple[str, str]]]:
    first = await reader.readuntil(b"\r\n")
    status = int(first.split()[1])
    headers = []
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name.strip(), value.strip()))
    return status, headers


async def _body(reader: asyncio.StreamReader, status: int, headers: Mapping[str, str], method: str) -> bytes:
    if method == "HEAD" or status in {204, 304}:
        return b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    length = headers.get("content-length")
    return await (reader.readexactly(_size(int(length))) if length is not None else reader.read(_LARGEST_ANSWER))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    content = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        content += await reader.readexactly(_size(size))
        await reader.readuntil(b"\r\n")
        _size(len(content))
    await reader.readuntil(b"\r\n")
    return bytes(content)


def _size(size: int) -> int:
    if size > _LARGEST_ANSWER:
        raise EOFError(f"the function answered more than {_LARGEST_ANSWER >> 20} MiB")
    return size
