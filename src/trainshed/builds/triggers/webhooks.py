"""Push events as GitHub, GitLab and Bitbucket post them: whether they are genuine, and what was pushed. Pure.

What a webhook says is only a reason to look: the repository itself tells what is built, so that a webhook which is
lost, late, forged or sent twice changes nothing.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from trainshed.errors import InvalidArgument

MOST_BYTES = 25 * 1024 * 1024  # GitHub sends no more
_TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"
Headers = Mapping[str, str]  # names in lower case


@dataclass(frozen=True, kw_only=True)
class Push:
    """What a genuine push event says."""

    repositories: tuple[str, ...]  # every address that it gives, normalised
    refs: tuple[str, ...]
    delivery: str  # the sender's identifier of the post


@dataclass(frozen=True, kw_only=True)
class Host:
    """How one kind of git host signs and names its push events."""

    is_genuine: Callable[[Headers, bytes, str, datetime], bool]
    event: str  # header that names the event
    pushes: tuple[str, ...]  # its values for pushes
    delivery: str  # header that identifies the post


def is_genuine(host: str, headers: Headers, content: bytes, secrets: Iterable[str], *, now: datetime) -> bool:
    """Tell whether one of the secrets signed a post. Every one is tried, each in constant time."""
    verdicts = [HOSTS[host].is_genuine(headers, content, secret, now) for secret in secrets if secret]
    return any(verdicts)


def read(host: str, headers: Headers, content: bytes) -> Push | None:
    """Read a push event; None for an event of another kind. Raises InvalidArgument."""
    kind = HOSTS[host]
    if headers.get(kind.event, "") not in kind.pushes:
        return None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument.field("body", "is not JSON; let the webhook send application/json") from error
    if not isinstance(document, dict):
        raise InvalidArgument.field("body", "is not a push event")
    repositories = tuple(dict.fromkeys(normalised(a) for a in _addresses(document)))
    if not repositories:
        raise InvalidArgument.field("body.repository", "is missing from the push event")
    return Push(repositories=repositories, refs=tuple(_refs(document)), delivery=headers.get(kind.delivery, ""))


def normalised(address: str) -> str:
    """Answer an address of a repository in the one form in which two are compared: `host/owner/name`, or a path."""
    text = address.strip().rstrip("/").removesuffix(".git")
    if "://" in text:
        try:
            parts = urlsplit(text)
        except ValueError:  # half an address of IPv6: no repository that anybody watches
            return text
        try:
            port = f":{parts.port}" if parts.port and parts.port not in {22, 80, 443} else ""
        except ValueError:
            port = ""
        if parts.scheme == "file" or not parts.hostname:
            return parts.path
        return f"{parts.hostname.lower()}{port if parts.scheme.startswith('http') else ''}{parts.path}"
    head, colon, path = text.partition(":")
    if colon and "/" not in head:  # git@host:owner/name
        return f"{head.rpartition('@')[2].lower()}/{path.lstrip('/')}"
    return text


def _hub_signature(header: str) -> Callable[[Headers, bytes, str, datetime], bool]:
    def genuine(headers: Headers, content: bytes, secret: str, _now: datetime) -> bool:
        expected = "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
        return _same(expected, headers.get(header, ""))

    return genuine


def _gitlab(headers: Headers, content: bytes, secret: str, now: datetime) -> bool:
    """Judge a signed post by its signature alone, one without by the token that GitLab sends in clear."""
    if headers.get("webhook-signature") is None:
        return _same(secret, headers.get("x-gitlab-token", ""))
    given, stamp = headers["webhook-signature"].split(" "), headers.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or abs(now.timestamp() - int(stamp[:12])) > _TOLERANCE_SECONDS:
        return False
    expected = signature(secret, headers.get("webhook-id", ""), stamp, content)
    verdicts = [_same(expected, one) for one in given]
    return any(verdicts)


def signature(secret: str, identifier: str, stamp: str, content: bytes) -> str:
    """Sign as the Standard Webhooks have it; the secret is `whsec_` with base64, or any text."""
    signed = f"{identifier}.{stamp}.".encode() + content
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (ValueError, binascii.Error):
            return secret.encode()
    return secret.encode()


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


HOSTS: Mapping[str, Host] = {
    "github": Host(
        is_genuine=_hub_signature("x-hub-signature-256"),
        event="x-github-event",
        pushes=("push",),
        delivery="x-github-delivery",
    ),
    "gitlab": Host(
        is_genuine=_gitlab,
        event="x-gitlab-event",
        pushes=("Push Hook", "Tag Push Hook", "System Hook"),
        delivery="x-gitlab-event-uuid",
    ),
    "bitbucket": Host(
        is_genuine=_hub_signature("x-hub-signature"),
        event="x-event-key",
        pushes=("repo:push", "repo:refs_changed"),
        delivery="x-request-uuid",
    ),
}


def _addresses(document: Mapping[str, Any]) -> Iterator[str]:
    """Find every address of the repository, wherever this host puts it."""
    for place in ("repository", "project"):
        found = document.get(place)
        if isinstance(found, Mapping):
            yield from _strings(found, _ADDRESSES)
            links = found.get("links")
            if isinstance(links, Mapping):
                yield from _links(links)


_ADDRESSES = (
    *("clone_url", "ssh_url", "git_url", "html_url", "svn_url", "url"),
    *("git_http_url", "git_ssh_url", "http_url", "web_url", "homepage"),
)


def _strings(found: Mapping[str, Any], keys: Sequence[str]) -> Iterator[str]:
    yield from (found[key] for key in keys if isinstance(found.get(key), str) and found[key])


def _links(links: Mapping[str, Any]) -> Iterator[str]:
    """Bitbucket: `links.html.href` of its cloud, `links.clone[].href` of its server."""
    for value in links.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                yield from _strings(one, ("href",))


def _refs(document: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(document.get("ref"), str):
        yield document["ref"]
    push = document.get("push")
    changes = push.get("changes") if isinstance(push, Mapping) else document.get("changes")
    for change in changes if isinstance(changes, list) else []:
        for side in ("new", "old", "ref"):
            found = change.get(side) if isinstance(change, Mapping) else None
            if isinstance(found, Mapping) and isinstance(found.get("name") or found.get("displayId"), str):
                yield str(found.get("name") or found.get("displayId"))
                break
