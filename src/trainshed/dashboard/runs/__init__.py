"""Runs: the list, one run, several side by side.

- `listing`: the list and its filters. `words`: how runs are put in words.
- `one`: one run. `picture`: its graph, as far as `folding` leaves it open; `panel`: which of its nodes is selected,
  and `task` or `artifact`: what is known of it; `tasks`: the table; `timeline`: who waited and worked when; `wrote`: the logs of all; `download`: its spec, its graph's layout;
  `usual`: what takes longer than it does else; `kept`: what need not be read or made again.
- `results`: what came out of a run, for people to look at; `classification` reads curves and matrices.
- `compare`: several runs side by side; `differences` says what differs, `parallel` draws a sweep;
  `lines`: two line by line, as `changed` finds them.
- `trend`: metrics over the runs of a pipeline, of a trigger; `sheet`: the same as a file.
- `label`: the form of a run's labels.
- `clone`: the form that starts a run again with other parameters; `new`: one that starts a run of any compiled pipeline;
  `given`: what both ask; `foreseen`: what would become of it, `typed` reads for that what is in the fields.
"""

from starlette.routing import BaseRoute

from trainshed import runs
from trainshed.dashboard import logs
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.origin import Origins
from trainshed.dashboard.page import Page
from trainshed.dashboard.runs import clone, compare, download, listing, new, one, panel, results, sheet, trend
from trainshed.dashboard.runs.listing import COMPARISON, NEW, SECTION, TREND
from trainshed.dashboard.serve import Address


class Runs:
    """Pages over the runs feature."""

    def __init__(self, service: runs.Service, parent: str, origins: Origins) -> None:
        self._service = service
        self._origins = origins
        self._parent = parent  # projects/P/locations/L that short ids are of
        self._one = one.OneRun(service)

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing, words=listing.WORDS),
            Address(path=COMPARISON, make=self.comparison, words=compare.WORDS),
            Address(path=TREND, make=self.trend, words=trend.WORDS),
            Address(path=NEW, make=self.new, words=new.WORDS),
            Address(path=SECTION + "/{name:path}/clone", make=self.clone, words=clone.WORDS),
            Address(path=SECTION + "/{name:path}", make=self.detail, words=one.WORDS),
        ]

    def routes(self) -> list[BaseRoute]:
        """Answer what is served beside the pages: reports that tasks wrote, compiled pipelines."""
        return [
            *results.routes(self._service),
            *sheet.routes(self._service),
            *download.routes(self._service, SECTION),
            *download.layouts(self._one.layout, SECTION),
        ]

    def log_addresses(self) -> list[logs.Address]:
        """Answer where the logs of tasks are asked for."""
        return [
            logs.Address(
                path=SECTION + "/{name:path}/log",
                find=lambda asked: panel.log_source(self._service, asked),
                words=panel.WORDS_OF_LOG,
            )
        ]

    def listing(self, asked: Asked) -> Page:
        """Show the runs that somebody looks for."""
        return listing.page(self._service, asked)

    def comparison(self, asked: Asked) -> Page:
        """Show several runs side by side. Raises NotFound, InvalidArgument."""
        return compare.page(self._service, asked, self._parent, self._origins)

    def trend(self, asked: Asked) -> Page:
        """Show metrics over many runs. Raises InvalidArgument."""
        return trend.page(self._service, asked)

    def new(self, asked: Asked) -> Page:
        """Ask for the parameters of a run of a compiled pipeline. Raises NotFound, InvalidArgument."""
        return new.page(self._service, asked, self._parent)

    def clone(self, asked: Asked) -> Page:
        """Ask for other parameters of a run. Raises NotFound."""
        return clone.page(self._service, asked)

    def detail(self, asked: Asked) -> Page:
        """One run. Raises NotFound."""
        return self._one.page(asked)
