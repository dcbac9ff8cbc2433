"""The dashboard: server-rendered pages over the services. Plain for now, and complete: nothing is invisible.

- `page`: the parts a page is made of. `render`, `templates/`, `static/`: how they look. `graph`: where boxes stand.
- `links`: which resource has which page.
- one module per section: `builds`, `runs`, `functions`, `schedules`, `topics`, `buckets`, `receipts`.

A section has `listing()` and `detail(identifier)`; both are synchronous and answer a `Page`.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from trainshed.dashboard import render
from trainshed.dashboard.page import Badge, Link, Page, Table, Text
from trainshed.duty import off_loop
from trainshed.errors import TrainshedError

Respond = Callable[[Callable[[], Page]], Awaitable[Response]]
_STATIC = Path(__file__).parent / "static"


class Section(Protocol):
    """Two pages over one feature."""

    def listing(self) -> Page:
        """Show everything."""
        ...

    def detail(self, identifier: str) -> Page:
        """Show one thing. Raises NotFound."""
        ...


def routes(sections: Mapping[str, Section]) -> list[BaseRoute]:
    """Serve every section under its path, an overview, and the style sheet."""
    environment = render.pages()

    async def respond(make: Callable[[], Page]) -> Response:
        try:
            page, status = await off_loop(make), 200
        except TrainshedError as error:
            page, status = _failed(error), error.http_status
        return render.page(environment, page.template, page.context(), status=status)

    async def overview(request: Request) -> Response:  # noqa: ARG001  (Starlette's signature)
        return await respond(lambda: _overview(sections))

    made: list[BaseRoute] = [
        Route("/", overview),
        Mount("/static", StaticFiles(directory=_STATIC), name="static"),
    ]
    for path, section in sections.items():
        made += _section_routes(path, section, respond)
    return made


def _section_routes(path: str, section: Section, respond: Respond) -> list[BaseRoute]:
    async def listing(request: Request) -> Response:  # noqa: ARG001  (Starlette's signature)
        return await respond(section.listing)

    async def detail(request: Request) -> Response:
        identifier = request.path_params["identifier"]
        return await respond(lambda: section.detail(identifier))

    return [Route(path, listing), Route(path + "/{identifier:path}", detail)]


def _overview(sections: Mapping[str, Section]) -> Page:
    """Put the first rows of what happened last on one page."""
    pages = [section.listing() for section in sections.values()]
    parts = []
    for page in pages:
        table = next(part for part in page.parts if isinstance(part, Table))
        heading = f"{page.title}: {len(table.rows)}"
        parts.append(Table(heading=heading, columns=table.columns, rows=table.rows[:5], nothing=table.nothing))
    return Page(title="Overview", section="/", parts=parts, live=any(page.live for page in pages))


def _failed(error: TrainshedError) -> Page:
    return Page(title=error.code.replace("_", " ").capitalize(), section="", parts=(Text(text=error.message),))


__all__ = ["Badge", "Link", "Page", "Section", "Table", "routes"]
