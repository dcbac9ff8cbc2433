"""Build triggers: what each watches and builds, what its last events led to, what is wrong with it."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from trainshed import builds, names
from trainshed.builds.triggers import rules as watching
from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell, Code, Link, Marks, Several, time
from trainshed.dashboard.page import Action, Actions, Empty, Field, Form, Part, Table, Text
from trainshed.dashboard.triggers import SECTION, stories
from trainshed.dashboard.triggers.messages import document
from trainshed.dashboard.triggers.stories import Story
from trainshed.dashboard.triggers.trigger_page import Described, state

_COLUMNS = ("Trigger", "State", "Watches", "Builds", "Last event", "Last events", "Error")
_NAME = "projects/{project}/locations/{location}/triggers/{trigger}"


def find(service: builds.Triggers, name: str) -> builds.Trigger:
    """Find a build trigger by its resource name. Raises NotFound, InvalidArgument."""
    parts = names.parse(_NAME, name)
    return service.get(parts["trigger"], project=parts["project"], region=parts["location"])


def described(found: builds.Trigger, forms: Sequence[Part]) -> Described:
    """Describe a build trigger, with the forms that change it."""
    return Described(
        name=found.resource,
        kind="build trigger",
        title=found.name,
        is_disabled=found.is_disabled,
        watched=_watched(found),
        channel=builds.TRIGGERS,
        error=found.error,
        actions=_actions(found),
        by_hand=(_another(found),),
        facts=_facts(found),
        forms=forms,
        document=(Text(id="document", heading="As Google's BuildTrigger", text=document(found.document)),),
    )


def table(found: Sequence[builds.Trigger], told: dict[str, list[Story]], *, more: str) -> Table:
    """List build triggers, each with its last events."""
    return Table(
        id="build-triggers",
        heading="Build triggers",
        columns=_COLUMNS,
        rows=[_row(trigger, told[trigger.resource]) for trigger in found],
        nothing=Empty(
            text="No build trigger yet: one builds what is pushed to a repository. Create one by New trigger above, or type",
            command="trainshed builds triggers create NAME --repo PATH --branch-pattern '^main$'",
        ),
        more=more,
        more_text="More build triggers",
    )


def _row(found: builds.Trigger, told: Sequence[Story]) -> tuple[Cell, ...]:
    return (
        Link(text=found.name, href=links.href(SECTION, found.resource)),
        state(is_disabled=found.is_disabled),
        _watched(found),
        _built(found),
        time(told[0].time) if told else None,
        Marks(marks=stories.marks(told)),
        found.error,
    )


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


def _actions(found: builds.Trigger) -> Actions:
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
        links=(links.metrics(found.resource),),
        copies_address=True,
    )


def _another(found: builds.Trigger) -> Form:
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


def _facts(found: builds.Trigger) -> list[tuple[str, Cell]]:
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
        ("Created", time(found.create_time)),
        ("Last error", found.error),
    ]
