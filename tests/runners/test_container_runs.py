"""Whole runs with containers, in a container engine of this machine. Skipped where none works."""

import json
import re
import sqlite3

import pytest
from kfp import compiler, dsl
from runners import container_host

from trainshed.testing import Server, server, wait_until

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]
WRITE = """
mkdir -p "$(dirname "$1")" "$(dirname "$2")"
printf '%s' "${#0}" > "$1"
printf 'data of %s' "$0" > "$2"
echo "key ends in $(tail -c 4 "$GOOGLE_APPLICATION_CREDENTIALS" | tr -d '\\n')"
"""
READ = """
cat "$0" > "$1"
( : >> "$0" ) 2>/dev/null && echo "inputs can be written" || echo "inputs are read-only"
"""
HOLD = """
echo begun >> "$0/begun"
while [ ! -e "$0/release" ]; do sleep 0.1; done
printf 'done' > "$1"
"""


def a_pipeline(image, folder, shared):
    @dsl.container_component
    def write(text: str, length: dsl.OutputPath(int), data: dsl.Output[dsl.Dataset]):
        return dsl.ContainerSpec(image=image, command=["sh", "-ec", WRITE], args=[text, length, data.path])

    @dsl.container_component
    def read(data: dsl.Input[dsl.Dataset], text: dsl.OutputPath(str)):
        return dsl.ContainerSpec(image=image, command=["sh", "-ec", READ], args=[data.path, text])

    @dsl.container_component
    def hold(text: dsl.OutputPath(str)):
        return dsl.ContainerSpec(image=image, command=["sh", "-ec", HOLD], args=[str(shared), text])

    @dsl.pipeline(name="outputs-by-path")
    def outputs(text: str = "hello") -> dsl.Dataset:
        written = write(text=text)
        read(data=written.outputs["data"])
        return written.outputs["data"]

    @dsl.pipeline(name="held")
    def held() -> str:
        return hold().output

    for name, pipeline in (("outputs", outputs), ("held", held)):
        compiler.Compiler().compile(pipeline, str(folder / f"{name}.yaml"))
    return folder


@pytest.fixture(scope="module")
def engine():
    return container_host.find()


@pytest.fixture(scope="module")
def image(engine):
    name = container_host.make_image(engine)
    yield name
    container_host.remove_image(engine, name)


@pytest.fixture
def specs(image, tmp_path):
    (tmp_path / "shared").mkdir()
    return a_pipeline(image, tmp_path, tmp_path / "shared")


@pytest.fixture
def variables(engine, tmp_path):
    shared = tmp_path / "shared"
    options = f"{container_host.options()} --volume {shared}:{shared}"
    return {"TRAINSHED_ENGINE": engine.name, "TRAINSHED_ENGINE_OPTIONS": options, "TRAINSHED_GRACE_SECONDS": "1"}


@pytest.fixture
def begun(tmp_path):
    """How often the held task has begun."""
    file = tmp_path / "shared" / "begun"
    return lambda: file.read_text().count("begun") if file.exists() else 0


def rows(home):
    with sqlite3.connect(home / "trainshed.db") as store:
        return {name: values for name, *values in store.execute("SELECT name, state, environment, attempt FROM tasks")}


def containers(engine, home):
    return engine.containers(f"trainshed.home={home}")


def test_outputs_by_path_and_an_artifact(make_home, engine, image, specs, variables):
    home = make_home()
    with server(home, **variables) as running:
        done = running.run("pipelines", "run", str(specs / "outputs.yaml"), "--wait", "--outputs", str(specs / "out"))
        assert done.returncode == 0, done.stdout + done.stderr
        again = running.run("pipelines", "run", str(specs / "outputs.yaml"), "--wait")
        logs = "".join(file.read_text() for file in home.glob("runs/*/*/1/log"))

        uri = json.loads((specs / "out").read_text())["Output"]["uri"]
        assert (home / "buckets" / uri.removeprefix("gs://")).read_text() == "data of hello"
        assert "inputs are read-only" in logs
        assert re.search(r"key ends in .*}$", logs, re.MULTILINE)
        assert {environment for _, environment, _ in rows(home).values()} == {engine.image(image).digest}
        assert "Nothing changed: 2 tasks reused" in again.stdout
        assert containers(engine, home) == []


def test_a_container_outlives_a_killed_server_and_runs_once(make_home, engine, specs, variables, begun):
    home = make_home()
    running = Server(home, **variables).start()
    try:
        running.run("pipelines", "run", str(specs / "held.yaml"), "--job-id", "held")
        wait_until(begun, what="the container")
        running.kill()
        running.start()
        (specs / "shared" / "release").touch()
        wait_until(lambda: rows(home)["hold"][0] == "SUCCEEDED", what="the end", story=lambda: rows(home))

        assert begun() == 1
        assert rows(home)["hold"][2] == 1
        wait_until(lambda: containers(engine, home) == [], what="the container's removal")
    finally:
        running.stop()


def test_a_container_that_no_server_holds_ends_after_the_lease(make_home, engine, specs, variables, begun):
    home = make_home()
    running = Server(home, **variables, TRAINSHED_LEASE_SECONDS="1").start()
    try:
        running.run("pipelines", "run", str(specs / "held.yaml"), "--job-id", "held")
        wait_until(begun, what="the container")
        running.kill()
        wait_until(lambda: not any(each.is_running for each in containers(engine, home)), what="the container's end")
        (specs / "shared" / "release").touch()
        running.start()
        wait_until(lambda: rows(home)["hold"][0] == "SUCCEEDED", what="the end", story=lambda: rows(home))

        assert (begun(), rows(home)["hold"][2]) == (2, 2)
    finally:
        running.stop()


def test_cancelling_ends_the_container(make_home, engine, specs, variables, begun):
    home = make_home()
    with server(home, **variables) as running:
        running.run("pipelines", "run", str(specs / "held.yaml"), "--job-id", "held")
        wait_until(begun, what="the container")
        running.run("pipelines", "cancel", "held")
        wait_until(lambda: rows(home)["hold"][0] == "CANCELLED", what="the end", story=lambda: rows(home))

        wait_until(lambda: containers(engine, home) == [], what="the container's removal")


def test_an_image_that_cannot_be_had_refuses_the_run_with_the_way_out(make_home, engine, tmp_path, variables):
    specs = a_pipeline("localhost/trainshed-nowhere:1", tmp_path, tmp_path)
    with server(make_home(), **variables) as running:
        done = running.run("pipelines", "run", str(specs / "held.yaml"), "--wait")

        assert done.returncode == 2
        assert "localhost/trainshed-nowhere:1" in done.stderr
        assert "images bind" in done.stderr
