"""Waiting for a change of a run, by a caller who may go away at any moment."""

import asyncio

import pytest

from trainshed.runs import watching


@pytest.mark.parametrize("turns", range(5))
def test_who_is_told_to_end_while_something_changes_ends(turns):
    async def main():
        changed = asyncio.Event()
        waiting = asyncio.create_task(watching.wait(changed, 600))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        changed.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        is_told = waiting.cancel()
        await asyncio.wait({waiting})
        return is_told, waiting.cancelled()

    is_told, has_ended = asyncio.run(main())

    assert is_told == has_ended
