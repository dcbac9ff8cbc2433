"""A year of firings under the virtual clock, through the whole server."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import world
from harness import Effort, Figure
from sqlalchemy import text

from trainshed.app import App
from trainshed.clock import VirtualClock
from trainshed.schedules import Options, PubsubTarget
from trainshed.settings import Settings

_FROM, _TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
_DUE = 365 * 24 * 20  # every third minute of the year; daylight saving moves an hour out and another one in
_JOB = f"{world.PARENT}/jobs/bench"
_LONGEST_SECONDS = 300.0


def measure(folder: Path, _effort: Effort) -> list[Figure]:
    """Let a year of `*/3 * * * *` in Berlin pass, in one jump and a day at a time; each firing publishes a message."""
    jumped = asyncio.run(_year(folder / "jump", _TO - _FROM))
    walked = asyncio.run(_year(folder / "walk", timedelta(days=1)))
    return [
        Figure(name="a year of */3 * * * *, Europe/Berlin", value=jumped[0], unit="s", budget=10, note=jumped[1]),
        Figure(name="the same, a day at a time", value=walked[0], unit="s", budget=10, note=walked[1]),
    ]


async def _year(home: Path, step: timedelta) -> tuple[float, str]:
    clock = VirtualClock(_FROM)
    app = App(Settings(home=home, port=0, clock="virtual"), clock)
    await app.start()
    try:
        topic = f"projects/{world.PROJECT}/topics/ticks"
        await asyncio.to_thread(app.features.topics.create_topic, topic)
        options = Options(
            schedule="*/3 * * * *", time_zone="Europe/Berlin", target=PubsubTarget(topic=topic, data="e30=")
        )
        await asyncio.to_thread(app.features.schedules.create, _JOB, options)
        began = time.perf_counter()
        while clock.now() < _TO:
            now = clock.advance_to(min(clock.now() + step, _TO))
            await _until_fired(app, now)
        seconds = time.perf_counter() - began
        receipts, messages = await asyncio.to_thread(app.db.read, _counts)
    finally:
        await app.stop()
    if not receipts == messages or abs(receipts - _DUE) > 1:
        raise RuntimeError(f"{receipts} receipts and {messages} messages for {_DUE} due times")
    return seconds, f"{receipts:,} receipts and messages"


async def _until_fired(app: App, now: datetime) -> None:
    ends = time.monotonic() + _LONGEST_SECONDS
    while True:
        due = (await asyncio.to_thread(app.features.schedules.get, _JOB)).next_due_time
        if due is not None and due > now:
            return
        if time.monotonic() > ends:
            raise TimeoutError(f"firings stopped at {due}")
        await asyncio.sleep(0.002)


def _counts(conn: Any) -> tuple[int, int]:
    receipts = conn.execute(text("SELECT count(*) FROM receipts WHERE trigger = :job"), {"job": _JOB}).scalar()
    messages = (
        conn.execute(text("SELECT count(*) FROM message_ids")).scalar()
        and conn.execute(text("SELECT last FROM message_ids")).scalar()
    )
    return int(receipts), int(messages or 0)
