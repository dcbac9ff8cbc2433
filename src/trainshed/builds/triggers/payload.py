"""What a trigger takes from the event that starts it: `$(body.message.data.tag)` in its substitutions. Pure.

The roots are `body` (a message or a generic webhook), `push` and `pull_request` (a webhook of a git host).
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from trainshed.clock import rfc3339
from trainshed.errors import Finding, InvalidArgument

ROOTS = ("body", "push", "pull_request")
_BINDING = re.compile(r"\$\(([^()]*)\)")
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_LONGEST = 4000
_MISSING = object()


def check(substitutions: Mapping[str, Any]) -> Iterator[Finding]:
    """Find bindings that can never be read."""
    for key, value in substitutions.items():
        for path in _BINDING.findall(str(value)):
            try:
                _parse(path)
            except ValueError as error:
                yield Finding(
                    severity="error", path=f"substitutions.{key}", message=str(error), anchor="build-triggers"
                )


def bind(substitutions: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, str]:
    """Answer substitutions with every binding replaced by what the event has; text of the event is text, not a `$X`.

    Raises InvalidArgument naming what the event has not.
    """
    return {key: _bound(key, str(value), event) for key, value in substitutions.items()}


def bind_present(substitutions: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, str]:
    """Answer those substitutions whose bindings the event has, for a filter."""
    found = {}
    for key, value in substitutions.items():
        with suppress(InvalidArgument):
            found[key] = _bound(key, str(value), event)
    return found


def of_message(
    data: bytes, attributes: Mapping[str, str], message_id: str, publish_time: datetime, subscription: str
) -> dict[str, Any]:
    """Answer the event that a Pub/Sub message is: the pushed envelope, its data decoded, as JSON where it is JSON."""
    message = {
        "data": read_json(data),
        "attributes": dict(attributes),
        "messageId": message_id,
        "publishTime": rfc3339(publish_time),
    }
    return {"body": {"message": message, "subscription": subscription}}


def of_body(content: bytes) -> dict[str, Any]:
    """Answer the event that a posted body is."""
    return {"body": read_json(content)}


def read_json(content: bytes) -> Any:
    """Read JSON; anything else stays text. A number keeps the form in which it was written."""
    text = content.decode("utf-8", "replace")
    try:
        return json.loads(text, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def _bound(key: str, value: str, event: Mapping[str, Any]) -> str:
    def found(match: re.Match[str]) -> str:
        try:
            steps = _parse(match[1])
        except ValueError as error:
            raise InvalidArgument.field(f"substitutions.{key}", str(error), reason="BINDING_INVALID") from error
        taken = _take(event, steps)
        if taken is _MISSING:
            raise InvalidArgument.field(
                f"substitutions.{key}",
                f"the event has no {match[1]}; it is for $({match[1]})",
                reason="BINDING_MISSING",
            )
        text = taken if isinstance(taken, str) else json.dumps(taken, separators=(",", ":"), ensure_ascii=False)
        return str(text).replace("$", "$$")

    bound = _BINDING.sub(found, value)
    if len(bound) > _LONGEST:
        raise InvalidArgument.field(f"substitutions.{key}", f"comes to {len(bound)} characters; {_LONGEST} are allowed")
    return bound


def _parse(path: str) -> tuple[str | int, ...]:
    root = re.match(r"[a-z_]+", path)
    if root is None or root[0] not in ROOTS:
        raise ValueError(f"$({path}) does not begin with {', '.join(ROOTS)}")
    steps: list[str | int] = [root[0]]
    position = root.end()
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise ValueError(f"$({path}): {path[position:]!r} is not .field, [0] or ['field']")
        steps.append(int(match[2]) if match[2] else next(g for g in (match[1], match[3], match[4]) if g is not None))
        position = match.end()
    return tuple(steps)


def _take(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
            continue
        if not isinstance(value, list) or not isinstance(step, int) or step >= len(value):
            return _MISSING
        value = value[step]
    return value
