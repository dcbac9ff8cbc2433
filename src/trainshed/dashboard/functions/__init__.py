"""Functions: the list, and one function in its tabs.

- `listing`: all functions. `one`: what the tabs of a function have in common, and which there are.
- `measured`: the figures and the calls. `described`: Details, Variables, Trigger, Permissions.
- `source`: the files of a version. `trying`: sending an event from the page. `logs`: what it printed.
"""

from trainshed import functions, policies
from trainshed.dashboard import logs as viewer
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.functions import listing, logs
from trainshed.dashboard.functions.one import SECTION, WORDS, One
from trainshed.dashboard.page import Page
from trainshed.dashboard.serve import Address


class Functions:
    """Pages over the functions feature."""

    def __init__(self, service: functions.Service, host: functions.Host, rights: policies.Service) -> None:
        self._service = service
        self._host = host
        self._one = One(service, host, rights)

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self._listing, words=listing.WORDS),
            Address(path=SECTION + "/{name:path}", make=self._one.page, words=WORDS),
        ]

    def log_addresses(self) -> list[viewer.Address]:
        """Answer where logs are asked for."""
        return [viewer.Address(path=SECTION + "/{name:path}/log", find=self._log, words=logs.WORDS)]

    def _listing(self, asked: Asked) -> Page:
        return listing.page(self._service, self._host, asked)

    def _log(self, asked: Asked) -> viewer.Source:
        self._service.get(asked.name)
        return logs.source(self._host.log_of(asked.name), asked)
