"""gcloud's commands for Cloud Build and Cloud Scheduler at length. Skips, saying so, where gcloud is not installed."""

import shlex
import shutil
import subprocess

import pytest

from trainshed.testing import server, wait_until

pytestmark = pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("gcloud") / "home") as made:
        lines = made.run("exec", "--print").stdout.splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        made.variables = made.environment | {name: shlex.split(value)[0] for name, _, value in pairs}
        yield made


def gcloud(running, *words):
    done = subprocess.run(
        ["gcloud", *words], env=running.variables, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_gcloud_makes_triggers_of_every_kind_and_approves_their_builds(running, tmp_path):
    config = tmp_path / "inline.yaml"
    config.write_text("steps:\n- name: bash\n  args: ['-c', 'echo $_A']\n")
    create = ("builds", "triggers", "create")
    inline = ("--inline-config", str(config))
    gcloud(running, *create, "manual", "--name", "guarded", *inline, "--substitutions", "_A=x", "--require-approval")
    topic = ("--topic", "projects/local-project/topics/told")
    gcloud(
        running, *create, "pubsub", "--name", "told", *topic, *inline, "--substitutions", "_A=$(body.message.data.x)"
    )
    secret = ("--secret", "projects/local-project/secrets/hook/versions/1")
    gcloud(running, *create, "webhook", "--name", "posted", *secret, *inline, "--substitutions", "_A=$(body.x)")
    repo = ("--repo-owner", "o", "--repo-name", "r", "--branch-pattern", "^main$", "--build-config", "c.yaml")
    gcloud(running, *create, "github", "--name", "pushed", *repo)
    assert gcloud(running, "builds", "triggers", "list", "--format", "value(name)").split() == [
        "guarded",
        "posted",
        "pushed",
        "told",
    ]

    gcloud(running, "builds", "triggers", "run", "guarded")
    (pending,) = running.json("builds", "list", "--filter", 'status="PENDING"')
    gcloud(running, "beta", "builds", "approve", pending["id"], "--comment", "fine")
    gcloud(running, "pubsub", "topics", "publish", "told", "--message", '{"x": "hello"}')
    wait_until(lambda: len(ended(running)) == 2, what="both builds")

    assert {b["substitutions"]["_A"] for b in ended(running)} == {"x", "hello"}
    assert gcloud(running, "builds", "list", "--ongoing", "--format", "value(id)") == ""
    exported = tmp_path / "t.yaml"
    gcloud(running, "beta", "builds", "triggers", "export", "guarded", "--destination", str(exported))
    exported.write_text(exported.read_text().replace("_A: x", "_A: imported"))
    gcloud(running, "builds", "triggers", "import", "--source", str(exported))
    assert (
        gcloud(running, "builds", "triggers", "describe", "guarded", "--format", "value(substitutions._A)")
        == "imported\n"
    )
    gcloud(running, "builds", "triggers", "delete", "pushed", "--quiet")


def ended(running):
    return running.json("builds", "list", "--filter", 'status="SUCCESS"')


def test_gcloud_changes_pauses_resumes_runs_and_deletes_jobs(running):
    place = ("--location", "us-central1")
    running.run("pubsub", "topics", "create", "trigger")
    uri = "https://us-central1-local-project.cloudfunctions.net/f"
    made = ("--schedule", "0 * * * *", "--uri", uri, "--oidc-service-account-email", "a@b.c", *place)
    assert f"audience: {uri}" in gcloud(running, "scheduler", "jobs", "create", "http", "web", *made)
    body = ("--topic", "trigger", "--message-body", "{}", "--schedule", "*/3 * * * *", *place)
    gcloud(running, "scheduler", "jobs", "create", "pubsub", "cron", *body)

    gcloud(running, "scheduler", "jobs", "update", "pubsub", "cron", "--time-zone", "Europe/Berlin", *place)
    gcloud(running, "scheduler", "jobs", "pause", "cron", *place)
    assert "state: PAUSED" in gcloud(running, "scheduler", "jobs", "describe", "cron", *place)
    gcloud(running, "scheduler", "jobs", "resume", "cron", *place)
    gcloud(running, "scheduler", "jobs", "run", "cron", *place)
    listed = gcloud(running, "scheduler", "jobs", "list", *place)
    gcloud(running, "scheduler", "jobs", "delete", "cron", "--quiet", *place)

    assert "cron  us-central1  */3 * * * * (Europe/Berlin)  Pub/Sub      ENABLED" in listed
    assert "STARTED" in [r["state"] for r in running.json("receipts", "list", "--trigger", "cron")]
