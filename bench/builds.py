"""What a build adds to the commands that it runs, and what it takes when nothing has changed."""

import json
import statistics
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import world
from harness import Effort, Figure, interleaved, seconds_of

_STEPS = 20
_BUILD = f"/v1/projects/{world.PROJECT}/builds"
_DOCKERFILE = """\
FROM python:3.11
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . /app
WORKDIR /app
"""
_PIPELINE = '''"""A pipeline of two tasks; compiled by the build."""

import sys

from kfp import compiler, dsl


@dsl.component
def prepare(rows: int) -> int:
    return rows


@dsl.component
def train(rows: int, num_epochs: int, learning_rate: float) -> float:
    return rows * num_epochs * learning_rate


@dsl.pipeline(name="bench-build")
def pipeline(num_epochs: int = 3, learning_rate: float = 0.01):
    train(rows=prepare(rows=10).output, num_epochs=num_epochs, learning_rate=learning_rate)


compiler.Compiler().compile(pipeline, sys.argv[1])
'''


def measure_steps(folder: Path, effort: Effort) -> list[Figure]:
    """Run a build of steps that do nothing, one after the other, beside a loop that spawns the same processes."""
    config = {"steps": [{"name": "ubuntu", "id": f"s{i}", "entrypoint": "true"} for i in range(_STEPS)]}
    ours: list[float] = []
    bare: list[float] = []
    shares: list[float] = []
    with world.running(folder / "home") as server:
        api = world.Api(server)
        _build(api, config)
        for _ in range(effort.times(9, 3)):
            bare.append(seconds_of(_spawn) / _STEPS)
            build = _build(api, config)
            ours.append(
                _span(build["timing"]["BUILD"]) / _STEPS
                if "BUILD" in build.get("timing", {})
                else _lasted(build) / _STEPS
            )
            shares.append(_lasted(build))
    each, spawn = 1000 * statistics.median(ours), 1000 * statistics.median(bare)
    return [
        Figure(
            name="build step overhead over a bare spawn", value=each - spawn, unit="ms", budget=10,
            note=f"a step {each:.1f} ms, a spawn {spawn:.1f} ms", samples=[1000 * s - spawn for s in ours],
        ),
        Figure(name=f"a whole build of {_STEPS} such steps", value=1000 * statistics.median(shares), unit="ms",
               reference=spawn * _STEPS, reference_name="bare spawns"),
    ]  # fmt: skip


def measure_rebuild(folder: Path, effort: Effort) -> list[Figure]:
    """Submit the same four-step build again: clone, docker build, compile with kfp, copy to a bucket."""
    repository = _repository(folder)
    config = folder / "cloudbuild.yaml"
    config.write_text(json.dumps(_config()))
    with world.running(folder / "home") as server:
        world.command(server, "storage", "buckets", "create", "gs://bench")
        submit = [
            "builds", "submit", "--no-source", "--config", config, "--substitutions",
            f"_REPO_URL={repository},_BRANCH=main,_BUCKET=gs://bench,_IMAGE=bench/trainer",
        ]  # fmt: skip
        first = seconds_of(lambda: world.command(server, *submit))
        again = interleaved({"again": lambda: world.command(server, *submit)}, effort.times(7, 3))["again"]
        world.command(server, "storage", "cat", "gs://bench/pipelines/bench.json")
    return [
        Figure(
            name="rebuild with nothing changed", value=statistics.median(again), unit="s", budget=2, samples=again,
            reference=first, reference_name="the first build", note="submit to exit of the command",
        )
    ]  # fmt: skip


def _config() -> dict[str, Any]:
    return {
        "steps": [
            {
                "name": "gcr.io/cloud-builders/git",
                "id": "Clone",
                "args": ["clone", "--branch", "$_BRANCH", "--single-branch", "$_REPO_URL", "source"],
            },
            {
                "name": "gcr.io/cloud-builders/docker",
                "id": "Image",
                "args": ["build", "-t", "$_IMAGE", "."],
                "dir": "source",
                "waitFor": ["Clone"],
            },
            {
                "name": "$_IMAGE",
                "id": "Compile",
                "entrypoint": "python",
                "args": ["pipeline.py", "bench.json"],
                "dir": "source",
                "waitFor": ["Image"],
            },
            {
                "name": "gcr.io/cloud-builders/gsutil",
                "id": "Upload",
                "args": ["cp", "bench.json", "$_BUCKET/pipelines/bench.json"],
                "dir": "source",
                "waitFor": ["Compile"],
            },
        ]
    }


def _repository(folder: Path) -> Path:
    source = folder / "source"
    source.mkdir()
    (source / "pipeline.py").write_text(_PIPELINE)
    (source / "requirements.txt").write_text(f"{world.kfp_requirement()}\n")
    (source / "Dockerfile").write_text(_DOCKERFILE)
    world.git(source, "init", "--quiet")
    world.git(source, "add", ".")
    world.git(source, "commit", "--quiet", "-m", "A pipeline")
    bare = folder / "bare.git"
    world.git(folder, "clone", "--quiet", "--bare", str(source), str(bare))
    return bare


def _build(api: world.Api, config: dict[str, Any]) -> dict[str, Any]:
    """Create a build and wait for its end; what it took is read from its own times."""
    made = api.call("POST", _BUILD, config)["metadata"]["build"]
    while True:
        build = api.call("GET", f"{_BUILD}/{made['id']}")
        if build["status"] == "SUCCESS":
            return dict(build)
        if build["status"] not in {"QUEUED", "WORKING", "PENDING"}:
            raise RuntimeError(f"the build is {build['status']}: {build}")
        time.sleep(0.25)


def _spawn() -> None:
    for _ in range(_STEPS):
        subprocess.run(["true"], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _lasted(build: dict[str, Any]) -> float:
    return (_time(build["finishTime"]) - _time(build["startTime"])).total_seconds()


def _span(span: dict[str, str]) -> float:
    return (_time(span["endTime"]) - _time(span["startTime"])).total_seconds()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
