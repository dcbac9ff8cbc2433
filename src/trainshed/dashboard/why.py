"""Why something is as it is: one account on one page, in reading order, and as one file to keep."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trainshed import explain, names
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, Time
from trainshed.dashboard.page import Page, Part
from trainshed.dashboard.render import Pages
from trainshed.dashboard.serve import HEADERS, Address
from trainshed.duty import off_loop
from trainshed.errors import NotFound

SECTION = "/why"
_FILES = {"html": "text/html; charset=utf-8", "json": "application/json"}
_STATES = ("State", "Outcome")  # columns of them
_LONGEST_TABLE = 8  # rows that are shown without being asked for
_OPEN = {"compared", "verdict", "made"}  # steps that are shown whole


@dataclass(frozen=True, kw_only=True)
class Answer(Part):
    """The account in one sentence, and what to do next."""

    text: str
    state: str
    advice: Sequence[tuple[str, Cell]]
    files: Sequence[tuple[str, str]]  # label and address of what can be kept
    kind: ClassVar[str] = "answer"


@dataclass(frozen=True, kw_only=True)
class Told(Part):
    """One step of the account."""

    number: int
    says: str
    state: str
    when: Cell
    about: Cell
    pairs: Sequence[tuple[str, Cell]]
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    is_folded: bool  # its table
    kind: ClassVar[str] = "told"


class Why:
    """Pages over accounts."""

    def __init__(self, service: explain.Service) -> None:
        self._service = service
        self._pages = Pages()

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [Address(path=SECTION + "/{name:path}", make=self.page, words=(), instead="/find")]

    def routes(self) -> list[Route]:
        """Serve accounts as files."""
        return [Route("/why-file/{kind}/{name:path}", self.file, methods=["GET"])]

    def page(self, asked: Asked) -> Page:
        """Tell why. Raises NotFound, InvalidArgument."""
        account = self._service.explain(asked.name)
        answer = Answer(
            id="answer",
            text=account.says,
            state=account.state,
            advice=[(advice.text, _advised(advice)) for advice in account.advice],
            files=[(label, _file(kind, account.name)) for kind, label in (("html", "HTML"), ("json", "JSON"))],
        )
        steps = [_told(number, step) for number, step in enumerate(account.steps, 1)]
        return Page(
            title=account.title,
            section=links.section_of(account.name),
            state=Badge(state=account.state) if account.state else None,
            about=_about(account),
            parts=(answer, *steps),
            follows=account.channels,
        )

    async def file(self, request: Request) -> Response:
        """Answer an account as one file: HTML that needs nothing else, or JSON."""
        kind = request.path_params["kind"]
        if kind not in _FILES:
            raise NotFound(f"There is no file of kind {kind!r}; html and json are kept.")
        account = await off_loop(self._service.explain, request.path_params["name"])
        content = await off_loop(self._as_html if kind == "html" else _as_json, account)
        stem = "".join(c if c.isalnum() else "-" for c in names.short(account.name))[:80]
        disposition = {"content-disposition": f'attachment; filename="why-{stem}.{kind}"'}
        return Response(content, media_type=_FILES[kind], headers={**HEADERS, **disposition})

    def _as_html(self, account: explain.Account) -> str:
        steps = [_told(number, step) for number, step in enumerate(account.steps, 1)]
        advice = [(found.text, _advised(found)) for found in account.advice]
        return self._pages.other("account.html", account=account, steps=steps, advice=advice)


def _as_json(account: explain.Account) -> str:
    return json.dumps(explain.as_json(account), indent=2, ensure_ascii=False)


def _told(number: int, step: explain.Step) -> Told:
    return Told(
        id=step.id,
        heading=step.heading,
        number=number,
        says=step.says,
        state=step.state,
        when=Time(when=step.when) if step.when else None,
        about=_cell(step.about),
        pairs=[(label, _cell(value)) for label, value in step.facts if value not in (None, "")],
        columns=step.columns,
        rows=[[_field(*field) for field in zip(step.columns, row, strict=True)] for row in step.rows],
        is_folded=len(step.rows) > _LONGEST_TABLE and step.id not in _OPEN,
    )


def _field(column: str, value: explain.Value) -> Cell:
    """Answer the cell of a table: a state looks as it does on every page."""
    is_state = column in _STATES and isinstance(value, str) and value
    return Badge(state=str(value).upper()) if is_state else _cell(value)


def _cell(value: explain.Value) -> Cell:
    match value:
        case explain.Named():
            return links.named(value.text, value.name)
        case datetime():
            return Time(when=value)
        case _:
            return value


def _advised(advice: explain.Advice) -> Cell:
    command = Code(text=advice.command, may_copy=True) if advice.command else None
    found = [cell for cell in (command, _cell(advice.about)) if cell is not None]
    return found[0] if len(found) == 1 else Several(cells=found)


def _about(account: explain.Account) -> list[Cell]:
    about: list[Cell] = [links.named(f"{account.kind} {names.short(account.name)}", account.name)]
    if account.before is not None:
        about.append(Link(text="Compare with the run before", href=links.compare(account.before.name, account.run)))
    return about


def _file(kind: str, name: str) -> str:
    return f"/why-file/{kind}/{quote(name)}"
