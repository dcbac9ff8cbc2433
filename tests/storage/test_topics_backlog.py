"""Is what waits counted and looked at, without anything being taken?"""

from datetime import timedelta

import pytest
from storage import waiting

from trainshed import topics
from trainshed.dashboard.triggers import subscription
from trainshed.dashboard.triggers import topics as pages
from trainshed.topics import Kind, Options, PubsubMessage, backlog

TOPIC, OTHER = "projects/p/topics/trainings", "projects/p/topics/quiet"
NAME = "projects/p/subscriptions/pulled"


@pytest.fixture
def service(db, clock):
    made = waiting.Service(db, clock)
    made.create_topic(TOPIC)
    made.create_topic(OTHER)
    made.create_subscription(NAME, TOPIC, Options())
    return made


def published(service, clock, count=3):
    for number in range(count):
        service.publish(TOPIC, [PubsubMessage(data=b"%d" % number, attributes={"n": str(number)})])
        clock.advance(1)


def seen(service):
    return service.backlogs.of(service.get_subscription(NAME))


def test_what_waits_and_what_is_out_are_counted(service, clock):
    start = clock.now()
    published(service, clock)
    service.pull(NAME, max_messages=1)

    found = seen(service)

    assert (found.waiting, found.out, found.dead) == (2, 1, 0)
    assert found.oldest_time == start


def test_nothing_waits_at_first(service):
    found = seen(service)

    assert (found.waiting, found.out, found.oldest_time) == (0, 0, None)


def test_counting_stops_at_a_bound(service, clock, monkeypatch):
    monkeypatch.setattr(backlog, "COUNTED", 2)
    published(service, clock)

    (found,) = service.backlogs.of_topic(TOPIC, limit=5)

    assert (found.name, found.kind, found.backlog.waiting, found.backlog.bound) == (NAME, Kind.PULL, 2, 2)


def test_more_than_is_looked_at_may_hold_an_older_message(service, clock, monkeypatch):
    start = clock.now()
    published(service, clock)
    (first,) = service.pull(NAME, max_messages=1)
    service.modify_ack_deadline(NAME, [first.ack_id], 0)  # it comes again after the others

    exact = seen(service)
    monkeypatch.setattr(backlog, "COUNTED_WHOLE", 2)
    bounded = seen(service)

    assert (exact.oldest_time, exact.may_be_older) == (start, False)
    assert (bounded.oldest_time, bounded.may_be_older) == (start + timedelta(seconds=1), True)
    cell = subscription.oldest(bounded)
    assert [getattr(each, "when", each) for each in cell.cells] == [bounded.oldest_time, "or earlier"]
    assert subscription.oldest(exact).when == start


def test_looking_takes_nothing_and_moves_nothing(service, clock):
    published(service, clock)
    subscription = service.get_subscription(NAME)

    first = service.backlogs.peek(subscription, "PENDING", limit=2)
    again = service.backlogs.peek(subscription, "PENDING", limit=2)

    assert [(m.data, m.attributes, m.attempt) for m in first] == [(b"0", {"n": "0"}, 0), (b"1", {"n": "1"}, 0)]
    assert again == first
    assert len(service.pull(NAME, max_messages=10)) == 3


def test_what_is_out_shows_its_deadline(service, clock):
    published(service, clock, 1)
    service.pull(NAME, max_messages=1)

    (out,) = service.backlogs.peek(service.get_subscription(NAME), "OUTSTANDING", limit=5)

    assert (out.attempt, out.due_time) == (1, clock.now() + timedelta(seconds=10))


def test_the_last_messages_of_a_topic_are_newest_first(service, clock):
    published(service, clock)

    assert [m.data for m in service.backlogs.published(TOPIC, limit=2)] == [b"2", b"1"]
    assert service.backlogs.published(OTHER, limit=2) == []


def test_topics_are_found_by_name(service):
    def names(**wanted):
        found = service.backlogs.topics("projects/p/topics/", **{"text": "", "after": "", "limit": 10, **wanted})
        return [t.name for t in found]

    assert names() == [OTHER, TOPIC]
    assert names(text="qui") == [OTHER]
    assert names(after=OTHER) == [TOPIC]
    assert names(text="projects") == []


def test_backlogs_add_up(service, clock):
    published(service, clock)
    whole = sum((s.backlog for s in service.backlogs.of_topic(TOPIC, limit=5)), topics.Backlog())

    assert (whole.waiting, whole.bound) == (3, backlog.COUNTED)


def test_what_nobody_takes_is_told_by_when_it_could_have_been_taken(service, clock):
    detached = "projects/p/subscriptions/detached"
    service.create_subscription(detached, TOPIC, Options())
    start = clock.now()
    published(service, clock)
    service.detach_subscription(detached)

    assert service.backlogs.untaken(start, limit=5) == []
    (found,) = service.backlogs.untaken(clock.now(), limit=5)
    assert (found.name, found.backlog.waiting, found.backlog.oldest_time) == (NAME, 3, start)

    service.pull(NAME, max_messages=10)  # out, and not late by that
    assert service.backlogs.untaken(clock.now(), limit=5) == []


def test_a_topic_of_very_many_subscriptions_says_what_was_added_up(service, clock):
    for number in range(10):
        service.create_subscription(f"{NAME}-{number}", TOPIC, Options())
    published(service, clock)

    (mine,) = service.backlogs.of_topics([TOPIC], limit=11)
    topic = service.get_topic(TOPIC)

    assert pages._row(topic, mine)[1:4] == ("more than 10", "30 at the first 10", "0 at the first 10")
    assert pages._row(topic, mine)[5] == "0 at the first 10"
    assert pages._row(topic, mine[:10])[1:4] == (10, 30, 0)
