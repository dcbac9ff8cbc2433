"""Filters, order, exactly-once, snapshots and seeking on a real store; names of tests that begin with g3 are Google's rules."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage import waiting

from trainshed import topics
from trainshed.clock import VirtualClock
from trainshed.errors import FailedPrecondition, InvalidAckIds, InvalidArgument, NotFound
from trainshed.testing import database
from trainshed.topics import DeadLetterPolicy, Options, PubsubMessage, RetryPolicy, Room, TopicOptions

TOPIC, DEAD = "projects/p/topics/train", "projects/p/topics/dead"
SUB, OTHER, DEAD_SUB = (f"projects/p/subscriptions/{name}" for name in ("sub", "other", "dead-sub"))
SNAP = "projects/p/snapshots/before"
DAY = 86400


@pytest.fixture
def service(db, clock):
    made = waiting.Service(db, clock)
    made.create_topic(TOPIC)
    made.create_topic(DEAD)
    return made


def subscribe(service, name=SUB, topic=TOPIC, **options):
    return service.create_subscription(name, topic, Options(**options))


def publish(service, *bodies, key="", topic=TOPIC, **attributes):
    return service.publish(topic, [PubsubMessage(data=b, ordering_key=key, attributes=attributes) for b in bodies])


def pull(service, limit=100, name=SUB):
    return service.pull(name, max_messages=limit)


def bodies(deliveries):
    return [d.data for d in deliveries]


def acked(service, *deliveries, name=SUB):
    return service.acknowledge(name, [d.ack_id for d in deliveries])


def nack(service, *deliveries):
    service.modify_ack_deadline(SUB, [d.ack_id for d in deliveries], 0)


def test_g3_messages_that_do_not_match_the_filter_are_never_delivered(service):
    subscribe(service, filter='attributes.domain = "com"')
    subscribe(service, OTHER)
    publish(service, b"wanted", domain="com")
    publish(service, b"other", domain="org")
    publish(service, b"bare")

    assert bodies(pull(service)) == [b"wanted"]
    assert service.counts(SUB) == {"OUTSTANDING": 1}
    assert bodies(pull(service, name=OTHER)) == [b"wanted", b"other", b"bare"]


def test_g3_one_batch_of_an_ordering_key_is_out_at_a_time(service):
    subscribe(service, is_ordered=True)
    publish(service, b"a1", b"a2", b"a3", key="a")
    publish(service, b"b1", key="b")
    publish(service, b"free")

    first = pull(service, 2)
    second = pull(service)
    assert (bodies(first), bodies(second)) == ([b"a1", b"a2"], [b"b1", b"free"])
    acked(service, first[0])
    assert pull(service) == []
    acked(service, first[1])
    assert bodies(pull(service)) == [b"a3"]


def test_g3_redelivery_of_a_key_redelivers_what_follows_even_what_was_acknowledged(service):
    subscribe(service, is_ordered=True, dead_letter_policy=DeadLetterPolicy(topic=DEAD))
    publish(service, b"1", b"2", b"3", b"4", key="k")
    publish(service, b"x", key="other")
    found = pull(service)

    acked(service, found[0], found[2], found[4])
    nack(service, found[1])

    again = pull(service)
    assert bodies(again) == [b"2", b"3", b"4"]
    assert [d.delivery_attempt for d in again] == [2, 1, 1]  # only its own nacks count


def test_g3_what_follows_a_message_waits_for_its_backoff(service):
    subscribe(service, is_ordered=True, retry_policy=RetryPolicy(minimum_seconds=30, maximum_seconds=60))
    publish(service, b"1", b"2", key="k")
    nack(service, pull(service, 1)[0])
    publish(service, b"3", key="k")
    publish(service, b"other", key="j")

    assert bodies(pull(service)) == [b"other"]
    service.clock.advance(30)
    first = pull(service)
    acked(service, *first)
    assert (bodies(first), bodies(pull(service))) == ([b"1", b"2"], [b"3"])


def test_a_missed_deadline_keeps_the_order_too(service):
    subscribe(service, is_ordered=True)
    publish(service, b"1", b"2", b"3", key="k")
    first = pull(service, 2)
    acked(service, first[1])
    service.clock.advance(11)

    assert bodies(pull(service)) == [b"1", b"2", b"3"]


def test_what_is_held_up_by_the_order_is_no_reason_to_ask_again_at_once(service):
    subscribe(service, is_ordered=True)
    publish(service, b"1", b"2", key="k")
    (out,) = pull(service, 1)

    found = service.begin_pull(SUB, room=Room(messages=5, byte_count=1000)).result()

    assert found.deliveries == []
    assert found.next_due == out.publish_time + timedelta(seconds=10)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("pnawm"), st.integers(1, 3)), max_size=20), st.booleans())
def test_whatever_happens_an_ordering_key_never_skips_a_message(tmp_path_factory, steps, is_exactly_once):
    with database(tmp_path_factory.mktemp("order")) as db:
        service = waiting.Service(db, VirtualClock())
        service.create_topic(TOPIC)
        retry = RetryPolicy(minimum_seconds=5, maximum_seconds=5)
        subscribe(service, is_ordered=True, retry_policy=retry, is_exactly_once=is_exactly_once)
        sent, done, out = 0, set(), []
        for step, count in steps:
            if step == "p":
                publish(service, *(b"%03d" % (sent + n) for n in range(count)), key="k")
                sent += count
            elif step == "w":
                service.clock.advance(6 * count)
            elif step == "m":
                found = pull(service, count)
                got = bodies(found)
                assert got == sorted(got)
                assert not found or all(b"%03d" % n in done for n in range(int(got[0])))
                out = found or out
            elif out:
                chosen = out[:count] if step == "a" else out[-count:]
                if step == "n":
                    answered = service.begin_modify(SUB, [d.ack_id for d in chosen], 0).result()
                else:
                    answered = service.begin_acknowledge(SUB, [d.ack_id for d in chosen]).result()
                    states = service.counts(SUB)
                    assert states.get("ACKED", 0) >= answered.counted
                    done |= set(bodies(chosen))
                del out[:]


def test_g3_exactly_once_takes_only_the_latest_ack_id_in_time(service):
    subscribe(service, is_exactly_once=True)
    publish(service, b"x")
    (first,) = pull(service)
    nack(service, first)
    (second,) = pull(service)

    with pytest.raises(InvalidAckIds) as refused:
        acked(service, first)
    assert refused.value.reason == "EXACTLY_ONCE_ACKID_FAILURE"
    assert refused.value.metadata == {first.ack_id: "PERMANENT_FAILURE_INVALID_ACK_ID"}
    service.clock.advance(10)
    with pytest.raises(InvalidAckIds):
        acked(service, second)  # too late, though nobody else has it
    with pytest.raises(InvalidAckIds):
        service.modify_ack_deadline(SUB, [second.ack_id], 60)
    (third,) = pull(service)
    assert acked(service, third) == 1
    with pytest.raises(InvalidAckIds):
        acked(service, third)


def test_g3_the_valid_ones_of_an_exactly_once_request_count(service):
    subscribe(service, is_exactly_once=True)
    publish(service, b"a", b"b")
    a, b = pull(service)
    nack(service, b)
    stranger = topics.policy.ack_id(999, 1, 1)

    answered = service.begin_acknowledge(SUB, [a.ack_id, b.ack_id, stranger]).result()

    assert (answered.counted, answered.done, answered.invalid) == (1, [a.ack_id], [b.ack_id, stranger])
    assert service.counts(SUB) == {"ACKED": 1, "PENDING": 1}
    with pytest.raises(InvalidArgument, match="not an ack id"):
        service.acknowledge(SUB, ["malformed"])


def test_g3_exactly_once_in_order_wants_acks_in_order(service):
    subscribe(service, is_exactly_once=True, is_ordered=True)
    publish(service, b"1", b"2", b"3", key="k")
    one, two, three = pull(service)

    with pytest.raises(InvalidAckIds) as refused:
        acked(service, one, three)
    assert refused.value.metadata == {three.ack_id: "TRANSIENT_FAILURE_UNORDERED_ACK_ID"}
    assert acked(service, two, three) == 2


def test_g3_exactly_once_is_for_pull_subscriptions(service):
    with pytest.raises(InvalidArgument, match="enableExactlyOnceDelivery"):
        subscribe(service, kind=topics.Kind.PUSH, push_endpoint="https://host/x", is_exactly_once=True)


def test_ack_ids_must_not_be_missing(service):
    subscribe(service)
    for verb in (service.acknowledge, lambda name, ids: service.modify_ack_deadline(name, ids, 10)):
        with pytest.raises(InvalidArgument, match="ackIds"):
            verb(SUB, [])


def test_g3_attempts_that_nobody_failed_do_not_lead_to_the_dead_letter(service):
    subscribe(service, dead_letter_policy=DeadLetterPolicy(topic=DEAD), retain_acked=True)
    publish(service, b"x")
    for _ in range(7):
        (found,) = pull(service)
        assert found.delivery_attempt == 1
        acked(service, found)
        service.snapshots.seek_to_time(SUB, found.publish_time)

    nack(service, *pull(service))
    assert [d.delivery_attempt for d in pull(service)] == [2]


def test_g3_a_dead_letter_topic_has_to_exist(service):
    with pytest.raises(NotFound, match="gone"):
        subscribe(service, dead_letter_policy=DeadLetterPolicy(topic="projects/p/topics/gone"))
    subscribe(service)
    with pytest.raises(NotFound, match="gone"):
        service.change_subscription(
            SUB, lambda o: replace(o, dead_letter_policy=DeadLetterPolicy(topic="projects/p/topics/gone"))
        )


def test_g3_the_last_missed_deadline_leads_to_the_dead_letter_though_nobody_pulls_again(service):
    subscribe(service, dead_letter_policy=DeadLetterPolicy(topic=DEAD))
    subscribe(service, DEAD_SUB, DEAD)
    publish(service, b"x")
    for _ in range(4):
        nack(service, *pull(service))
    pull(service)
    service.clock.advance(11)

    service.clean()

    assert bodies(pull(service, name=DEAD_SUB)) == [b"x"]


def test_g3_seek_to_a_time_replays_what_is_retained_and_passes_what_is_older(service):
    subscribe(service, retain_acked=True)
    publish(service, b"old")
    service.clock.advance(60)
    between = service.clock.now()
    publish(service, b"done", b"waiting")
    old, done, waiting = pull(service)
    acked(service, done)
    nack(service, old, waiting)

    service.snapshots.seek_to_time(SUB, between)

    assert bodies(pull(service)) == [b"done", b"waiting"]
    assert service.counts(SUB) == {"ACKED": 1, "OUTSTANDING": 2}
    service.snapshots.seek_to_time(SUB, service.clock.now() + timedelta(seconds=1))
    service.clock.advance(600)
    assert pull(service) == []


def test_g3_seek_to_a_time_needs_retained_messages(service):
    subscribe(service)
    publish(service, b"x")
    acked(service, *pull(service))

    service.snapshots.seek_to_time(SUB, service.clock.now() - timedelta(days=1))

    assert pull(service) == []


def test_g3_a_topic_that_retains_messages_serves_subscriptions_made_later(service):
    service.change_topic(TOPIC, lambda o: replace(o, retention_seconds=600.0))
    publish(service, b"early", kind="a")
    publish(service, b"other", kind="b")
    service.clock.advance(300)
    publish(service, b"late", kind="a")
    found = subscribe(service, filter='attributes.kind = "a"')
    assert found.topic_retention_seconds == 600.0

    service.snapshots.seek_to_time(SUB, service.clock.now() - timedelta(days=1))
    assert bodies(pull(service)) == [b"early", b"late"]

    service.clock.advance(301)
    service.clean()
    service.delete_subscription(SUB)
    subscribe(service)
    service.snapshots.seek_to_time(SUB, service.clock.now() - timedelta(days=1))
    assert bodies(pull(service)) == [b"late"]


def test_retained_messages_go_when_their_time_is_over(service):
    service.change_topic(TOPIC, lambda o: replace(o, retention_seconds=600.0))
    subscribe(service)
    publish(service, b"x", b"y")
    acked(service, *pull(service))
    service.clock.advance(601)
    service.clean()
    service.clock.advance(3600)
    service.clean()

    assert service.db.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM messages").scalar()) == 0


def test_g3_seek_to_a_snapshot_restores_what_was_not_acknowledged_and_what_came_since(service):
    subscribe(service)
    publish(service, b"1", b"2", b"3")
    one, two, three = pull(service)
    acked(service, one)
    made = service.snapshots.create(SNAP, SUB, labels={"a": "b"})
    acked(service, two, three)
    publish(service, b"4")
    acked(service, *pull(service))
    service.clock.advance(2 * 3600)
    service.clean()
    assert service.counts(SUB) == {}

    service.snapshots.seek_to_snapshot(SUB, SNAP)

    assert sorted(bodies(pull(service))) == [b"2", b"3", b"4"]
    subscribe(service, OTHER)
    service.snapshots.seek_to_snapshot(OTHER, SNAP)
    assert bodies(pull(service, name=OTHER)) == [b"2", b"3", b"4"]
    assert (made.topic, made.labels, service.snapshots.of_topic(TOPIC)[0]) == (TOPIC, {"a": "b"}, [made])


def test_g3_a_snapshot_passes_what_it_does_not_hold(service):
    subscribe(service)
    subscribe(service, OTHER)
    publish(service, b"1", b"2")
    acked(service, pull(service)[0])
    service.snapshots.create(SNAP, SUB, labels={})

    service.snapshots.seek_to_snapshot(OTHER, SNAP)

    assert bodies(pull(service, name=OTHER)) == [b"2"]


def test_g3_a_snapshot_lives_seven_days_less_the_age_of_its_oldest_message(service):
    subscribe(service)
    publish(service, b"x")
    service.clock.advance(3 * DAY)
    made = service.snapshots.create(SNAP, SUB, labels={})
    assert made.expire_time == service.clock.now() + timedelta(days=4)

    service.clock.advance(4 * DAY - 3599)
    with pytest.raises(FailedPrecondition, match="less than an hour"):
        service.snapshots.create("projects/p/snapshots/late", SUB, labels={})
    service.clock.advance(3600)
    with pytest.raises(NotFound):
        service.snapshots.get(SNAP)
    service.clean()
    left = service.db.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM snapshot_messages").scalar())
    assert left == 0


def test_a_snapshot_of_another_topic_is_refused(service):
    subscribe(service)
    subscribe(service, OTHER, DEAD)
    service.snapshots.create(SNAP, OTHER, labels={})

    with pytest.raises(InvalidArgument, match="snapshot"):
        service.snapshots.seek_to_snapshot(SUB, SNAP)
    service.snapshots.delete(SNAP)
    with pytest.raises(NotFound):
        service.snapshots.seek_to_snapshot(SUB, SNAP)


def test_seeking_keeps_the_order(service):
    subscribe(service, is_ordered=True, retain_acked=True)
    publish(service, b"1", b"2", b"3", key="k")
    found = pull(service)
    acked(service, *found)
    service.snapshots.seek_to_time(SUB, found[0].publish_time)
    assert bodies(pull(service)) == [b"1", b"2", b"3"]


def test_g3_a_detached_subscription_keeps_nothing_and_gets_nothing(service):
    subscribe(service)
    publish(service, b"x")
    service.detach_subscription(SUB)
    publish(service, b"y")

    found = service.get_subscription(SUB)
    assert (found.is_detached, found.topic, service.counts(SUB)) == (True, TOPIC, {})
    assert service.topic_subscriptions(TOPIC) == []
    with pytest.raises(FailedPrecondition, match="detached"):
        pull(service)
    with pytest.raises(FailedPrecondition, match="detached"):
        service.snapshots.create(SNAP, SUB, labels={})


def test_g3_a_subscription_that_nobody_uses_expires(service):
    subscribe(service, expiration_seconds=float(DAY))
    subscribe(service, OTHER)
    service.clean()
    service.clock.advance(DAY - 1)
    pull(service)
    service.clean()
    service.clock.advance(DAY - 1)
    service.clean()
    assert service.get_subscription(SUB)

    service.clock.advance(2)
    service.clean()

    with pytest.raises(NotFound):
        service.get_subscription(SUB)
    assert service.get_subscription(OTHER)


def test_the_time_without_a_server_lets_no_subscription_expire(service):
    subscribe(service, expiration_seconds=float(DAY))
    service.clock.advance(50 * DAY)

    waiting.Service(service.db, service.clock).clean()

    assert service.get_subscription(SUB)


def test_what_is_handed_out_stays_within_the_bytes_asked_for(service):
    subscribe(service)
    publish(service, b"x" * 60, b"y" * 60, b"z" * 60)

    def sizes(byte_count):
        found = service.begin_pull(SUB, room=Room(messages=10, byte_count=byte_count)).result().deliveries
        return [len(d.data) for d in found]

    assert (sizes(1), sizes(61), sizes(100)) == ([60], [60, 60], [])


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("expirationPolicy.ttl", Options(expiration_seconds=DAY - 1.0)),
        ("filter", Options(filter="nonsense")),
        ("labels", Options(labels={"Big": "x"})),
        ("labels", Options(labels={"1st": "x"})),
        ("labels[a]", Options(labels={"a": "X"})),
        ("labels", Options(labels={f"k{n}": "" for n in range(65)})),
    ],
)
def test_options_that_pubsub_does_not_take_are_refused_with_the_field(service, field, options):
    with pytest.raises(InvalidArgument) as refused:
        service.create_subscription(SUB, TOPIC, options)
    assert refused.value.violations[0].field == field


def test_g3_one_request_is_for_one_ordering_key_of_at_most_1024_bytes(service):
    with pytest.raises(InvalidArgument, match="one orderingKey"):
        service.publish(TOPIC, [PubsubMessage(data=b"x", ordering_key=key) for key in "ab"])
    with pytest.raises(InvalidArgument, match="orderingKey"):
        publish(service, b"x", key="é" * 513)


def test_g3_a_topic_retains_ten_minutes_to_31_days(service):
    for seconds in (599.0, 31 * DAY + 1.0):
        with pytest.raises(InvalidArgument, match="messageRetentionDuration"):
            service.create_topic("projects/p/topics/other", TopicOptions(retention_seconds=seconds))


def test_g3_retained_acknowledged_messages_come_again_within_the_retention_only(service):
    subscribe(service, retain_acked=True, retention_seconds=600.0)
    publish(service, b"old")
    service.clock.advance(599)
    publish(service, b"new")
    acked(service, *pull(service))
    service.clock.advance(2)

    service.snapshots.seek_to_time(SUB, service.clock.now() - timedelta(days=1))

    assert bodies(pull(service)) == [b"new"]


def test_a_later_topic_of_the_same_name_retains_nothing_of_the_earlier_one(service):
    service.change_topic(TOPIC, lambda o: replace(o, retention_seconds=600.0))
    subscribe(service)
    publish(service, b"old", b"held")
    acked(service, pull(service)[0])
    service.delete_topic(TOPIC)
    service.create_topic(TOPIC, TopicOptions(retention_seconds=600.0))
    subscribe(service, OTHER)

    service.snapshots.seek_to_time(OTHER, service.clock.now() - timedelta(days=1))

    assert pull(service, name=OTHER) == []
    service.clock.advance(11)
    assert bodies(pull(service)) == [b"held"]
