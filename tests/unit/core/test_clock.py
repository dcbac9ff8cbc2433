import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from trainshed.clock import SystemClock, VirtualClock, parse_rfc3339, rfc3339

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_virtual_clock_stands_still_until_advanced():
    clock = VirtualClock(NOON)

    assert clock.now() == NOON
    assert clock.advance(90) == NOON + timedelta(seconds=90)


def test_virtual_clock_never_goes_backwards():
    clock = VirtualClock(NOON)

    clock.advance_to(NOON - timedelta(days=1))

    assert clock.now() == NOON


def test_sleeper_wakes_when_its_time_comes_and_not_before():
    async def story():
        clock = VirtualClock(NOON)
        sleeper = asyncio.ensure_future(clock.sleep_until(NOON + timedelta(minutes=1)))
        await asyncio.sleep(0)
        assert clock.next_wake() == NOON + timedelta(minutes=1)
        clock.advance(59)
        await asyncio.sleep(0)
        assert not sleeper.done()
        clock.advance(1)
        await asyncio.wait_for(sleeper, 5)
        assert clock.next_wake() is None

    asyncio.run(story())


def test_cancelled_sleeper_is_forgotten():
    async def story():
        clock = VirtualClock(NOON)
        sleeper = asyncio.ensure_future(clock.sleep_until(NOON + timedelta(minutes=1)))
        await asyncio.sleep(0)
        sleeper.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeper
        assert clock.next_wake() is None

    asyncio.run(story())


def test_system_clock_is_aware_utc():
    assert SystemClock().now().utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000123Z"])
def test_rfc3339_goes_both_ways(text):
    assert rfc3339(parse_rfc3339(text)) == text


def test_rfc3339_turns_other_offsets_into_utc():
    assert parse_rfc3339("2026-03-01T13:00:00+01:00") == NOON


def test_a_time_without_a_zone_is_utc_wherever_the_machine_is(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert parse_rfc3339("2026-03-01T12:00:00") == NOON
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00"])
def test_a_time_beyond_all_years_is_none(text):
    with pytest.raises(ValueError, match="no time of the years 1 to 9999"):
        parse_rfc3339(text)
