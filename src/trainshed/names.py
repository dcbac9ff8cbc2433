"""Resource names, identifiers and page tokens, as Google writes them.

A resource name is a path of alternating collection and identifier. Features store the whole name.
"""

import base64
import binascii
import itertools
import json
import re
import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from trainshed.errors import InvalidArgument

PROJECT_NUMBER = "100000000001"  # of every project: clients compare a bucket's with that of the project
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_BEGINNING = re.compile(r"[0-9a-z-]{8,}")  # as short as lists write identifiers
_AFTER = "{"  # behind every character of theirs
MOST_CANDIDATES = 5  # that an ambiguous one names
Item = TypeVar("Item")
Place = TypeVar("Place", str, int, list[Any])
_CALLED = {  # collection -> what people call one of it
    "pipelineJobs": "run",
    "builds": "build",
    "functions": "function",
    "jobs": "schedule",
    "schedules": "run schedule",
    "topics": "topic",
    "subscriptions": "subscription",
    "triggers": "build trigger",
    "runTriggers": "run trigger",
    "receipts": "receipt",
    "artifacts": "artifact",
    "invocations": "invocation",
}
_BEYOND = 1 << 63  # what the store cannot count to
_SHORT = 8  # characters of a build's identifier, as people use it
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)


def parse(template: str, name: str, *, field: str = "name") -> dict[str, str]:
    """Split `name` by a template like `projects/{project}/topics/{topic}`.

    Raises InvalidArgument naming `field` and the expected form.
    """
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
    match = re.fullmatch(pattern, name)
    if match is None:
        expected = re.sub(r"\{(\w+)\}", lambda m: m[1].upper(), template)
        raise InvalidArgument.field(field, f"{name!r} is not of the form {expected!r}", reason="NAME_FORMAT")
    return match.groupdict()


def short(name: str) -> str:
    """Answer the last identifier of a resource name."""
    return name.rsplit("/", 1)[-1]


def kind(name: str) -> str:
    """Answer what people call the kind of a resource; empty for a name of another kind."""
    parts = name.split("/")
    return _CALLED.get(parts[-2], "") if len(parts) > 1 else ""


def called(name: str) -> str:
    """Call a resource by its kind and the last part of its name: `run trigger nightly`; by the last part alone else."""
    known, last = kind(name), short(name)
    return f"{known} {last[:_SHORT] if known == 'build' else last}" if known else last


def is_beginning(text: str) -> bool:
    """Whether a text is enough of an identifier made here to stand for all of it."""
    return _BEGINNING.fullmatch(text) is not None


def beginning(text: str) -> tuple[str, str]:
    """Answer between which two texts all identifiers are that begin with this one, the second excluded."""
    return text, text + _AFTER


def only(text: str, found: Sequence[str]) -> str:
    """Answer which of those that begin with a text is meant; empty for none.

    Raises InvalidArgument naming them if it may be several.
    """
    if text in found or len(found) <= 1:
        return text if text in found else "".join(found)
    raise InvalidArgument.field("name", f"{text!r} is the beginning of {' and '.join(found)}; give more of it")


def uid() -> str:
    """Make a random identifier (UUID 4), as builds have."""
    return str(uuid.uuid4())


def short_id(length: int = 8) -> str:
    """Make a short random identifier of lower-case letters and digits."""
    number, text = int.from_bytes(secrets.token_bytes(length)), ""
    while len(text) < length:
        number, pair = divmod(number, len(_PAIRS))
        text += _PAIRS[pair]
    return text[:length]


def short_ids() -> Iterator[str]:
    """Make identifiers like `short_id(12)` for rows written together: neighbours in an index, so quick to insert."""
    prefix = short_id(8)
    for number in itertools.count():
        high, low = divmod(number, len(_PAIRS))
        yield prefix + _PAIRS[high] + _PAIRS[low]


def numeric_id() -> str:
    """Make a random decimal identifier of 18 digits, as Vertex uses."""
    return str(10**17 + secrets.randbelow(9 * 10**17))


def page_token(**position: Any) -> str:
    """Hide a position in an opaque token."""
    return base64.urlsafe_b64encode(json.dumps(position, sort_keys=True).encode()).decode()


def read_page_token(token: str) -> dict[str, Any]:
    """Open a token made by `page_token`; empty gives {}. Raises InvalidArgument."""
    if not token:
        return {}
    try:
        position = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _no_token() from error
    if not isinstance(position, dict):
        raise _no_token()
    return position


def read_place(token: str, key: str, start: Place) -> Place:
    """Open a token that holds one place; empty gives the start of the list. Raises InvalidArgument."""
    found = read_page_token(token).get(key, start)
    if type(found) is not type(start) or (isinstance(found, int) and not 0 <= found < _BEYOND):
        raise _no_token()
    return found


def time_token(time: datetime, name: str) -> str:
    """Hide a position in a list by time, and by name where times are equal."""
    return page_token(time=time.isoformat(), name=name)


def read_time_token(token: str) -> tuple[datetime, str] | None:
    """Open a token made by `time_token`; None for the start of the list. Raises InvalidArgument."""
    position = read_page_token(token)
    if not position:
        return None
    try:
        time = datetime.fromisoformat(position["time"])
        if time.tzinfo is None:
            raise _no_token()
        return time.astimezone(UTC), str(position["name"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _no_token() from error


def page(
    read: Callable[[Place, int], Sequence[Item]],
    key: Callable[[Item], Place],
    *,
    size: int,
    token: str,
    start: Place,
    most: int = 1000,
) -> tuple[list[Item], str]:
    """Read a page of a list by a key, and the token of the next page. Raises InvalidArgument.

    `read` answers so many items behind a place, in the order of the key; `start` is in front of all of them.
    """
    limit = min(size or most, most)
    found = list(read(read_place(token, "after", start), limit + 1))
    more = page_token(after=key(found[limit - 1])) if len(found) > limit else ""
    return found[:limit], more


def _no_token() -> InvalidArgument:
    return InvalidArgument.field("page_token", "not a token that this server returned")
