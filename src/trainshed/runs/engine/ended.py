"""How an attempt ended, said for the state machine and for people."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from sqlalchemy import Connection

from trainshed.blobs import Blobs
from trainshed.quantities import size
from trainshed.runners.contract import (
    ExitedNonZero,
    LeaseLost,
    Outcome,
    OutOfMemory,
    OutputMissing,
    Report,
    StartFailed,
    Stopped,
    Succeeded,
    TimedOut,
)
from trainshed.runs import store_tasks
from trainshed.runs.active import ActiveRun
from trainshed.runs.model import Attempt
from trainshed.runs.outputs import Collected, refusal
from trainshed.sql import after_commit


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A report, what it means, and what the attempt left."""

    report: Report
    ending: str  # succeeded, failed, lost, stopped
    message: str
    collected: Collected | None = None

    def needs_reading(self, active: ActiveRun) -> bool:
        """Whether files have to be looked at or staged, which is too slow for the event loop."""
        path = active.paths[self.report.task_id]
        has_files = bool(active.task(path).output_artifacts) or bool(active.inputs_of(path).artifacts)
        return self.ending == "succeeded" and has_files

    def failed(self, outcome: Outcome) -> "Ended":
        """Say that it failed after all."""
        return ending_of(replace(self.report, outcome=outcome))

    def of_buckets(self, mount: Path) -> "Ended":
        """Say the addresses of stored data as people know them: user code sees buckets as folders below its mount."""
        return replace(self, message=self.message.replace(f"{mount}/", "gs://"))

    def discard(self) -> None:
        """Forget what it left."""
        if self.collected is not None:
            self.collected.discard()


def ending_of(report: Report) -> Ended:
    """Read a report."""
    ending, message = _words(report.outcome)
    return Ended(report=report, ending=ending, message=message)


def checked(conn: Connection, blobs: Blobs, ended: Ended) -> Ended:
    """Make a failure of an end whose outputs cannot be committed: the user's code chose where they are to be.

    What it left goes once that is on disk: until then the same end may come again, and its outputs may be welcome.
    """
    reason = "" if ended.collected is None else refusal(conn, blobs, ended.collected)
    if not reason:
        return ended
    after_commit(conn, ended.discard)
    return ended.failed(ExitedNonZero(code=0, message=f"its outputs could not be taken over: {reason}"))


def note(conn: Connection, ended: Ended) -> None:
    """Keep how an attempt ended; a second report of it changes nothing."""
    report = ended.report
    attempt = Attempt(
        task_id=report.task_id,
        attempt=report.attempt,
        outcome=type(report.outcome).__name__,
        message=ended.message,
        start_time=report.start_time,
        end_time=report.end_time,
        cpu_seconds=report.cpu_seconds,
        peak_memory_bytes=report.peak_memory_bytes,
    )
    store_tasks.insert_attempt(conn, attempt)


def _sentence_first(message: str) -> str:
    """Put the last line, which names the error, before the lines that led to it."""
    lines = message.strip().splitlines()
    return lines[-1] if len(lines) == 1 else f"{lines[-1]}\n{message.strip()}"


def _words(outcome: Outcome) -> tuple[str, str]:  # noqa: PLR0911  (one line for each outcome)
    match outcome:
        case Succeeded():
            return "succeeded", ""
        case ExitedNonZero(code=code, message=message):
            how = f"was ended by signal {-code}" if code < 0 else f"exited with code {code}"
            return "failed", f"{how}: {_sentence_first(message)}" if message.strip() else how
        case OutOfMemory(limit_bytes=limit):
            return "failed", f"needed more memory than its limit of {size(limit)}"
        case TimedOut(timeout_seconds=seconds):
            return "failed", f"ran longer than its limit of {seconds:g} s"
        case StartFailed(reason=reason):
            return "failed", f"could not start: {reason}"
        case OutputMissing(name=name):
            return "failed", f"ended well but did not write its output {name!r}"
        case LeaseLost():
            return "lost", "its worker is gone"
        case Stopped():
            return "stopped", "was stopped"
        case _:
            assert_never(outcome)
