"""What the sections of the dashboard serve: pages, and where they have them logs and other files."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from starlette.routing import BaseRoute

from trainshed.dashboard import logs, serve
from trainshed.dashboard.live import Live
from trainshed.dashboard.watching import Listen


class Section(Protocol):
    """A section of the dashboard."""

    def addresses(self) -> Sequence[serve.Address]:
        """Answer its pages."""


@runtime_checkable
class HasLogs(Protocol):
    """A section with logs."""

    def log_addresses(self) -> Sequence[logs.Address]:
        """Answer where they are asked for."""


@runtime_checkable
class HasRoutes(Protocol):
    """A section with something else: a download, an image."""

    def routes(self) -> Sequence[BaseRoute]:
        """Answer it."""


@runtime_checkable
class KnowsNames(Protocol):
    """A section that knows what short names mean."""

    def whole(self, path: str) -> str:
        """Answer the whole path of one that ends in a short name, and anything else as it is."""


def routes(
    sections: Sequence[Section], listen: Listen, *, has_login: bool = False
) -> tuple[list[BaseRoute], Callable[[], None]]:
    """Serve every section; answer its routes, and what ends their streams when the server stops."""
    live, growing = Live(listen), logs.Logs(listen)
    found: list[BaseRoute] = []
    for section in sections:  # before the pages, whose names may hold slashes
        found.extend(growing.routes(section.log_addresses()) if isinstance(section, HasLogs) else [])
        found.extend(section.routes() if isinstance(section, HasRoutes) else [])
    addresses = [address for section in sections for address in section.addresses()]
    whole = next((section.whole for section in sections if isinstance(section, KnowsNames)), str)
    found.extend(serve.routes(addresses, live, meant=whole, has_login=has_login))

    def leave() -> None:
        live.close()
        growing.close()

    return found, leave
