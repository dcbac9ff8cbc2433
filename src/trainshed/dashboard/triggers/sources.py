"""Reads what stories are told from: the ledger, runs, builds."""

from collections.abc import Sequence

from trainshed import builds, ledger, names, runs
from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell
from trainshed.dashboard.triggers import stories
from trainshed.dashboard.triggers.stories import Story, Work
from trainshed.ledger import Receipt
from trainshed.schedules import of_runs
from trainshed.sql import changes

_STEPS = 3  # from a schedule to its topic, to a function, to the run


class Sources:
    """The ledger, and what it leads to."""

    def __init__(
        self, receipts: ledger.Service, runs_: runs.Service, builds_: builds.Service, schedules: of_runs.Service
    ) -> None:
        self.receipts = receipts
        self._schedules = schedules
        self.runs = runs_
        self._builds = builds_

    def tell(self, receipts: Sequence[Receipt]) -> list[Story]:
        """Follow each event to what it led to."""
        followed: list[Receipt] = []
        latest: Sequence[Receipt] = receipts
        for _ in range(_STEPS):
            ids = stories.unfinished(latest)
            latest = self.receipts.children_of(ids) if ids else []
            followed += latest
        return stories.tell(receipts, followed, self.works([r.link for r in (*receipts, *followed)]))

    def last(self, trigger: str, *, limit: int) -> list[Story]:
        """Answer the last events of a trigger, newest first."""
        return self.tell(self.receipts.latest([trigger], limit=limit)[trigger])

    def last_of(self, triggers: Sequence[str], *, limit: int) -> dict[str, list[Story]]:
        """Answer the last events of each trigger, newest first."""
        found = self.receipts.latest(triggers, limit=limit)
        told = iter(self.tell([receipt for receipts in found.values() for receipt in receipts]))
        return {trigger: [next(told) for _ in receipts] for trigger, receipts in found.items()}

    def triggers(self, receipts: Sequence[Receipt]) -> dict[str, Cell]:
        """Link what events came to, by what it is called: a schedule of runs has a number for a name."""
        found = {receipt.trigger for receipt in receipts}
        titles = self._schedules.titles({name for name in found if "/schedules/" in name})
        return {name: links.named(titles[name], name) if name in titles else links.link(name) for name in found}

    def states(self, links: Sequence[str]) -> dict[str, str]:
        """Answer the states of the runs and builds among very many links."""
        of_runs = [link for link in links if "/pipelineJobs/" in link]
        others = self.works([link for link in links if "/builds/" in link])
        return {**self.runs.states(of_runs), **{name: work.state for name, work in others.items()}}

    def works(self, links: Sequence[str]) -> dict[str, Work]:
        """Answer where the runs and builds stand that these names are of."""
        of_runs = {link for link in links if "/pipelineJobs/" in link}
        of_builds = {names.short(link): link for link in links if "/builds/" in link}
        found: dict[str, Work] = {}
        if of_runs:
            for name, run in self.runs.progress(sorted(of_runs)).items():
                paused = runs.paused_seconds(run)
                found[name] = Work(
                    name=name, state=run.state, start_time=run.start_time, end_time=run.end_time, paused=paused
                )
        if of_builds:
            for build_id, build in self._builds.progress(sorted(of_builds)).items():
                link = of_builds[build_id]
                found[link] = Work(name=link, state=build.state, start_time=build.start_time, end_time=build.end_time)
        return found


def follows(told: Sequence[Story]) -> list[str]:
    """Answer what tells of changes to stories: new receipts, and the work that goes on."""
    works = [story.work.name for story in told if story.work and story.work.end_time is None]
    return [changes("receipt"), *(_channel(name) for name in dict.fromkeys(works))]


def _channel(name: str) -> str:
    return changes("run", name) if "/pipelineJobs/" in name else changes("build", names.short(name))
