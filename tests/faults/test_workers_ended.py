"""Workers that are ended at the worst moments; each case was found by the kill campaign."""

import asyncio
import sys

import pytest

from trainshed.workers import Order, Pool, WorkerFailed


@pytest.fixture
def python(tmp_path):
    """An interpreter that ends without a word, as one that is killed does, as often as there are files in `ends`."""
    (tmp_path / "ends").mkdir()
    program = tmp_path / "bin" / "python"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nfor end in {tmp_path}/ends/*; do [ -e "$end" ] && rm "$end" && exit 0; done\nexec {sys.executable} "$@"\n'
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def order(tmp_path):
    folder = tmp_path / "attempt"
    folder.mkdir()
    return Order(
        task_id="1", attempt=1, folder=str(folder), log_file=str(folder / "log"), output_file=str(folder / "out"),
        mount=str(folder), executor_input="{}", variables={}, arguments=("true",), cpus=None, memory_bytes=None,
        timeout_seconds=None, grace_seconds=1.0,
    )  # fmt: skip


def run(tmp_path, python, order):
    """Run an order in a pool of its own; answer how it ended."""

    async def main():
        ended = asyncio.get_running_loop().create_future()
        pool = Pool(runtime=tmp_path / "run", home=tmp_path, lease_seconds=5, idle_seconds=60)
        await pool.open(ended.set_result)
        try:
            await pool.start("e", python, order)
            return await asyncio.wait_for(ended, 90)
        finally:
            await pool.close(end_attempts=True, grace_seconds=1)

    return asyncio.run(main())


def test_a_worker_that_is_killed_while_it_starts_costs_nothing(tmp_path, python, order):
    for name in ("first", "second"):
        (tmp_path / "ends" / name).touch()

    ended = run(tmp_path, python, order)

    assert (ended.cause, ended.code) == ("exited", 0)


def test_a_worker_that_is_killed_each_time_is_not_started_for_ever(tmp_path, python, order):
    for number in range(9):
        (tmp_path / "ends" / str(number)).touch()

    with pytest.raises(WorkerFailed):
        run(tmp_path, python, order)
