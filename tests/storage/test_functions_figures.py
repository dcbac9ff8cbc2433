"""What the store says of the calls that were: lists, figures, history."""

from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select
from storage.functions_world import CRASH, MEBIBYTE, NAME, OK, an_event, opened, run

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.functions import measured
from trainshed.functions import store, store_minutes
from trainshed.sql.lifecycle import history_table


@pytest.fixture
def bench(db, clock, tmp_path):
    return partial(opened, db, clock, tmp_path)


def test_history_names_the_causes(bench, db):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            await b.deploy()

    run(scenario())
    query = select(history_table.c.transition).where(history_table.c.resource == NAME).order_by(history_table.c.id)
    found = db.read(lambda conn: [r.transition for r in conn.execute(query)])
    assert found == ["created", "deployed", "deploy", "deployed"]


def test_s44_metrics_are_computed_from_what_was_recorded(bench, clock):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.endings.extend([OK, CRASH])
            await b.host.deliver(NAME, an_event(1))
            await b.host.deliver(NAME, an_event(2))
            clock.advance(60)
            await b.deploy(main="def handle(event, context): return 2\n")
            b.script.endings.append(OK)
            await b.host.deliver(NAME, an_event(3))
            known = b.service.last_calls([NAME], timedelta(hours=1))
            return known, *(b.service.metrics(NAME, window=timedelta(minutes=15), version=v) for v in (None, 1, 2))

    known, found, first, second = run(scenario())
    assert known == {NAME: (2, 1)}
    assert (found["ok"], found["crash"]) == (2, 1)
    assert found["okPerSecond"] == pytest.approx(2 / 900)
    assert found["executionMillis"] == {"p50": 100, "p95": pytest.approx(190), "p99": pytest.approx(198)}
    assert found["memoryBytes"]["p99"] == pytest.approx(120 * MEBIBYTE - 0.02 * 2 * MEBIBYTE)
    assert [p["invocations"] for p in found["series"][-2:]] == [2, 1]
    assert len(found["series"]) == 15
    assert [p["activeInstances"] for p in found["series"][-3:]] == [0, 1, 1]
    assert (first["ok"], first["crash"], second["ok"], second["crash"]) == (1, 1, 1, 0)


def test_figures_of_a_week_of_a_busy_function_are_read_by_its_key(db):
    query = select(store_minutes.function_minutes).where(
        store_minutes.function_minutes.c.function == NAME,
        store_minutes.function_minutes.c.start_time >= datetime(2026, 1, 1, tzinfo=UTC),
    )
    with_names = str(query.compile(compile_kwargs={"literal_binds": False}))

    plan = db.read(lambda conn: conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {with_names}", (NAME, "2026")).all())

    assert "SEARCH function_minutes USING INDEX" in str(plan)


def test_calls_are_read_in_parts_and_by_outcome_and_version(bench, clock):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.endings.extend([OK, CRASH, OK])
            for number in range(3):
                clock.advance(1)
                await b.host.deliver(NAME, an_event(number))
            newest = b.service.invocations(NAME, limit=1)
            older = b.service.invocations(NAME, before=newest[0].start_time)
            failed = b.service.invocations(NAME, wanted=store.Wanted(failed=True))
            return newest, older, failed, b.service.invocations(NAME, wanted=store.Wanted(version=2))

    newest, older, failed, of_second = run(scenario())
    assert [i.state for i in (*newest, *older)] == ["OK", "CRASH", "OK"]
    assert [i.state for i in failed] == ["CRASH"]
    assert of_second == []


def test_calls_that_began_at_the_same_time_are_all_listed_page_by_page(bench, clock, monkeypatch):
    monkeypatch.setattr(measured, "CALLS", 2)

    async def scenario():
        async with bench() as b:
            await b.deploy()
            for number in range(7):
                b.script.endings.append(OK)
                await b.host.deliver(NAME, an_event(number))
                if number in {0, 5}:
                    clock.advance(1)
            more, pages = "/f", []
            while more and len(pages) < 7:
                asked = Asked(path="/f", query=tuple(parse_qsl(urlsplit(more).query)))
                skip = measured.skipped(asked)
                found = b.service.invocations(NAME, limit=3, before=asked.moment("before"), skip=skip)
                (table,) = (part for part in measured.calls(found, asked) if part.id == "calls")
                pages.append([row[0].text for row in table.rows])
                more = table.more
            return pages, [call.id for call in b.service.invocations(NAME)]

    pages, everything = run(scenario())

    assert [len(page) for page in pages] == [2, 2, 2, 1]
    assert [call for page in pages for call in page] == everything
