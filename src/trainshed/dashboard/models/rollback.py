"""Making an earlier version live again: the forms, and what is said before."""

from collections.abc import Callable, Sequence

from trainshed import names
from trainshed.dashboard import links
from trainshed.dashboard.cells import Several
from trainshed.dashboard.models import words
from trainshed.dashboard.page import Action, Field, Form, Notice, Part
from trainshed.registry import Model, Version

Pushing = Callable[[], Sequence[str]]  # answers the schedules and triggers of the runs that pushed the newest versions


def of_model(model: Model, pushing: Pushing) -> list[Part]:
    """Let one choose among the versions of a model that are there and not live; nothing where there is none."""
    others = [version.version for version in model.versions if version.is_there and not version.is_live]
    if not others or not model.live:
        return []
    chosen = Field(
        name="version", label="Version", value=others[0], choices=others, is_required=True,
        help="Its files are copied to a new version with the highest number, which is seen whole or not at all.",
    )  # fmt: skip
    question = f"Make version {{version}} of {model.name} live again?"  # the one that is chosen
    return [_lasts(pushing()), _form(model.directory, "Make an earlier version live again", [chosen], {}, question)]


def of_version(version: Version, pushing: Sequence[str]) -> list[Part]:
    """Let one make a version live again."""
    question = f"Make version {version.version} of {names.short(version.directory)} live again?"
    form = _form(version.directory, "Make this version live again", [], {"version": version.version}, question)
    return [_lasts(pushing), form]


def _lasts(pushing: Sequence[str]) -> Part:
    """Say how long a rollback lasts, and what may end it."""
    said = "A rollback is live until the next version is pushed"
    if not pushing:
        return Notice(id="lasts", text=f"{said}. No schedule and no trigger pushed the last ones.")
    does = f"{said}. These started the runs that pushed the newest ones; to keep it, pause or disable them:"
    return Notice(
        id="lasts", text=does, next=Several(cells=[links.named(names.called(name), name) for name in pushing])
    )


def _form(directory: str, heading: str, fields: Sequence[Field], body: dict[str, str], question: str) -> Form:
    path = links.model(directory).removeprefix(words.SECTION)
    reason = Field(name="reason", label="Why", is_required=True, help="It is kept in the receipt and in lineage.")
    return Form(
        id="rollback",
        heading=heading,
        fields=(*fields, reason),
        action=Action(
            label="Roll back",
            path=f"/trainshed/v1/models{path}:rollback",
            body=body,
            confirm=question,
            then=f"{links.model(directory)}?version={{version}}",
        ),
    )
