"""Forms of build triggers: make one for each kind of event, change one. What they send is Google's BuildTrigger."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trainshed import builds, topics
from trainshed.builds.triggers import planner, planning
from trainshed.builds.triggers import rules as watching
from trainshed.dashboard.page import Action, Actions, Field, Form, Part
from trainshed.dashboard.triggers import SECTION, offered

EVENTS = {
    "branch": "Build on a push",
    "tag": "Build on a tag",
    "message": "Build on a message",
    "webhook": "Build on a webhook",
    "hand": "Build by hand",
}
SAYS = {
    "branch": "What the repository has when the trigger is made is the baseline, which builds nothing; every later push does.",
    "tag": "Tags that the repository has when the trigger is made build nothing; every later one does.",
    "message": "Every message of the topic starts a build; its substitutions can read the message: $(body.message.data.KEY).",
    "webhook": "Every post with the secret starts a build; its substitutions can read what is posted: $(body.KEY).",
    "hand": "It builds when somebody asks for it, here or at a terminal with trainshed builds triggers run.",
}
_PUSHES = ("branch", "tag")
_GLOBS = "A glob on each line; ** crosses folders."
_NAME = "Letters, digits and '-', 64 at most."
_REPOSITORY = "A path on the server's machine, or a URL."
_PATTERNS = {
    "branch": "An RE2 pattern, which matches anywhere in the name: ^main$ is main alone.",
    "tag": r"An RE2 pattern, which matches anywhere in the name: ^v1\. is every tag that begins with v1.",
}
_REF = "Such as refs/heads/main; left empty, the default branch."
_OF_OTHERS = "Which files are what: what Google's BuildTrigger has no field for"
_PLANS = (
    "With any of these the cheapest way is chosen for each push, and $_PLAN in the build is image, compile or modules."
)


def new(event: str, parent: str, service: topics.Service) -> Form:
    """Create a build trigger for a kind of event."""
    project = parent.split("/")[1]
    document: dict[str, Any] = {
        "triggerTemplate": {"branchName": "^main$", "tagName": ".*"},
        "webhookConfig": {"secret": f"projects/{project}/secrets/SECRET/versions/latest"},
    }
    made = _Fields(document, is_new=True)
    changes = _changes(made) if event in _PUSHES else ()
    return Form(
        id="new-build-trigger",
        fields=(*_fields(made, event, f"projects/{project}", service), *changes),
        action=Action(
            label="Create build trigger", path=f"/trainshed/v1/{parent}/triggers", then=f"{SECTION}/{{resourceName}}"
        ),
    )


def edit(found: builds.Trigger, service: topics.Service) -> tuple[Part, ...]:
    """Change a build trigger: Google's fields, and ours beside them."""
    made = _Fields(found.document, is_new=False)
    event = _event(watching.read(found.document))
    fields = _fields(made, event, f"projects/{found.project}", service)
    mask = ",".join(field.name for field in fields)
    google = Form(
        id="edit",
        heading="Change it, from now on",
        fields=fields,
        action=Action(
            label="Save the trigger",
            path=f"/v1/{found.resource}?updateMask={mask}",
            method="PATCH",
            body={"resourceName": found.resource, "id": found.trigger_id},
        ),
    )
    return (google, *_edit_changes(found, made)) if event in _PUSHES else (google,)


def _event(watch: watching.Watch) -> str:
    if watch.topic:
        return "message"
    if watch.secret:
        return "webhook"
    if not watch.is_polled:
        return "hand"
    return "tag" if watch.tag else "branch"


class _Fields:
    """Fields over a document: each has the value that lies in its place there."""

    def __init__(self, document: Mapping[str, Any], *, is_new: bool) -> None:
        self._document = document
        self.is_new = is_new

    def has(self, name: str) -> bool:
        """Tell whether there is something in a place."""
        return bool(self._value(name))

    def text(self, name: str, label: str, words: str = "", *, is_required: bool = False) -> Field:
        """Make a field of a line."""
        return self._field(name, label, str(self._value(name) or ""), "text", words, is_required=is_required)

    def lines(self, name: str, label: str, words: str = _GLOBS) -> Field:
        """Make a field of a list."""
        return self._field(name, label, "\n".join(self._value(name) or ()), "lines", words)

    def document(self, name: str, label: str, words: str) -> Field:
        """Make a field of a JSON object."""
        value = self._value(name)
        text = json.dumps(value, indent=2, ensure_ascii=False) if value else ""
        return self._field(name, label, text, "json", words)

    def tick(self, name: str, label: str, words: str = "") -> Field:
        """Make a field of yes or no."""
        return self._field(name, label, "true" if self._value(name) else "", "boolean", words)

    def _field(self, name: str, label: str, value: str, kind: str, words: str, *, is_required: bool = False) -> Field:
        is_said = not self.is_new and not is_required  # emptied, it takes away what was there
        return Field(
            name=name, label=label, value=value, type=kind, help=words, is_required=is_required, sends_empty=is_said
        )

    def _value(self, name: str) -> Any:
        value: Any = self._document
        for part in name.split("."):
            value = (value or {}).get(part)
        return value


def _fields(made: _Fields, event: str, project: str, service: topics.Service) -> tuple[Field, ...]:
    files = (
        made.lines("includedFiles", "Only where one of these changed", _GLOBS),
        made.lines("ignoredFiles", "Not where these alone changed", _GLOBS),
    )
    return (
        *((made.text("name", "Name", _NAME, is_required=True),) if made.is_new else ()),
        *_watched(made, event, project, service),
        *_built(made),
        made.document("substitutions", "Substitutions", 'A JSON object: {"_MODEL": "small"}.'),
        *(files if event in _PUSHES else ()),
        made.text("filter", "Filter", 'CEL that an event has to pass, such as _MODEL != ""; left empty, every one passes.'),
        made.tick("approvalConfig.approvalRequired", "Builds wait until somebody approves them"),
        made.text("description", "Description"),
    )  # fmt: skip


def _watched(made: _Fields, event: str, project: str, service: topics.Service) -> Sequence[Field]:
    if event in _PUSHES:
        return _pushed(made, event)
    source = (
        made.text("sourceToBuild.uri", "Repository to build", f"{_REPOSITORY} It may be left empty where the build is given below."),
        made.text("sourceToBuild.ref", "Branch or tag to build", _REF),
    )  # fmt: skip
    if event == "message":
        name = "pubsubConfig.topic"
        value = made.text(name, "").value
        return (offered.topic(name, "Topic", project, service, value=value), *source)
    if event == "webhook":
        words = "The version of a secret: the file of its name in the folder secrets of the server's home."
        return (made.text("webhookConfig.secret", "Secret", words, is_required=True), *source)
    return source


def _pushed(made: _Fields, event: str) -> Sequence[Field]:
    label = "Branches" if event == "branch" else "Tags"
    if made.has("github"):
        place, pattern = "github.push", event
        repository: Sequence[Field] = (
            made.text("github.owner", "GitHub owner", is_required=True),
            made.text("github.name", "GitHub repository", is_required=True),
        )
    else:
        place, pattern = "triggerTemplate", f"{event}Name"
        repository = (made.text("triggerTemplate.repoName", "Repository", _REPOSITORY, is_required=True),)
    return (
        *repository,
        made.text(f"{place}.{pattern}", label, _PATTERNS[event], is_required=True),
        made.tick(f"{place}.invertRegex", f"{label} that the pattern does not match, instead"),
    )


def _built(made: _Fields) -> Sequence[Field]:
    """Ask for a file of the repository, or for the build itself: a trigger has one of both."""
    file = made.text(
        "filename", "Build config", "A file of the repository; left empty, cloudbuild.yaml, .yml or .json."
    )
    build = made.document("build", "The build itself", 'As JSON: {"steps": [...]}. It stands for the file.')  # fmt: skip
    if made.is_new:
        return file, build
    return (build,) if made.has("build") else (file,)


def _changes(made: _Fields) -> tuple[Field, ...]:
    image = ", ".join(planner.Declaration().image)
    return (
        made.lines(
            "changes.image", "Files of the image", f"{_GLOBS} A change of one rebuilds it. Left empty: {image}."
        ),
        made.lines("changes.code", "Files of the pipeline's code", "A change of one compiles it again."),
        made.lines(
            "changes.modules", "Files that tasks fetch from a bucket", f"A change of one is an upload. {_PLANS}"
        ),
    )


def _edit_changes(found: builds.Trigger, made: _Fields) -> tuple[Part, ...]:
    path = f"/trainshed/v1/{found.resource}"
    ignored = ", ".join(planner.Declaration().ignored)
    without = made.lines("changes.ignored", "Files that have no part in it", f"Left empty: {ignored}.")
    form = Form(
        id="changes",
        heading=_OF_OTHERS,
        fields=[replace(field, sends_empty=False) for field in (*_changes(made), without)],
        action=Action(label="Save these files", path=path, method="PATCH", body={planning.CHANGES: {}}),
    )
    if not planning.declares(found):
        return (form,)
    gone = "Build everything at every push, whatever changed? What is said here of files is removed."
    stop = Action(
        label="Build everything at every push", path=path, method="PATCH", body={planning.CHANGES: None}, confirm=gone
    )
    return form, Actions(id="unplanned", actions=(stop,))
