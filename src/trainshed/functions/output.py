"""What an instance prints, read as it comes and, at the end of a call, to the last byte that was printed before it."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

_CHUNK = 1 << 16
_DRAIN_CHUNKS = 256
_LONGEST_LINE = 1 << 16


class Pipe:
    """One stream of an instance. `sink` gets complete lines, on the event loop."""

    def __init__(self, sink: Callable[[list[str], int], None]) -> None:
        """`sink(lines, size)` is called with every read; it may drop the lines."""
        self._sink = sink
        self._read, self.child = os.pipe()
        os.set_blocking(self._read, False)
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read, self._once)

    def started(self) -> None:
        """Let go of the child's end, once the child has it."""
        os.close(self.child)
        self.child = -1

    def drain(self) -> None:
        """Read what is there now."""
        for _ in range(_DRAIN_CHUNKS):
            if not self._once():
                return

    def close(self) -> None:
        """Read what is left and let go."""
        if self.child >= 0:
            self.started()
        self.drain()
        if self._rest:
            self._sink([self._rest.decode("utf-8", "replace")], len(self._rest))
            self._rest = b""
        self._leave()

    def _once(self) -> bool:
        if self._read < 0:
            return False
        try:
            data = os.read(self._read, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._leave()
            return False
        whole, found, rest = (self._rest + data).rpartition(b"\n")
        if len(rest) > _LONGEST_LINE:
            whole, found, rest = whole + found + rest, b"\n", b""
        self._rest = rest
        if found:
            self._sink(whole.decode("utf-8", "replace").split("\n"), len(data))
        return True

    def _leave(self) -> None:
        if self._read >= 0:
            self._loop.remove_reader(self._read)
            with suppress(OSError):
                os.close(self._read)
            self._read = -1
