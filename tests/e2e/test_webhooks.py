"""Webhooks on the real port, relayed under a name of somebody else's, as tunnels and proxies do."""

import hashlib
import hmac
import http.client
import json
import subprocess
from urllib.parse import urlsplit

import pytest

from trainshed.testing import server, wait_until

CONFIG = "steps:\n- name: bash\n  args: ['-c', 'echo $_A']\n"
FOREIGN = {"Host": "hooks.example.com", "Origin": "https://hooks.example.com", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def trainshed(tmp_path_factory):
    home = tmp_path_factory.mktemp("webhooks") / "home"
    secrets = home / "secrets"
    secrets.mkdir(parents=True)
    for name in ("hook", "webhook-github", "webhook-gitlab"):
        (secrets / name).write_text(f"{name} sesame")
        (secrets / name).chmod(0o600)
    with server(home, TRAINSHED_GIT_POLL_SECONDS="3600") as running:
        yield running


def post(trainshed, path, content, **headers):
    connection = http.client.HTTPConnection(urlsplit(trainshed.address).netloc, timeout=60)
    try:
        connection.request("POST", path, content, FOREIGN | headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def signed(host, content):
    if host == "gitlab":
        return {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": "webhook-gitlab sesame"}
    digest = hmac.new(b"webhook-github sesame", content, hashlib.sha256).hexdigest()
    return {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={digest}"}


def git(folder, *words):
    words = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_a_generic_webhook_builds_once_for_each_delivery_and_for_the_secret_alone(trainshed, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(CONFIG)
    create = ("builds", "triggers", "create", "posted", "--webhook-secret", "hook", "--inline-config", str(config))
    assert trainshed.run(*create, "--substitutions", "_A=$(body.x)").returncode == 0
    path = "/v1/projects/local-project/triggers/posted:webhook?key=k&secret="

    forged = post(trainshed, path + "guess", b'{"x": "forged"}')
    taken = [
        post(trainshed, path + "hook%20sesame", b'{"x": "1"}', **{"Idempotency-Key": key}) for key in ("a", "a", "b")
    ]

    assert (forged[0], taken) == (401, [(200, {})] * 3)
    assert [b["substitutions"]["_A"] for b in trainshed.json("builds", "list")] == ["1", "1"]
    assert post(trainshed, "/v1/projects/local-project/builds", b"{}")[0] == 403  # everything else is ours alone


def test_n18_a_push_builds_at_once_by_its_webhook_and_not_again_by_another_host_of_the_same(trainshed, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "cloudbuild.yaml").write_text(CONFIG)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    create = ("builds", "triggers", "create", "pushed", "--repo", str(folder), "--branch-pattern", "^main$")
    assert trainshed.run(*create).returncode == 0
    git(folder, "commit", "-q", "--allow-empty", "-m", "two")
    sha = git(folder, "rev-parse", "HEAD")

    content = json.dumps({"ref": "refs/heads/main", "repository": {"clone_url": folder.as_uri(), "url": "x"}}).encode()
    answers = [
        post(trainshed, f"/trainshed/v1/webhooks/{host}", content, **signed(host, content))
        for host in ("github", "gitlab")
    ]
    forged = post(trainshed, "/trainshed/v1/webhooks/github", content + b" ", **signed("github", content))
    unknown = post(trainshed, "/trainshed/v1/webhooks/bitbucket", content)

    def built():
        found = trainshed.json("builds", "list", "--filter", f'substitutions.COMMIT_SHA="{sha}"')
        return found if found and found[0]["status"] == "SUCCESS" else None

    (build,) = wait_until(built, what="the build of the pushed commit")
    trigger = "projects/local-project/locations/us-central1/triggers/pushed"
    assert [status for status, _ in answers] == [202, 202]
    assert answers[0][1] == {"event": "push", "triggers": [trigger]}
    assert (forged[0], unknown[0]) == (401, 404)
    assert "sesame" not in json.dumps([forged, unknown, build])
