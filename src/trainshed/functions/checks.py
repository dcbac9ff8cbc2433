"""What the fields of a function may hold, whichever API names them. Raises InvalidArgument naming the field. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from trainshed import names
from trainshed.errors import InvalidArgument

LARGEST_MEBIBYTES, MOST_INSTANCES = 32768, 1000
LONGEST_SECONDS, LONGEST_EVENT_SECONDS = 3600.0, 540.0  # of a request to the second generation, of all others
OBJECT_EVENTS = {  # kind of a notification → first generation's event, second generation's
    "OBJECT_FINALIZE": ("google.storage.object.finalize", "google.cloud.storage.object.v1.finalized"),
    "OBJECT_DELETE": ("google.storage.object.delete", "google.cloud.storage.object.v1.deleted"),
    "OBJECT_ARCHIVE": ("google.storage.object.archive", "google.cloud.storage.object.v1.archived"),
    "OBJECT_METADATA_UPDATE": (
        "google.storage.object.metadataUpdate",
        "google.cloud.storage.object.v1.metadataUpdated",
    ),
}
TOPIC_EVENTS = (
    "google.pubsub.topic.publish",
    "providers/cloud.pubsub/eventTypes/topic.publish",
    "google.cloud.pubsub.topic.v1.messagePublished",
)
_TOPIC_RULE = re.compile(r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}")
_BUCKET_RULE = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_VARIABLE_RULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL_KEY, _LABEL_VALUE = re.compile(r"[^\W\dA-Z_](?:[^\WA-Z]|-)*"), re.compile(r"(?:[^\WA-Z]|-)*")
_MOST_LABELS, _LONGEST_LABEL = 64, 63
_SECRET_NAME = re.compile(r"(?:projects/[^/]+/secrets/)?([\w-]+)")
_RESERVED = {"FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE", "K_SERVICE", "K_REVISION", "PORT"}
_LARGEST_VARIABLES = 128 * 1024


def topic(given: str, project: str, field: str) -> str:
    """Answer a topic's whole name; it must be in the function's project."""
    whole = given if "/" in given else f"projects/{project}/topics/{given}"
    found = names.parse("projects/{project}/topics/{topic}", whole, field=field)
    if found["project"] != project:
        raise InvalidArgument.field(field, "the topic must be in the function's project")
    if not _TOPIC_RULE.fullmatch(found["topic"]):
        raise InvalidArgument.field(
            field,
            f"the topic {found['topic']!r} must start with a letter, not with 'goog', and hold 3 to 255 letters, "
            "digits or -_.~+%",
        )
    return whole


def bucket(given: str, field: str) -> str:
    """Answer a bucket's name, from itself or from `projects/_/buckets/NAME`."""
    name = given.removeprefix("gs://").rstrip("/")
    if "/" in name:
        name = names.parse("projects/{_}/buckets/{bucket}", name, field=field)["bucket"]
    if not _BUCKET_RULE.fullmatch(name):
        raise InvalidArgument.field(field, f"{name!r} is not the name of a bucket")
    return name


def object_event(given: str, field: str) -> str:
    """Answer the kind of notification that an event of either generation means."""
    for kind, events in OBJECT_EVENTS.items():
        if given in events:
            return kind
    known = ", ".join((*TOPIC_EVENTS[::2], *(event for events in OBJECT_EVENTS.values() for event in events)))
    raise InvalidArgument.field(field, f"{given!r} is not served; use one of {known}")


def variables(given: Mapping[str, Any], field: str) -> dict[str, str]:
    """Answer environment variables that the runtime lets a user set."""
    for name in given:
        if not _VARIABLE_RULE.fullmatch(name):
            raise InvalidArgument.field(field, f"{name!r} is not a name of a variable")
        if name in _RESERVED or name.startswith("X_GOOGLE_"):
            raise InvalidArgument.field(field, f"{name} is set by the runtime; choose another name")
        if "\0" in str(given[name]):
            raise InvalidArgument.field(field, f"the value of {name} holds a NUL, which no variable can")
    if sum(len(name) + len(str(value)) for name, value in given.items()) > _LARGEST_VARIABLES:
        raise InvalidArgument.field(field, f"the variables are larger than {_LARGEST_VARIABLES >> 10} KiB together")
    return {name: str(value) for name, value in given.items()}


def secrets(given: Iterable[Mapping[str, Any]], field: str) -> dict[str, tuple[str, str]]:
    """Answer which variable takes which secret, and which version of it."""
    made = {}
    for entry in given:
        variables({entry.get("key", ""): ""}, field)
        found = _SECRET_NAME.fullmatch(entry.get("secret", ""))
        if found is None:
            raise InvalidArgument.field(field, f"{entry.get('secret', '')!r} is not the name of a secret")
        made[entry["key"]] = (found[1], entry.get("version") or "latest")
    return made


def labels(given: Mapping[str, str], field: str = "labels") -> dict[str, str]:
    """Answer labels that keep Google's rules."""
    if len(given) > _MOST_LABELS:
        raise InvalidArgument.field(field, f"{len(given)} labels are more than {_MOST_LABELS}")
    for key, value in given.items():
        if len(key) > _LONGEST_LABEL or not _LABEL_KEY.fullmatch(key):
            raise InvalidArgument.field(
                field, f"the key {key!r} must start with a lower-case letter and hold 1 to 63 of them, digits, - and _"
            )
        if len(value) > _LONGEST_LABEL or not _LABEL_VALUE.fullmatch(value):
            raise InvalidArgument.field(
                field, f"the value {value!r} of {key} must hold at most 63 lower-case letters, digits, - and _"
            )
    return dict(given)


def whole(value: Any, field: str, *, least: int, most: int) -> int:
    """Answer a whole number within bounds."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise InvalidArgument.field(field, f"{value!r} is not a whole number") from None
    if not least <= number <= most:
        raise InvalidArgument.field(field, f"{number} is not between {least} and {most}")
    return number


def seconds(value: Any, field: str, *, most: float = LONGEST_SECONDS) -> float:
    """Answer a time limit, from a number or from text like 60s."""
    try:
        found = float(str(value).removesuffix("s"))
    except ValueError:
        raise InvalidArgument.field(field, f"{value!r} is not a duration like 60s") from None
    if not 0 < found <= most:
        raise InvalidArgument.field(field, f"{value} is not between 0s and {most:g}s")
    return found


def event_providers() -> dict[str, dict[str, Any]]:
    """Answer what tells functions of events, as Eventarc describes it."""
    told = {
        "finalized": "created or overwritten",
        "deleted": "deleted",
        "archived": "archived",
        "metadataUpdated": "changed",
    }
    objects = [
        {
            "type": second,
            "description": f"An object of a bucket was {told[second.rpartition('.')[2]]}.",
            "filteringAttributes": [{"attribute": "type", "required": True}, {"attribute": "bucket", "required": True}],
        }
        for _, second in OBJECT_EVENTS.values()
    ]
    message = {
        "type": TOPIC_EVENTS[2],
        "description": "A message was published to a topic.",
        "filteringAttributes": [{"attribute": "type", "required": True}],
    }
    return {
        "pubsub.googleapis.com": {"displayName": "Cloud Pub/Sub", "eventTypes": [message]},
        "storage.googleapis.com": {"displayName": "Cloud Storage", "eventTypes": objects},
    }


def refuse(given: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    """Refuse fields that would change what a function does and cannot be kept here, each with the way out."""
    for path, way_out in fields.items():
        value: Any = given
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value:
            raise InvalidArgument.field(path, f"is not served here; {way_out}", reason="FIELD_NOT_SERVED")
