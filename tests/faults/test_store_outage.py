"""A store that takes no writes for a moment: what was going on is neither lost nor given up, and goes on afterwards."""

import asyncio
import base64
import importlib.util
import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from receipts import receipts_in
from storage import functions_world
from storage.commits import failing_to_commit

from trainshed import schedules, testing
from trainshed.builds.testing import Workbench
from trainshed.duty import Background
from trainshed.errors import FailedPrecondition, Unavailable
from trainshed.runners.contract import Report, Succeeded
from trainshed.runners.scripted import Act
from trainshed.runs.engine.ended import ending_of
from trainshed.runs.engine.inbox import Entry
from trainshed.runs.facts import AttemptEnded
from trainshed.runs.outputs import Collected, MadeArtifact
from trainshed.schedules import Firer, HttpTarget, Options
from trainshed.sql import dialect

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).parents[1] / "storage" / "runs_world.py")
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)


@pytest.fixture
def outage(monkeypatch):
    """Let the store refuse every write for the duration of a block."""

    @contextmanager
    def outage():
        def refuse(_conn):
            raise Unavailable("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(dialect, "begin", refuse)
            yield

    return outage


@pytest.mark.parametrize("turns", [1, 3])
def test_the_result_of_an_attempt_that_ended_during_an_outage_counts(db, clock, tmp_path, outage, turns):
    world = runs_world.World(db, clock, tmp_path)
    run = world.create(runs_world.a_spec({"a": {}, "b": {"after": ["a"]}}))

    async def main():
        await world.engine.run_once()
        while not world.engine._inbox:
            await asyncio.sleep(0)
        with outage():
            for _ in range(turns):
                with pytest.raises(Unavailable):
                    await world.engine.run_once()
        await world.settle()
        await world.engine.close()
        await world.runner.close(end_attempts=False)

    asyncio.run(main())

    assert world.service.get(run.name).state == "SUCCEEDED"
    assert world.launched() == {"a": 1, "b": 1}


def test_a_call_whose_end_could_not_be_written_is_not_under_way_for_ever(db, clock, outage, caplog):
    def never(conn, topic, messages):
        raise AssertionError("nothing is published")

    name = "projects/p/locations/us-central1/jobs/call"
    service = schedules.Service(db, clock, publish=never)

    async def main():
        may_answer = asyncio.Event()

        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            await may_answer.wait()
            writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        options = Options(schedule="*/30 * * * *", target=HttpTarget(uri=f"http://127.0.0.1:{port}/"))
        await asyncio.to_thread(service.create, name, options)
        background = Background()
        firer = Firer(service, background)
        clock.advance(1800)
        await firer.run_once()
        with outage():
            may_answer.set()
            while "could not commit" not in caplog.text:
                await asyncio.sleep(0.01)
        while background._tasks:
            clock.advance(1)
            await asyncio.sleep(0.01)
        server.close()

    asyncio.run(main())

    (receipt,) = db.read(receipts_in)
    assert receipt.state == "STARTED"


ONE_STEP_AND_ANOTHER = (
    {"name": "bash", "script": "until [ -e {folder}/go ]; do sleep 0.02; done; echo made > $BUILDER_OUTPUT/output"},
    {"name": "bash", "script": "exit {code}"},
)


def a_build(bench, *, code=0):
    """Queue a build whose first step waits for a file, and whose second one ends with a code."""
    steps = ({**s, "script": s["script"].format(folder=bench.folder, code=code)} for s in ONE_STEP_AND_ANOTHER)
    return bench.submit(*steps)


async def working(bench, build):
    """Turn until a build works."""
    await bench.engine.run_once()
    while bench.service.get(build.build_id).steps[0].state != "WORKING":
        await asyncio.sleep(0.01)


async def ended_in(bench, build):
    """Let a build go on, until all that is missing is that somebody writes how it ended."""
    (bench.folder / "go").touch()
    while not any(line in bench.log(build) for line in ("DONE", "ERROR")):
        await asyncio.sleep(0.01)


def assert_ended(bench, build, code):
    found = bench.service.get(build.build_id)
    assert found.state == ("FAILURE" if code else "SUCCESS"), found.status_detail
    assert [step.state for step in found.steps] == ["SUCCESS", "FAILURE" if code else "SUCCESS"]
    assert [step.exit_code for step in found.steps] == [0, code]
    assert base64.b64decode(found.steps[0].output) == b"made\n"
    assert "BUILD" in found.timing
    assert found.start_time <= found.steps[0].end_time <= found.steps[1].end_time <= found.end_time


@pytest.mark.parametrize("code", [0, 3])
def test_a_build_that_ended_during_an_outage_is_what_it_was(tmp_path, outage, code):
    with testing.database(tmp_path) as db:
        bench = Workbench(tmp_path, db)
        build = a_build(bench, code=code)

        async def main():
            await working(bench, build)
            with outage():
                await ended_in(bench, build)
                await bench.engine.run_once()
            await bench.engine.settled()
            await bench.engine.close()

        asyncio.run(main())

        assert_ended(bench, build, code)


@pytest.mark.parametrize("code", [0, 3])
def test_a_build_that_ended_during_an_outage_is_what_it_was_though_the_server_ended_in_it_too(tmp_path, outage, code):
    with testing.database(tmp_path) as db:
        bench = Workbench(tmp_path, db)
        build = a_build(bench, code=code)

        async def main():
            await working(bench, build)
            with outage():
                await ended_in(bench, build)
                await bench.engine.close()
                after = Workbench(tmp_path, db)
                with pytest.raises(Unavailable):
                    await after.engine.run_once()
            await after.engine.run_once()

        asyncio.run(main())

        assert_ended(bench, build, code)
        assert [p.name for p in bench.service.workspace(build.build_id).folder.iterdir()] == ["log.txt"]


def test_a_build_that_a_server_gives_up_in_an_outage_says_so_once(tmp_path, outage):
    with testing.database(tmp_path) as db:
        bench = Workbench(tmp_path, db)
        build = a_build(bench)
        bench.service.reports.start(build.build_id)

        async def main():
            with outage():
                for _ in range(3):
                    with pytest.raises(Unavailable):
                        await bench.engine.run_once()
            await bench.engine.run_once()

        asyncio.run(main())

        assert bench.service.get(build.build_id).state == "INTERNAL_ERROR"
        assert bench.log(build).count("the server went away") == 1


def an_artifact_at(uri):
    """Make the script of a task that writes an artifact at an address of its choice."""

    def script(launch):
        path = launch.mount / uri.removeprefix("gs://")
        path.parent.mkdir(parents=True)
        path.write_text("content")
        return Act(output=json.dumps({"artifacts": {"m": {"artifacts": [{"uri": uri}]}}}))

    return script


def content_of(world, uri):
    bucket, name = uri.removeprefix("gs://").split("/", 1)
    with world.blobs.open(world.db.read(lambda conn: world.blobs.get(conn, bucket, name))) as file:
        return file.read()


def test_an_artifact_that_was_made_while_the_folder_of_its_bucket_was_away_is_whole(db, clock, tmp_path):
    world = runs_world.World(db, clock, tmp_path, an_artifact_at("gs://bucket/m"))
    world.put("gs://bucket/other", b"")
    run = world.create(runs_world.a_spec({"a": {"makes": ["m"]}}))
    folder, away, turns = world.blobs.root / "bucket", tmp_path / "away", []

    async def main():
        await world.engine.run_once()
        while not world.engine._inbox:
            await asyncio.sleep(0.01)
        folder.rename(away)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await world.engine.run_once()
            turns.append(world.states(run))
        away.rename(folder)
        await world._finish()

    asyncio.run(main())

    assert turns == [{"a": "RUNNING"}] * 3
    assert world.service.get(run.name).state == "SUCCEEDED"
    assert content_of(world, "gs://bucket/m") == b"content"


def test_an_artifact_whose_refusal_was_not_committed_is_whole_when_it_is_taken_after_all(
    db, clock, tmp_path, monkeypatch
):
    world = runs_world.World(db, clock, tmp_path, an_artifact_at("gs://nowhere/m"))
    run = world.create(runs_world.a_spec({"a": {"makes": ["m"]}}))

    async def main():
        await world.engine.run_once()
        while not world.engine._inbox:
            await asyncio.sleep(0.01)
        with monkeypatch.context() as broken:
            failing_to_commit(broken)
            with pytest.raises(Unavailable):
                await world.engine.run_once()
        world.put("gs://nowhere/other", b"")
        await world._finish()

    asyncio.run(main())

    assert world.service.get(run.name).state == "SUCCEEDED"
    assert content_of(world, "gs://nowhere/m") == b"content"


def test_what_an_attempt_left_is_removed_only_once_it_is_on_disk_that_it_came_too_late(
    db, clock, tmp_path, monkeypatch
):
    world = runs_world.World(db, clock, tmp_path)
    staged = world.blobs.stage_bytes(b"content")
    made = MadeArtifact(name="m", uri="gs://bucket/m", type={}, metadata={}, files=[("", staged)])
    now = clock.now()
    report = Report(task_id="gone", attempt=1, outcome=Succeeded(output=""), start_time=now, end_time=now)
    ended = replace(ending_of(report), collected=Collected(artifacts={"m": [made]}))
    entry = Entry(run="gone", fact=AttemptEnded(task="a", attempt=1, ending="succeeded"), ended=ended)

    def apply(conn):
        return world.engine._applier.apply(conn, [entry], notice=False)

    with monkeypatch.context() as broken:
        failing_to_commit(broken)
        with pytest.raises(Unavailable):
            db.write(apply)
    assert staged.path.read_bytes() == b"content"

    db.write(apply)
    assert not staged.path.exists()


@pytest.fixture
def refusing(monkeypatch):
    """Let the store refuse the next writes, so many of them."""

    def refuse(times):
        left, begin = iter(range(times)), dialect.begin

        def refusing(conn):
            if next(left, None) is not None:
                raise Unavailable("the disk is full")
            begin(conn)

        monkeypatch.setattr(dialect, "begin", refusing)

    return refuse


async def as_time_goes_by(clock, work):
    task = asyncio.ensure_future(work)
    while not task.done():
        clock.advance(timedelta(seconds=0.1))
        await asyncio.sleep(0.001)
    return await task


def test_a_deployment_that_failed_during_an_outage_ends(db, clock, tmp_path, refusing):
    async def scenario():
        async with functions_world.opened(db, clock, tmp_path) as bench:

            def fail(lines, *, log):
                refusing(3)
                raise FailedPrecondition("no such package")

            bench.environments.ensure = fail
            with pytest.raises(FailedPrecondition, match="no such package"):
                await as_time_goes_by(clock, bench.deploy())
            return bench.service.get(functions_world.NAME).state

    assert functions_world.run(scenario()) == "OFFLINE", "another can be begun"


def test_a_call_of_a_function_that_ended_during_an_outage_counts(db, clock, tmp_path, refusing, monkeypatch):
    async def scenario():
        async with functions_world.opened(db, clock, tmp_path) as bench:
            await bench.deploy()
            begin = bench.service.begin

            def then_refuse(*given, **more):
                begun = begin(*given, **more)
                refusing(3)
                return begun

            monkeypatch.setattr(bench.service, "begin", then_refuse)
            is_acked = await as_time_goes_by(
                clock, bench.host.deliver(functions_world.NAME, functions_world.an_event())
            )
            return is_acked, bench.states()

    assert functions_world.run(scenario()) == (True, ["OK"])
