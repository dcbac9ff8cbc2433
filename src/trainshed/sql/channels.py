"""What a transaction tells once it is on disk: it names channels, and effects outside the store."""

from collections.abc import Callable

from sqlalchemy import Connection

_CHANNELS = "channels"
_AFTER = "after"
Effect = Callable[[], None]


def after_commit(conn: Connection, effect: Effect) -> None:
    """Run a short effect outside the store once this transaction is on disk, before its caller is answered.

    Effects run in commit order. One that fails is logged; what it stood for must be found again from the rows.
    """
    conn.info.setdefault(_AFTER, []).append(effect)


def notify(conn: Connection, channel: str) -> None:
    """Wake the listeners of `channel` once this transaction is committed, and only then."""
    conn.info.setdefault(_CHANNELS, set()).add(channel)


def begin(conn: Connection) -> None:
    """Forget what an earlier verb on this connection told."""
    conn.info[_CHANNELS] = set()
    conn.info[_AFTER] = []


def told(conn: Connection) -> tuple[frozenset[str], tuple[Effect, ...]]:
    """Answer the channels and the effects since `begin`."""
    return frozenset(conn.info[_CHANNELS]), tuple(conn.info[_AFTER])
