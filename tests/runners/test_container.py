"""What a container engine answers becomes a report; played by a script in the place of the engine."""

import asyncio
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from runners.container_host import Chosen

from trainshed.app.images import ContainerImages
from trainshed.clock import SystemClock
from trainshed.errors import FailedPrecondition
from trainshed.runners.containers.engines import Engine, Engines
from trainshed.runners.containers.runner import ContainerRunner
from trainshed.runners.contract import Command, Container, ExitedNonZero, StartFailed
from trainshed.runners.dispatch import DispatchRunner
from trainshed.runners.machine import Machine
from trainshed.runners.scripted import Act, ScriptedRunner
from trainshed.runners.stage import Fifos, Stage

HERE = (0, '[{"Id": "9c9c"}]', "")


@pytest.fixture
def play(tmp_path):
    """Make an engine whose command line answers as told, by the words it begins with."""

    def make(name="podman", **answers):
        program = tmp_path / name
        script = [f'#!/bin/sh\nprintf \'%s\\n\' "$*" >> {program}.asked\ncase "$1" in']
        for word, (code, out, complaint) in answers.items():
            said = f"printf '%s' {shlex.quote(out)}; printf '%s' {shlex.quote(complaint)} >&2; exit {code}"
            script.append(f"{word}) {said};;")
        program.write_text("\n".join([*script, "esac\n"]))
        program.chmod(0o755)
        return Engine(name, str(program))

    return make


@pytest.fixture
def outcome_of(tmp_path, settings):
    """Start one attempt with an engine; answer how it is reported."""

    def perform(engine):
        async def attempt():
            def runner():
                return ContainerRunner(Chosen(engine), settings, SystemClock(), Machine(cores=(0,), devices=()))

            def dress(launch):
                return replace(launch, work=Container(image="gcr.io/p/trainer:1", command=launch.work.arguments))

            async with Stage(tmp_path / "runs", "sha256:9c9c", runner, Fifos(), dress=dress) as stage:
                report = await stage.run("a", Command(arguments=("train",)))
                assert await stage.runner.attempts() == set()
                return report.outcome

        return asyncio.run(attempt())

    return perform


def asked(engine):
    return [line.split()[0] for line in Path(f"{engine.program}.asked").read_text().splitlines()]


def test_a_daemon_that_is_down_is_a_failed_start(play, outcome_of):
    engine = play("docker", image=(1, "[]", "Cannot connect to the Docker daemon at unix:///x. Is it running?"))

    assert outcome_of(engine) == StartFailed(
        reason="docker: Cannot connect to the Docker daemon at unix:///x. Is it running?"
    )


def test_an_image_that_is_gone_is_a_failed_start_with_the_way_out(play, outcome_of):
    reason = outcome_of(play(image=(125, "[]", "image not known"))).reason

    assert "gcr.io/p/trainer:1 (sha256:9c9c) is not on this machine any more" in reason
    assert "`podman pull gcr.io/p/trainer:1`" in reason


def test_what_cannot_be_made_is_a_failed_start_and_leaves_nothing(play, outcome_of, settings):
    engine = play(image=HERE, create=(125, "", "Error: statfs /x: no such file or directory"))

    assert outcome_of(engine) == StartFailed(reason="podman: statfs /x: no such file or directory")
    words = asked(engine)  # its keeper may be looking around meanwhile
    assert "rm" in words[words.index("create") :]
    assert [path.name for path in (settings.home / "containers").iterdir()] == ["lock"]


def test_what_cannot_be_started_is_a_failed_start(play, outcome_of):
    engine = play(image=HERE, create=(0, "id", ""), start=(125, "", "Error: no space left"), container=(0, "[]", ""))

    assert outcome_of(engine) == StartFailed(reason="podman: no space left")


@pytest.mark.parametrize(
    ("complaint", "code", "said"),
    [
        ('runc: exec: "train": executable file not found in $PATH', 127, "No such file or directory"),
        ("crun: executable file `train` not found in $PATH", 127, "No such file or directory"),
        ('runc: exec: "/train": stat /train: no such file', 127, "No such file or directory"),
        ('runc: exec: "/train": permission denied', 126, "Permission denied"),
    ],
)
def test_a_program_that_cannot_be_run_is_told_as_a_shell_does(play, outcome_of, tmp_path, complaint, code, said):
    engine = play(image=HERE, create=(0, "id", ""), start=(125, "", f"Error: {complaint}"), container=(0, "[]", ""))

    assert outcome_of(engine) == ExitedNonZero(code=code, message=f"train: {said}")
    assert (tmp_path / "runs" / "a" / "1" / "log").read_text() == f"train: {said}\n"


def test_an_image_that_cannot_be_pulled_is_told_with_the_way_out(play):
    engine = play(image=(125, "[]", "image not known"), pull=(125, "", "Error: unauthorized\n"))

    with pytest.raises(FailedPrecondition, match=r"podman pull x: unauthorized.*images bind x"):
        ContainerImages(Chosen(engine)).obtain("x", lambda _: None)


def test_an_engine_that_does_not_answer_leaves_the_image_to_its_task(play):
    images = ContainerImages(Chosen(play(image=(1, "[]", "Cannot connect to the Docker daemon"))))

    assert images.is_there()
    assert images.identify("x") == ""


def test_no_engine_is_told_with_what_was_found():
    images = ContainerImages(Engines("none"))

    assert not images.is_there()
    with pytest.raises(FailedPrecondition, match="none works here: none is wanted"):
        images.obtain("x", lambda _: None)


def test_each_launch_goes_where_it_belongs(tmp_path, clock):
    processes, containers = (ScriptedRunner(lambda _: Act(is_held=True), clock) for _ in range(2))

    async def perform():
        async with Stage(tmp_path, "e" * 32, lambda: DispatchRunner(processes, containers), Fifos()) as stage:
            await stage.runner.start(stage.launch("a", "succeed"))
            await stage.runner.start(stage.launch("b", Container(image="x")))
            known = await stage.runner.attempts()
            for key in known:
                await stage.runner.stop(*key, grace_seconds=0)
            return known, {report.task_id for report in stage.reports}

    assert asyncio.run(perform()) == ({("a", 1), ("b", 1)}, {"a", "b"})
    assert [launch.task_id for launch in processes.launches] == ["a"]
    assert [launch.task_id for launch in containers.launches] == ["b"]
