"""Runs: the list with run triggers, and one run, which is in `runs_page`."""

from collections.abc import Mapping
from typing import Any

from trainshed import runs
from trainshed.clock import Clock
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, span, time
from trainshed.dashboard.page import Empty, Page, Table
from trainshed.dashboard.runs import one
from trainshed.dashboard.runs.words import because, remark
from trainshed.dashboard.serve import Address

SECTION = "/runs"
_BRIEF = 24


class Runs:
    """Pages over the runs feature."""

    def __init__(self, service: runs.Service, triggers: runs.Triggers, clock: Clock) -> None:
        self._service = service
        self._triggers = triggers
        self._clock = clock

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing),
            Address(path=SECTION + "/{name:path}", make=self.detail),
        ]

    def listing(self, asked: Asked) -> Page:  # noqa: ARG002  (no filter yet)
        """All runs, newest first, and what starts runs by itself."""
        found, _ = self._service.list(page_size=100)
        triggers = [(t.name, t.bucket or links.link(t.topic), t.spec_uri) for t in self._triggers.list()]
        return Page(
            title="Runs",
            section=SECTION,
            parts=(
                Table(
                    id="part-1",
                    columns=("Run", "State", "Pipeline", "Because of", "Created", "Duration", "Parameters"),
                    rows=[self._row(r) for r in found],
                    nothing=Empty(text="No run yet: trainshed pipelines run SPEC starts one."),
                ),
                Table(
                    id="triggers",
                    heading="Triggers",
                    columns=("Trigger", "Topic or bucket", "Starts"),
                    rows=triggers,
                    nothing=Empty(
                        text="No run trigger: trainshed pipelines triggers create NAME starts runs without a function."
                    ),
                ),
            ),
        )

    def detail(self, asked: Asked) -> Page:
        """One run. Raises NotFound."""
        name = asked.name
        return one.page(self._service, name, section=SECTION)

    def _row(self, run: runs.Run) -> tuple[Cell, ...]:
        return (
            Link(text=run.name.rsplit("/", 1)[-1], href=links.href(SECTION, run.name)),
            Badge(state=run.state, note=remark(run)),
            run.pipeline,
            because(run),
            time(run.create_time),
            span(run.start_time, run.end_time),
            _brief(run.parameters),
        )


def _brief(parameters: Mapping[str, Any]) -> str:
    """Write parameters for a list: addresses by their last part."""
    return ", ".join(f"{k}={str(v).rstrip('/').rsplit('/', 1)[-1][:_BRIEF]}" for k, v in parameters.items())
