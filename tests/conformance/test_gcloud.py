"""The real gcloud and gsutil, unmodified, against a real server. Skips, saying so, where they are not installed."""

import re
import shlex
import shutil
import subprocess

import pytest

from trainshed.testing import server

BODY = '{"num_epochs": "3", "learning_rate": "1e-2"}'
# What the reference's notebook shows, in our project; the time is the only thing that differs from call to call.
CREATED = """\
name: projects/local-project/locations/us-central1/jobs/{name}
pubsubTarget:
  data: eyJudW1fZXBvY2hzIjogIjMiLCAibGVhcm5pbmdfcmF0ZSI6ICIxZS0yIn0=
  topicName: projects/local-project/topics/trigger-penguins
retryConfig:
  maxBackoffDuration: 3600s
  maxDoublings: 16
  maxRetryDuration: 0s
  minBackoffDuration: 5s
schedule: '*/3 * * * *'
state: ENABLED
timeZone: Etc/UTC
userUpdateTime: 'TIME'
"""
JOB = ("--schedule", "*/3 * * * *", "--topic", "trigger-penguins", "--message-body", BODY)

needs_gcloud = pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine")
needs_gsutil = pytest.mark.skipif(shutil.which("gsutil") is None, reason="gsutil is not on this machine")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("tools") / "home") as made:
        assert made.run("pubsub", "topics", "create", "trigger-penguins").returncode == 0
        lines = made.run("exec", "--print").stdout.splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        made.variables = made.environment | {name: shlex.split(value)[0] for name, _, value in pairs}
        yield made


def tool(running, *words, **options):
    return subprocess.run(
        words, env=running.variables, capture_output=True, text=True, timeout=100, check=False, **options
    )


def without_time(text):
    return re.sub(r"userUpdateTime: '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ'", "userUpdateTime: 'TIME'", text)


def test_s51_a_created_job_is_printed_as_in_the_reference(running):
    done = running.run("scheduler", "jobs", "create", "pubsub", "ours", *JOB)

    assert without_time(done.stdout) == CREATED.format(name="ours"), done.stderr


@needs_gcloud
def test_s47_s51_gcloud_creates_a_job_and_prints_the_same_document(running):
    flags = ("--location", "us-central1", "--max-doublings", "16")  # gcloud's own default has been both 16 and 5

    done = tool(running, "gcloud", "scheduler", "jobs", "create", "pubsub", "theirs", *JOB, *flags)

    assert done.returncode == 0, done.stderr
    assert without_time(done.stdout) == CREATED.format(name="theirs")
    assert "theirs" in running.run("scheduler", "jobs", "list").stdout


@needs_gcloud
def test_s36_gcloud_creates_a_topic(running):
    done = tool(running, "gcloud", "pubsub", "topics", "create", "trigger-by-gcloud")

    assert "Created topic [projects/local-project/topics/trigger-by-gcloud]." in done.stdout + done.stderr
    assert running.run("pubsub", "topics", "describe", "trigger-by-gcloud").returncode == 0


@needs_gcloud
def test_s01_s02_gcloud_submits_a_build_without_source(running, tmp_path):
    config = tmp_path / "build.yaml"
    config.write_text('steps:\n- name: ubuntu\n  args: [bash, -c, "ls -A | wc -l; echo is $_A"]\n')
    flags = ("--substitutions", "_A=here", "--timeout=60m", "--machine-type=e2-highcpu-8")

    done = tool(running, "gcloud", "builds", "submit", "--no-source", "--config", str(config), *flags)

    assert done.returncode == 0, done.stderr
    heading, row = done.stdout.splitlines()[-2:]
    assert heading.split() == ["ID", "CREATE_TIME", "DURATION", "SOURCE", "IMAGES", "STATUS"]
    build = row.split()[0]
    assert row.split()[-1] == "SUCCESS"
    log = running.run("builds", "log", build).stdout
    assert "Step #0: 0\n" in log
    assert "Step #0: is here\n" in log


@needs_gcloud
@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("_A='https://host/a:b',_B=gs://x/y\n", {"_A": "'https://host/a:b'", "_B": "gs://x/y\n"}),
        ('^;^_A=a,b;_B="q"', {"_A": "a,b", "_B": '"q"'}),
        ("_A=x=y,_B=", {"_A": "x=y", "_B": ""}),
    ],
)
def test_s05_gcloud_and_ours_read_the_same_substitutions(running, tmp_path, given, read):
    config = tmp_path / "build.yaml"
    config.write_text("steps:\n- name: bash\n  args: ['-c', 'true', '$_A', '$_B']\n")
    submit = ("builds", "submit", "--no-source", "--async", "--config", str(config), "--substitutions", given)

    theirs = tool(running, "gcloud", *submit)
    first = running.json("builds", "list", "--limit", "1")[0]
    ours = running.run(*submit)
    second = running.json("builds", "list", "--limit", "1")[0]

    assert (theirs.returncode, ours.returncode) == (0, 0), theirs.stderr + ours.stderr
    assert first["id"] != second["id"]
    assert first["substitutions"] == second["substitutions"] == read


@pytest.mark.slow
@needs_gsutil
def test_s20_gsutil_lists_sizes_and_copies_between_buckets(running, tmp_path):
    (tmp_path / "penguins.csv").write_bytes(b"x" * 12639)
    script = (
        "gsutil mb gs://theirs-a && gsutil mb gs://theirs-b && gsutil cp penguins.csv gs://theirs-a/data/ && "
        "gsutil cp gs://theirs-a/data/penguins.csv gs://theirs-b/ && gsutil ls -lh gs://theirs-b/"
    )

    done = tool(running, "bash", "-c", script, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    listed = done.stdout.splitlines()
    assert re.fullmatch(r" *12\.34 KiB  20\S+Z  gs://theirs-b/penguins\.csv", listed[0])
    assert listed[1] == "TOTAL: 1 objects, 12639 bytes (12.34 KiB)"
