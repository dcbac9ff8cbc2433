"""Who is told when objects of a bucket come and go."""

from collections.abc import Sequence

from trainshed import names
from trainshed.buckets import EVENT_TYPES, Notification
from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell, Code
from trainshed.dashboard.page import Action, Actions, Empty, Field, Form, Part, Table

_COLUMNS = ("ID", "Topic", "Event types", "Object name prefix", "Payload format")


def parts(bucket: str, project: str, found: Sequence[Notification]) -> list[Part]:
    """List the notifications of a bucket; offer to add one, and to remove each."""
    nothing = Empty(
        text="Nobody is told when objects come and go. A notification publishes each change to a topic.",
        command=f"trainshed storage buckets notifications create gs://{bucket} --topic TOPIC",
    )
    rows = [_row(config) for config in found]
    removing = [_removal(bucket, config) for config in found]
    return [
        Table(id="notifications", heading="Notifications", columns=_COLUMNS, rows=rows, nothing=nothing),
        *([Actions(id="notification-actions", actions=removing)] if removing else []),
        _addition(bucket, project),
    ]


def _row(config: Notification) -> tuple[Cell, ...]:
    return (
        Code(text=config.notification_id),
        links.link(config.topic),
        ", ".join(config.event_types) or "everything",
        config.prefix or "every object",
        config.payload_format,
    )


def _removal(bucket: str, config: Notification) -> Action:
    topic = names.short(config.topic)
    return Action(
        label=f"Remove notification {config.notification_id}",
        path=f"/storage/v1/b/{bucket}/notificationConfigs/{config.notification_id}",
        method="DELETE",
        confirm=f"Tell {topic} no more about changes of {bucket}? Triggers that listen there start nothing for its objects.",
    )


def _addition(bucket: str, project: str) -> Form:
    return Form(
        id="notify",
        heading="Tell a topic about changes",
        is_folded=True,
        fields=(
            Field(name="topic", label="Topic", prefix=f"projects/{project}/topics/", is_required=True),
            Field(
                name="event_types",
                label="Event types",
                type="lines",
                value="OBJECT_FINALIZE",
                help=f"One a line, of {', '.join(EVENT_TYPES)}; empty: all.",
            ),
            Field(name="object_name_prefix", label="Object name prefix", help="Empty: every object."),
            Field(name="payload_format", label="Payload format", choices=("JSON_API_V1", "NONE")),
        ),
        action=Action(label="Add notification", path=f"/storage/v1/b/{bucket}/notificationConfigs"),
    )
