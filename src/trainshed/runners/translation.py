"""Between the terms of the contract and those of workers: what to run, and how it ended."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, assert_never

from trainshed.runners.contract import (
    NOTE,
    Command,
    Container,
    ExitedNonZero,
    Launch,
    LeaseLost,
    Outcome,
    OutOfMemory,
    PythonComponent,
    Stopped,
    Succeeded,
    TimedOut,
)
from trainshed.runners.machine import Share
from trainshed.workers import Ended, Order, WorkerFailed

_LAST_LINES = 20
_LAST_BYTES = 16_384


def order(launch: Launch, share: Share, *, grace_seconds: float) -> Order:
    """Write an attempt as its worker is told of it. Raises WorkerFailed for what no worker runs."""
    work: dict[str, Any]
    match launch.work:
        case Command(arguments=arguments):
            work = {"arguments": tuple(arguments)}
        case PythonComponent(function=function, source=source, module=module):
            work = {"function": function, "source": source, "module": module}
        case Container():
            raise WorkerFailed("a container is not for workers")
        case _:
            assert_never(launch.work)
    return Order(
        task_id=launch.task_id,
        attempt=launch.attempt,
        folder=str(launch.folder),
        log_file=str(launch.log_file),
        output_file=str(launch.output_file),
        mount=str(launch.mount),
        executor_input=launch.executor_input,
        variables={**share.variables, **launch.variables},
        cores=share.cores,
        devices=share.devices,
        cpus=launch.limits.cpus,
        memory_bytes=launch.limits.memory_bytes,
        timeout_seconds=launch.limits.timeout_seconds,
        grace_seconds=grace_seconds,
        **work,
    )


def outcome(ended: Ended) -> Outcome:
    """Say in the contract's terms how an attempt ended."""
    match ended.cause:
        case "stopped":
            return Stopped()
        case "timed_out":
            return TimedOut(timeout_seconds=ended.timeout_seconds or 0)
        case "out_of_memory":
            return OutOfMemory(limit_bytes=ended.memory_bytes or 0)
        case "exited" if ended.code == 0:
            return Succeeded(output=text_of(ended.output_file))
        case "exited":
            return ExitedNonZero(code=ended.code, message=_complaint(Path(ended.log_file)))
        case _:  # lost, lease_expired
            return LeaseLost()


def _complaint(log_file: Path) -> str:
    """Answer what a failed attempt said last; on a full disk it may not have been able to."""
    said, full = last_lines(log_file), os.strerror(errno.ENOSPC)
    with suppress(OSError):
        if full not in said and os.statvfs(log_file.parent).f_bavail == 0:
            said += f"{said and chr(10)}{full}: {log_file.parent}"
    return said


def last_lines(log_file: Path) -> str:
    """Answer the end of a log, which is where a failure says what it is."""
    try:
        with log_file.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _LAST_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if not line.startswith(NOTE)][-_LAST_LINES:])


def text_of(path: str) -> str:
    """Answer a file that an executor wrote; "" where it wrote none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  (once an attempt)
            return file.read()
    except OSError:
        return ""
