"""Functions as a user has them: the real command line, a real server, Google's clients inside the function."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures" / "functions"
REGION = "projects/local-project/locations/us-central1"

PIPELINE = """
from kfp import compiler, dsl

@dsl.component
def train(num_epochs: int, learning_rate: float) -> str:
    assert isinstance(num_epochs, int) and isinstance(learning_rate, float)
    return f"{num_epochs} {learning_rate}"

@dsl.pipeline(name="small")
def small(num_epochs: int = 1, learning_rate: float = 0.1):
    train(num_epochs=num_epochs, learning_rate=learning_rate)

compiler.Compiler().compile(small, "small.json")
"""

CLIENT = """
import io, json, sys, urllib.request, zipfile
from google.api_core import exceptions
from google.cloud import functions_v1

client = functions_v1.CloudFunctionsServiceClient(transport=sys.argv[1])
region = "projects/local-project/locations/us-central1"
name = f"{region}/functions/by-client-{sys.argv[1].replace('_', '-')}"
url = client.generate_upload_url(request={"parent": region}).upload_url
buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    archive.writestr("main.py", "def handle(event, context):\\n    return 'x'\\n")
put = urllib.request.Request(url, data=buffer.getvalue(), method="PUT", headers={"Content-Type": "application/zip"})
urllib.request.urlopen(put).read()
trigger = {"event_type": "google.pubsub.topic.publish", "resource": "projects/local-project/topics/by-client"}
wanted = {"name": name, "entry_point": "handle", "runtime": "python311", "source_upload_url": url,
          "event_trigger": trigger, "environment_variables": {"A": "1"}}
made = client.create_function(location=region, function=wanted).result(timeout=120)
seen = {"status": made.status.name, "version": made.version_id}
changed = {"name": name, "environment_variables": {"B": "2"}}
updated = client.update_function(
    request={"function": changed, "update_mask": {"paths": ["environment_variables"]}}).result(timeout=120)
seen["variables"] = dict(updated.environment_variables)
seen["listed"] = name in [f.name for f in client.list_functions(request={"parent": region})]
seen["result"] = client.call_function(name=name, data='{"data": "eA=="}').result
client.delete_function(name=name).result(timeout=60)
try:
    client.get_function(name=name)
except exceptions.NotFound:
    seen["gone"] = True
print(json.dumps(seen))
"""


def wait_until(find, seconds=90.0):
    deadline, tick = time.monotonic() + seconds, threading.Event()
    while not (found := find()):
        assert time.monotonic() < deadline, "it did not happen in time"
        tick.wait(0.2)
    return found


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_google_s_own_client_creates_updates_calls_and_deletes(trainshed, tmp_path, transport):
    script = tmp_path / "client.py"
    script.write_text(CLIENT)

    done = trainshed.run("exec", "--", sys.executable, str(script), transport)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "status": "ACTIVE", "version": 1, "variables": {"B": "2"}, "listed": True, "result": "OK", "gone": True,
    }  # fmt: skip


def test_s37_the_seed_s_flags_deploy_and_code_that_fails_is_the_user_s_failure(trainshed, tmp_path):
    (tmp_path / "main.py").write_text("import os\nos.environ['NOWHERE']\ndef handle(event, context): ...\n")
    flags = (
        "--trigger-topic",
        "trigger-f",
        "--source",
        str(tmp_path),
        "--runtime=python37",
        "--stage-bucket",
        "gs://b",
    )

    missing = trainshed.run("functions", "deploy", "f", *flags, "--entry-point", "nope")
    failing = trainshed.run("functions", "deploy", "f", *flags, "--entry-point", "handle")
    set_now = ("--update-env-vars", "NOWHERE=here")
    working = trainshed.run("functions", "deploy", "f", *flags, "--entry-point", "handle", *set_now)

    assert (missing.returncode, failing.returncode, working.returncode) == (2, 1, 0), working.stderr
    assert "no function 'nope'" in missing.stderr
    assert "KeyError: 'NOWHERE'" in failing.stderr
    assert "python37 is retired" in failing.stderr
    assert "status: ACTIVE" in working.stdout


def test_s43_message_starts_one_run_with_its_parameters_typed(trainshed, tmp_path):
    (tmp_path / "compile.py").write_text(PIPELINE)
    subprocess.run([sys.executable, "compile.py"], cwd=tmp_path, check=True, capture_output=True)
    assert trainshed.run("storage", "buckets", "create", "gs://pipes").returncode == 0
    variables = "PROJECT=local-project,REGION=us-central1,GCS_PIPELINE_FILE_LOCATION=gs://pipes/small.json"
    deployed = trainshed.run(
        "functions", "deploy", "seedlike", "--region=us-central1", "--trigger-topic", "trigger-small",
        "--runtime=python37", "--source", str(FIXTURES / "seedlike"), "--entry-point", "trigger_pipeline",
        "--stage-bucket", "gs://pipes", "--update-env-vars", variables,
    )  # fmt: skip
    assert deployed.returncode == 0, deployed.stderr
    data = (
        "eyJudW1fZXBvY2hzIjogIjMiLCAibGVhcm5pbmdfcmF0ZSI6ICIxZS0yIn0="  # {"num_epochs": "3", "learning_rate": "1e-2"}
    )

    before = trainshed.run("functions", "call", "seedlike", "--data", json.dumps({"data": data}))
    assert before.returncode == 1, "S41: the compiled pipeline is not there yet"
    assert "no compiled pipeline" in before.stdout
    assert trainshed.run("storage", "cp", str(tmp_path / "small.json"), "gs://pipes/small.json").returncode == 0

    message = '{"num_epochs": "3", "learning_rate": "1e-2"}'
    published = trainshed.run("pubsub", "topics", "publish", "trigger-small", f"--message={message}")
    assert published.returncode == 0, published.stderr

    def settled():
        found = trainshed.json("receipts", "list", "--trigger", "seedlike")
        return [r for r in found if r["kind"] == "message" and r["state"] != "PENDING"]

    (receipt,) = wait_until(settled)
    assert receipt["state"] == "STARTED", receipt["reason"]
    assert "/pipelineJobs/" in receipt["link"]
    (delivery,) = trainshed.json("receipts", "describe", receipt["receipt"])["deliveries"]
    assert (delivery["outcome"], delivery["link"]) == ("started", receipt["link"])
    job = trainshed.json("pipelines", "describe", receipt["link"].rsplit("/", 1)[-1])["job"]
    assert job["runtimeConfig"]["parameterValues"] == {"num_epochs": 3, "learning_rate": 0.01}

    assert trainshed.run("receipts", "replay", receipt["receipt"]).returncode == 0

    def redelivered():
        found = trainshed.json("receipts", "describe", receipt["receipt"])["deliveries"]
        return found if len(found) > 1 else None

    _, again = wait_until(redelivered)
    assert (again["outcome"], again["link"]) == ("joined", receipt["link"]), "D4: one event, one run"
    assert len(trainshed.json("pipelines", "list")) == 1
