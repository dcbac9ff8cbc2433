"""The page that makes a trigger: which kind of event, and what it is to start."""

from trainshed import buckets, runs, topics
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Link
from trainshed.dashboard.page import Filter, Filters, Page, Part, Tab
from trainshed.dashboard.triggers import SECTION, build_trigger_forms, run_trigger_forms

PATH = f"{SECTION}/new"
WORDS = ("kind", "spec")
_KINDS = build_trigger_forms.EVENTS | run_trigger_forms.EVENTS
_SAYS = build_trigger_forms.SAYS | run_trigger_forms.SAYS
_FIRST = next(iter(_KINDS))


class New:
    """The page, over what there is to choose from."""

    def __init__(
        self, starting: runs.Triggers, messages: topics.Service, objects: buckets.Service, parent: str
    ) -> None:
        self.topics = messages
        self.forms = run_trigger_forms.Forms(starting, messages, objects)
        self._parent = parent

    def page(self, asked: Asked) -> Page:
        """Make the page. Raises InvalidArgument."""
        kind = asked.choice("kind", list(_KINDS), _FIRST)
        spec_uri = asked.word("spec").strip()
        parts: tuple[Part, ...] = (
            (_pipeline(kind, spec_uri), self.forms.new(kind, self._parent, spec_uri))
            if kind in run_trigger_forms.EVENTS
            else (build_trigger_forms.new(kind, self._parent, self.topics),)
        )
        return Page(
            title="New trigger",
            section=SECTION,
            about=(_SAYS[kind],),
            trail=(Link(text="Triggers", href=SECTION),),
            tabs=[
                Tab(label=label, href=asked.href(kind=word), is_current=word == kind) for word, label in _KINDS.items()
            ],
            parts=parts,
        )


def _pipeline(kind: str, spec_uri: str) -> Filters:
    """Ask for the compiled pipeline first, so that each of its parameters has a field."""
    which = Filter(name="spec", label="Compiled pipeline whose parameters to read", value=spec_uri)
    return Filters(
        id="which", heading="Read a pipeline", action=PATH, filters=(which,), kept=(("kind", kind),), button="Read it"
    )
