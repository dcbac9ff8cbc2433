"""Vertex AI's SDK packages a script and trains with it: the environment of the executor image is built for it."""

import json
import subprocess
import sys
from pathlib import Path

from trainshed.testing import server

SCRIPT = Path(__file__).parents[1] / "conformance" / "vertex_client.py"


def test_a_local_script_is_packaged_and_trained_with(make_home, tmp_path):
    with server(make_home()) as running:
        bound = running.run("images", "bind", "us-docker.pkg.dev/vertex-ai/training/*", "--packages", "pyyaml")
        assert bound.returncode == 0, bound.stderr
        assert running.run("storage", "buckets", "create", "gs://local-project-staging").returncode == 0
        done = subprocess.run(
            [sys.executable, "-m", "trainshed", "exec", "--", sys.executable, SCRIPT, tmp_path, "unused", "scripts"],
            env={**running.environment, "TRAINSHED_ADDRESS": running.address},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        name, *states = json.loads(done.stdout.strip().splitlines()[-1])["scripts"]
        log = running.run("pipelines", "logs", f"custom-job-{name.rsplit('/', 1)[-1]}").stdout

    assert states == ["JOB_STATE_SUCCEEDED", "PIPELINE_STATE_SUCCEEDED"]
    assert "script ['--epochs', '3'] c" in log
