"""What becomes of attempts: handing out, answers, missed deadlines, dead letters. Inside the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from trainshed import names
from trainshed.clock import rfc3339
from trainshed.errors import NotFound
from trainshed.sql import notify
from trainshed.topics import policy, store
from trainshed.topics.model import Delivery, Kind, PubsubMessage, Subscription

PUSHING = "topics.pushing"  # wakes the duty that delivers
CHANGED = "topics.changed"  # subscriptions came or went
_MISSED_AT_ONCE = 1000
_KEPT_SECONDS = 3600.0  # how long an acknowledged message of a pull or push subscription can be replayed


def arrival(subscription_id: int) -> str:
    """Name the channel that wakes whoever waits for messages of a subscription."""
    return f"topics.arrival.{subscription_id}"


def publish(conn: Any, topic: str, messages: Sequence[PubsubMessage], *, now: datetime) -> list[str]:
    """Store messages for everybody who subscribes now; answer their ids. Raises NotFound without the topic."""
    routes = store.routes(conn, topic)
    ids = store.allocate_ids(conn, len(messages))
    if routes:  # a message that nobody subscribes to is gone, as with Google
        store.insert_messages(conn, topic, ids, messages, now=now)
    for subscription_id, kind in routes:
        _wake(conn, subscription_id, kind)
    return [str(number) for number in ids]


def lease(
    conn: Any, subscription: Subscription, *, limit: int, now: datetime, deadline_seconds: float = 0
) -> list[Delivery]:
    """Hand out what is due, oldest first, each as a new attempt with a deadline: the subscription's, or another."""
    miss(conn, subscription, now=now)
    messages = store.due_messages(conn, subscription.subscription_id, now=now, limit=limit)
    if not messages:
        return []
    due = now + timedelta(seconds=deadline_seconds or subscription.options.ack_deadline_seconds)
    ids = [message.id for message in messages]
    store.transit(conn, subscription.subscription_id, ids, "lease", now=now, due_time=due, is_new_attempt=True)
    return [_delivery(subscription, message, message.attempt + 1) for message in messages]


def acknowledge(conn: Any, subscription: Subscription, answers: Mapping[int, list[int]], *, now: datetime) -> int:
    """Finish deliveries, given as message ids by attempt; answers to earlier attempts count for nothing."""
    options = subscription.options
    keeps = options.retain_acked or options.kind is Kind.INTERNAL
    kept = now + timedelta(seconds=options.retention_seconds if keeps else _KEPT_SECONDS)
    return sum(
        store.transit(conn, subscription.subscription_id, ids, "ack", now=now, due_time=kept, attempt=attempt)
        for attempt, ids in answers.items()
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
    for attempt, ids in by_attempt(rows).items():
        _give_back(conn, subscription, attempt, ids, "miss", now=now)
    return len(rows)


def by_attempt(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Sort (message id, attempt) by attempt."""
    found: dict[int, list[int]] = {}
    for message_id, attempt in pairs:
        found.setdefault(attempt, []).append(message_id)
    return found


def _give_back(
    conn: Any, subscription: Subscription, attempt: int, ids: Sequence[int], transition: str, *, now: datetime
) -> None:
    if not ids:
        return
    if policy.is_last_attempt(subscription.options, attempt) and _dead_letter(
        conn, subscription, attempt, ids, now=now
    ):
        return
    due = now + timedelta(seconds=policy.backoff_seconds(subscription.options, attempt))
    store.transit(conn, subscription.subscription_id, ids, transition, now=now, due_time=due, attempt=attempt)
    _wake(conn, subscription.subscription_id, subscription.options.kind)


def _dead_letter(conn: Any, subscription: Subscription, attempt: int, ids: Sequence[int], *, now: datetime) -> bool:
    """Publish to the dead-letter topic; False when that topic is gone, and the message is tried on."""
    dead = subscription.options.dead_letter_policy
    assert dead is not None
    rows = store.read_messages(conn, ids)
    letters = [_letter(subscription, rows[number], attempt) for number in ids]
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
        delivery_attempt=attempt if options.dead_letter_policy else 0,
        ack_id=policy.ack_id(subscription.subscription_id, row.id, attempt),
        parent_receipt_id=row.parent_receipt_id or "",
    )


def _wake(conn: Any, subscription_id: int, kind: Kind) -> None:
    notify(conn, arrival(subscription_id) if kind is Kind.PULL else PUSHING)
