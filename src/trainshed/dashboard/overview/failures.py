"""What failed last: runs, builds and events, each with its reason in one line."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from trainshed import builds, explain, ledger, names, runs
from trainshed.dashboard import links
from trainshed.dashboard.cells import Badge, Cell, Time
from trainshed.dashboard.page import Empty, Table

_BUILD_STATES = ("FAILURE", "TIMEOUT", "INTERNAL_ERROR", "EXPIRED")
_BUILDS = 4  # times as many are looked at: a long build may have failed after others that began later
_LONGEST = 220
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Something that failed."""

    when: datetime
    kind: str
    called: str
    name: str
    state: str
    reason: str


def read(
    of_runs: runs.Service,
    of_builds: builds.Service,
    receipts: ledger.Service,
    accounts: explain.Service,
    *,
    limit: int,
) -> list[Failure]:
    """Read what failed last, of all kinds together: what began long ago may fail now."""
    works = [_run(run) for run in of_runs.failed_last(limit=limit)]
    works += [_build(build) for build in of_builds.newest(_BUILD_STATES, limit=_BUILDS * limit)]
    events = _newest(receipts.failed_last(limit=limit), lambda receipt: receipt.update_time, limit)
    found = [*works, *(_event(*told) for told in zip(events, accounts.fates(events), strict=True))]
    return _newest(found, lambda failure: failure.when, limit)


def table(found: Sequence[Failure]) -> Table:
    """Write them as a table."""
    rows: list[Sequence[Cell]] = [
        (
            links.named(f"{failure.kind} {failure.called}", failure.name),
            Badge(state=failure.state),
            Time(when=failure.when),
            failure.reason,
            links.why(failure.name),
        )
        for failure in found
    ]
    nothing = Empty(text="Nothing has failed.")
    columns = ("What", "State", "When", "Reason", "Account")
    return Table(id="failures", heading="Last failures", columns=columns, rows=rows, nothing=nothing)


def _run(run: runs.Run) -> Failure:
    return Failure(
        when=run.end_time or run.create_time,
        kind="run",
        called=names.short(run.name),
        name=run.name,
        state=run.state,
        reason=_line(run.error) or "a task of it failed",
    )


def _build(build: builds.Build) -> Failure:
    return Failure(
        when=build.end_time or build.create_time,
        kind="build",
        called=build.build_id[:8],
        name=build.name,
        state=build.state,
        reason=_line(build.reason),
    )


def _event(receipt: ledger.Receipt, fate: explain.Fate) -> Failure:
    return Failure(
        when=receipt.update_time,
        kind=f"{receipt.kind} at",
        called=names.short(receipt.trigger),
        name=f"receipts/{receipt.receipt_id}",
        state=receipt.state,
        reason=_line(fate.says),
    )


def _newest(found: Iterable[T], when: Callable[[T], datetime], limit: int) -> list[T]:
    return sorted(found, key=when, reverse=True)[:limit]


def _line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
