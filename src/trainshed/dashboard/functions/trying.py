"""Sending an event to a function from the page, in the form that its trigger gives it, and seeing what comes of it."""

import json
from dataclasses import dataclass
from typing import ClassVar

from trainshed import functions
from trainshed.dashboard import links
from trainshed.dashboard.cells import Link
from trainshed.dashboard.page import Action, Field, Form, Notice, Part

_FORM = "send"


@dataclass(frozen=True, kw_only=True)
class Answered(Part):
    """What came of the event: filled by its script when the answer is there."""

    log: str  # address of the log's entries
    logs: str  # page of the log
    kind: ClassVar[str] = "answered"
    module: ClassVar[str] = "answered.js"
    draws_itself: ClassVar[bool] = True


def parts(function: functions.Function) -> list[Part]:
    """Ask for an event, and show what came of it."""
    name = function.name
    if function.version is None:
        return [Notice(id="no-version", text="No version was deployed well yet, so there is nothing to call.")]
    answered = Answered(
        id="answer",
        heading="What came of it",
        log=f"/trainshed/v1/{name}:log",
        logs=f"{links.href('/functions', name)}?tab=logs",
    )
    return [*_for_real(function.version.configuration), _form(function.version), answered]


def _form(version: functions.Version) -> Part:
    wanted = version.configuration
    place = "data.message" if version.signature == "cloudevent" else "data"
    if not wanted.topic:
        return _of_text(version)
    fields = (
        Field(name=f"{place}.data", label="Message", type="bytes", help="Text; it is sent as Pub/Sub does, in base64."),
        Field(name=f"{place}.attributes", label="Attributes", type="json", value="{}", help="A JSON object of texts."),
    )
    body = {"data": {"subscription": functions.fed_by(version)}} if version.signature == "cloudevent" else {"data": {}}
    kind = "CloudEvent with a Pub/Sub message" if version.signature == "cloudevent" else "Pub/Sub message"
    return Form(id=_FORM, heading=f"Send a {kind}", fields=fields, action=_action(version, body))


def _of_text(version: functions.Version) -> Part:
    wanted = version.configuration
    value, words = "{}", "a request with a JSON body"
    if wanted.bucket:
        sample = {"bucket": wanted.bucket, "name": "folder/object.txt", "contentType": "text/plain", "size": "0"}
        value, words = json.dumps(sample, indent=2), f"the event of an object ({wanted.object_event})"
    field = Field(name="data", label="JSON", type="text", is_long=True, value=value, help="What the function is given.")
    return Form(id=_FORM, heading=f"Send {words}", fields=(field,), action=_action(version, None))


def _action(version: functions.Version, body: object) -> Action:
    return Action(label="Send", path=f"/trainshed/v1/{version.function}:call", body=body)


def _for_real(wanted: functions.Configuration) -> list[Part]:
    said = "This calls the function alone: nothing is delivered again, whatever comes of it."
    if wanted.topic:
        publish = Link(text="publish a message to its topic", href=links.href("/topics", wanted.topic))
        return [Notice(id="for-real", text=f"{said} For the whole way of an event,", next=publish)]
    return [Notice(id="for-real", text=said)]
