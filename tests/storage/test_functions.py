"""Functions on the store: deployments, invocations, receipts, pools, on instances that do what they are told."""

import asyncio
import io
import zipfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from trainshed import ledger
from trainshed.errors import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from trainshed.functions import Call, Configuration, Ended, Host, Service, Version, addresses, store, store_minutes
from trainshed.functions.placement import Placement
from trainshed.functions.scripted import Script
from trainshed.functions.service import Asked
from trainshed.functions.source import Sources
from trainshed.sql.lifecycle import history_table

NAME = "projects/p/locations/us-central1/functions/trigger"
TOPIC = "projects/p/topics/t"
SUBSCRIPTION = "projects/p/subscriptions/gcf-trigger-us-central1-t"
CONFIGURATION = Configuration(entry_point="handle", topic=TOPIC, max_instances=1)
MEBIBYTE = 1 << 20
CRASH = Ended(transition="crash", error="ValueError: no good", duration_seconds=0.2, memory_bytes=120 * MEBIBYTE)
OK = Ended(transition="return", duration_seconds=0.1, memory_bytes=118 * MEBIBYTE)


@dataclass(frozen=True)
class Built:
    digest: str = "abc"
    python: Path = Path("python")


class FakeEnvironments:
    def __init__(self):
        self.failure = ""
        self.asked = []

    def ensure(self, lines, *, log=None):
        self.asked.append(list(lines))
        if self.failure:
            raise FailedPrecondition(self.failure)
        return Built()


class FakeSubscriptions:
    def __init__(self):
        self.attached = {}
        self.watched = []

    def attach(self, conn, *, subscription, topic, target, retry):
        self.attached[subscription] = (topic, target, retry)

    def detach(self, conn, *, subscription):
        self.attached.pop(subscription, None)

    def require(self, conn, *, bucket):
        if bucket == "missing":
            raise NotFound("There is no bucket 'missing'.")

    def watch(self, conn, *, bucket, topic, kind):
        self.watched.append((bucket, topic, kind))


def an_archive(main="def handle(event, context): ...\n"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", main)
    return buffer.getvalue()


def an_event(number=1, **fields):
    return ledger.Message(
        subscription=SUBSCRIPTION, message_id=str(number), publish_time=datetime(2026, 1, 1, tzinfo=UTC), topic=TOPIC,
        data=b"{}", **fields,
    )  # fmt: skip


class Bench:
    def __init__(self, db, clock, folder):
        self.db, self.clock = db, clock
        self.subscriptions, self.environments, self.script = FakeSubscriptions(), FakeEnvironments(), Script()
        self.service = Service(db, clock, self.subscriptions)
        self.host = Host(
            folder / "functions", self.service, clock,
            environments=self.environments, reach=lambda _: {}, launch=self.script.launch,
        )  # fmt: skip

    async def deploy(self, main="def handle(event, context): ...\n", **changes):
        deployment = await self.host.deploy(NAME, replace(CONFIGURATION, **changes), an_archive(main))
        return await deployment.wait()

    def receipt(self):
        (found,) = self.db.read(ledger.list_receipts)
        return found

    def deliveries(self):
        found = self.db.read(lambda conn: ledger.deliveries(conn, self.receipt().receipt_id))
        return [(d.number, d.outcome) for d in found]

    def states(self):
        return [i.state for i in reversed(self.service.invocations(NAME))]

    def start_run(self, principal, link="projects/p/locations/r/pipelineJobs/x"):
        """Do what the runs feature does when an instance asks for a run."""
        cause = self.host.cause_of(principal)
        ordinal = self.host.next_ordinal(principal, "digest")

        def verb(conn):
            if ledger.get_receipt(conn, cause.receipt_id).state != "STARTED":
                ledger.settle(conn, cause.receipt_id, "start", now=self.clock.now(), link=link)

        self.db.write(verb)
        return cause.key, ordinal


@pytest.fixture
def bench(db, clock, tmp_path):
    @asynccontextmanager
    async def opened():
        made = Bench(db, clock, tmp_path)
        await made.host.start()
        try:
            yield made
        finally:
            await made.host.stop()

    return opened


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario, 20))


def test_s37_deployment_records_the_version_and_feeds_it_from_its_topic(bench):
    async def scenario():
        async with bench() as b:
            function = await b.deploy(retry=True)
            return function, b.subscriptions.attached, b.environments.asked

    function, attached, asked = run(scenario())
    assert (function.state, function.version.number, function.version.signature) == ("ACTIVE", 1, "event")
    assert attached == {SUBSCRIPTION: (TOPIC, f"function:{NAME}", True)}
    assert asked == [["functions-framework>=3.5,<4"]]


def test_redeployment_to_another_topic_moves_the_subscription(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            function = await b.deploy(topic="projects/p/topics/other")
            return function.version.number, list(b.subscriptions.attached), len(b.service.versions(NAME))

    assert run(scenario()) == (2, ["projects/p/subscriptions/gcf-trigger-us-central1-other"], 2)


def test_bucket_function_watches_its_bucket(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy(topic="", bucket="data")
            return b.subscriptions.watched

    assert run(scenario()) == [("data", "projects/p/topics/gcf-bucket-data", "OBJECT_FINALIZE")]


def test_what_can_be_checked_before_is_refused_before_anything_is_recorded(bench):
    async def scenario():
        async with bench() as b:
            with pytest.raises(InvalidArgument, match="no function 'handle'"):
                await b.deploy("def other(): ...")
            with pytest.raises(InvalidArgument, match="runtime"):
                await b.deploy(runtime="cobol")
            return b.db.read(lambda conn: store.find_function(conn, NAME))

    assert run(scenario()) is None


def test_first_deployment_that_fails_leaves_the_function_offline_with_the_reason(bench):
    async def scenario():
        async with bench() as b:
            b.environments.failure = "no such package: nope"
            with pytest.raises(FailedPrecondition, match="nope"):
                await b.deploy()
            with pytest.raises(FailedPrecondition, match="no version that works: no such package"):
                await b.host.deliver(NAME, an_event())
            return b.service.get(NAME)

    function = run(scenario())
    assert (function.state, function.version, function.error) == ("OFFLINE", None, "no such package: nope")


def test_second_deployment_at_a_time_is_refused(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            b.service.open_deployment(NAME, CONFIGURATION)
            with pytest.raises(Aborted, match="under way already"):
                await b.deploy()
            with pytest.raises(Aborted, match="under way already"):
                await b.host.delete(NAME)

    run(scenario())


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


def test_delete_stops_feeding_and_keeps_what_happened(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            await b.host.deliver(NAME, an_event())
            await b.host.delete(NAME)
            with pytest.raises(NotFound):
                b.service.get(NAME)
            assert await b.host.deliver(NAME, an_event(2)), "an event for nobody does not come back for ever"
            return b.subscriptions.attached, b.states(), b.receipt().state

    assert run(scenario()) == ({}, ["OK"], "STARTED")


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


def test_deployment_tells_of_its_progress(bench):
    async def scenario():
        async with bench() as b:
            deployment = await b.host.deploy(NAME, replace(CONFIGURATION, runtime="python37"), an_archive())
            lines = [line async for line in deployment.follow()]
            return lines, b.host.deployment(deployment.operation).done

    lines, done = run(scenario())
    assert "python37 is retired" in lines[0]
    assert lines[-1] == "Version 1 serves."
    assert done


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


def test_functions_come_in_pages_and_can_be_searched(db, clock):
    service = Service(db, clock, FakeSubscriptions())
    for letter in "abcde":
        service.open_deployment(f"projects/p/locations/us-central1/functions/{letter}", CONFIGURATION)

    first, more = service.search(store.Sought(limit=3))
    rest, end = service.search(store.Sought(limit=3, after=more))

    assert [f.name[-1] for f in (*first, *rest)] == list("abcde")
    assert end == ""
    assert [f.name[-1] for f in service.search(store.Sought(text="functions/d"))[0]] == ["d"]
    assert service.search(store.Sought(state="ACTIVE")) == ([], "")


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


@pytest.mark.parametrize(
    ("parent", "found"),
    [
        ("projects/-/locations/-", 3),
        ("projects/p/locations/-", 2),
        ("projects/p/locations/us-central1", 1),
        ("projects/x/locations/-", 0),
    ],
)
def test_functions_are_listed_by_place_or_wherever_they_are(db, clock, parent, found):
    service = Service(db, clock, FakeSubscriptions())
    for place in ("p/locations/us-central1", "p/locations/europe-west1", "pq/locations/us-central1"):
        service.open_deployment(f"projects/{place}/functions/f", CONFIGURATION)

    assert len(service.list(parent)) == found


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


def test_an_operation_says_how_its_deployment_ended_also_after_a_restart(bench):
    async def scenario():
        async with bench() as b:
            good = await b.host.deploy(NAME, CONFIGURATION, an_archive(), generation=1)
            await good.wait()
            b.environments.failure = "no such package: nope"
            bad = await b.host.deploy(NAME, CONFIGURATION, an_archive(), generation=1)
            with pytest.raises(FailedPrecondition):
                await bad.wait()
            left = b.service.open_deployment(NAME, CONFIGURATION)
            b.service.recover()
            ended = await b.host.delete(NAME)
            assert left == 2, "a version that is no good has no number"
            return [b.service.operation(name) for name in (good.operation, bad.operation, ended)]

    good, bad, ended = run(scenario())
    assert (good.verb, good.done, good.error) == ("create", True, None)
    assert good.response["versionId"] == "1"
    assert (bad.verb, bad.done, bad.response) == ("update", True, None)
    assert bad.error == {
        "code": "FAILED_PRECONDITION",
        "reason": "FAILED_PRECONDITION",
        "message": "no such package: nope",
    }
    assert (ended.verb, ended.done, ended.error) == ("delete", True, None)


def test_an_operation_that_a_dead_server_left_is_over_and_says_why(bench):
    async def scenario():
        async with bench() as b:
            asked = Asked(operation="projects/p/locations/us-central1/operations/one", generation=2)
            b.service.open_deployment(NAME, CONFIGURATION, asked)
            (before,) = b.service.operations("projects/p/locations/us-central1")
            b.service.recover()
            return before, b.service.operation(asked.operation)

    before, after = run(scenario())
    assert (before.done, after.done, after.error["code"]) == (False, True, "UNAVAILABLE")


def test_create_of_what_is_there_and_a_change_of_generation_are_refused(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            with pytest.raises(AlreadyExists):
                await b.host.deploy(NAME, CONFIGURATION, an_archive(), verb="create")
            with pytest.raises(InvalidArgument, match="generation 1 for ever"):
                await b.host.deploy(NAME, replace(CONFIGURATION, generation=2), an_archive())
            return b.service.get(NAME)

    assert run(scenario()).state == "ACTIVE"


def test_a_bucket_that_is_not_there_is_refused_before_anything_is_recorded(bench):
    async def scenario():
        async with bench() as b:
            with pytest.raises(NotFound, match="missing"):
                await b.deploy(topic="", bucket="missing")
            return b.db.read(lambda conn: store.find_function(conn, NAME))

    assert run(scenario()) is None


def test_each_kind_of_object_event_has_a_topic_of_its_own(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy(topic="", bucket="data", object_event="OBJECT_DELETE")
            return b.subscriptions.watched

    assert run(scenario()) == [("data", "projects/p/topics/gcf-bucket-data-delete", "OBJECT_DELETE")]


def test_a_secret_becomes_a_variable_and_a_missing_one_refuses_the_deployment(db, clock, tmp_path):
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "token").write_text("hush\n")
    (secrets / "token").chmod(0o600)
    place = Placement(
        tmp_path, Sources(tmp_path / "s"), clock, reach=lambda _: {}, secrets=secrets, cookie="c", start_seconds=1.0
    )

    wanted = replace(CONFIGURATION, secrets={"TOKEN": ("token", "latest")})
    version = Version(
        function=NAME, number=1, source="s", environment="e", python=Path("python"), signature="event",
        configuration=wanted, deploy_time=clock.now(),
    )  # fmt: skip

    assert place.variables(version, "principal")["TOKEN"] == "hush"
    with pytest.raises(FailedPrecondition, match="missing"):
        place.check(replace(CONFIGURATION, secrets={"TOKEN": ("missing", "1")}))


def test_a_service_is_found_by_its_host(bench):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            host = addresses.uri(NAME).removeprefix("https://")
            with pytest.raises(NotFound):
                b.service.at_service("other.a.run.app")
            return b.service.at_service(host)

    assert run(scenario()) == NAME
