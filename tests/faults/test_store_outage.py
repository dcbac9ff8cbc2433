"""A store that takes no writes for a moment: what was going on is neither lost nor given up, and goes on afterwards."""

import asyncio
import importlib.util
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from trainshed import ledger, schedules, testing
from trainshed.builds.testing import Workbench
from trainshed.duty import Background
from trainshed.errors import Unavailable
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

    (receipt,) = db.read(ledger.list_receipts)
    assert receipt.state == "STARTED"


def test_a_build_whose_end_could_not_be_written_does_not_work_for_ever(tmp_path, outage):
    with testing.database(tmp_path) as db:
        bench = Workbench(tmp_path, db)
        build = bench.submit({"name": "bash", "script": f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"})

        async def main():
            await bench.engine.run_once()
            while bench.service.get(build.build_id).state != "WORKING":
                await asyncio.sleep(0.01)
            with outage():
                (tmp_path / "go").touch()
                await bench.engine.settled()
            await bench.engine.run_once()
            await bench.engine.close()

        asyncio.run(main())

        assert bench.service.get(build.build_id).state == "INTERNAL_ERROR"
