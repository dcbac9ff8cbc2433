"""What becomes of attempts: handing out, answers, missed deadlines, dead letters. Inside the caller's transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from trainshed import names
from trainshed.clock import rfc3339
from trainshed.errors import NotFound
from trainshed.sql import notify
from trainshed.topics import ordering, policy, store, store_publishing
from trainshed.topics.model import (
    Answered,
    Delivery,
    Kind,
    Options,
    PubsubMessage,
    Room,
    SchemaSettings,
    Subscription,
)

Verb = Callable[..., int]  # of a connection, a subscription, message ids by attempt, and now

PUSHING = "topics.pushing"  # wakes the duty that delivers
CHANGED = "topics.changed"  # subscriptions came or went
REPLAYED = "topics.replayed"  # messages that were done with came again
_MISSED_AT_ONCE = 1000
_KEPT_SECONDS = 3600.0  # how long an acknowledged message of a pull or push subscription can be replayed
_ANSWER_BYTES = 10_000_000  # what one answer carries, as with Google; one message at least


def arrival(subscription_id: int) -> str:
    """Name the channel that wakes whoever waits for messages of a subscription."""
    return f"topics.arrival.{subscription_id}"


def publish(
    conn: Any,
    topic: str,
    messages: Sequence[PubsubMessage],
    *,
    now: datetime,
    accept: Callable[[SchemaSettings], None] | None = None,
) -> list[str]:
    """Store messages for everybody who subscribes now; answer their ids. Raises NotFound without the topic.

    `accept` is asked when the topic has a schema, and may raise.
    """
    routes = store_publishing.routes(conn, topic)
    if accept is not None and routes.topic.schema is not None:
        accept(routes.topic.schema)
    ids = store_publishing.allocate_ids(conn, len(messages))
    if routes.subscriptions or routes.retain_until(now):  # what nobody is to get is gone, as with Google
        store_publishing.insert_messages(conn, topic, ids, messages, routes, now=now)
    for route in routes.subscriptions:
        _wake(conn, route.subscription_id, route.kind)
    return [str(number) for number in ids]


def lease(
    conn: Any, subscription: Subscription, *, room: Room, now: datetime, deadline_seconds: float = 0
) -> list[Delivery]:
    """Hand out what is due, oldest first, each as a new attempt with a deadline: the subscription's, or another."""
    miss(conn, subscription, now=now)
    options, key = subscription.options, subscription.subscription_id
    messages = store.due_messages(conn, key, now=now, limit=room.messages, is_ordered=options.is_ordered)
    if options.is_ordered and options.kind is not Kind.PULL:
        messages = ordering.one_of_each(messages)
    messages = policy.within(messages, min(room.byte_count, _ANSWER_BYTES))
    if not messages:
        return []
    due = now + timedelta(seconds=deadline_seconds or options.ack_deadline_seconds)
    ids = [message.id for message in messages]
    store.transit(conn, key, ids, "lease", now=now, due_time=due, is_new_attempt=True)
    return [_delivery(subscription, message, message.attempt + 1) for message in messages]


def acknowledge(conn: Any, subscription: Subscription, answers: Mapping[int, list[int]], *, now: datetime) -> int:
    """Finish deliveries, given as message ids by attempt; answers to earlier attempts count for nothing."""
    options = subscription.options
    kept = now + timedelta(seconds=kept_seconds(options))
    changed = sum(
        store.transit(conn, subscription.subscription_id, ids, "ack", now=now, due_time=kept, attempt=attempt)
        for attempt, ids in answers.items()
    )
    if options.is_ordered:  # what follows in the order may come now
        _wake(conn, subscription.subscription_id, options.kind)
    return changed


def kept_seconds(options: Options) -> float:
    """Answer how long a message is kept after it was acknowledged."""
    keeps = options.retain_acked or options.kind is Kind.INTERNAL
    return options.retention_seconds if keeps else _KEPT_SECONDS


def exactly(
    conn: Any,
    subscription: Subscription,
    ack_ids: Sequence[str],
    verb: Verb,
    *,
    now: datetime,
    is_ack: bool,
) -> Answered:
    """Carry out a verb for those ack ids alone that are of the latest attempt and in time; tell them from the others."""
    parsed = [(text, *policy.parse_ack_id(text)) for text in dict.fromkeys(ack_ids)]
    key = subscription.subscription_id
    rows = store.live(conn, key, [message_id for _, _, message_id, _ in parsed], now=now)
    live = {message_id: (attempt, ordering_key) for message_id, attempt, ordering_key in rows}
    valid = {
        message_id: text
        for text, owner, message_id, attempt in parsed
        if owner == key and message_id in live and live[message_id][0] == attempt
    }
    late: set[int] = set()
    if is_ack and subscription.options.is_ordered:
        keys = {ordering_key for number in valid if (ordering_key := live[number][1]) is not None}
        late = ordering.out_of_order(conn, key, keys, set(valid))
    done = [number for number in valid if number not in late]
    counted = verb(conn, subscription, by_attempt((n, live[n][0]) for n in done), now=now) if done else 0
    known = set(valid.values())
    return Answered(
        counted=counted,
        done=[valid[number] for number in done],
        invalid=[text for text, *_ in parsed if text not in known],
        unordered=[valid[number] for number in valid if number in late],
    )


def refuse(conn: Any, subscription: Subscription, answers: Mapping[int, list[int]], *, now: datetime) -> int:
    """Give deliveries back for another attempt after the backoff, or to the dead-letter topic."""
    changed = 0
    for attempt, ids in answers.items():
        out = store.outstanding(conn, subscription.subscription_id, ids, attempt)
        changed += len(out)
        _give_back(conn, subscription, attempt, out, "nack", now=now)
    return changed


def extend(
    conn: Any, subscription: Subscription, answers: Mapping[int, list[int]], *, seconds: float, now: datetime
) -> int:
    """Move the ack deadline of what is out to `seconds` from now."""
    due = now + timedelta(seconds=seconds)
    return sum(
        store.extend(conn, subscription.subscription_id, ids, attempt, due_time=due) for attempt, ids in answers.items()
    )


def miss(conn: Any, subscription: Subscription, *, now: datetime) -> int:
    """Take back what was not answered before its deadline; answer how many."""
    rows = store.due_rows(conn, subscription.subscription_id, "OUTSTANDING", now=now, limit=_MISSED_AT_ONCE)
    groups: dict[int, list[tuple[int, int | None]]] = {}
    for message_id, attempt, forgiven in rows:
        groups.setdefault(attempt, []).append((message_id, forgiven))
    for attempt, out in groups.items():
        _give_back(conn, subscription, attempt, out, "miss", now=now)
    return len(rows)


def by_attempt(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Sort (message id, attempt) by attempt."""
    found: dict[int, list[int]] = {}
    for message_id, attempt in pairs:
        found.setdefault(attempt, []).append(message_id)
    return found


def _give_back(
    conn: Any,
    subscription: Subscription,
    attempt: int,
    out: Sequence[tuple[int, int | None]],
    transition: str,
    *,
    now: datetime,
) -> None:
    """Take messages (id, forgiven attempts) of one attempt back; what is not forgiven counts."""
    groups: dict[int, list[int]] = {}
    for message_id, forgiven in out:
        groups.setdefault(attempt - (forgiven or 0), []).append(message_id)
    for counted, ids in groups.items():
        is_last = policy.is_last_attempt(subscription.options, counted)
        if is_last and _dead_letter(conn, subscription, attempt, counted, ids, now=now):
            continue
        due = now + timedelta(seconds=policy.backoff_seconds(subscription.options, max(counted, 1)))
        store.transit(conn, subscription.subscription_id, ids, transition, now=now, due_time=due, attempt=attempt)
        if subscription.options.is_ordered:
            ordering.follow(conn, subscription.subscription_id, ids, now=now, due_time=due)
    if out:
        _wake(conn, subscription.subscription_id, subscription.options.kind)


def _dead_letter(
    conn: Any, subscription: Subscription, attempt: int, counted: int, ids: Sequence[int], *, now: datetime
) -> bool:
    """Publish to the dead-letter topic; False when that topic is gone, and the message is tried on."""
    dead = subscription.options.dead_letter_policy
    assert dead is not None
    rows = store.read_messages(conn, ids)
    letters = [_letter(subscription, rows[number], counted) for number in ids]
    try:
        publish(conn, dead.topic, letters, now=now)
    except NotFound:
        return False
    kept = now + timedelta(seconds=subscription.options.retention_seconds)
    store.transit(conn, subscription.subscription_id, ids, "dead_letter", now=now, due_time=kept, attempt=attempt)
    return True


def _letter(subscription: Subscription, row: Any, attempt: int) -> PubsubMessage:
    project = names.parse(policy.SUBSCRIPTION, subscription.name)["project"]
    return PubsubMessage(
        data=row.data,
        attributes={
            **(row.attributes or {}),
            "CloudPubSubDeadLetterSourceDeliveryCount": str(attempt),
            "CloudPubSubDeadLetterSourceSubscription": names.short(subscription.name),
            "CloudPubSubDeadLetterSourceSubscriptionProject": project,
            "CloudPubSubDeadLetterSourceTopicPublishTime": rfc3339(row.publish_time),
        },
        ordering_key=row.ordering_key or "",
        parent_receipt_id=row.parent_receipt_id or "",
    )


def _delivery(subscription: Subscription, row: store.DueMessage, attempt: int) -> Delivery:
    options = subscription.options
    return Delivery(
        subscription_id=subscription.subscription_id,
        subscription=subscription.name,
        kind=options.kind,
        target=options.target or options.push_endpoint,
        topic=row.topic,
        message_id=str(row.id),
        data=row.data,
        attributes=row.attributes or {},
        ordering_key=row.ordering_key or "",
        publish_time=row.publish_time,
        attempt=attempt,
        delivery_attempt=attempt - (row.forgiven or 0) if options.dead_letter_policy else 0,
        ack_id=policy.ack_id(subscription.subscription_id, row.id, attempt),
        parent_receipt_id=row.parent_receipt_id or "",
    )


def _wake(conn: Any, subscription_id: int, kind: Kind) -> None:
    notify(conn, arrival(subscription_id) if kind is Kind.PULL else PUSHING)
