"""The runner protocol: start an attempt of a task, hear how it ended, stop it. Plain data in and out.

Call order for one attempt: `start`, then exactly one `Report` on the `report` callback, whatever happens; `stop` any
time after `start`. All methods may be called concurrently for different attempts. `start` is idempotent per
(task, attempt): a second call for an attempt that is known re-attaches to it.

A report callback that answers None has taken the report over. One that answers an awaitable has done so when that is
done: a server that dies before hears the same report again after `open`. Fence by the attempt number.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

NOTE = "[environment] "  # begins the lines of an attempt's log that were written before the attempt ran


@dataclass(frozen=True, kw_only=True)
class PythonComponent:
    """A lightweight (or containerised) Python component: run by KFP's own executor in a forked, warm worker."""

    function: str  # --function_to_execute
    source: str = ""  # text of ephemeral_component.py; empty: `module` is imported instead
    module: str = ""  # path of the module file of a containerised component


@dataclass(frozen=True, kw_only=True)
class Command:
    """A container component's command and args, placeholders resolved, run verbatim as a host process."""

    arguments: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Container:
    """A component's own command, placeholders resolved, run verbatim in a container of its image."""

    image: str  # its name, for people; `Launch.environment` says which one it was when the run asked
    command: Sequence[str] = ()  # instead of the image's entrypoint; empty: that
    arguments: Sequence[str] = ()
    folders: Sequence[Path] = ()  # of this machine, that it may write to beside its attempt's own


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an attempt may use; None: no limit."""

    cpus: float | None = None
    memory_bytes: int | None = None
    timeout_seconds: float | None = None
    accelerators: int = 0  # how many are its own; 0: it shares whatever there is


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Everything needed to run one attempt; nothing is looked up later."""

    task_id: str
    task: str = ""  # its path in the run, for people
    attempt: int  # the fencing token
    work: PythonComponent | Command | Container
    executor_input: str  # ExecutorInput as JSON, `gs://` URIs kept
    environment: str  # digest of the environment to run in (environments.Environment.digest), or of the image
    folder: Path  # the attempt's own folder: working directory (of containers: not), `mount`, `log`, `output.json`
    mount: Path  # `gs://b/x` is `mount/b/x`, `s3://b/x` is `mount/.s3/b/x` (minio, oci alike); inputs are links
    output_file: Path  # where the executor writes ExecutorOutput (inside `folder`); the runner makes its folder
    log_file: Path  # stdout and stderr, line-buffered, while it runs
    variables: Mapping[str, str] = field(default_factory=dict)  # the whole extra environment
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class Succeeded:
    """The executor ended with 0. `output` is ExecutorOutput as JSON text, empty when none was written."""

    output: str


@dataclass(frozen=True, kw_only=True)
class ExitedNonZero:
    """The user's code failed."""

    code: int  # exit code; negative: the signal that ended it
    message: str  # last lines of its log


@dataclass(frozen=True, kw_only=True)
class OutOfMemory:
    """It used more memory than its limit and was ended."""

    limit_bytes: int


@dataclass(frozen=True, kw_only=True)
class TimedOut:
    """It ran longer than its limit and was ended."""

    timeout_seconds: float


@dataclass(frozen=True, kw_only=True)
class StartFailed:
    """It never ran: the environment, the folder or the worker could not be had."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class OutputMissing:
    """It ended well but did not write an output that it declares."""

    name: str


@dataclass(frozen=True, kw_only=True)
class LeaseLost:
    """Nobody knows how it ended: its worker is gone."""


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """It was stopped on request."""


Outcome = Succeeded | ExitedNonZero | OutOfMemory | TimedOut | StartFailed | OutputMissing | LeaseLost | Stopped


@dataclass(frozen=True, kw_only=True)
class Report:
    """How one attempt ended, with what it used."""

    task_id: str
    attempt: int
    outcome: Outcome
    start_time: datetime
    end_time: datetime
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0


ReportTo = Callable[[Report], Awaitable[object] | None]


class Runner(Protocol):
    """Runs attempts of tasks."""

    async def open(self, report: ReportTo) -> None:
        """Get ready, and re-attach to attempts that outlived the last server; their reports follow like any other."""
        ...

    async def start(self, launch: Launch) -> None:
        """Start an attempt; return once it is under way. Never raises for the user's fault: that is a report."""
        ...

    async def stop(self, task_id: str, attempt: int, *, grace_seconds: float) -> None:
        """Ask an attempt to end, then end its whole process tree. Unknown attempts are ignored."""
        ...

    async def attempts(self) -> set[tuple[str, int]]:
        """Answer the attempts under way, or ended and not yet taken over."""
        ...

    async def close(self, *, end_attempts: bool) -> None:
        """Let go; attempts go on without us for the lease time unless they are to end."""
        ...
