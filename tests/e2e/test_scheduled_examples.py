"""The hourly examples on a real server: compiled by their builds, applied, fired, run in their image.

The image is the penguin example's without TensorFlow, so that it can compile as well, and the model is fitted in it by
numpy in the same layout.
"""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from trainshed.client import Client
from trainshed.testing import server, wait_until

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PENGUINS = EXAMPLES / "penguins"
IMAGE, COMPILER = "gcr.io/local-project/penguin-training:1", "gcr.io/local-project/pipeline-compiler:1"
BUCKET, DATA = "gs://local-project-penguins", "gs://local-project-penguins-data"
EXAMPLE = {"batch_prediction": "penguin-embeddings", "model_monitoring": "penguin-monitoring"}
HEAVY = ("tensorflow", "keras")
WIDTH = 8

FIT = f"""\
import tempfile
import numpy as np
from utils import examples, scoring, serving

features, labels = examples.features_and_labels("penguins.csv")
kernel, bias = np.random.default_rng(1).normal(size=(4, {WIDTH})), np.ones({WIDTH})
hidden = np.hstack([np.maximum(np.asarray(features) @ kernel + bias, 0.0), np.ones((len(labels), 1))])
last = np.linalg.lstsq(hidden, 9.0 * np.eye(3)[labels], rcond=None)[0]
with tempfile.TemporaryDirectory() as folder:
    scoring.save(folder, [(kernel, bias), (last[:-1], last[-1])])
    pushed = serving.push(folder, "{BUCKET}/serving_model/penguin-training", {{}})
print("pushed", pushed["version"])
"""
FIT_CONFIG = f"steps: [{{name: '{IMAGE}', entrypoint: python, args: [fit.py], env: ['PYTHONPATH=/app']}}]\n"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def do(trainshed, *words):
    done = trainshed.run(*map(str, words))
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def trainshed(make_home, tmp_path_factory):
    """A server with the image, the compiler, data and a pushed model."""
    project = tmp_path_factory.mktemp("penguins")
    shutil.copytree(PENGUINS / "utils", project / "utils", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PENGUINS / "Dockerfile", project)
    lines = (PENGUINS / "requirements.txt").read_text().splitlines()
    (project / "requirements.txt").write_text("\n".join(line for line in lines if not line.startswith(HEAVY)))
    shutil.copy(PENGUINS / "data/penguins_processed.csv", project / "penguins.csv")
    (project / "fit.py").write_text(FIT)
    (project / "fit.yaml").write_text(FIT_CONFIG)
    with server(make_home()) as running:
        do(running, "images", "bind", COMPILER, "--requirements", project / "requirements.txt")
        do(running, "storage", "buckets", "create", BUCKET, DATA)
        do(running, "storage", "cp", project / "penguins.csv", f"{DATA}/penguins/")
        do(running, "builds", "submit", project, "--tag", IMAGE)
        do(running, "builds", "submit", project, "--config", project / "fit.yaml")
        for example, pipeline in EXAMPLE.items():
            do(running, "builds", "submit", EXAMPLES / example, "--config", EXAMPLES / example / "cloudbuild.yaml")
            do(running, "apply", "-f", EXAMPLES / example / "trainshed.yaml")
            assert f"{pipeline}.json" in do(running, "storage", "ls", f"{BUCKET}/pipeline_root/")
        yield running


def fire(trainshed, pipeline):
    """Force a firing; answer its receipt, the run trigger's, and the run that this started, ended."""
    before = {receipt["receipt"] for receipt in trainshed.json("receipts", "list")}
    do(trainshed, "scheduler", "jobs", "run", f"hourly-{pipeline}")

    def look():
        new = [r for r in trainshed.json("receipts", "list") if r["receipt"] not in before]
        message = next((r for r in new if r["trigger"].endswith(f"/{pipeline}") and r["link"]), None)
        return new if message and "endTime" in run_of(trainshed, message) else None

    wait_until(look, what=f"the end of the run of {pipeline}", story=lambda: do(trainshed, "receipts", "list"))
    settled = [r for r in trainshed.json("receipts", "list") if r["receipt"] not in before]
    (firing,) = (r for r in settled if r["kind"] == "firing")
    (message,) = (r for r in settled if r["kind"] == "message")
    return firing, message, run_of(trainshed, message)


def run_of(trainshed, receipt):
    """The run as Vertex writes it."""
    return Client(trainshed.address).call("GET", f"/v1/{receipt['link']}")


def id_of(run):
    return run["name"].rsplit("/", 1)[-1]


def test_s56_a_firing_writes_an_embedding_of_every_row_and_the_next_has_nothing_to_do(trainshed):
    firing, receipt, run = fire(trainshed, "penguin-embeddings")
    (name,) = do(trainshed, "storage", "ls", f"{BUCKET}/embeddings/").split()
    rows = list(csv.reader(io.StringIO(do(trainshed, "storage", "cat", name))))
    data = (PENGUINS / "data/penguins_processed.csv").read_text().splitlines()

    assert run["state"] == "PIPELINE_STATE_SUCCEEDED", run
    assert rows[0] == ["predicted", "certainty", *(f"embedding_{i}" for i in range(WIDTH))]
    assert len(rows) == len(data) == 334
    assert all(len(row) == 2 + WIDTH for row in rows)
    assert {row[0] for row in rows[1:]} == {"Adelie", "Chinstrap", "Gentoo"}
    assert (firing["state"], firing["reason"].split()[0]) == ("STARTED", "published")
    assert receipt["state"] == "STARTED"
    assert receipt["reason"] == f"started run {id_of(run)} because of the forced firing of hourly-penguin-embeddings"

    _, again, _ = fire(trainshed, "penguin-embeddings")

    assert (again["state"], again["reason"]) == ("SKIPPED", "nothing changed: 1 task reused")
    assert do(trainshed, "storage", "ls", f"{BUCKET}/embeddings/").split() == [name]


def test_s56_monitoring_measures_keeps_quiet_when_nothing_changed_and_fails_with_the_figures(trainshed, tmp_path):
    _, _, measured = fire(trainshed, "penguin-monitoring")
    _, again, _ = fire(trainshed, "penguin-monitoring")
    declared = yaml.safe_load((EXAMPLES / "model_monitoring/trainshed.yaml").read_text())
    declared["schedules"][0]["message"]["min_accuracy"] = "1.01"
    strict = tmp_path / "trainshed.yaml"
    strict.write_text(json.dumps(declared))
    do(trainshed, "apply", "-f", strict)
    _, refused, failed = fire(trainshed, "penguin-monitoring")

    assert measured["state"] == "PIPELINE_STATE_SUCCEEDED", measured
    assert measured["runtimeConfig"]["parameterValues"]["newest_rows"] == 50
    said = re.search(r"accuracy ([\d.]+) on the newest 50 rows", do(trainshed, "pipelines", "logs", id_of(measured)))
    assert said is not None
    assert float(said[1]) >= 0.9
    assert (again["state"], again["reason"]) == ("SKIPPED", "nothing changed: 1 task reused")
    assert failed["state"] == "PIPELINE_STATE_FAILED"
    sentence = failed["error"]["message"].splitlines()[0]
    assert sentence.startswith("Task 'monitor' failed: exited with code 1: ")
    assert "on the newest 50 rows, which is below 1.010: train again, or look at the data." in sentence
    assert (refused["state"], refused["link"]) == ("STARTED", failed["name"])


def test_s57_the_declared_schedules_fire_once_at_each_full_hour(make_home):
    names = [f"hourly-{pipeline}" for pipeline in EXAMPLE.values()]
    with server(make_home(), "--clock", "virtual") as running:
        for example in EXAMPLE:
            do(running, "apply", "-f", EXAMPLES / example / "trainshed.yaml")
        due = [f["time"] for f in running.json("scheduler", "jobs", "preview", names[0])["firings"]][:3]

        def firings(count):
            found = [r for r in running.json("receipts", "list") if r["kind"] == "firing"]
            return found if len(found) == count * len(names) else None

        for count, time in enumerate(due, 1):
            Client(running.address).call("POST", "/trainshed/v1/clock:advance", {"to": time})
            found = wait_until(lambda count=count: firings(count), what=f"the firings at {time}")

    assert [time[14:] for time in due] == ["00:00Z"] * 3
    for name in names:
        of_one = [(r["stimulus"], r["state"]) for r in found if r["trigger"].endswith(f"/{name}")]
        assert sorted(of_one) == [(time, "STARTED") for time in due]
