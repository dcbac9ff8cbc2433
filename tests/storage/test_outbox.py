import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from trainshed import sql
from trainshed.sql.outbox import Outbox, outbox_table


def waiting(db):
    return db.read(lambda conn: conn.execute(select(func.count()).select_from(outbox_table)).scalar())


def append(db, clock, payload, **options):
    db.write(lambda conn: sql.append(conn, "greet", payload, now=clock.now(), **options))


def test_entry_is_handled_once_and_removed(db, clock):
    seen = []
    outbox = Outbox(db, clock, {"greet": lambda conn, payload: seen.append(payload["who"])})
    append(db, clock, {"who": "world"})

    asyncio.run(outbox.run_once())
    asyncio.run(outbox.run_once())

    assert seen == ["world"]
    assert waiting(db) == 0


def test_entry_waits_for_its_time(db, clock):
    seen = []
    outbox = Outbox(db, clock, {"greet": lambda conn, payload: seen.append(1)})
    append(db, clock, {}, delay_seconds=60)

    due = asyncio.run(outbox.run_once())
    assert (seen, due) == ([], clock.now() + timedelta(seconds=60))

    clock.advance(60)
    asyncio.run(outbox.run_once())
    assert seen == [1]


@pytest.mark.parametrize("synchronously", [True, False])
def test_failing_entry_is_kept_and_tried_later_without_holding_up_others(db, clock, caplog, synchronously):
    seen = []

    def handler(conn, payload):
        seen.append(payload["n"])
        if payload["n"] == 1 and seen.count(1) < 3:
            raise RuntimeError("not yet")

    outbox = Outbox(db, clock, {"greet": handler})
    append(db, clock, {"n": 1})
    append(db, clock, {"n": 2})

    for _ in range(4):
        outbox.drain() if synchronously else asyncio.run(outbox.run_once())
        clock.advance(10)

    assert seen == [1, 2, 1, 1]
    assert waiting(db) == 0


def test_commit_that_appends_wakes_the_duty(db, clock):
    async def story():
        seen = asyncio.Queue()
        loop = asyncio.get_running_loop()
        handlers = {"greet": lambda conn, payload: loop.call_soon_threadsafe(seen.put_nowait, payload)}
        duty = Outbox(db, clock, handlers).duty(interval_seconds=3600)
        task = asyncio.create_task(duty.run())
        while clock.next_wake() is None:
            await asyncio.sleep(0)
        await asyncio.to_thread(append, db, clock, {"n": 1})
        payload = await asyncio.wait_for(seen.get(), 10)
        task.cancel()
        return payload

    assert asyncio.run(story()) == {"n": 1}


def test_an_entry_that_failed_for_days_still_holds_up_nobody(db, clock):
    def handler(conn, payload):
        if payload["is_broken"]:
            raise RuntimeError("never")

    outbox = Outbox(db, clock, {"greet": handler})
    append(db, clock, {"is_broken": True})
    db.write(lambda conn: conn.execute(outbox_table.update().values(tries=1024)))
    append(db, clock, {"is_broken": False})

    asyncio.run(outbox.run_once())

    assert waiting(db) == 1
