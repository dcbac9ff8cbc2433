"""What a page consists of: parts, each drawn by the template of its kind. Pages make these; nothing else.

A kind is a class here, or in the module of the section that alone uses it, and `templates/parts/KIND.html`. Everything
in a part is plain data, so that the JSON form of a page needs no code of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from trainshed.dashboard.cells import Badge, Cell, Link


@dataclass(frozen=True, kw_only=True)
class Part:
    """A region of a page. It is drawn anew by itself when it changes."""

    id: str  # within the page; also its anchor
    heading: str = ""
    beside: bool = False  # in the narrow column, where the page has one
    kind: ClassVar[str]
    module: ClassVar[str] = ""  # script that it needs
    draws_itself: ClassVar[bool] = False  # its script takes over what changed, as an event named `part`

    @property
    def preloads(self) -> str:
        """Answer the address of what its script asks for at once; empty: nothing."""
        return ""


@dataclass(frozen=True, kw_only=True)
class Empty:
    """What is said where nothing is yet: a sentence, and what to type to change that."""

    text: str
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts(Part):
    """Labels and values."""

    pairs: Sequence[tuple[str, Cell]]
    nothing: str = ""  # said where there are none
    beyond: Link | None = None  # at the end of the heading's line
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True, kw_only=True)
class Figures(Part):
    """A few values that matter, large: each with its label and a word about it."""

    figures: Sequence[tuple[str, Cell, str]]
    kind: ClassVar[str] = "figures"


@dataclass(frozen=True, kw_only=True)
class Table(Part):
    """Rows under column names."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    nothing: Empty
    more: str = ""  # address of the next page
    more_text: str = "Older ones"
    count: int | None = None  # of all rows there are, where it is known
    can_sort: bool = False  # by its column heads, in the browser
    is_sheet: bool = False  # of numbers that are read down a column: it stays a table where there is little room
    kind: ClassVar[str] = "table"
    module: ClassVar[str] = "table.js"


@dataclass(frozen=True, kw_only=True)
class Text(Part):
    """Text as it is: a document."""

    text: str
    wraps: bool = True  # lines that are longer than there is room; where columns matter they do not
    kind: ClassVar[str] = "text"


@dataclass(frozen=True, kw_only=True)
class Notice(Part):
    """Something that one should know before anything else, and what to do about it."""

    text: str
    state: str = ""  # coloured as this state's badge is
    next: Cell = None
    kind: ClassVar[str] = "notice"


@dataclass(frozen=True, kw_only=True)
class Action:
    """A button that asks the server for something: Google's own surface, or ours beside it."""

    label: str
    path: str
    method: str = "POST"
    body: Any = None  # JSON; None: an empty document
    confirm: str = ""  # asked before, for what cannot be taken back; {FIELD} stands for what is chosen in the form
    then: str = ""  # address to go to; {name} stands for the answer's name. Empty: stay, and see what changed


@dataclass(frozen=True, kw_only=True)
class Actions(Part):
    """Buttons."""

    actions: Sequence[Action]
    links: Sequence[Link] = ()  # to pages where one does more than press a button
    copies_address: bool = False  # one more button, which copies the page's address
    kind: ClassVar[str] = "actions"
    module: ClassVar[str] = "actions.js"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a form. `name` is its place in the body, with dots between the levels."""

    name: str
    label: str
    value: str = ""
    type: str = "text"  # of the value in JSON: text, integer, number, boolean, json, bytes; or lines (a list of texts)
    choices: Sequence[str] = ()
    empty_choice: str = ""  # words of the choice that is an empty text
    is_required: bool = False
    is_long: bool = False
    prefix: str = ""  # of the value, put before what is typed
    sends_empty: bool = False  # left empty it counts: an empty text, or null
    help: str = ""
    problem: str = ""  # what is wrong with the value


@dataclass(frozen=True, kw_only=True)
class Look:
    """A button of a form that shows what would become of it, and needs no script: the fields are words of an address."""

    label: str
    href: str  # of the page that shows it
    word: str  # of the query that says so
    kept: Sequence[tuple[str, str]] = ()  # other words of the query


@dataclass(frozen=True, kw_only=True)
class Form(Part):
    """Fields, and the action that they are the body of. Values come on top of the action's own body."""

    fields: Sequence[Field]
    action: Action
    is_folded: bool = False  # behind its heading
    look: Look | None = None
    kind: ClassVar[str] = "form"
    module: ClassVar[str] = "actions.js"


@dataclass(frozen=True, kw_only=True)
class Filter:
    """One word of the query that narrows a list; with choices it is one of them."""

    name: str
    label: str
    value: str = ""
    choices: Sequence[tuple[str, str]] = ()  # value and words
    type: str = "search"  # of the input: search, text, datetime-local, number


@dataclass(frozen=True, kw_only=True)
class Filters(Part):
    """What narrows the list below. It is a form without a script: the address has it all."""

    filters: Sequence[Filter]
    action: str  # path of the page
    kept: Sequence[tuple[str, str]] = ()  # other words of the query
    button: str = "Filter"
    kind: ClassVar[str] = "filters"

    @property
    def narrows(self) -> bool:
        """Tell whether anything is chosen that is not so by itself: the first choice is."""
        return any(one.value not in {"", one.choices[0][0] if one.choices else ""} for one in self.filters)


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One of several views of the same thing; each has its address."""

    label: str
    href: str
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page: where it stands, what it shows, what changes it."""

    title: str
    section: str  # path of the navigation entry
    parts: Sequence[Part]
    state: Badge | None = None  # beside the title
    about: Sequence[Cell] = ()  # the line below the title
    trail: Sequence[Link] = ()  # pages above this one
    tabs: Sequence[Tab] = ()
    follows: Sequence[str] = ()  # channels of the store; each notification may change the page
    refresh_seconds: float | None = None  # for what changes by itself: a window of time, a process
    goes_to: str = ""  # address of what is meant; a browser is led there instead

    @property
    def of_tab(self) -> str:
        """What the browser's tab says: the state first, which may change while one looks at another."""
        return f"{self.state.state}: {self.title}" if self.state else self.title

    @property
    def is_live(self) -> bool:
        """Tell whether the page may change while one looks."""
        return bool(self.follows) or self.refresh_seconds is not None
