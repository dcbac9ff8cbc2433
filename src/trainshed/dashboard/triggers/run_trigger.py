"""Run triggers: what each watches and starts, what its last events led to."""

import json
from collections.abc import Sequence
from typing import Any

from trainshed import names, runs
from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell, Code, Link, Marks, Several, time
from trainshed.dashboard.page import Action, Actions, Empty, Field, Form, Part, Table
from trainshed.dashboard.triggers import SECTION, stories
from trainshed.dashboard.triggers.stories import Story
from trainshed.dashboard.triggers.trigger_page import Described, state
from trainshed.errors import NotFound, TrainshedError

_COLUMNS = ("Trigger", "State", "Watches", "Starts", "Last event", "Last events")
_NAME = "projects/{project}/locations/{location}/runTriggers/{trigger}"


def find(service: runs.Triggers, name: str) -> runs.Trigger:
    """Find a run trigger by its resource name. Raises NotFound, InvalidArgument."""
    found = service.get(names.parse(_NAME, name)["trigger"])
    if found.resource != name:
        raise NotFound(f"There is no run trigger {name!r}; `trainshed pipelines triggers list` shows them.")
    return found


def described(service: runs.Triggers, found: runs.Trigger, forms: Sequence[Part]) -> Described:
    """Describe a run trigger, with the forms that change it."""
    problem = service.problem(found)
    return Described(
        name=found.resource,
        kind="run trigger",
        title=found.name,
        is_disabled=found.is_disabled,
        watched=_watched(found),
        channel=runs.TRIGGERS,
        actions=_actions(found),
        by_hand=() if found.bucket else (_publish(found),),
        facts=_facts(found),
        forms=forms,
        error=problem,
        trouble="It can start nothing now",
        document=_taken(service, found),
    )


def table(found: Sequence[runs.Trigger], told: dict[str, list[Story]], *, more: str) -> Table:
    """List run triggers, each with its last events."""
    return Table(
        id="run-triggers",
        heading="Run triggers",
        columns=_COLUMNS,
        rows=[_row(trigger, told[trigger.resource]) for trigger in found],
        nothing=Empty(
            text="No run trigger yet: one starts a run for every message of a topic, or every new object of a "
            "bucket, without a function between. Create one by New trigger above, or type",
            command="trainshed pipelines triggers create NAME --bucket BUCKET --spec gs://BUCKET/pipeline.json",
        ),
        more=more,
        more_text="More run triggers",
    )


def _taken(service: runs.Triggers, found: runs.Trigger) -> Sequence[Part]:
    """List the parameters of what it starts, and what gives each a value; none where it cannot be read."""
    try:
        taken = service.takes(found)
    except TrainshedError:
        return ()
    return (
        Table(
            id="parameters",
            heading="Parameters",
            columns=("Parameter", "Type", "Given by", "Fixed value", "The pipeline's own value"),
            rows=[
                (
                    Code(text=each.name),
                    each.type,
                    each.by or "nothing",
                    _value(each.fixed),
                    _value(each.value),
                )
                for each in taken
            ],
            nothing=Empty(text="The pipeline takes none."),
        ),
    )


def _value(value: Any) -> Cell:
    return Code(text=json.dumps(value, ensure_ascii=False)) if value is not None else None


def _row(found: runs.Trigger, told: Sequence[Story]) -> tuple[Cell, ...]:
    return (
        Link(text=found.name, href=links.href(SECTION, found.resource)),
        state(is_disabled=found.is_disabled),
        _watched(found),
        Code(text=found.spec_uri),
        time(told[0].time) if told else None,
        Marks(marks=stories.marks(told)),
    )


def _watched(found: runs.Trigger) -> Cell:
    if found.bucket:
        return Several(cells=("new objects of", Link(text=found.bucket, href=links.href("/buckets", found.bucket))))
    return Several(cells=("messages of", links.link(found.topic)))


def _actions(found: runs.Trigger) -> Actions:
    path = f"/trainshed/v1/runTriggers/{found.name}"
    switch = "Enable" if found.is_disabled else "Disable"
    gone = f"Delete the run trigger {found.name}? Its runs and receipts stay."
    return Actions(
        id="actions",
        actions=(
            Action(label=switch, path=path, method="PATCH", body={"disabled": not found.is_disabled}),
            Action(label="Delete", path=path, method="DELETE", confirm=gone, then=SECTION),
        ),
        links=(links.metrics(found.resource),),
        copies_address=True,
    )


def _publish(found: runs.Trigger) -> Form:
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


def _facts(found: runs.Trigger) -> list[tuple[str, Cell]]:
    subscription = Link(text=names.short(found.subscription), href=links.href("/subscriptions", found.subscription))
    return [
        ("Name", Code(text=found.resource, may_copy=True)),
        ("Watches", _watched(found)),
        ("Starts", Code(text=found.spec_uri, may_copy=True)),
        ("Fixed values", _value(dict(found.parameters) or None)),
        ("Topic", links.link(found.topic)),
        ("Subscription", subscription),
        ("Created", time(found.create_time)),
    ]
