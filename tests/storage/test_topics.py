"""Topics on a real store: what is published is delivered until somebody is done with it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage import waiting

from trainshed import topics
from trainshed.clock import VirtualClock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from trainshed.testing import database
from trainshed.topics import DeadLetterPolicy, Kind, Options, PubsubMessage, RetryPolicy, Room

TOPIC, DEAD = "projects/p/topics/train", "projects/p/topics/dead"
SUB, DEAD_SUB = "projects/p/subscriptions/sub", "projects/p/subscriptions/dead-sub"


@pytest.fixture
def service(db, clock):
    made = waiting.Service(db, clock)
    made.create_topic(TOPIC)
    made.create_topic(DEAD)
    return made


def publish(service, *bodies, topic=TOPIC):
    return service.publish(topic, [PubsubMessage(data=b) for b in bodies])


def pull(service, limit=100, name=SUB):
    return service.pull(name, max_messages=limit)


def test_a_message_reaches_every_subscription_once_and_is_gone_when_acknowledged(service):
    other = "projects/p/subscriptions/other"
    service.create_subscription(SUB, TOPIC, Options())
    service.create_subscription(other, TOPIC, Options())

    (message_id,) = service.publish(TOPIC, [PubsubMessage(data=b"x", attributes={"k": "v"}, parent_receipt_id="r1")])

    (mine,), (theirs,) = pull(service), pull(service, name=other)
    assert mine.message_id == theirs.message_id == message_id
    assert (mine.data, mine.attributes, mine.parent_receipt_id) == (b"x", {"k": "v"}, "r1")
    assert (mine.attempt, mine.delivery_attempt, mine.publish_time) == (1, 0, service.clock.now())
    assert service.acknowledge(SUB, [mine.ack_id]) == 1
    service.clock.advance(3600)
    assert pull(service) == []
    assert [d.message_id for d in pull(service, name=other)] == [message_id]


def test_what_was_published_before_the_subscription_is_not_delivered(service):
    publish(service, b"early")
    service.create_subscription(SUB, TOPIC, Options())
    publish(service, b"late")

    assert [d.data for d in pull(service)] == [b"late"]


def test_message_ids_are_unique_and_rise_even_when_nobody_subscribes(service):
    first = publish(service, b"1", b"2")
    service.create_subscription(SUB, TOPIC, Options())
    second = publish(service, b"3")

    assert list(map(int, first + second)) == sorted({int(i) for i in first + second})


def test_an_unanswered_message_comes_again_after_its_deadline_as_the_next_attempt(service):
    service.create_subscription(SUB, TOPIC, Options(ack_deadline_seconds=10))
    publish(service, b"x")

    (first,) = pull(service)
    service.clock.advance(9)
    assert pull(service) == []
    service.clock.advance(1)
    (second,) = pull(service)

    assert (first.attempt, second.attempt) == (1, 2)
    assert service.acknowledge(SUB, [first.ack_id]) == 0
    assert service.counts(SUB) == {"OUTSTANDING": 1}
    assert service.acknowledge(SUB, [second.ack_id]) == 1


def test_a_late_ack_counts_as_long_as_nobody_else_has_the_message(service):
    service.create_subscription(SUB, TOPIC, Options())
    publish(service, b"x")
    (first,) = pull(service)

    service.clock.advance(60)

    assert service.acknowledge(SUB, [first.ack_id]) == 1
    assert service.acknowledge(SUB, [first.ack_id]) == 0
    assert pull(service) == []


def test_more_time_is_given_and_zero_refuses(service):
    service.create_subscription(SUB, TOPIC, Options())
    publish(service, b"x")
    (first,) = pull(service)

    service.modify_ack_deadline(SUB, [first.ack_id], 600)
    service.clock.advance(599)
    assert pull(service) == []
    service.modify_ack_deadline(SUB, [first.ack_id], 0)

    assert [d.attempt for d in pull(service)] == [2]
    with pytest.raises(InvalidArgument, match="ackDeadlineSeconds"):
        service.modify_ack_deadline(SUB, [first.ack_id], 601)


def test_the_retry_policy_spaces_attempts(service):
    options = Options(retry_policy=RetryPolicy(minimum_seconds=10, maximum_seconds=30))
    service.create_subscription(SUB, TOPIC, options)
    publish(service, b"x")
    waits = []
    for _ in range(4):
        (found,) = pull(service)
        service.modify_ack_deadline(SUB, [found.ack_id], 0)
        due = service.begin_pull(SUB, room=Room(messages=1, byte_count=1000)).result().next_due
        waits.append((due - service.clock.now()).total_seconds())
        service.clock.advance(waits[-1])

    assert waits == [10, 20, 30, 30]


def test_a_poison_message_is_dead_lettered_after_exactly_n_attempts(service):
    policy = DeadLetterPolicy(topic=DEAD, max_delivery_attempts=5)
    service.create_subscription(SUB, TOPIC, Options(dead_letter_policy=policy))
    service.create_subscription(DEAD_SUB, DEAD, Options())
    publish(service, b"poison")
    seen = []
    while found := pull(service):
        seen += [d.delivery_attempt for d in found]
        if len(seen) % 2:
            service.modify_ack_deadline(SUB, [found[0].ack_id], 0)
        else:
            service.clock.advance(10)

    (letter,) = pull(service, name=DEAD_SUB)
    assert seen == [1, 2, 3, 4, 5]
    assert letter.data == b"poison"
    assert letter.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert letter.attributes["CloudPubSubDeadLetterSourceSubscription"] == "sub"
    assert service.counts(SUB) == {"DEAD_LETTERED": 1}


def test_without_its_dead_letter_topic_a_message_is_tried_on(service):
    policy = DeadLetterPolicy(topic=DEAD, max_delivery_attempts=5)
    service.create_subscription(SUB, TOPIC, Options(dead_letter_policy=policy))
    service.delete_topic(DEAD)
    publish(service, b"x")
    for _ in range(7):
        (found,) = pull(service)
        service.modify_ack_deadline(SUB, [found.ack_id], 0)

    assert [d.delivery_attempt for d in pull(service)] == [8]


def test_the_same_message_can_be_delivered_again_after_it_was_acknowledged(service):
    service.create_subscription(SUB, TOPIC, Options())
    (message_id,) = publish(service, b"x")
    attempts = []
    for _ in range(5):
        (found,) = pull(service)
        attempts.append((found.message_id, found.attempt))
        service.acknowledge(SUB, [found.ack_id])
        service.redeliver(SUB, message_id)

    assert attempts == [(message_id, n) for n in range(1, 10, 2)]  # being sent again is an attempt of its own
    with pytest.raises(FailedPrecondition, match="being delivered"):
        service.redeliver(SUB, message_id)
    with pytest.raises(NotFound, match="cleaned away"):
        service.redeliver(SUB, "77")


def test_what_is_done_is_forgotten_and_what_is_old_expires(service):
    service.create_subscription(SUB, TOPIC, Options(retention_seconds=600))
    publish(service, b"done", b"old")
    done, _ = pull(service)
    service.acknowledge(SUB, [done.ack_id])

    assert service.clean() == 0
    service.clock.advance(601)
    assert service.clean() == 1  # the old one expired; its message goes, the done one may still be replayed
    assert service.counts(SUB) == {"ACKED": 1}
    service.clock.advance(3600)
    assert service.clean() == 1
    left = service.db.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM messages").scalar())
    assert (service.counts(SUB), left) == ({}, 0)


def test_a_subscription_keeps_its_messages_when_the_topic_goes_and_takes_them_along_when_it_goes(service):
    service.create_subscription(SUB, TOPIC, Options())
    publish(service, b"x")
    service.delete_topic(TOPIC)

    assert service.get_subscription(SUB).topic == topics.DELETED_TOPIC
    assert [d.data for d in pull(service)] == [b"x"]
    service.delete_subscription(SUB)
    counted = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM deliveries)"
    assert service.db.read(lambda conn: conn.exec_driver_sql(counted).scalar()) == 0


def test_an_ack_id_of_a_deleted_subscription_does_nothing_to_its_successor(service):
    service.create_subscription(SUB, TOPIC, Options())
    publish(service, b"1")
    (old,) = pull(service)
    service.delete_subscription(SUB)
    service.create_subscription(SUB, TOPIC, Options())
    publish(service, b"2")
    (_,) = pull(service)

    assert service.acknowledge(SUB, [old.ack_id]) == 0


def test_names_that_exist_or_do_not_exist_are_told(service):
    service.create_subscription(SUB, TOPIC, Options())

    with pytest.raises(AlreadyExists):
        service.create_topic(TOPIC)
    with pytest.raises(AlreadyExists):
        service.create_subscription(SUB, TOPIC, Options())
    with pytest.raises(NotFound):
        service.create_subscription(DEAD_SUB, "projects/p/topics/none", Options())
    with pytest.raises(NotFound):
        publish(service, b"x", topic="projects/p/topics/none")
    with pytest.raises(NotFound):
        pull(service, name=DEAD_SUB)


def test_only_pull_subscriptions_are_pulled_from(service):
    service.create_subscription(SUB, TOPIC, Options(kind=Kind.PUSH, push_endpoint="http://127.0.0.1:1/"))

    with pytest.raises(FailedPrecondition, match="push subscription"):
        pull(service)
    service.change_subscription(SUB, lambda o: replace(o, kind=Kind.PULL, push_endpoint=""))
    assert pull(service) == []


def test_listing_goes_page_by_page(service):
    for n in range(5):
        service.create_topic(f"projects/q/topics/topic-{n}")
    first, token = service.list_topics("projects/q", page_size=3)
    second, end = service.list_topics("projects/q", page_size=3, page_token=token)

    assert [t.name[-1] for t in first + second] == list("01234")
    assert end == ""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("publish"), st.integers(1, 4)),
            st.tuples(st.just("pull"), st.integers(1, 3)),
            st.tuples(st.sampled_from(["ack", "nack"]), st.integers(0, 30)),
            st.tuples(st.just("wait"), st.integers(1, 12)),
        ),
        max_size=30,
    )
)
def test_whatever_happens_nothing_is_lost_and_only_the_latest_ack_counts(tmp_path_factory, steps):
    """Hold the service against a model of twenty lines: message → attempt, deadline or done."""
    with database(tmp_path_factory.mktemp("model")) as db:
        service = waiting.Service(db, VirtualClock())
        service.create_topic(TOPIC)
        service.create_subscription(SUB, TOPIC, Options())
        attempt, acked, deadline, handed = {}, set(), {}, []
        for step, n in steps:
            now = service.clock.now()
            if step == "publish":
                attempt |= dict.fromkeys(publish(service, *[b"x"] * n), 0)
            elif step == "wait":
                service.clock.advance(n)
            elif step == "pull":
                found = pull(service, limit=n)
                free = {m for m in attempt if m not in acked and (m not in deadline or deadline[m] <= now)}
                assert len(found) == min(n, len(free))
                for delivery in found:
                    assert delivery.message_id in free
                    attempt[delivery.message_id] += 1
                    assert delivery.attempt == attempt[delivery.message_id]
                    deadline[delivery.message_id] = now + timedelta(seconds=10)
                    handed.append(delivery)
                for message in free - {d.message_id for d in found}:
                    deadline.pop(message, None)
            elif handed:
                delivery = handed[n % len(handed)]
                message, latest = delivery.message_id, attempt[delivery.message_id] == delivery.attempt
                if step == "ack":
                    counted = service.acknowledge(SUB, [delivery.ack_id])
                    assert counted == (1 if latest and message not in acked else 0)
                    acked |= {message} if latest else set()
                elif latest and message not in acked:
                    service.modify_ack_deadline(SUB, [delivery.ack_id], 0)
                    deadline.pop(message, None)
        service.clock.advance(20)
        assert {d.message_id for d in pull(service)} == set(attempt) - acked


def test_a_notification_for_a_topic_that_is_gone_is_dropped_and_said(service, caplog):
    service.db.write(lambda conn: service.on_publish(conn, {"topic": "projects/p/topics/gone", "data": ""}))

    assert [r.__dict__["action"] for r in caplog.records] == ["topic_gone"]
