"""Functions: the list, and one function with its figures, invocations and log."""

from datetime import timedelta
from typing import Any

from trainshed import functions
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Link, seconds, size, time
from trainshed.dashboard.page import Empty, Facts, Page, Table, Text
from trainshed.dashboard.render import duration
from trainshed.dashboard.render import size as written_size
from trainshed.dashboard.serve import Address

SECTION = "/functions"
_WINDOW, _STEP = timedelta(hours=1), timedelta(minutes=5)
_MILLIS = 1000.0


class Functions:
    """Pages over the functions feature."""

    def __init__(self, service: functions.Service, host: functions.Host) -> None:
        self._service = service
        self._host = host

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing),
            Address(path=SECTION + "/{name:path}", make=self.detail),
        ]

    def listing(self, asked: Asked) -> Page:  # noqa: ARG002  (no filter yet)
        """All functions."""
        rows = [
            (
                Link(text=f.name.rsplit("/", 1)[-1], href=links.href(SECTION, f.name)),
                Badge(state=f.state, note=f.error.splitlines()[-1] if f.error else ""),
                _fed_by(f.requested),
                f.requested.runtime,
                f.version.number if f.version else None,
                self._host.instances(f.name),
                time(f.update_time),
            )
            for f in self._service.list("projects/-/locations/-")
        ]
        columns = ("Function", "State", "Trigger", "Runtime", "Version", "Instances", "Updated")
        nothing = "No function yet: trainshed functions deploy NAME --trigger-topic TOPIC --source DIR makes one."
        return Page(
            title="Functions",
            section=SECTION,
            parts=(Table(id="part-1", columns=columns, rows=rows, nothing=Empty(text=nothing)),),
        )

    def detail(self, asked: Asked) -> Page:
        """One function. Raises NotFound."""
        name = asked.name
        function = self._service.get(name)
        wanted = function.requested
        figures = self._service.metrics(name, window=_WINDOW, step=_STEP)
        variables = ", ".join(sorted(wanted.variables)) or "none"
        about = (
            ("State", Badge(state=function.state)),
            ("Problem", function.error),
            ("Trigger", links.link(wanted.topic) if wanted.topic else _fed_by(wanted)),
            ("Entry point", wanted.entry_point),
            ("Runtime", wanted.runtime),
            ("Retry", "yes" if wanted.retry else "no: a failed event waits in its receipt"),
            ("Environment variables", variables),
            ("Instances", self._host.instances(name)),
        )
        versions = [
            (v.number, time(v.deploy_time), v.source[:12], v.environment[:12]) for v in self._service.versions(name)
        ]
        invocations = [
            (
                i.id, Badge(state=i.state, note=i.error.splitlines()[-1] if i.error else ""), i.kind, i.attempt,
                time(i.start_time), seconds(i.duration_seconds), size(i.memory_bytes or None),
                links.link(f"receipts/{i.receipt_id}") if i.receipt_id else None,
            )
            for i in self._service.invocations(name, limit=50)
        ]  # fmt: skip
        log = "\n".join(_line(entry) for entry in reversed(self._host.log_of(name).read(limit=200)))
        return Page(
            title=name.rsplit("/", 1)[-1],
            section=SECTION,
            parts=(
                Facts(id="part-2", pairs=about),
                Facts(id="last-hour", heading="Last hour", pairs=_figures(figures)),
                Table(
                    id="invocations",
                    heading="Invocations",
                    columns=("Execution", "Outcome", "Kind", "Delivery", "Started", "Duration", "Memory", "Receipt"),
                    rows=invocations,
                    nothing=Empty(text="It has not been called yet."),
                ),
                Table(
                    id="versions",
                    heading="Versions",
                    columns=("Version", "Deployed", "Source", "Environment"),
                    rows=versions,
                    nothing=Empty(text="No version was deployed well yet."),
                ),
                Text(id="log", heading="Log", text=log or "Nothing was logged yet."),
            ),
        )


def _fed_by(wanted: functions.Configuration) -> str:
    if wanted.topic:
        return f"topic {wanted.topic.rsplit('/', 1)[-1]}"
    return f"bucket {wanted.bucket}" if wanted.bucket else "HTTP"


def _figures(figures: dict[str, Any]) -> list[tuple[str, str]]:
    times, memory = figures["executionMillis"], figures["memoryBytes"]
    of = " / ".join
    return [
        ("Invocations", f"{figures['ok']} ok, {figures['crash']} crashed"),
        ("Execution time p50 / p95 / p99", of(duration(_seconds(times[p])) for p in ("p50", "p95", "p99"))),
        ("Memory p50 / p95 / p99", of(written_size(memory[p]) for p in ("p50", "p95", "p99"))),
    ]


def _seconds(millis: float | None) -> float | None:
    return None if millis is None else millis / _MILLIS


def _line(entry: dict[str, Any]) -> str:
    return f"{entry.get('time', '')} {entry.get('severity', '')} {entry.get('text', '')}".strip()
