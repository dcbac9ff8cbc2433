"""Build triggers and run triggers: what each watches, what its last events led to, what is wrong with it."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from trainshed import builds, ledger, names, runs
from trainshed.builds import triggers as watching
from trainshed.dashboard import charts, links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Marks, Several, Time, time
from trainshed.dashboard.page import (
    Action,
    Actions,
    Empty,
    Facts,
    Field,
    Form,
    Notice,
    Page,
    Part,
    Table,
    Text,
)
from trainshed.dashboard.serve import Address
from trainshed.dashboard.triggers import SECTION, stories, tabs
from trainshed.dashboard.triggers.messages import document
from trainshed.dashboard.triggers.sources import Sources, follows
from trainshed.dashboard.triggers.stories import Story
from trainshed.errors import NotFound

_SHOWN = 50
_MARKS = 15
_STRIP = 50
_BUILD_COLUMNS = ("Trigger", "State", "Watches", "Builds", "Last event", "Last ones", "Error")
_RUN_COLUMNS = ("Trigger", "Watches", "Starts", "Last event", "Last ones")
_TRAIL = (Link(text="Triggers", href=SECTION),)
_RUN_TRIGGER = "projects/{project}/locations/{location}/runTriggers/{trigger}"
_TRIGGER = "projects/{project}/locations/{location}/triggers/{trigger}"


class Starters:
    """Pages over build triggers and run triggers."""

    def __init__(self, of_builds: builds.Triggers, of_runs: runs.Triggers, sources: Sources) -> None:
        self._of_builds = of_builds
        self._of_runs = of_runs
        self._sources = sources

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing),
            Address(path=SECTION + "/{name:path}", make=self.detail),
        ]

    def listing(self, asked: Asked) -> Page:
        """List both kinds."""
        found, token = self._of_builds.page(limit=_SHOWN, page_token=asked.word("page"))
        of_runs, more = self._of_runs.page(limit=_SHOWN, after=asked.word("after"))
        told = self._sources.last_of([*(t.resource for t in found), *(t.resource for t in of_runs)], limit=_MARKS)
        build_table = Table(
            id="build-triggers",
            heading="Build triggers",
            columns=_BUILD_COLUMNS,
            rows=[_build_row(t, told[t.resource]) for t in found],
            nothing=Empty(
                text="No build trigger yet: one builds what is pushed to a repository.",
                command="trainshed builds triggers create NAME --repo PATH --branch '^main$' --config cloudbuild.yaml",
            ),
            more=asked.href(page=token) if token else "",
            more_text="More build triggers",
        )
        run_table = Table(
            id="run-triggers",
            heading="Run triggers",
            columns=_RUN_COLUMNS,
            rows=[_run_row(t, told[t.resource]) for t in of_runs],
            nothing=Empty(
                text="No run trigger yet: one starts a run for every message of a topic, or every new object of a "
                "bucket, without a function between.",
                command="trainshed pipelines triggers create NAME --bucket BUCKET --spec gs://BUCKET/pipeline.json",
            ),
            more=asked.href(after=of_runs[-1].name) if more else "",
            more_text="More run triggers",
        )
        every = [story for mine in told.values() for story in mine]
        return Page(
            title="Build and run triggers",
            section=SECTION,
            tabs=tabs(SECTION),
            parts=(build_table, run_table),
            follows=(builds.TRIGGERS, runs.TRIGGERS, *follows(every)),
        )

    def detail(self, asked: Asked) -> Page:
        """One trigger. Raises NotFound."""
        if "/runTriggers/" in asked.name:
            return self._run_trigger(asked)
        return self._build_trigger(asked)

    def _build_trigger(self, asked: Asked) -> Page:
        parts = names.parse(_TRIGGER, asked.name)
        found = self._of_builds.get(parts["trigger"], project=parts["project"], region=parts["location"])
        told = self._sources.last(found.resource, limit=_STRIP)
        error = [Notice(id="error", heading="Last error", text=found.error, state="FAILED")] if found.error else []
        shown: list[Part] = [
            _build_actions(found),
            *error,
            _strip(told),
            self._events(found.resource, asked),
            _run_form(found),
            Facts(id="facts", heading="What it does", pairs=_build_facts(found)),
            Text(id="document", heading="As Google's BuildTrigger", text=document(found.document)),
        ]
        return Page(
            title=found.name,
            section=SECTION,
            state=_state(found),
            about=("build trigger", _watched(found)),
            trail=_TRAIL,
            parts=shown,
            follows=(builds.TRIGGERS, *follows(told)),
        )

    def _run_trigger(self, asked: Asked) -> Page:
        parts = names.parse(_RUN_TRIGGER, asked.name)
        found = self._of_runs.get(parts["trigger"])
        if found.resource != asked.name:
            raise NotFound(f"There is no run trigger {asked.name!r}; `trainshed pipelines triggers list` shows them.")
        told = self._sources.last(found.resource, limit=_STRIP)
        shown: list[Part] = [
            _run_actions(found),
            _strip(told),
            self._events(found.resource, asked),
            *([] if found.bucket else [_publish_form(found)]),
            Facts(id="facts", heading="What it does", pairs=_run_facts(found)),
        ]
        return Page(
            title=found.name,
            section=SECTION,
            about=("run trigger", _run_watched(found)),
            trail=_TRAIL,
            parts=shown,
            follows=follows(told),
        )

    def _events(self, trigger: str, asked: Asked) -> Table:
        wanted = ledger.Search(trigger=trigger, page_size=_SHOWN, page_token=asked.word("page"))
        found = self._sources.receipts.search(wanted)
        told = self._sources.tell(found.receipts)
        return Table(
            id="events",
            heading="Events",
            columns=("Event", "When", "What became of it", "Led to", "Took", "Receipt"),
            rows=[_event(story) for story in told],
            nothing=Empty(text="Nothing has come to it yet."),
            more=asked.href(page=found.token) if found.token else "",
        )


def _strip(told: Sequence[Story]) -> Part:
    heading = f"Last {_STRIP} events, as high as what they started took long"
    nothing = Empty(text="Nothing has come to it yet.")
    return charts.Strip(id="strip", heading=heading, marks=stories.bars(told), nothing=nothing)


def _event(story: Story) -> tuple[Cell, ...]:
    receipt = story.receipt
    return (
        stories.event(receipt),
        Time(when=receipt.create_time),
        story.outcome,
        story.led_to,
        story.took,
        Link(text=receipt.receipt_id, href=links.href("/receipts", receipt.receipt_id)),
    )


def _build_row(found: builds.Trigger, told: Sequence[Story]) -> tuple[Cell, ...]:
    return (
        Link(text=found.name, href=links.href(SECTION, found.resource)),
        _state(found),
        _watched(found),
        _built(found),
        time(told[0].time) if told else None,
        Marks(marks=stories.marks(told)),
        found.error,
    )


def _run_row(found: runs.Trigger, told: Sequence[Story]) -> tuple[Cell, ...]:
    return (
        Link(text=found.name, href=links.href(SECTION, found.resource)),
        _run_watched(found),
        Code(text=found.spec_uri),
        time(told[0].time) if told else None,
        Marks(marks=stories.marks(told)),
    )


def _state(found: builds.Trigger) -> Badge:
    return Badge(state="DISABLED") if found.is_disabled else Badge(state="ENABLED")


def _watched(found: builds.Trigger) -> Cell:
    """Answer what a trigger looks at: pushes, messages, a webhook; or nothing, where somebody runs it by hand."""
    watch = watching.read(found.document)
    if watch.topic:
        return Several(cells=("messages of", links.link(watch.topic)))
    if watch.secret:
        return "its webhook"
    if not watch.is_polled:
        return "nothing: it is run by hand"
    what = f"branch {watch.branch}" if watch.branch else f"tag {watch.tag}"
    other = "every one but " if watch.inverted else ""
    return Several(cells=(f"{other}{what} of", Code(text=_plain(watch.repository))))


def _built(found: builds.Trigger) -> Cell:
    watch = watching.read(found.document)
    return (
        Code(text=watch.filename)
        if watch.filename
        else "its own steps"
        if found.document.get("build")
        else "cloudbuild.yaml"
    )


def _plain(url: str) -> str:
    """Answer an address without what opens it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.hostname or "").geturl() if "@" in parts.netloc else url


def _run_watched(found: runs.Trigger) -> Cell:
    if found.bucket:
        return Several(cells=("new objects of", Link(text=found.bucket, href=links.href("/buckets", found.bucket))))
    return Several(cells=("messages of", links.link(found.topic)))


def _build_actions(found: builds.Trigger) -> Actions:
    path = f"/v1/{found.resource}"
    switch = "Enable" if found.is_disabled else "Disable"
    gone = f"Delete the build trigger {found.name}? Its builds and receipts stay."
    change = {"resourceName": found.resource, "id": found.trigger_id, "disabled": not found.is_disabled}
    return Actions(
        id="actions",
        actions=(
            Action(label="Run now", path=f"{path}:run", body={"projectId": found.project, "triggerId": found.name}),
            Action(label=switch, path=f"{path}?updateMask=disabled", method="PATCH", body=change),
            Action(label="Delete", path=path, method="DELETE", confirm=gone, then=SECTION),
        ),
        copies_address=True,
    )


def _run_form(found: builds.Trigger) -> Form:
    branch = Field(name="source.branchName", label="Branch, tag or commit", is_required=True)
    return Form(
        id="run",
        heading="Build another branch",
        is_folded=True,
        fields=(branch,),
        action=Action(
            label="Build it",
            path=f"/v1/{found.resource}:run",
            body={"projectId": found.project, "triggerId": found.name},
        ),
    )


def _run_actions(found: runs.Trigger) -> Actions:
    gone = f"Delete the run trigger {found.name}? Its runs and receipts stay."
    delete = Action(
        label="Delete", path=f"/trainshed/v1/runTriggers/{found.name}", method="DELETE", confirm=gone, then=SECTION
    )
    return Actions(id="actions", actions=(delete,), copies_address=True)


def _publish_form(found: runs.Trigger) -> Form:
    return Form(
        id="run",
        heading="Run now: publish a message to its topic",
        is_folded=True,
        fields=(
            Field(
                name="messages[0].data",
                label="Parameters",
                value="{}",
                type="bytes",
                help="A JSON object: parameters of the pipeline.",
            ),
        ),
        action=Action(label="Publish", path=f"/v1/{found.topic}:publish", body={"messages": [{}]}),
    )


def _build_facts(found: builds.Trigger) -> list[tuple[str, Cell]]:
    watch = watching.read(found.document)
    return [
        ("Name", Code(text=found.resource, may_copy=True)),
        ("Description", str(found.document.get("description") or "")),
        ("Watches", _watched(found)),
        ("Builds", _built(found)),
        ("Only where changed", ", ".join(watch.included)),
        ("Not where only changed", ", ".join(watch.ignored)),
        ("Filter", Code(text=str(found.document["filter"])) if found.document.get("filter") else None),
        ("Needs approval", "yes" if found.origin.needs_approval else "no"),
        ("Made", time(found.create_time)),
        ("Last error", found.error),
    ]


def _run_facts(found: runs.Trigger) -> list[tuple[str, Cell]]:
    subscription = Link(text=names.short(found.subscription), href=links.href("/subscriptions", found.subscription))
    return [
        ("Name", Code(text=found.resource, may_copy=True)),
        ("Watches", _run_watched(found)),
        ("Starts", Code(text=found.spec_uri, may_copy=True)),
        ("Topic", links.link(found.topic)),
        ("Subscription", subscription),
        ("Made", time(found.create_time)),
    ]
