"""Forms of run triggers: make one for each kind of event, change one."""

from trainshed import buckets, runs, topics
from trainshed.dashboard.page import Action, Field, Form
from trainshed.dashboard.triggers import SECTION, offered

EVENTS = {"run-message": "Run on a message", "run-object": "Run on an object"}
SAYS = {
    "run-message": "Every message of the topic starts a run; its body is a JSON object, the parameters of the pipeline.",
    "run-object": "Every new object of the bucket starts a run, which is told of it by the parameters bucket, object, "
    "object_uri and generation, those of them that the pipeline takes.",
}
_OBJECT = "run-object"


class Forms:
    """Forms over what there is to choose from."""

    def __init__(self, messages: topics.Service, objects: buckets.Service) -> None:
        self._topics = messages
        self._buckets = objects

    def new(self, event: str, parent: str) -> Form:
        """Create a run trigger for a kind of event."""
        name = Field(name="name", label="Name", is_required=True, help="Letters, digits, '-', '_' and '.', 63 at most.")
        project = "/".join(parent.split("/")[:2])
        return Form(
            id="new-run-trigger",
            fields=(name, self._source(event, project), _spec()),
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
        return (Form(id="edit", heading=heading, fields=(source, _spec(found.spec_uri)), action=action),)

    def _source(self, event: str, project: str, value: str = "") -> Field:
        if event == _OBJECT:
            return offered.bucket("bucket", "Bucket", self._buckets, value=value)
        return offered.topic("topic", "Topic", project, self._topics, value=value)


def _spec(value: str = "") -> Field:
    words = "Its address, gs://BUCKET/pipeline.json. Each run takes what lies there then."
    return Field(name="spec", label="Compiled pipeline", value=value, is_required=True, help=words)
