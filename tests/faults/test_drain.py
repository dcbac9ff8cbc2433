"""A server that is told to end does not first tidy up after runs of thousands of tasks."""

import asyncio
import shutil

import pytest

from trainshed.duty import Background
from trainshed.runs.engine import mounts


@pytest.fixture
def run(tmp_path):
    """The folder of a run with the mounts of many attempts."""
    for number in range(100):
        (tmp_path / f"task-{number}" / "1" / "mount" / "bucket").mkdir(parents=True)
    return tmp_path


def test_the_mounts_of_a_run_that_ended_are_removed(run):
    asyncio.run(mounts.clean_up([], [run]))

    assert not list(run.glob("*/*/mount"))
    assert len(list(run.glob("*/1"))) == 100, "logs stay"


def test_a_drain_does_not_wait_for_all_of_them(run, monkeypatch):
    background, removed = Background(), []
    remove = shutil.rmtree

    async def main():
        loop, draining = asyncio.get_running_loop(), asyncio.Event()

        def slow(folder, **options):
            removed.append(folder)
            loop.call_soon_threadsafe(draining.set)
            remove(folder, **options)

        monkeypatch.setattr(shutil, "rmtree", slow)
        background.spawn(mounts.clean_up([], [run]), name="clean up")
        await draining.wait()
        await background.close()

    asyncio.run(main())

    assert 0 < len(removed) < 100
