"""Build triggers and run triggers: the lists of both, and which page is of which kind."""

from trainshed import builds, runs
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Link
from trainshed.dashboard.page import Page
from trainshed.dashboard.serve import Address
from trainshed.dashboard.triggers import (
    SECTION,
    build_trigger,
    build_trigger_forms,
    new_trigger,
    run_trigger,
    tabs,
    trigger_page,
)
from trainshed.dashboard.triggers.new_trigger import New
from trainshed.dashboard.triggers.sources import Sources, follows

_SHOWN = 50
_MARKS = 15


class Starters:
    """Pages over build triggers and run triggers."""

    def __init__(self, of_builds: builds.Triggers, of_runs: runs.Triggers, sources: Sources, making: New) -> None:
        self._of_builds = of_builds
        self._of_runs = of_runs
        self._sources = sources
        self._making = making

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing, words=("page", "after")),
            Address(path=new_trigger.PATH, make=self._making.page, words=new_trigger.WORDS),
            Address(path=SECTION + "/{name:path}", make=self.detail, words=("view", "page")),
        ]

    def listing(self, asked: Asked) -> Page:
        """List both kinds."""
        of_builds, token = self._of_builds.page(limit=_SHOWN, page_token=asked.word("page"))
        of_runs, has_more = self._of_runs.page(limit=_SHOWN, after=asked.word("after"))
        shown = [*(t.resource for t in of_builds), *(t.resource for t in of_runs)]
        told = self._sources.last_of(shown, limit=_MARKS)
        every = [story for mine in told.values() for story in mine]
        return Page(
            title="Build and run triggers",
            section=SECTION,
            about=(Link(text="New trigger", href=new_trigger.PATH),),
            tabs=tabs(SECTION),
            parts=(
                build_trigger.table(of_builds, told, more=asked.href(page=token) if token else ""),
                run_trigger.table(of_runs, told, more=asked.href(after=of_runs[-1].name) if has_more else ""),
            ),
            follows=(builds.TRIGGERS, runs.TRIGGERS, *follows(every)),
        )

    def detail(self, asked: Asked) -> Page:
        """One trigger. Raises NotFound, InvalidArgument."""
        if "/runTriggers/" in asked.name:
            starter = run_trigger.find(self._of_runs, asked.name)
            found = run_trigger.described(self._of_runs, starter, self._making.forms.edit(starter))
        else:
            built = build_trigger.find(self._of_builds, asked.name)
            found = build_trigger.described(built, build_trigger_forms.edit(built, self._making.topics))
        return trigger_page.page(found, self._sources, asked)
