"""One attempt in a container: what is known of it, and how it ended."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from trainshed.runners.containers import keeper
from trainshed.runners.containers.engines import State
from trainshed.runners.containers.usage import Usage
from trainshed.runners.contract import (
    ExitedNonZero,
    Launch,
    LeaseLost,
    Outcome,
    OutOfMemory,
    Stopped,
    Succeeded,
    TimedOut,
)
from trainshed.runners.machine import Share
from trainshed.runners.translation import last_lines, text_of

_BY_SIGNAL, _SIGNALS, _KILLED = 128, 64, -9
_CONMON_SAYS = "oom"  # podman's monitor leaves this file where it was started, and podman looks for it elsewhere


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the next server has to know of an attempt; kept as a label of its container."""

    task_id: str
    attempt: int
    log_file: str
    log_offset: int  # what was in the log before the container said anything
    output_file: str
    memory_bytes: int | None
    timeout_seconds: float | None
    devices: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        """Answer what the contract knows it by."""
        return (self.task_id, self.attempt)


@dataclass(kw_only=True)
class Attempt:
    """An attempt under way, or ended and not yet taken over."""

    facts: Facts
    name: str  # of its container
    private: Path
    start_time: datetime
    usage: Usage = field(default_factory=Usage)
    is_stopped: asyncio.Event = field(default_factory=asyncio.Event)
    grace_seconds: float = 0.0


def facts_of(launch: Launch, share: Share) -> Facts:
    """Note what has to outlive this server."""
    return Facts(
        task_id=launch.task_id,
        attempt=launch.attempt,
        log_file=str(launch.log_file),
        log_offset=launch.log_file.stat().st_size if launch.log_file.exists() else 0,
        output_file=str(launch.output_file),
        memory_bytes=launch.limits.memory_bytes,
        timeout_seconds=launch.limits.timeout_seconds,
        devices=share.devices,
    )


def outcome_of(attempt: Attempt, state: State) -> Outcome:
    """Say in the contract's terms how a container ended."""
    facts = attempt.facts
    match keeper.noted(attempt.private):
        case keeper.STOPPED:
            return Stopped()
        case keeper.TIMED_OUT:
            return TimedOut(timeout_seconds=facts.timeout_seconds or 0)
        case keeper.LEASE_EXPIRED:
            return LeaseLost()
    if state.code == 0:
        return Succeeded(output=text_of(facts.output_file))
    code = _BY_SIGNAL - state.code if _BY_SIGNAL < state.code <= _BY_SIGNAL + _SIGNALS else state.code
    limit = facts.memory_bytes
    was_short = state.is_out_of_memory or (attempt.private / _CONMON_SAYS).exists()
    if limit and code == _KILLED and (was_short or attempt.usage.explains(limit)):
        return OutOfMemory(limit_bytes=limit)
    return ExitedNonZero(code=code, message=last_lines(Path(facts.log_file)))
