"""What a warm worker imports ahead, and for whom it does not. A marker module notes each time that it is executed."""

import asyncio
import os
from dataclasses import replace

import pytest

from trainshed.environments import Environments
from trainshed.runners.contract import PythonComponent, Succeeded
from trainshed.runners.process import ProcessRunner
from trainshed.runners.stage import Fifos, Stage

KFP = ("kfp==2.16.1 --no-deps", "typing-extensions")
MARKER = """
import os

SEEN = os.environ.get("OMP_NUM_THREADS", "")
os.environ["LIGHTGBM_MADE"] = "yes"
with open({file!r}, "a") as file:
    file.write(SEEN + "|")
"""
SOURCE = """
import os, sys


def imports(text: str) -> str:
    before = "lightgbm" in sys.modules, "LIGHTGBM_MADE" in os.environ
    import lightgbm
    return f"{before} {lightgbm.SEEN} {os.environ['LIGHTGBM_MADE']}"


def decides(text: str) -> str:
    os.environ["OMP_NUM_THREADS"] = "5"
    import lightgbm
    return lightgbm.SEEN


def imports_nothing(text: str) -> str:
    return text


def uses_parts(text: str) -> str:
    import sklearn
    assert not hasattr(sklearn, "metrics")
    from sklearn import ensemble, _private
    assert sys.modules["sklearn.ensemble"] is ensemble is sklearn.ensemble
    return ensemble.__name__.rpartition(".")[2]


def imports_and_waits(text: str) -> str:
    import lightgbm
    return waits(text)


def waits(text: str) -> str:
    with open("running", "w"):
        pass
    with open("release"):
        pass
    return text
"""


@pytest.fixture
def marked(tmp_path, db, clock):
    """An environment of its own with the marker, named as a framework is."""
    environments = Environments(tmp_path / "environments", db, clock)
    environment = environments.ensure(KFP)
    site = next(environment.path.glob("lib/python*/site-packages"))
    (site / "lightgbm.py").write_text(MARKER.format(file=str(tmp_path / "executed")))
    return environments, environment.digest


@pytest.fixture
def stage(tmp_path, marked, settings, clock, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    environments, digest = marked
    return Stage(tmp_path / "runs", digest, lambda **_: ProcessRunner(environments, settings, clock), Fifos())


@pytest.fixture
def executed(tmp_path):
    """Answer under which variable the marker was executed each time."""

    def read():
        file = tmp_path / "executed"
        return file.read_text().split("|")[:-1] if file.exists() else []

    return read


def launch(stage, name, function, **variables):
    made = stage.launch(name, function)
    work = PythonComponent(function=function, source=f"from kfp.dsl import *\nimport kfp\n{SOURCE}")
    return replace(made, work=work, variables={**made.variables, **variables})


async def run(stage, name, function, **variables):
    return await finish(stage, launch(stage, name, function, **variables))


async def finish(stage, launch):
    await stage.runner.start(launch)
    outcome = (await stage.report(launch.task_id)).outcome
    assert isinstance(outcome, Succeeded), outcome
    return outcome.output


async def until_ahead(stage, *names):
    """Wait until the worker that takes attempts has imported just these."""
    async with asyncio.timeout(60):
        while [link.ahead for link in stage.runner._pool._links.values()] != [frozenset(names)]:
            await asyncio.sleep(0.02)


async def taught(stage):
    await run(stage, "teacher", "imports")
    await until_ahead(stage, "lightgbm")


def test_the_second_attempt_does_not_import_again_and_sees_it_only_when_it_imports(stage, executed, play):
    async def perform():
        async with stage:
            await taught(stage)
            assert executed() == ["", ""]  # the attempt, and the worker after it
            assert "(False, False)  yes" in await run(stage, "second", "imports")
            assert "(False, False)  yes" in await run(stage, "third", "imports")
        assert executed() == ["", ""]

    play(perform())


def test_a_framework_in_parts_is_imported_ahead_by_the_parts_that_are_used(stage, tmp_path, marked, play):
    site = next(marked[0].get(marked[1]).path.glob("lib/python*/site-packages"))
    (site / "sklearn").mkdir()
    for name in ("__init__", "ensemble", "metrics", "_private"):
        (site / "sklearn" / f"{name}.py").write_text(MARKER.format(file=str(tmp_path / f"executed-{name}")))
    times = lambda name: len((tmp_path / f"executed-{name}").read_text().split("|")) - 1  # noqa: E731

    async def perform():
        async with stage:
            for name in ("first", "second", "third"):
                assert '"ensemble"' in await run(stage, name, "uses_parts")
                await until_ahead(stage, "sklearn", "sklearn.ensemble")
        assert times("__init__") == times("ensemble") == 2
        assert times("_private") == 3
        assert not (tmp_path / "executed-metrics").exists()

    play(perform())


def test_variables_that_an_import_reads_make_it_fresh(stage, executed, play):
    async def perform():
        async with stage:
            await taught(stage)
            assert " 7 yes" in await run(stage, "other", "imports", OMP_NUM_THREADS="7")
            assert executed() == ["", "", "7"]
            await run(stage, "same", "imports", ANY_OTHER="1")
        assert executed() == ["", "", "7"]

    play(perform())


def test_a_module_of_the_attempts_own_goes_before_the_one_imported_ahead(stage, executed, tmp_path, play):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "lightgbm.py").write_text("import os\nSEEN = 'own'\nos.environ['LIGHTGBM_MADE'] = 'own'\n")

    async def perform():
        async with stage:
            await taught(stage)
            assert "own own" in await run(stage, "other", "imports", PYTHONPATH=str(tmp_path / "own"))

    play(perform())


def test_code_that_sets_such_a_variable_starts_over_once_and_ends_the_importing_ahead(stage, executed, play):
    async def perform():
        async with stage:
            await taught(stage)
            deciding = launch(stage, "decides", "decides")
            assert "5" in await finish(stage, deciding)
            assert executed() == ["", "", "5"]
            assert "Starting over without lightgbm" in deciding.log_file.read_text()
            await until_ahead(stage)
            again = launch(stage, "again", "decides")
            assert "5" in await finish(stage, again)
            assert "Starting over" not in again.log_file.read_text()

    play(perform())


def test_the_next_worker_knows_what_the_last_one_learned(stage, executed, play):
    async def perform():
        async with stage:
            await taught(stage)
        count = len(executed())
        async with stage:
            await run(stage, "light", "imports_nothing")
            await until_ahead(stage, "lightgbm")
            await run(stage, "heavy", "imports")
        assert len(executed()) == count + 1

    play(perform())


def test_an_attempt_that_imports_nothing_heavy_changes_nothing(stage, settings, play):
    async def perform():
        async with stage:
            await run(stage, "first", "imports_nothing")
            (link,) = stage.runner._pool._links.values()
            suggested = []
            link.learned = lambda *_: suggested.append(1)
            await asyncio.sleep(0.8)  # the worker would have spoken after half a second
            assert suggested == []
        assert list((settings.home / "workers").iterdir()) == []

    play(perform())


def test_a_processor_is_left_for_attempts_under_way(stage, executed, play):
    async def perform():
        async with stage:
            for i in range(len(os.sched_getaffinity(0))):
                waiting = launch(stage, f"waiting{i}", "waits")
                await stage.begin(waiting)
            (link,) = stage.runner._pool._links.values()
            suggested = []
            succeed, link.learned = link.learned, lambda *_: suggested.append(1)
            await run(stage, "teacher", "imports")
            await asyncio.sleep(0.8)  # the worker would have spoken after half a second
            assert suggested == []
            link.learned = succeed
            await stage.gates.release(waiting)
            await stage.report(waiting.task_id)
            await until_ahead(stage, "lightgbm")
        assert executed() == ["", ""]

    play(perform())


def test_an_attempt_that_imports_and_goes_on_teaches_already(stage, executed, play):
    async def perform():
        async with stage:
            waiting = launch(stage, "waiting", "imports_and_waits")
            await stage.begin(waiting)
            await until_ahead(stage, "lightgbm")
            assert "(False, False)  yes" in await run(stage, "second", "imports")
            assert executed() == ["", ""]
            await stage.gates.release(waiting)
            assert isinstance((await stage.report("waiting")).outcome, Succeeded)

    play(perform())
