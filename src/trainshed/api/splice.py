"""Two connections joined into one: what arrives at either is written to the other, no faster than it reads."""

import asyncio


class Pipe(asyncio.Protocol):
    """One end. Data, end of data, pressure and loss all go to the transport of the other end."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.other: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the other end before reading."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.other is None:
            transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        assert self.other is not None
        self.other.write(data)

    def eof_received(self) -> bool:
        """Close the other end for writing; this one stays open for answers, where its transport can."""
        if self.other is not None and self.other.can_write_eof():
            self.other.write_eof()
            return self.transport.can_write_eof()
        return False

    def pause_writing(self) -> None:
        """Stop the other end: what it sends is not taken fast enough."""
        if self.other is not None and self.other.is_reading():
            self.other.pause_reading()

    def resume_writing(self) -> None:
        """Let the other end go on."""
        if self.other is not None and not self.other.is_closing():
            self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's signature)
        """Close the other end once it has sent what it holds."""
        if self.other is not None:
            self.other.close()


def join(visitor: asyncio.Transport, inner: Pipe, first: bytes) -> None:
    """Join a visitor, whose reading is paused, with a connected pipe; `first` is what the visitor sent already."""
    outer = Pipe()
    outer.transport, outer.other, inner.other = visitor, inner.transport, visitor
    visitor.set_protocol(outer)
    if first:
        inner.transport.write(first)
    inner.transport.resume_reading()
    if visitor.is_closing():
        inner.transport.close()
    else:
        visitor.resume_reading()
