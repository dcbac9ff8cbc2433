"""Deployments of functions on the store: versions, what feeds them, their operations, how they are found."""

import asyncio
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from storage.functions_world import (
    CONFIGURATION,
    NAME,
    SUBSCRIPTION,
    TOPIC,
    FakeSubscriptions,
    an_archive,
    an_event,
    opened,
    run,
)

from trainshed.errors import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from trainshed.functions import Call, Service, Version, addresses, store
from trainshed.functions.placement import Placement
from trainshed.functions.service import Asked
from trainshed.functions.source import Sources


@pytest.fixture
def bench(db, clock, tmp_path):
    return partial(opened, db, clock, tmp_path)


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


def test_a_function_that_is_deleted_as_it_is_called_has_no_instance_afterwards(bench, monkeypatch):
    async def scenario():
        async with bench() as b:
            await b.deploy(topic="")
            await b.host._pools.pop(NAME).close()  # as after a restart
            get, loop = b.service.get, asyncio.get_running_loop()

            def then_somebody_deletes_it(name):
                found = get(name)
                asyncio.run_coroutine_threadsafe(b.host.delete(name), loop).result()
                return found

            monkeypatch.setattr(b.service, "get", then_somebody_deletes_it)
            with pytest.raises(NotFound):
                await b.host.call(NAME, Call())
            return b.host.instances(NAME)

    assert run(scenario()) == 0


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


class Held:
    """A verb of the service that takes until it is let go on."""

    def __init__(self, verb):
        self.begun, self.go_on = threading.Event(), threading.Event()
        self._verb = verb

    def __call__(self, *arguments):
        self.begun.set()
        self.go_on.wait(20)
        return self._verb(*arguments)

    async def leave(self, asking):
        """Ask, and go away once the verb has begun; then it goes on."""
        asked = asyncio.ensure_future(asking)
        await asyncio.to_thread(self.begun.wait, 20)
        asked.cancel()
        await asyncio.wait({asked})
        self.go_on.set()


async def settled(holds):
    while not holds():
        await asyncio.sleep(0)


def test_a_deployment_goes_on_when_whoever_asked_goes_away(bench, monkeypatch):
    async def scenario():
        async with bench() as b:
            held = Held(b.service.open_deployment)
            monkeypatch.setattr(b.service, "open_deployment", held)
            await held.leave(b.host.deploy(NAME, CONFIGURATION, an_archive()))
            await settled(lambda: b.script.instances and b.service.get(NAME).version)
            return (await b.deploy()).version.number

    assert run(scenario()) == 2


def test_a_function_is_deleted_whole_when_whoever_asked_goes_away(bench, monkeypatch):
    async def scenario():
        async with bench() as b:
            await b.deploy()
            held = Held(b.service.delete)
            monkeypatch.setattr(b.service, "delete", held)
            await held.leave(b.host.delete(NAME))
            await settled(lambda: not b.script.instances[0].alive)
            return b.host.instances(NAME)

    assert run(scenario()) == 0
