"""Webhooks and polling together: every pushed commit builds once, whatever becomes of the webhooks."""

import asyncio
import hashlib
import hmac
import json
import random
import subprocess

import pytest
from receipts import receipts_in

from trainshed import testing
from trainshed.builds import Hooks, Watcher
from trainshed.builds.testing import Workbench
from trainshed.errors import NotFound, Unauthenticated

CONFIG = "steps:\n- name: bash\n  args: ['-c', 'true']\n"


@pytest.fixture
def bench(tmp_path):
    with testing.database(tmp_path) as db:
        made = Workbench(tmp_path, db)
        made.db = db
        secrets = tmp_path / "secrets"
        secrets.mkdir()
        (secrets / "webhook-github").write_text("sesame")
        (secrets / "webhook-github").chmod(0o600)
        made.watcher = Watcher(made.pushes, made.clock, interval_seconds=3600)
        made.hooks = Hooks(made.pushes, made.watcher, made.clock, secrets)
        yield made


class Repository:
    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")
        (path / "cloudbuild.yaml").write_text(CONFIG)
        self.git("add", "-A")
        self.push("first")

    def git(self, *words):
        words = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(words, cwd=self.path, capture_output=True, text=True, check=True).stdout.strip()

    def push(self, message):
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(bench, tmp_path):
    made = Repository(tmp_path / "project")
    template = {"repoName": str(made.path), "branchName": "^main$"}
    bench.triggers.create({"name": "on-push", "triggerTemplate": template}, project="p", region="r")
    asyncio.run(bench.watcher.run_once())  # the round that is due at the start
    return made


def a_webhook(repository, sha, *, secret="sesame", event="push"):
    document = {"ref": "refs/heads/main", "after": sha, "repository": {"clone_url": f"file://{repository.path}"}}
    content = json.dumps(document).encode()
    signature = "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return {"x-github-event": event, "x-hub-signature-256": signature}, content


def receive(bench, headers, content, host="github"):
    async def both():
        taken = await bench.hooks.receive(host, headers, content)
        await bench.watcher.run_once()
        return taken

    return asyncio.run(both())


def started(bench):
    found = bench.db.read(receipts_in)
    return [r.data["sha"] for r in found if r.state == "STARTED"]


def test_a_genuine_push_builds_its_commit_without_waiting_for_the_next_look(bench, repository):
    sha = repository.push("second")

    taken = receive(bench, *a_webhook(repository, sha))

    assert taken.triggers == ("projects/p/locations/r/triggers/on-push",)
    (build,) = bench.service.list(project="p")[0]
    assert build.substitutions["COMMIT_SHA"] == sha


def test_n18_no_commit_is_missed_or_built_twice_with_30_percent_of_webhooks_dropped_and_others_doubled(
    bench, repository
):
    dice = random.Random(18)
    pushed = []
    for number in range(12):
        pushed.append(repository.push(f"commit {number}"))
        fate = dice.random()
        for _ in range(0 if fate < 0.3 else 2 if fate < 0.6 else 1):
            receive(bench, *a_webhook(repository, pushed[-1]))
    bench.pushes.poll(bench.pushes.watched()[0])

    known = {r.data["sha"] for r in bench.db.read(receipts_in)}
    assert set(pushed) <= known
    assert len(started(bench)) == len(set(started(bench))) == len(bench.service.list(project="p")[0])
    assert pushed[-1] in started(bench)


def test_f18_a_forged_signature_starts_nothing(bench, repository):
    sha = repository.push("second")

    with pytest.raises(Unauthenticated, match="not made with a secret"):
        receive(bench, *a_webhook(repository, sha, secret="guess"))

    asyncio.run(bench.watcher.run_once())
    assert started(bench) == []


def test_what_a_genuine_webhook_claims_is_not_believed_but_looked_up(bench, repository):
    receive(bench, *a_webhook(repository, "f" * 40))

    assert started(bench) == []


def test_a_ping_and_a_push_of_another_repository_start_nothing(bench, repository):
    headers, content = a_webhook(repository, "0" * 40, event="ping")
    assert receive(bench, headers, content).event == "other"
    content = content.replace(b"project", b"another")
    headers = {**headers, "x-github-event": "push"}
    headers["x-hub-signature-256"] = "sha256=" + hmac.new(b"sesame", content, hashlib.sha256).hexdigest()

    assert receive(bench, headers, content).triggers == ()


def test_a_host_without_a_secret_takes_nothing_and_does_not_say_where_it_would_lie(bench, repository):
    headers, content = a_webhook(repository, "0" * 40)

    with pytest.raises(NotFound, match="not set up") as caught:
        receive(bench, headers, content, host="gitlab")

    assert "secrets" not in caught.value.message


def test_each_file_of_a_folder_is_a_secret_that_may_sign(bench, repository, tmp_path):
    folder = tmp_path / "secrets" / "webhook-bitbucket"
    folder.mkdir()
    for name in ("old", "new"):
        (folder / name).write_text(f"the {name} one")
        (folder / name).chmod(0o600)
    content = json.dumps({"repository": {"links": {"html": {"href": f"file://{repository.path}"}}}}).encode()

    for secret in ("the old one", "the new one"):
        signature = "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
        taken = receive(bench, {"x-event-key": "repo:push", "x-hub-signature": signature}, content, host="bitbucket")
        assert len(taken.triggers) == 1
