"""What processes on this machine add to the contract: killed servers, killed workers, isolation of each attempt."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from trainshed.runners import stage as ground
from trainshed.runners.contract import (
    Command,
    ExitedNonZero,
    LeaseLost,
    Limits,
    PythonComponent,
    StartFailed,
    Stopped,
    Succeeded,
)
from trainshed.runners.process import ProcessRunner
from trainshed.workers.child import spool

HOST = Path(__file__).parent / "host.py"


@pytest.fixture
def host(tmp_path, settings, cache, environment):
    """Start a process that hosts a runner with attempts under way; answer it once they are."""

    def start(*works):
        folder = tmp_path / "hosted"
        folder.mkdir()
        arguments = [folder, settings.home, cache, environment.digest, settings.lease_seconds, *works]
        process = subprocess.Popen([sys.executable, HOST, *map(str, arguments)], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        return process

    return start


def kill(process):
    with process:
        process.kill()
    assert process.returncode == -signal.SIGKILL


def component(stage, source, function="run", **changes):
    launch = stage.launch("a", function)
    work = PythonComponent(function=function, source=f"from kfp.dsl import *\nimport kfp\n{source}")
    return replace(launch, work=work, **changes)


async def finish(stage, launch):
    await stage.runner.start(launch)
    return (await stage.report(launch.task_id)).outcome


def worker_of(stage):
    (link,) = stage.runner._pool._links.values()
    return link.pid


async def gone(*pids):
    """Wait for processes that are not our children, by what the kernel says of them."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(handle, ended.set)
        async with asyncio.timeout(60):
            await ended.wait()
        loop.remove_reader(handle)
        os.close(handle)


def test_attempts_of_a_killed_server_are_found_and_reported_by_the_next(host, tmp_path, stage, play):
    kill(host("held"))

    async def next_server():
        async with stage:
            assert await stage.runner.attempts() == {("held", 1)}
            await asyncio.to_thread(_open, tmp_path / "hosted/held/1/release")
            assert isinstance((await stage.report("held")).outcome, Succeeded)

    play(next_server())


def test_attempts_of_a_server_that_does_not_come_back_end_with_the_lease(
    host, tmp_path, stage, settings, make_runner, play
):
    object.__setattr__(settings, "lease_seconds", 1.5)
    server = host("stubborn")
    folder = tmp_path / "hosted/stubborn/1"
    _open(folder / "release")
    pids = [int(pid) for pid in (folder / "pids").read_text().split()]
    assert all(map(ground.is_alive, pids))
    kill(server)

    async def later():
        await gone(*pids)
        async with stage:
            assert (await stage.report("stubborn")).outcome == LeaseLost()
            assert await stage.runner.attempts() == set()

    play(later())
    assert not ground.living(folder)


def test_a_killed_worker_is_a_lost_lease_and_leaves_nothing(stage, play):
    async def perform():
        async with stage:
            launch = stage.launch("a", "stubborn")
            await stage.begin(launch)
            os.kill(worker_of(stage), signal.SIGKILL)
            assert (await stage.report("a")).outcome == LeaseLost()
            assert not ground.living(launch.folder)
            assert isinstance((await stage.run("b", "succeed")).outcome, Succeeded)

    play(perform())


def test_a_worker_that_hangs_is_killed_after_the_lease(stage, settings, play):
    object.__setattr__(settings, "lease_seconds", 1.5)

    async def perform():
        async with stage:
            launch = stage.launch("a", "held")
            await stage.begin(launch)
            os.kill(worker_of(stage), signal.SIGSTOP)
            assert (await stage.report("a")).outcome == LeaseLost()

    play(perform())


def test_an_idle_worker_ends_and_the_next_attempt_gets_another(stage, settings, play):
    object.__setattr__(settings, "idle_environment_seconds", 0.1)

    async def perform():
        async with stage:
            await stage.run("a", "succeed")
            first = worker_of(stage)
            await gone(first)
            await stage.run("b", "succeed")
            assert worker_of(stage) != first

    play(perform())


def test_an_order_that_meets_a_worker_on_its_way_out_goes_to_another(stage, settings, play):
    object.__setattr__(settings, "idle_environment_seconds", 0.01)

    async def perform():
        async with stage:
            for i in range(20):
                assert isinstance((await stage.run(f"t{i}", "succeed")).outcome, Succeeded)

    play(perform())


def test_a_broken_outcome_on_disk_is_not_believed(stage, settings, play):
    spooled = settings.home / "workers"
    spooled.mkdir(parents=True)
    Path(spool.path_of(str(spooled), "a", 1)).write_text('{"task_id": "a", "att')

    async def perform():
        async with stage:
            assert isinstance((await stage.run("b", "succeed")).outcome, Succeeded)
        assert [report.task_id for report in stage.reports] == ["b"]

    play(perform())


def test_sockets_of_others_are_not_taken_for_workers(settings, environments, clock):
    async def story():
        callers = []
        settings.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
        other = await asyncio.start_unix_server(lambda *_: callers.append(1), settings.runtime / "grpc.sock")
        runner = ProcessRunner(environments, settings, clock)
        await runner.open(lambda report: None)
        await runner.close(end_attempts=True)
        other.close()
        return callers

    assert asyncio.run(story()) == []


def test_outcomes_leave_the_disk_when_they_are_taken_over(stage, settings, play):
    async def perform():
        async with stage:
            await stage.run("a", "succeed")

    play(perform())
    assert list((settings.home / "workers").iterdir()) == []


def test_stopping_at_once_ends_an_attempt_by_asking(stage, play):
    async def perform():
        async with stage:
            for i in range(20):
                await stage.runner.start(stage.launch(f"t{i}", "sit"))
                await stage.runner.stop(f"t{i}", 1, grace_seconds=25)
            for i in range(20):
                assert (await stage.report(f"t{i}")).outcome == Stopped()

    play(perform())


def test_a_process_that_forks_away_from_its_end_is_caught(stage, play):
    source = """
import os
def run(text: str) -> str:
    if os.fork() == 0:
        os.setsid()
        held = open("running", "w")
        while True:
            if os.fork():
                os._exit(0)
    with open("running", "w"):
        return text
"""

    async def perform():
        async with stage:
            launch = component(stage, source)
            reading = asyncio.ensure_future(asyncio.to_thread((launch.folder / "running").read_bytes))
            assert isinstance(await finish(stage, launch), Succeeded)
            assert await asyncio.wait_for(reading, 60) == b""  # the pipe ends with the last process that holds it

    play(perform())


def test_stop_wins_over_a_clean_exit(stage, play):
    source = """
import signal, sys
def run(text: str) -> str:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open("running", "w"): pass
    signal.pause()
"""

    async def perform():
        async with stage:
            launch = component(stage, source)
            await stage.begin(launch)
            await stage.runner.stop("a", 1, grace_seconds=20)
            assert (await stage.report("a")).outcome == Stopped()

    play(perform())


def test_artifacts_live_below_the_mount(stage, tmp_path, play):
    source = """
def run(given: Input[Dataset], made: Output[Model]):
    with open(given.path) as file:
        text = file.read()
    made.metadata["length"] = len(text)
    with open(made.path, "w") as file:
        file.write(text + "!")
"""

    async def perform():
        async with stage:
            launch = component(stage, source)
            data = launch.mount / "b" / "data"
            data.parent.mkdir(parents=True)
            data.write_text("penguins")
            executor_input = json.loads(launch.executor_input)
            executor_input["inputs"] = {"artifacts": {"given": {"artifacts": [_artifact("gs://b/data", "Dataset")]}}}
            executor_input["outputs"]["artifacts"] = {"made": {"artifacts": [_artifact("s3://b/x/model", "Model")]}}
            outcome = await finish(stage, replace(launch, executor_input=json.dumps(executor_input)))
            (made,) = json.loads(outcome.output)["artifacts"]["made"]["artifacts"]
            assert made["uri"] == "s3://b/x/model"
            assert made["metadata"] == {"length": 8}
            assert (launch.mount / ".s3/b/x/model").read_text() == "penguins!"

    play(perform())


def _artifact(uri, kind):
    return {"name": "n", "uri": uri, "type": {"schemaTitle": f"system.{kind}", "schemaVersion": "0.0.1"}}


def test_an_attempt_has_its_own_folder_variables_source_and_random_numbers(stage, environment, play):
    source = """
import inspect, json, multiprocessing, os, pickle, random, sys
class Thing:
    pass
def run(text: str) -> dict:
    assert pickle.loads(pickle.dumps(Thing())).__class__ is Thing
    return {
        "folder": os.getcwd(), "variable": os.environ["MINE"], "source": inspect.getsource(Thing), "argv": sys.argv,
        "writes_bytecode": not sys.dont_write_bytecode, "python": sys.executable, "pgid": os.getpgid(0) == os.getpid(),
        "attempt": os.environ["TRAINSHED_ATTEMPT"], "threads": os.environ["OMP_NUM_THREADS"],
    }
"""

    async def perform():
        async with stage:
            launch = component(stage, source, variables={"MINE": "x=1"}, limits=Limits(cpus=2))
            told = json.loads((await finish(stage, launch)).output)["parameterValues"]["Output"]
            assert told == {
                "folder": str(launch.folder),
                "variable": "x=1",
                "source": "class Thing:\n    pass\n",
                "argv": ["executor_main"],
                "writes_bytecode": True,
                "python": str(environment.python),
                "pgid": True,
                "attempt": "a@1",
                "threads": "2",
            }

    play(perform())


def test_s16_an_attempt_imports_what_its_image_brings(stage, tmp_path, play):
    (tmp_path / "image" / "penguin_tools").mkdir(parents=True)
    (tmp_path / "image" / "penguin_tools" / "__init__.py").write_text("ANSWER = 'from the image'\n")
    source = "def run(text: str) -> str:\n    from penguin_tools import ANSWER\n    return ANSWER\n"

    async def perform():
        async with stage:
            launch = component(stage, source, variables={"PYTHONPATH": f"{tmp_path / 'image'}:{tmp_path}"})
            told = json.loads((await finish(stage, launch)).output)["parameterValues"]["Output"]
            assert told == "from the image"

    play(perform())


def test_an_attempt_ends_as_an_interpreter_does(stage, play):
    source = """
import atexit, multiprocessing, threading
def late(gate):
    gate.wait()
    print("thread")
def run(text: str) -> str:
    gate = threading.Event()
    threading.Thread(target=late, args=(gate,)).start()
    atexit.register(print, "atexit")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print("spawned", pool.apply(abs, (-3,)))
    print("function", end=" ")
    gate.set()
    return "x"
"""

    async def perform():
        async with stage:
            launch = component(stage, source)
            assert isinstance(await finish(stage, launch), Succeeded)
            assert launch.log_file.read_text() == "spawned 3\nfunction thread\natexit\n"

    play(perform())


def test_a_warm_worker_has_imported_what_it_was_asked_to(stage, play):
    source = """
import sys
def run(text: str) -> str:
    return f"{'sqlite3' in sys.modules} {'wave' in sys.modules} {'kfp.dsl.executor' in sys.modules}"
"""

    async def perform():
        async with stage:
            await stage.runner.warm(stage.environment, ("sqlite3", "no.such.module"))
            outcome = await finish(stage, component(stage, source))
            assert json.loads(outcome.output)["parameterValues"]["Output"] == "True False True"

    play(perform())


def test_a_module_of_an_image_is_imported_by_path(stage, tmp_path, play):
    module = tmp_path / "image" / "parts.py"
    module.parent.mkdir()
    module.write_text(
        "from helper import twice\nfrom kfp import dsl\ndef run(text: str) -> str:\n    return twice(text)\n"
    )
    (tmp_path / "image" / "helper.py").write_text("def twice(text):\n    return text * 2\n")

    async def perform():
        async with stage:
            launch = replace(stage.launch("a", "run"), work=PythonComponent(function="run", module=str(module)))
            outcome = await finish(stage, launch)
            assert json.loads(outcome.output)["parameterValues"]["Output"] == "aa"

    play(perform())


def test_a_failure_shows_the_users_code_and_not_ours(stage, play):
    async def perform():
        async with stage:
            message = (await stage.run("a", "fail")).outcome.message
            assert "ephemeral_component.py" in message
            assert "raise ValueError" in message
            assert "workers/child" not in message

    play(perform())


def test_a_command_finds_its_environment_first(stage, environment, play):
    async def perform():
        async with stage:
            launch = stage.launch("a", Command(arguments=("python", "-c", "import sys; print(sys.executable)")))
            await finish(stage, launch)
            assert launch.log_file.read_text() == f"{environment.python}\n"

    play(perform())


def test_a_log_that_cannot_be_written_is_a_failed_start(stage, tmp_path, play):
    async def perform():
        async with stage:
            launch = replace(stage.launch("a", "succeed"), log_file=tmp_path / "missing" / "log")
            outcome = await finish(stage, launch)
            assert isinstance(outcome, StartFailed)
            assert str(tmp_path / "missing" / "log") in outcome.reason

    play(perform())


def test_an_environment_without_kfp_says_so_in_the_log(stage, environments, play):
    async def perform():
        async with stage:
            stage.environment = environments.ensure([]).digest
            outcome = (await stage.run("a", "succeed")).outcome
            assert isinstance(outcome, ExitedNonZero)
            assert "No module named 'kfp'" in outcome.message

    play(perform())


def test_a_worker_whose_interpreter_is_broken_is_a_failed_start(stage, environments, tmp_path, play):
    folder = tmp_path / "broken"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.symlink_to(sys.executable)
    stage.environment = environments.adopt(folder).digest
    python.unlink()
    python.write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n")
    python.chmod(0o755)

    async def perform():
        async with stage:
            outcome = (await stage.run("a", "succeed")).outcome
            assert isinstance(outcome, StartFailed)
            assert "it is broken" in outcome.reason
            assert stage.runner.refused[stage.environment][0] == outcome.reason

    play(perform())


def test_usage_is_measured(stage, play):
    source = """
def run(text: str) -> str:
    held = b"x" * (120 << 20)
    sum(range(3_000_000))
    return str(len(held))
"""

    async def perform():
        async with stage:
            await finish(stage, component(stage, source))
            (report,) = stage.reports
            assert report.cpu_seconds > 0.01
            assert report.peak_memory_bytes > 120 << 20

    play(perform())


def _open(path):
    os.close(os.open(path, os.O_WRONLY))
