"""gcloud's commands for Cloud Build and Cloud Scheduler, unmodified. Skips, saying so, where gcloud is not installed."""

import json
import shlex
import shutil
import subprocess
import threading

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


def test_s19_gcloud_streams_the_log_while_the_build_runs_and_fails_with_it(running, tmp_path):
    go = tmp_path / "go"
    script = f"echo waiting; for i in $(seq 600); do [ -e {go} ] && exit 3; sleep 0.1; done"
    config = tmp_path / "build.json"
    config.write_text(json.dumps({"steps": [{"name": "bash", "id": "wait", "script": script}], "timeout": "90s"}))
    words = ["gcloud", "builds", "submit", "--no-source", "--config", str(config), "--region", "us-central1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process, said = subprocess.Popen(words, env=running.variables, **pipes), []
    reader = threading.Thread(target=lambda: said.extend(process.stdout))
    reader.start()

    wait_until(lambda: 'Step #0 - "wait": waiting\n' in said, what="the line in the stream", story=lambda: said)
    assert process.poll() is None
    go.touch()
    process.wait(60)
    reader.join(60)
    process.stdout.close()

    assert process.returncode == 1
    assert 'BUILD FAILURE: build step 0 "bash" failed: step exited with non-zero status: 3\n' in said
    assert said[-1].endswith('completed with status "FAILURE"\n')
