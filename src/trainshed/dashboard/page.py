"""What a page consists of: plain parts that one template draws. Pages make these; nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from trainshed.dashboard.graph import Drawing


@dataclass(frozen=True, kw_only=True)
class Link:
    """Text that leads somewhere."""

    text: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Badge:
    """A state, with a word beside it where there is more to say."""

    state: str
    note: str = ""


Cell = str | int | Link | Badge | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Labels and values."""

    pairs: Sequence[tuple[str, Cell]]
    heading: str = ""
    kind: str = "facts"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under column names; `nothing` is said when there are none."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    nothing: str
    heading: str = ""
    kind: str = "table"


@dataclass(frozen=True, kw_only=True)
class Text:
    """Text as it is: a log, a document."""

    text: str
    heading: str = ""
    kind: str = "text"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A graph."""

    drawing: Drawing
    heading: str = ""
    kind: str = "picture"


@dataclass(frozen=True, kw_only=True)
class Action:
    """A button: what it says, and the address that it posts an empty request to."""

    label: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Actions:
    """Buttons. An answer that names a run leads to its page; any other draws this page anew."""

    actions: Sequence[Action]
    heading: str = ""
    kind: str = "actions"


Part = Facts | Table | Text | Picture | Actions


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page: where it stands, what it shows, whether it changes while one looks."""

    title: str
    section: str  # path of the navigation entry
    parts: Sequence[Part] = field(default_factory=tuple)
    live: bool = False
    template: ClassVar[str] = "page.html"
    reloads: ClassVar[bool] = True  # a live page is loaded again every two seconds, unless it follows by itself

    def context(self) -> dict[str, Any]:
        """Answer what the template reads."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return values | {"reloads": self.live and self.reloads}


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One step of a build, as its page lists it."""

    number: int
    label: str  # how its log lines begin
    name: str
    command: str
    state: str
    duration: str
    exit_code: int | None


@dataclass(frozen=True, kw_only=True)
class BuildPage(Page):
    """One build: status line, steps, log and execution details."""

    build_id: str
    state: Badge
    start_time: str
    duration: str
    steps: Sequence[StepRow]
    details: Sequence[Facts]
    log: str
    template: ClassVar[str] = "build.html"
    reloads: ClassVar[bool] = False
