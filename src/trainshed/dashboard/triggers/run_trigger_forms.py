"""Forms of run triggers: make one for each kind of event, change one, fix values of what it starts."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainshed import buckets, runs, topics
from trainshed.dashboard.page import Action, Field, Form
from trainshed.dashboard.triggers import SECTION, fixed_values, offered
from trainshed.errors import TrainshedError

EVENTS = {"run-message": "Run on a message", "run-object": "Run on an object"}
SAYS = {
    "run-message": "Every message of the topic starts a run; its body is a JSON object, the parameters of the pipeline.",
    "run-object": "Every new object of the bucket starts a run, which is told of it by the parameters bucket, object, "
    "object_uri and generation, those of them that the pipeline takes.",
}
_OBJECT = "run-object"


class Forms:
    """Forms over what there is to choose from."""

    def __init__(self, service: runs.Triggers, messages: topics.Service, objects: buckets.Service) -> None:
        self._service = service
        self._topics = messages
        self._buckets = objects

    def new(self, event: str, parent: str, spec_uri: str) -> Form:
        """Create a run trigger for a kind of event; with a compiled pipeline, its parameters have fields of their own."""
        name = Field(name="name", label="Name", is_required=True, help="Letters, digits, '-', '_' and '.', 63 at most.")
        project = "/".join(parent.split("/")[:2])
        values, problem = self._values(spec_uri, {}, is_of_object=event == _OBJECT)
        return Form(
            id="new-run-trigger",
            fields=(name, self._source(event, project), _spec(spec_uri, problem), *values),
            action=Action(
                label="Create run trigger",
                path=f"/trainshed/v1/{parent}/runTriggers",
                then=f"{SECTION}/{parent}/runTriggers/{{name}}",
            ),
        )

    def edit(self, found: runs.Trigger) -> tuple[Form, ...]:
        """Change a run trigger."""
        event = _OBJECT if found.bucket else "run-message"
        source = self._source(event, f"projects/{found.project}", found.bucket or found.topic)
        path = f"/trainshed/v1/runTriggers/{found.name}"
        action = Action(label="Save the trigger", path=path, method="PATCH")
        heading = "Change it, from now on"
        edit = Form(id="edit", heading=heading, fields=(source, _spec(found.spec_uri)), action=action)
        return (edit, *self._fixed(found, path))

    def _fixed(self, found: runs.Trigger, path: str) -> tuple[Form, ...]:
        """Fix values; what the pipeline does not take any more goes with the first change."""
        fields, _ = self._values(found.spec_uri, found.parameters, is_of_object=bool(found.bucket))
        if not fields and not found.parameters:
            return ()
        action = Action(label="Save the fixed values", path=path, method="PATCH", body={"parameters": {}})
        return (Form(id="fixed", heading=f"Fixed values: {fixed_values.SAYS}", fields=fields, action=action),)

    def _values(self, spec_uri: str, fixed: Mapping[str, Any], *, is_of_object: bool) -> tuple[Sequence[Field], str]:
        """Make the fields of fixed values; where the pipeline cannot be read, one of all of them, and why."""
        try:
            if spec_uri:
                return fixed_values.fields(self._service, spec_uri, fixed, is_of_object=is_of_object), ""
        except TrainshedError as error:
            return (fixed_values.unread(fixed),), error.message
        return (fixed_values.unread(fixed),), ""

    def _source(self, event: str, project: str, value: str = "") -> Field:
        if event == _OBJECT:
            return offered.bucket("bucket", "Bucket", self._buckets, value=value)
        return offered.topic("topic", "Topic", project, self._topics, value=value)


def _spec(value: str, problem: str = "") -> Field:
    words = "Its address, gs://BUCKET/pipeline.json. Each run takes what lies there then."
    return Field(name="spec", label="Compiled pipeline", value=value, is_required=True, help=words, problem=problem)
