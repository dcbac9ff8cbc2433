"""A child forked ahead: it is isolated already, and has done what every order needs, when an order comes for it.

A fork costs more in the pages that the child touches first than in itself, so that is paid while nothing else is to do.
An order goes to it through a socket, with the log to write to; one that does not fit there is forked for as ever.
"""

import marshal
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, Optional

_LENGTH = 8
_LONGEST = 96 * 1024  # bytes of an order that the socket's buffer takes at once, whatever the system's default
_CHUNK = 1 << 18


class Spare:
    """The parent's side of a child that waits."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self._connection = connection

    def take(self, order: dict[str, Any], log: int) -> bool:
        """Hand an order over, once; False when it has to be run by somebody else, and this child has none."""
        message = marshal.dumps(order)
        if len(message) > _LONGEST:
            return False
        whole = len(message).to_bytes(_LENGTH, "big") + message
        try:
            return socket.send_fds(self._connection, [whole], [log], socket.MSG_DONTWAIT) == len(whole)
        except OSError:  # it is gone
            return False

    def close(self) -> None:
        """Let go of it; without an order, it ends. A forked child calls this for what is its parent's."""
        self._connection.close()


def fork(let_go: Callable[[], None], prepare: Callable[[], None]) -> "tuple[Optional[Spare], dict[str, Any], int]":  # noqa: UP045
    """Fork a child that waits. The parent gets it at once; the child returns from here with its order and its log."""
    ours, theirs = socket.socketpair()
    try:
        pid = os.fork()
    except OSError:
        ours.close()
        theirs.close()
        raise
    if pid:
        theirs.close()
        return Spare(pid, ours), {}, -1
    ours.close()
    let_go()
    prepare()
    return None, *_wait(theirs)


def _wait(connection: socket.socket) -> "tuple[dict[str, Any], int]":
    """Wait for the order; without one, end."""
    received, log = b"", -1
    length = _LENGTH
    while len(received) < length:
        with suppress(OSError):
            chunk, handles, *_ = socket.recv_fds(connection, _CHUNK, 1)
            received += chunk
            log = handles[0] if handles else log
            if chunk and len(received) >= _LENGTH:
                length = _LENGTH + int.from_bytes(received[:_LENGTH], "big")
            if chunk:
                continue
        _leave()
    connection.close()
    os.set_inheritable(log, False)
    return marshal.loads(received[_LENGTH:]), log  # noqa: S302  (from the parent, which is the same interpreter)


def _leave() -> NoReturn:
    os._exit(0)
