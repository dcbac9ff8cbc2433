"""Builds: the list, one build with its steps and log, its log's address.

`listing` and `one` make the pages, `steps` lays the steps out on one axis, `details` is the tab with everything else,
`words` says what a build is of.
"""

from trainshed import builds
from trainshed.dashboard import logs
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.builds import listing, one
from trainshed.dashboard.builds.words import SECTION, said_of
from trainshed.dashboard.page import Page
from trainshed.dashboard.serve import Address
from trainshed.errors import InvalidArgument
from trainshed.sql import changes


class Builds:
    """Pages over the builds feature."""

    def __init__(self, service: builds.Service, triggers: builds.Triggers) -> None:
        self._service = service
        self._triggers = triggers

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing, words=listing.WORDS),
            Address(path=SECTION + "/{name}", make=self.detail, words=one.WORDS),
        ]

    def log_addresses(self) -> list[logs.Address]:
        """Answer where the logs of builds are asked for; with `step`, of one step alone."""
        return [logs.Address(path=SECTION + "/{name}/log", find=self._log, words=("step",))]

    def listing(self, asked: Asked) -> Page:
        """Make the list, newest first. Raises InvalidArgument."""
        return listing.page(self._service, self._triggers, asked)

    def detail(self, asked: Asked) -> Page:
        """Make the page of one build. Raises NotFound, InvalidArgument."""
        return one.page(self._service.get(asked.name), asked)

    def _log(self, asked: Asked) -> logs.Source:
        build = self._service.get(asked.name)
        prefixes: tuple[bytes, ...] = ()
        wholes: frozenset[bytes] = frozenset()
        name = f"build-{build.build_id}"
        if asked.word("step"):
            number = asked.number("step", 0)
            if number >= len(build.steps):
                raise InvalidArgument.field(
                    "step", f"the build has no step {number}; its last is {len(build.steps) - 1}"
                )
            prefix, wholes = said_of(build.steps[number])
            prefixes, name = (prefix,), f"{name}-step-{number}"
        return logs.Source(
            paths=(self._service.workspace(build.build_id).log,),
            is_over=lambda: self._service.get(build.build_id).is_final,
            follows=(changes(builds.BUILD.noun, build.build_id),),
            prefixes=prefixes,
            wholes=wholes,
            name=f"{name}.txt",
        )
