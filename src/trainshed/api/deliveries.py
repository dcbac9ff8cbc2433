"""Requests that carry their own proof: webhooks, assertions for tokens, the login form; and what a webhook is called.

Whoever relays a webhook to this machine names a host of its own, and has no token of this server: the secret counts.
"""

import re
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

TOKEN_PATHS = ("/token", "/oauth2/v4/token")
WEBHOOK = "ReceiveTriggerWebhook"  # the RPC that judges by the secret that it is given
LOGIN = "/login"
_LOOKS = re.compile(r"/static/[\w.-]+\.(?:css|js|svg)")
_WEBHOOKS = re.compile(r"/trainshed/v1/webhooks/[^/]+")
_ELSEWHERE = ("storage.googleapis.com", ".cloudfunctions.net", ".run.app")  # hosts on which paths are their users' own
_NAMES = (b"webhook-id", b"x-github-delivery", b"x-gitlab-event-uuid", b"x-request-uuid", b"idempotency-key", b"ce-id")
_IDENTIFIER = re.compile(r"[\w.:/+=-]{1,200}")
_current: ContextVar[str] = ContextVar("delivery", default="")


def is_webhook(verb: str, path: str, host: str, rpc: str) -> bool:
    """Tell whether a request is judged by its secret; `rpc` is the method that it was found to mean, if any."""
    return rpc == WEBHOOK or (not rpc and _is_post_here(verb, host) and _WEBHOOKS.fullmatch(path) is not None)


def asks_for_token(verb: str, path: str, host: str, rpc: str) -> bool:
    """Tell whether a request asks for a token, which it cannot have yet."""
    return not rpc and _is_post_here(verb, host) and path in TOKEN_PATHS


def is_before_login(verb: str, path: str, host: str, rpc: str) -> bool:
    """Tell whether a request asks for the form by which a browser proves itself, or for what the form looks like."""
    if rpc or is_elsewhere(host):
        return False
    return (path == LOGIN and verb in {"GET", "POST"}) or (verb == "GET" and _LOOKS.fullmatch(path) is not None)


def enter(scope: MutableMapping[str, Any]) -> None:
    """Note what the sender of a webhook calls it, for the rest of this task."""
    found = dict(scope["headers"])
    given = next((found[name].decode("latin-1") for name in _NAMES if name in found), "")
    _current.set(given if _IDENTIFIER.fullmatch(given) else "")


def current() -> str:
    """Answer the sender's own identifier of the request; empty where it gives none."""
    return _current.get()


def _is_post_here(verb: str, host: str) -> bool:
    return verb == "POST" and not is_elsewhere(host)


def is_elsewhere(host: str) -> bool:
    """Tell whether every path of a host is its users' own."""
    name = host.lower().rpartition(":")[0] if re.search(r":\d*$", host) else host.lower()
    return name.rstrip(".").endswith(_ELSEWHERE)
