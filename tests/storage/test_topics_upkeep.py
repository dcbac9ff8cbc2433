"""What grows old and what is brought back: retention, expiration, replays."""

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from storage import waiting
from storage.commits import failing_to_commit

from trainshed.duty import Pace
from trainshed.errors import NotFound, Unavailable
from trainshed.topics import Arrivals, DeadLetterPolicy, Options, PubsubMessage, TopicOptions, store, upkeep

TOPIC, DEAD, KEPT = (f"projects/p/topics/{name}" for name in ("train", "dead", "kept"))
SUB, OTHER = "projects/p/subscriptions/sub", "projects/p/subscriptions/other"
DAY = 86400


@pytest.fixture
def service(db, clock):
    made = waiting.Service(db, clock)
    for name in (TOPIC, DEAD):
        made.create_topic(name)
    return made


def subscribe(service, name=SUB, topic=TOPIC, **options):
    return service.create_subscription(name, topic, Options(**options))


def publish(service, *bodies, topic=TOPIC, key=""):
    return service.publish(topic, [PubsubMessage(data=body, ordering_key=key) for body in bodies])


def pull(service):
    return service.pull(SUB, max_messages=1000)


def bodies(deliveries):
    return [d.data for d in deliveries]


def acked(service, *deliveries):
    return service.acknowledge(SUB, [d.ack_id for d in deliveries])


def nack(service, *deliveries):
    return service.modify_ack_deadline(SUB, [d.ack_id for d in deliveries], 0)


def in_state(service):
    return service.counts(SUB)


def test_an_old_ack_does_not_end_what_a_seek_brought_back(service):
    subscribe(service, retain_acked=True)
    publish(service, b"x")
    (found,) = pull(service)
    acked(service, found)
    service.snapshots.seek_to_time(SUB, found.publish_time)

    assert acked(service, found) == 0
    (again,) = pull(service)
    assert acked(service, found) == 0
    assert acked(service, again) == 1


def test_an_old_ack_does_not_end_what_was_sent_once_more(service):
    subscribe(service)
    (message_id,) = publish(service, b"x")
    (found,) = pull(service)
    acked(service, found)
    service.redeliver(SUB, message_id)

    assert acked(service, found) == 0
    assert bodies(pull(service)) == [b"x"]


def test_an_old_ack_does_not_end_what_follows_an_earlier_message_of_its_key_again(service):
    subscribe(service, is_ordered=True, dead_letter_policy=DeadLetterPolicy(topic=DEAD))
    publish(service, b"1", b"2", b"3", key="k")
    one, two, three = pull(service)
    acked(service, two)
    nack(service, one)

    assert acked(service, two) == 0
    again = pull(service)
    assert [(d.data, d.delivery_attempt) for d in again] == [(b"1", 2), (b"2", 1), (b"3", 1)]
    assert three.attempt + 1 == again[2].attempt


@pytest.mark.parametrize("refusals", [0, 2])
@pytest.mark.parametrize("was_out", [False, True])
def test_g3_what_was_passed_and_comes_again_counts_its_refusals_alone(service, refusals, was_out):
    subscribe(service, retain_acked=True, dead_letter_policy=DeadLetterPolicy(topic=DEAD))
    publish(service, b"x")
    for _ in range(refusals):
        nack(service, *pull(service))
    if was_out:
        pull(service)

    for _ in range(3):
        now = service.clock.now()
        service.snapshots.seek_to_time(SUB, now + timedelta(seconds=1))
        assert in_state(service) == {"ACKED": 1}
        service.snapshots.seek_to_time(SUB, now - timedelta(seconds=1))

    assert [d.delivery_attempt for d in pull(service)] == [refusals + 1]


def test_everything_past_the_retention_goes_in_one_turn(service, monkeypatch):
    monkeypatch.setattr(upkeep, "_CLEAN_AT_ONCE", 3)
    subscribe(service, retention_seconds=600)
    publish(service, *(b"old",) * 5)
    nack(service, *pull(service)[:2])
    publish(service, *(b"old",) * 5)
    service.clock.advance(601)
    publish(service, b"new")

    assert service.clean() == 10
    assert bodies(pull(service)) == [b"new"]


def test_cleaning_many_subscriptions_gives_way_after_each(db, clock, service):
    for number in range(10):
        subscribe(service, f"projects/p/subscriptions/sub-{number}")
    rests = []

    upkeep.Upkeep(db, clock, pace=partial(Pace, used=itertools.count().__next__, sleep=rests.append)).clean()

    assert len(rests) == 10


def test_old_messages_of_others_make_nobody_look_at_a_backlog_again(service, monkeypatch):
    asked = []
    ask = store.waiting_ids
    monkeypatch.setattr(
        store, "waiting_ids", lambda *args, **kw: asked.append((kw["first"], kw["end"])) or ask(*args, **kw)
    )
    service.create_topic(KEPT, TopicOptions(retention_seconds=float(DAY)))
    publish(service, b"retained", topic=KEPT)
    subscribe(service, retention_seconds=600)
    publish(service, b"old")
    service.clock.advance(601)
    publish(service, *(b"new",) * 5)

    service.clean()
    assert asked == [(0, 3)]
    asked.clear()
    for _ in range(3):
        service.clock.advance(60)
        service.clean()

    assert asked == []
    assert in_state(service) == {"PENDING": 5}


def test_ids_that_are_missing_do_not_hide_what_is_old(service):
    subscribe(service, retention_seconds=600)
    subscribe(service, OTHER, retention_seconds=1200)
    for number in range(9):
        publish(service, b"%d" % number)
        service.clock.advance(100)
        if number % 3 == 1:
            acked(service, *pull(service))
    service.clock.advance(100)
    service.clean()

    start = service.clock.now() - timedelta(seconds=1000)
    first = [
        service.db.read(lambda conn, n=n: store.first_since(conn, start + timedelta(seconds=n)))
        for n in (0, 50, 250, 900)
    ]
    assert first == [1, 2, 4, 10]
    assert bodies(pull(service)) == [b"8"]
    assert service.counts(OTHER) == {"PENDING": 9}
    assert service.db.read(lambda conn: store.first_since(conn, start + timedelta(days=9))) == 10


def test_a_message_that_comes_again_past_its_retention_goes_again(service):
    subscribe(service, retention_seconds=600)
    (message_id,) = publish(service, b"x")
    service.clock.advance(599)
    acked(service, *pull(service))
    service.clock.advance(2)
    service.clean()
    service.redeliver(SUB, message_id)
    assert in_state(service) == {"PENDING": 1}

    service.clean()

    assert in_state(service) == {}


def test_g3_a_subscription_that_somebody_is_connected_to_does_not_expire(service):
    subscribe(service, expiration_seconds=float(DAY))
    arrivals = Arrivals(service)
    service.clean()

    def age():
        for _ in range(3):
            service.clock.advance(DAY - 1)
            service.clean()

    async def main():
        stream = asyncio.ensure_future(arrivals.pull(SUB, max_messages=1, wait_seconds=10.0 * DAY))
        while not arrivals._awaited():
            await asyncio.sleep(0)
        await asyncio.to_thread(age)
        assert service.get_subscription(SUB)
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)

    asyncio.run(main())
    service.clock.advance(DAY)
    service.clean()
    with pytest.raises(NotFound):
        service.get_subscription(SUB)


def test_the_use_of_a_subscription_counts_though_the_store_was_away_when_it_was_to_be_written(
    service, clock, monkeypatch
):
    subscribe(service, expiration_seconds=DAY)
    service.clean()
    clock.advance(timedelta(hours=23))
    pull(service)
    with monkeypatch.context() as broken:
        failing_to_commit(broken)
        with pytest.raises(Unavailable):
            service.clean()
    clock.advance(timedelta(minutes=30))
    service.clean()
    clock.advance(timedelta(hours=2))

    service.clean()

    assert service.get_subscription(SUB)


@pytest.mark.parametrize("saved_by", ["a pull", "a change"])
def test_a_subscription_that_is_used_or_changed_at_the_last_moment_does_not_expire(
    service, clock, monkeypatch, saved_by
):
    subscribe(service, expiration_seconds=DAY)
    subscribe(service, OTHER, expiration_seconds=DAY)
    service.clean()
    clock.advance(timedelta(hours=25))
    read = upkeep.resources.list_subscriptions

    def read_a_moment_ago(conn):
        found = read(conn)
        if saved_by == "a pull":
            pull(service)
        else:
            service.change_subscription(SUB, lambda options: replace(options, expiration_seconds=None))
        return found

    monkeypatch.setattr(upkeep.resources, "list_subscriptions", read_a_moment_ago)
    service.clean()

    assert service.get_subscription(SUB)
    with pytest.raises(NotFound):
        service.get_subscription(OTHER)
