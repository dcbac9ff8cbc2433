import asyncio
import threading

import pytest

from trainshed.clock import VirtualClock
from trainshed.duty import Background, Duty, Pace


async def _turns(duty_of, steps):
    done = asyncio.Queue()
    clock = VirtualClock()
    duty = duty_of(done, clock)
    task = asyncio.create_task(duty.run())
    try:
        return await asyncio.wait_for(steps(duty, clock, done), 10)
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def _sleeping(clock):
    while clock.next_wake() is None:
        await asyncio.sleep(0)


def _counting(done, clock, *, fail=False):
    async def once():
        done.put_nowait(clock.now())
        if fail:
            raise RuntimeError("broken")

    return Duty("test", once, interval_seconds=60, clock=clock)


def test_duty_runs_at_once_then_on_its_interval():
    async def steps(duty, clock, done):
        first = await done.get()
        await _sleeping(clock)
        clock.advance(60)
        return (await done.get()) - first

    assert asyncio.run(_turns(_counting, steps)).total_seconds() == 60


def test_duty_runs_when_woken_without_waiting():
    async def steps(duty, clock, done):
        first = await done.get()
        await _sleeping(clock)
        duty.wake()
        return (await done.get()) - first

    assert asyncio.run(_turns(_counting, steps)).total_seconds() == 0


def test_each_wake_is_one_turn_whichever_thread_it_comes_from():
    async def steps(duty, clock, done):
        await done.get()
        for wake in (duty.wake, lambda: threading.Thread(target=duty.wake).start(), duty.wake):
            await _sleeping(clock)
            wake()
            await done.get()
        await _sleeping(clock)
        for _ in range(20):
            await asyncio.sleep(0)
        return done.qsize()

    assert asyncio.run(_turns(_counting, steps)) == 0


def test_a_wake_during_a_turn_leads_to_another():
    async def steps(duty, clock, done):
        await done.get()
        duty.wake()
        duty.wake()
        await done.get()
        await _sleeping(clock)
        return done.qsize()

    def waking(done, clock):
        async def once():
            done.put_nowait(clock.now())
            await asyncio.sleep(0)

        return Duty("test", once, interval_seconds=60, clock=clock)

    assert asyncio.run(_turns(waking, steps)) == 0


def test_failing_duty_goes_on():
    async def steps(duty, clock, done):
        await done.get()
        await _sleeping(clock)
        duty.wake()
        await done.get()
        return True

    assert asyncio.run(_turns(lambda d, c: _counting(d, c, fail=True), steps))


def test_background_work_ends_with_close():
    async def story():
        background = Background()
        task = background.spawn(asyncio.Event().wait(), name="forever")
        await background.close()
        return task.cancelled()

    assert asyncio.run(story())


def test_a_duty_tells_how_long_its_turn_lasts_and_nothing_while_it_waits():
    release = asyncio.Event()

    def holding(done, clock):
        async def once():
            done.put_nowait(None)
            await release.wait()

        return Duty("test", once, interval_seconds=60, clock=clock)

    async def steps(duty, clock, done):
        await done.get()
        first, then = duty.turn_seconds, duty.turn_seconds
        release.set()
        await _sleeping(clock)
        return 0 < first <= then, duty.turn_seconds

    assert asyncio.run(_turns(holding, steps)) == (True, 0.0)


def test_long_work_rests_three_times_as_long_as_each_piece_of_it_took():
    now, rests = [0.0], []
    pace = Pace(used=lambda: now[0], sleep=rests.append)

    for took in (0.002, 0.002, 0.002, 0.001, 0.020, 0.004):
        now[0] += took
        pace.step()

    assert rests == pytest.approx([0.018, 0.063])
    assert pace.rested_seconds == pytest.approx(sum(rests))
