"""The real gcloud deploys, calls, reads and deletes functions of both generations. Skips where it is not installed."""

import json
import shlex
import shutil
import subprocess

import pytest

from trainshed.testing import server, wait_until

pytestmark = [
    pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine"),
    pytest.mark.slow,
]

MAIN = """
import base64, os

def trigger_pipeline(event, context):
    print("told", base64.b64decode(event["data"]).decode(), "for", os.environ["PROJECT"])
    return "done"

def hello(request):
    return "hello " + request.args.get("name", "nobody")
"""
# The reference's flags, as its notebook has them.
FLAGS = (
    "--region=us-central1", "--trigger-topic=trigger-penguins", "--runtime=python37", "--entry-point=trigger_pipeline",
    "--stage-bucket=gs://stage", "--update-env-vars=PROJECT=local-project,REGION=us-central1",
)  # fmt: skip
HERE = ("--region", "us-central1")


@pytest.fixture(scope="module")
def running(make_home, tmp_path_factory):
    with server(make_home()) as made:
        lines = made.run("exec", "--print").stdout.splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        made.variables = made.environment | {name: shlex.split(value)[0] for name, _, value in pairs}
        made.source = tmp_path_factory.mktemp("source")
        (made.source / "main.py").write_text(MAIN)
        (made.source / "requirements.txt").write_text("")
        assert made.run("storage", "buckets", "create", "gs://stage").returncode == 0
        yield made


def begin(running, *words):
    command = ("gcloud", "functions", *words)
    return subprocess.Popen(
        command, env=running.variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=running.source
    )


def end(process):
    out, told = process.communicate(timeout=200)
    assert process.returncode == 0, told
    return out, told


def gcloud(running, *words):
    return end(begin(running, *words))[0]


def test_s37_the_reference_s_command_deploys_runs_and_is_read_in_both_generations(running):
    """Two commands at a time: gcloud itself is most of the cost."""
    first = begin(running, "deploy", "first", "--no-gen2", "--source=.", *FLAGS, "--format=json")
    second = begin(running, "deploy", "second", "--source=.", *FLAGS, "--retry", "--format=json")
    (made, told), (made_second, told_second) = end(first), end(second)
    made, made_second = json.loads(made), json.loads(made_second)

    assert (made["status"], made["versionId"], made["runtime"]) == ("ACTIVE", "1", "python37")
    assert made["eventTrigger"]["resource"] == "projects/local-project/topics/trigger-penguins"
    assert made["sourceArchiveUrl"].startswith("gs://stage/")
    assert made["labels"] == {"deployment-tool": "cli-gcloud"}
    assert (made_second["state"], made_second["environment"]) == ("ACTIVE", "GEN_2")
    assert made_second["serviceConfig"]["environmentVariables"] == {"PROJECT": "local-project", "REGION": "us-central1"}
    assert made_second["eventTrigger"]["retryPolicy"] == "RETRY_POLICY_RETRY"
    assert "python37 is retired" in told
    assert "python37 is retired" in told_second
    assert "takes (event, context), which is the first generation's form" in told_second

    assert running.run("pubsub", "topics", "publish", "trigger-penguins", "--message=news").returncode == 0
    for name in ("first", "second"):
        wait_until(lambda name=name: "told news" in running.run("functions", "logs", "read", name).stdout)

    reading = [begin(running, "logs", "read", name, *HERE) for name in ("first", "second")]
    for name, (read, _) in zip(("first", "second"), map(end, reading), strict=True):
        row = next(line for line in read.splitlines() if "told news" in line)
        assert row.split()[:2] == ["I", name]
        assert row.endswith("told news for local-project")

    changing = begin(running, "deploy", "first", *HERE, "--update-env-vars=MORE=1", "--timeout=30", "--format=json")
    listing = begin(running, "list", "--format=value(name.basename(),generation())")
    (changed, _), (listed, _) = end(changing), end(listing)
    changed = json.loads(changed)
    assert changed["environmentVariables"] == {"PROJECT": "local-project", "REGION": "us-central1", "MORE": "1"}
    assert (changed["timeout"], changed["versionId"]) == ("30s", "2")
    assert dict(line.split("\t") for line in listed.splitlines()) == {"first": "1st gen", "second": "2nd gen"}

    calling = begin(running, "call", "first", *HERE, '--data={"data": "eA=="}')
    deleting = begin(running, "delete", "second", *HERE, "--quiet")
    (called, _), (_, deleted) = end(calling), end(deleting)
    assert "result: OK" in called
    assert "Deleted [projects/local-project/locations/us-central1/functions/second]." in deleted


def test_a_function_of_the_second_generation_answers_and_a_bad_one_says_why(running):
    web = ("--trigger-http", "--runtime=python311", "--source=.", *HERE)
    good = begin(running, "deploy", "web", *web, "--entry-point=hello", "--allow-unauthenticated", "--memory=512Mi")
    bad = begin(running, "deploy", "bad", *web, "--entry-point=nope", "--no-allow-unauthenticated")
    end(good)
    _, told = bad.communicate(timeout=100)

    assert bad.returncode == 1
    assert "main.py has no function 'nope'; it defines trigger_pipeline, hello" in told
    assert "hello nobody" in gcloud(running, "call", "web", *HERE, "--data={}")
