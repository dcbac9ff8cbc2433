"""The wire between the pool and a fork server: newline-delimited JSON over a unix socket, one object a line.

To the fork server, `do` is
- `start`: an `Order`'s fields. Idempotent per (task_id, attempt). Answered by `started` or `refused`.
- `stop`: task_id, attempt, grace_seconds. An attempt that is not there is ignored.
- `preload`: modules, imported now so that children have them.
- `retire`: end when no attempt is left; another fork server takes the new ones.
- `ping`: answered by `pong`.
- `end`: end every attempt, then yourself.

From it, `event` is
- `hello`: version, pid, attempts as a `Held`'s fields, ahead (frameworks imported before the fork); first on each
  connection.
- `started`: task_id, attempt, pid (0: it was known already).
- `refused`: task_id, attempt, reason; it never ran.
- `ended`: an `Ended`'s fields. On disk before it is told; repeated from there by whoever did not hear it.
- `learned`: python; a fork server started now would import ahead what attempts of this one imported.
- `pong`
- `bye`: it ends, idle or told to; no order that came later was taken.

A fork server of another version is let alone: it ends by itself when its lease is over.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from trainshed.workers.child import VERSION

__all__ = ["VERSION", "Ended", "Held", "Order", "encode", "token"]


@dataclass(frozen=True, kw_only=True)
class Order:
    """One attempt to run. Either `arguments`, a command, or `function` of a Python component."""

    task_id: str
    attempt: int
    folder: str  # working directory
    log_file: str
    output_file: str
    mount: str = ""
    arguments: Sequence[str] = ()
    function: str = ""
    source: str = ""
    module: str = ""
    executor_input: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    cpus: float | None = None
    memory_bytes: int | None = None
    timeout_seconds: float | None = None
    grace_seconds: float = 10.0  # after the timeout, between asking and ending
    cores: Sequence[int] = ()  # processors that it may run on; none: all
    devices: Sequence[str] = ()  # accelerators that are its own

    @property
    def key(self) -> tuple[str, int]:
        """Which attempt this is."""
        return (self.task_id, self.attempt)

    def message(self) -> dict[str, Any]:
        """Write it for the wire."""
        return {"do": "start", **vars(self)}


@dataclass(frozen=True, kw_only=True)
class Held:
    """An attempt under way, as its fork server knows it."""

    task_id: str
    attempt: int
    pid: int
    folder: str = ""
    cores: Sequence[int] = ()
    devices: Sequence[str] = ()

    @property
    def key(self) -> tuple[str, int]:
        """Which attempt this is."""
        return (self.task_id, self.attempt)

    @classmethod
    def of(cls, order: Order, pid: int) -> "Held":
        """Answer what is known of an order that was taken."""
        return cls(
            task_id=order.task_id,
            attempt=order.attempt,
            pid=pid,
            folder=order.folder,
            cores=order.cores,
            devices=order.devices,
        )


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How an attempt ended, as its fork server saw it; `cause` is exited, stopped, timed_out, out_of_memory or lost."""

    task_id: str
    attempt: int
    cause: str
    code: int = 0  # exit code; negative: signal
    start_time: float = 0.0
    end_time: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    log_file: str = ""
    output_file: str = ""
    memory_bytes: int | None = None  # its limits
    timeout_seconds: float | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Which attempt this was."""
        return (self.task_id, self.attempt)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Ended":
        """Read it from the wire or from the spool; fields of later versions are dropped."""
        return cls(**{k: v for k, v in values.items() if k in _OF_ENDED})


_OF_ENDED = frozenset(f.name for f in fields(Ended))


def token(key: tuple[str, int]) -> str:
    """Answer the variable by which the processes of an attempt are known."""
    return f"TRAINSHED_ATTEMPT={key[0]}@{key[1]}"


def encode(message: Mapping[str, Any]) -> bytes:
    """Write one line."""
    return json.dumps(message).encode() + b"\n"
