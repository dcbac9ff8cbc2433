"""What a function is called: its resource name, its web addresses, and what belongs to it in other services. Pure."""

import hashlib
import re
from datetime import datetime

from trainshed import names
from trainshed.errors import InvalidArgument

NAME = "projects/{project}/locations/{location}/functions/{function}"
PARENT = "projects/{project}/locations/{location}"
_NAME_RULE = re.compile(r"[a-z][a-z0-9_-]{0,61}[a-z0-9]|[a-z]", re.IGNORECASE)
_PLACE = re.compile(r"([a-z]+-[a-z]+\d+)-(.+)")
_CODE_LETTERS = re.compile(r"([a-z])[a-z]*-([a-z])[a-z]*(\d+)")


def check_name(name: str, field: str = "name") -> dict[str, str]:
    """Split a function's name. Raises InvalidArgument for a malformed one."""
    parts = names.parse(NAME, name, field=field)
    if not _NAME_RULE.fullmatch(parts["function"]):
        raise InvalidArgument.field(
            field,
            f"{parts['function']!r} must start with a letter, end with a letter or digit, and have at most 63 "
            "letters, digits, '-' and '_'",
            reason="NAME_FORMAT",
        )
    return parts


def within(parent: str, function_id: str) -> str:
    """Make a function's name of its parent and identifier. Raises InvalidArgument."""
    names.parse(PARENT, parent, field="parent")
    name = f"{parent}/functions/{function_id}"
    check_name(name, "function_id")
    return name


def url(name: str) -> str:
    """Answer the address under cloudfunctions.net."""
    parts = names.parse(NAME, name)
    return f"https://{parts['location']}-{parts['project']}.cloudfunctions.net/{parts['function']}"


def uri(name: str) -> str:
    """Answer the address of the service behind a function of the second generation."""
    parts = names.parse(NAME, name)
    digest = hashlib.sha256(f"{parts['project']}/{parts['location']}".encode()).hexdigest()[:10]
    return f"https://{service(name)}-{digest}-{_code(parts['location'])}.a.run.app"


def service(name: str) -> str:
    """Answer the short name of the service behind a function: what Cloud Run allows."""
    return names.short(name).lower().replace("_", "-")


def service_name(name: str) -> str:
    """Answer the whole name of that service."""
    parts = names.parse(NAME, name)
    return f"projects/{parts['project']}/locations/{parts['location']}/services/{service(name)}"


def at_place(host: str, function_id: str) -> str:
    """Answer the function that `https://HOST.cloudfunctions.net/ID` means, or ""."""
    found = _PLACE.fullmatch(host)
    return f"projects/{found[2]}/locations/{found[1]}/functions/{function_id}" if found else ""


def subscription(name: str, topic: str, generation: int = 1) -> str:
    """Answer the name of the subscription that feeds a function, in the manner of its generation."""
    parts = names.parse(NAME, name)
    if generation == 1:
        short = f"gcf-{parts['function']}-{parts['location']}-{names.short(topic)}"
    else:
        number = int(hashlib.sha256(f"{name} {topic}".encode()).hexdigest()[:8], 16)
        short = f"eventarc-{parts['location']}-{parts['function']}-{number % 1000000:06d}-sub-{number % 1000:03d}"
    return f"projects/{parts['project']}/subscriptions/{short}"


def trigger(name: str) -> str:
    """Answer the name of the Eventarc trigger of a function of the second generation."""
    parts = names.parse(NAME, name)
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 1000000
    return f"projects/{parts['project']}/locations/{parts['location']}/triggers/{parts['function']}-{number:06d}"


def operation(name: str, generation: int, now: datetime) -> str:
    """Make the name of a new operation on a function, as the API of that generation names it."""
    parts = names.parse(NAME, name)
    if generation == 1:
        return f"operations/{parts['project']}-{parts['location']}-{parts['function']}-{names.short_id()}"
    number = f"{int(now.timestamp() * 1000)}-{names.short_id(13)}-{names.short_id(8)}-{names.short_id(8)}"
    return f"projects/{parts['project']}/locations/{parts['location']}/operations/operation-{number}"


def uploads(parent: str) -> str:
    """Answer the bucket that uploads of source are said to be in."""
    location = names.parse(PARENT, parent, field="parent")["location"]
    return f"gcf-v2-uploads-{names.PROJECT_NUMBER}.{location}.cloudfunctions.appspot.com"


def sources(name: str) -> tuple[str, str]:
    """Answer bucket and object that the source of a deployed function is said to be in."""
    parts = names.parse(NAME, name)
    return f"gcf-v2-sources-{names.PROJECT_NUMBER}-{parts['location']}", f"{parts['function']}/function-source.zip"


def _code(location: str) -> str:
    """Shorten a region as in addresses of services: us-central1 is uc."""
    found = _CODE_LETTERS.fullmatch(location)
    if found is None:
        return "xx"
    return f"{found[1]}{found[2]}" + ("" if found[3] == "1" else found[3])
