"""Requests that carry their own proof, webhooks: which they are, and what their sender calls each one.

Whoever relays a webhook to this machine names a host of its own, and has no token of this server: the secret counts.
"""

import re
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

_PATHS = re.compile(r"/trainshed/v1/webhooks/[^/]+|/v1/projects/[^/]+/(locations/[^/]+/)?triggers/[^/]+:webhook")
_NAMES = (b"webhook-id", b"x-github-delivery", b"x-gitlab-event-uuid", b"x-request-uuid", b"idempotency-key", b"ce-id")
_IDENTIFIER = re.compile(r"[\w.:/+=-]{1,200}")
_current: ContextVar[str] = ContextVar("delivery", default="")


def proves_itself(path: str) -> bool:
    """Tell whether requests for a path are judged by the secret that they carry."""
    return _PATHS.fullmatch(path) is not None


def enter(scope: MutableMapping[str, Any]) -> None:
    """Note what the sender of a request calls it, for the rest of this task."""
    if proves_itself(scope["path"]):
        found = dict(scope["headers"])
        given = next((found[name].decode("latin-1") for name in _NAMES if name in found), "")
        _current.set(given if _IDENTIFIER.fullmatch(given) else "")


def current() -> str:
    """Answer the sender's own identifier of the request; empty where it gives none."""
    return _current.get()
