"""Push events of git hosts: genuine or not, and what they name."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from trainshed.builds.triggers import webhooks
from trainshed.errors import InvalidArgument

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
BODY = b'{"ref": "refs/heads/main"}'
KEY = base64.b64encode(b"k" * 32).decode()


def hub(secret, body=BODY):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def standard(key, body=BODY, stamp=STAMP):
    signed = f"id-1.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def gitlab(signature, stamp=STAMP):
    return {"webhook-id": "id-1", "webhook-timestamp": stamp, "webhook-signature": signature}


@pytest.mark.parametrize(
    ("host", "headers", "secrets", "genuine"),
    [
        ("github", {"x-hub-signature-256": hub("s")}, ["s"], True),
        ("github", {"x-hub-signature-256": hub("s")}, ["old", "s"], True),
        ("github", {"x-hub-signature-256": hub("s")}, ["other"], False),
        ("github", {"x-hub-signature-256": hub("s", b"changed")}, ["s"], False),
        ("github", {"x-hub-signature-256": hub("s").removeprefix("sha256=")}, ["s"], False),
        ("github", {"x-hub-signature": hub("s")}, ["s"], False),
        ("github", {}, ["s"], False),
        ("github", {"x-hub-signature-256": hub("")}, [""], False),
        ("github", {"x-hub-signature-256": hub("s")}, [], False),
        ("github", {"x-hub-signature-256": "sha256=\udcff"}, ["s"], False),
        ("bitbucket", {"x-hub-signature": hub("s")}, ["s"], True),
        ("bitbucket", {"x-hub-signature": hub("t")}, ["s"], False),
        ("bitbucket", {}, ["s"], False),
        ("gitlab", {"x-gitlab-token": "s"}, ["s"], True),
        ("gitlab", {"x-gitlab-token": "S"}, ["s"], False),
        ("gitlab", {}, ["s"], False),
        ("gitlab", {"x-gitlab-token": ""}, [""], False),
        ("gitlab", gitlab(standard(b"k" * 32)), ["whsec_" + KEY], True),
        ("gitlab", gitlab("v1,bad " + standard(b"k" * 32)), ["whsec_" + KEY], True),
        ("gitlab", gitlab(standard(b"plain")), ["plain"], True),
        ("gitlab", gitlab(standard(b"k" * 32, b"changed")), ["whsec_" + KEY], False),
        ("gitlab", {**gitlab("v1,bad"), "x-gitlab-token": "s"}, ["s"], False),
        ("gitlab", gitlab(standard(b"plain", stamp=str(int(STAMP) - 301)), str(int(STAMP) - 301)), ["plain"], False),
        ("gitlab", gitlab(standard(b"plain", stamp="soon"), "soon"), ["plain"], False),
        ("gitlab", gitlab(standard(b"plain", stamp="²"), "²"), ["plain"], False),
    ],
)
def test_only_what_a_secret_signed_is_genuine(host, headers, secrets, genuine):
    assert webhooks.is_genuine(host, headers, BODY, secrets, now=NOW) is genuine


GITHUB = {
    "ref": "refs/heads/main",
    "repository": {
        "full_name": "Org/Repo",
        "clone_url": "https://github.com/Org/Repo.git",
        "ssh_url": "git@github.com:Org/Repo.git",
        "html_url": "https://github.com/Org/Repo",
    },
}
GITLAB = {
    "ref": "refs/tags/v1",
    "project": {"git_http_url": "http://git.example/g/p.git", "git_ssh_url": "ssh://git@git.example:2222/g/p.git"},
}
CLOUD = {
    "repository": {"links": {"html": {"href": "https://bitbucket.org/team/repo"}}},
    "push": {"changes": [{"new": {"name": "main", "type": "branch"}}, {"new": None, "old": {"name": "gone"}}]},
}
SERVER = {
    "repository": {"links": {"clone": [{"href": "https://bb.example/scm/proj/repo.git", "name": "http"}]}},
    "changes": [{"ref": {"id": "refs/heads/main", "displayId": "main"}}],
}


@pytest.mark.parametrize(
    ("host", "event", "document", "repository", "refs"),
    [
        ("github", {"x-github-event": "push"}, GITHUB, "github.com/Org/Repo", ("refs/heads/main",)),
        ("gitlab", {"x-gitlab-event": "Tag Push Hook"}, GITLAB, "git.example/g/p", ("refs/tags/v1",)),
        ("bitbucket", {"x-event-key": "repo:push"}, CLOUD, "bitbucket.org/team/repo", ("main", "gone")),
        ("bitbucket", {"x-event-key": "repo:refs_changed"}, SERVER, "bb.example/scm/proj/repo", ("main",)),
    ],
)
def test_s09_each_hosts_push_names_its_repository_and_refs(host, event, document, repository, refs):
    push = webhooks.read(host, event, json.dumps(document).encode())

    assert push.repositories == (repository,)
    assert push.refs == refs


def test_another_event_than_a_push_is_none():
    assert webhooks.read("github", {"x-github-event": "ping"}, b"{}") is None
    assert webhooks.read("bitbucket", {}, b"not json") is None


@pytest.mark.parametrize(
    "content", [b"not json", b"[]", b"{}", b'{"repository": 7}', b'{"repository": {"url": 7}}', b"\xff"]
)
def test_a_push_without_a_repository_is_refused_in_a_sentence(content):
    with pytest.raises(InvalidArgument, match="^body"):
        webhooks.read("github", {"x-github-event": "push"}, content)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://github.com/o/r.git", "git@github.com:o/r.git"),
        ("https://user@GitHub.com/o/r/", "ssh://git@github.com/o/r"),
        ("https://host:443/o/r", "https://host/o/r.git"),
        ("file:///srv/r.git", "/srv/r"),
    ],
)
def test_the_addresses_of_one_repository_are_equal(one, other):
    assert webhooks.normalised(one) == webhooks.normalised(other)


def test_a_port_of_its_own_is_another_host():
    assert webhooks.normalised("http://127.0.0.1:3000/o/r.git") == "127.0.0.1:3000/o/r"


def test_half_an_address_is_no_repository_that_anybody_watches():
    assert webhooks.normalised("https://[x") == "https://[x"
