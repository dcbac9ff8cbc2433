"""Calls of functions on the store: each event has its invocation, its receipt and its deliveries."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from receipts import receipts_in
from storage.functions_world import CONFIGURATION, CRASH, NAME, OK, SUBSCRIPTION, an_event, opened, run

from trainshed import ledger
from trainshed.functions import Call, Ended


@pytest.fixture
def bench(db, clock, tmp_path):
    return partial(opened, db, clock, tmp_path)


def test_delivery_is_recorded_with_its_receipt_before_and_after_the_call(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.gate.clear()
            b.script.endings.append(OK)
            delivering = asyncio.ensure_future(b.host.deliver(NAME, an_event(parent_receipt_id="")))
            await b.script.called.wait()
            during = b.states(), b.receipt().state
            b.script.gate.set()
            assert await delivering
            return during, b.states(), b.receipt(), b.deliveries(), b.service.invocations(NAME)[0]

    during, states, receipt, deliveries, invocation = run(scenario())
    assert during == (["RUNNING"], "PENDING")
    assert states == ["OK"]
    assert (receipt.trigger, receipt.kind, receipt.stimulus) == (NAME, "message", f"{SUBSCRIPTION}#1")
    assert (receipt.state, receipt.link) == ("STARTED", f"{NAME}/invocations/{invocation.id}")
    assert deliveries == [(1, "ok")]
    assert (invocation.duration_seconds, invocation.memory_bytes) == (0.1, OK.memory_bytes)


def test_d3_failed_event_is_acknowledged_without_retry_and_stays_in_its_receipt(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.endings.append(replace(CRASH, error="ValueError: no good\nlast lines\n]"))
            return await b.host.deliver(NAME, an_event()), b.receipt(), b.deliveries()

    acknowledged, receipt, deliveries = run(scenario())
    assert acknowledged
    assert (receipt.state, receipt.reason) == ("FAILED", "crash: ValueError: no good")
    assert deliveries == [(1, "crash")]
    assert receipt.data["data"] == "e30=", "enough to send it again"


def test_s41_with_retry_a_failed_event_comes_again_under_the_same_receipt(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy(retry=True)
            b.script.endings.extend([CRASH, OK])
            first = await b.host.deliver(NAME, an_event())
            second = await b.host.deliver(NAME, an_event(delivery_attempt=2))
            return first, second, b.receipt().state, b.deliveries(), b.states()

    assert run(scenario()) == (False, True, "STARTED", [(1, "crash"), (2, "ok")], ["CRASH", "OK"])


def test_d4_redeliveries_join_the_run_that_the_first_one_started(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            asked = []
            for _ in range(5):
                b.script.gate.clear()
                b.script.called.clear()
                delivering = asyncio.ensure_future(b.host.deliver(NAME, an_event()))
                await b.script.called.wait()
                asked.append(b.start_run(b.script.calls[-1][0].principal))
                b.script.gate.set()
                assert await delivering
            return asked, b.receipt(), b.deliveries()

    asked, receipt, deliveries = run(scenario())
    assert asked == [(f"{SUBSCRIPTION}#1", 0)] * 5
    assert (receipt.state, receipt.link) == ("STARTED", "projects/p/locations/r/pipelineJobs/x")
    assert deliveries == [(1, "started"), *((n, "joined") for n in range(2, 6))]


def test_d5_a_run_in_which_nothing_was_new_leaves_the_receipt_skipped(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.gate.clear()
            delivering = asyncio.ensure_future(b.host.deliver(NAME, an_event()))
            await b.script.called.wait()
            b.start_run(b.script.calls[-1][0].principal)
            now, reason = b.clock.now(), "nothing changed: 5 tasks reused"
            b.db.write(lambda conn: ledger.settle(conn, b.receipt().receipt_id, "needless", now=now, reason=reason))
            b.script.gate.set()
            await delivering
            return b.receipt(), b.deliveries()

    receipt, deliveries = run(scenario())
    assert (receipt.state, receipt.reason) == ("SKIPPED", "nothing changed: 5 tasks reused")
    assert deliveries == [(1, "started")]


def test_crash_after_the_run_was_started_leaves_the_receipt_started(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.gate.clear()
            b.script.endings.append(CRASH)
            delivering = asyncio.ensure_future(b.host.deliver(NAME, an_event()))
            await b.script.called.wait()
            b.start_run(b.script.calls[-1][0].principal)
            b.script.gate.set()
            await delivering
            return b.receipt().state, b.deliveries()

    assert run(scenario()) == ("STARTED", [(1, "crash")])


def test_second_delivery_of_what_is_under_way_waits_for_the_first(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy(max_instances=3)
            b.script.gate.clear()
            both = [asyncio.ensure_future(b.host.deliver(NAME, an_event())) for _ in range(2)]
            await b.script.called.wait()
            b.script.gate.set()
            return await asyncio.gather(*both), len(b.script.calls)

    assert run(scenario()) == ([True, True], 1)


@pytest.mark.parametrize("instances", [1, 3])
def test_events_wait_for_an_instance_and_all_are_served(bench, instances):
    async def scenario():
        async with bench() as b:
            await b.deploy(max_instances=instances)
            await asyncio.gather(*(b.host.deliver(NAME, an_event(n)) for n in range(20)))
            return len(b.script.calls), len(b.script.instances)

    calls, started = run(scenario())
    assert calls == 20
    assert started <= instances


def test_warm_instance_is_used_again_and_a_dead_one_replaced(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.endings.extend([OK, OK, Ended(transition="exit", error="code 3"), OK])
            for number in range(4):
                await b.host.deliver(NAME, an_event(number))
            return [call[0].id for call in b.script.calls], b.states()

    used, states = run(scenario())
    assert used[0] == used[1] == used[2] != used[3]
    assert states == ["OK", "OK", "EXITED", "OK"]


def test_instance_that_does_not_start_fails_the_delivery(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.endings.append(Ended(transition="exit"))
            await b.host.deliver(NAME, an_event(1))
            b.script.start_failures.append("ImportError: gone")
            await b.host.deliver(NAME, an_event(2))
            return b.states(), b.service.invocations(NAME)[0].error

    assert run(scenario()) == (["EXITED", "START_FAILED"], "ImportError: gone")


def test_idle_instances_end_down_to_the_minimum_and_come_back(bench, clock):
    async def scenario():
        async with bench() as b:
            await b.deploy(max_instances=3, min_instances=1)
            b.script.gate.clear()
            busy = [asyncio.ensure_future(b.host.deliver(NAME, an_event(n))) for n in range(3)]
            while len(b.script.calls) < 3:
                b.script.called.clear()
                await b.script.called.wait()
            b.script.gate.set()
            await asyncio.gather(*busy)
            counts = [b.host.instances(NAME)]
            clock.advance(timedelta(seconds=500))
            await b.host.keep(600)
            counts.append(b.host.instances(NAME))
            clock.advance(timedelta(seconds=200))
            await b.host.keep(600)
            return [*counts, b.host.instances(NAME)]

    assert run(scenario()) == [3, 3, 1]


def test_call_under_way_when_the_server_stops_is_interrupted_and_not_acknowledged(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.gate.clear()
            b.script.endings.append(Ended(transition="exit"))
            delivering = asyncio.ensure_future(b.host.deliver(NAME, an_event()))
            await b.script.called.wait()
            stopping = asyncio.ensure_future(b.host.stop())
            await asyncio.sleep(0)
            b.script.gate.set()
            await stopping
            return await delivering, b.states(), b.receipt().state

    assert run(scenario()) == (False, ["INTERRUPTED"], "PENDING")


def test_calls_and_deployments_of_a_dead_server_are_closed_at_start(bench):
    async def scenario():
        async with bench() as b:
            function = await b.deploy()
            b.service.begin(function.version, Call(event=an_event()), instance="gone")
            b.service.open_deployment(NAME, CONFIGURATION)
            closed = b.service.recover()
            function = b.service.get(NAME)
            return closed, b.states(), b.deliveries(), b.receipt().state, function.state, function.error

    assert run(scenario()) == (
        1, ["INTERRUPTED"], [(1, "interrupted")], "PENDING", "ACTIVE",
        "the server ended while this was deployed; deploy again",
    )  # fmt: skip


def test_call_by_hand_has_a_receipt_and_a_cause_of_its_own(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.endings.append(Ended(transition="return", answer=b"done"))
            execution, ended = await b.host.call(NAME, Call(data={"data": "x"}))
            cause = b.host.cause_of(b.script.calls[0][0].principal)
            return execution, ended.answer, b.receipt(), cause

    execution, answer, receipt, cause = run(scenario())
    assert answer == b"done"
    assert (receipt.kind, receipt.data) == ("call", {"data": {"data": "x"}})
    assert cause.key == f"{NAME}#{execution}"


def test_a_call_by_hand_that_a_dead_server_left_is_not_pending_for_ever(bench):
    async def scenario():
        async with bench() as b:
            version = (await b.deploy()).version
            b.service.begin(version, Call(data={}), instance="i")
            b.service.recover()
            return b.states(), b.receipt().state

    assert run(scenario()) == (["INTERRUPTED"], "FAILED")


def test_an_event_that_waits_for_another_delivery_is_settled_when_its_function_is_deleted(bench):
    async def scenario():
        async with bench() as b:
            version = (await b.deploy()).version
            b.service.begin(version, Call(event=an_event()), instance="i")
            b.service.recover()
            before = b.receipt().state
            await b.host.delete(NAME)
            return before, b.receipt().state, b.receipt().reason

    assert run(scenario()) == ("PENDING", "FAILED", "the function was deleted")


@pytest.mark.parametrize("attributes", [{}, {"eventType": "OBJECT_PAINTED"}])
def test_a_message_by_hand_on_the_topic_of_a_bucket_is_settled_and_comes_once(bench, attributes):
    async def scenario():
        async with bench() as b:
            await b.deploy(topic="", bucket="data")
            is_acknowledged = await b.host.deliver(NAME, replace(an_event(), data=b"hello", attributes=attributes))
            return is_acknowledged, b.states(), b.receipt().state

    assert run(scenario()) == (True, ["START_FAILED"], "FAILED")


def test_a_call_goes_on_and_is_recorded_when_whoever_asked_goes_away(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.script.gate.clear()
            asked = asyncio.ensure_future(b.host.call(NAME, Call(data={})))
            await b.script.called.wait()
            asked.cancel()
            await asyncio.wait({asked})
            following = asyncio.ensure_future(b.host.call(NAME, Call(data={})))  # of the one instance
            b.script.gate.set()
            await following
            return b.states(), {
                delivery.outcome
                for receipt in b.db.read(receipts_in)
                for delivery in b.db.read(partial(ledger.deliveries, receipt_id=receipt.receipt_id))
            }

    assert run(scenario()) == (["OK", "OK"], {"ok"})
