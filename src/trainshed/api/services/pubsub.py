"""google.pubsub.v1 Publisher and Subscriber over the topics feature."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from trainshed.api import caller, fields
from trainshed.api.descriptors import message
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument
from trainshed.topics import (
    DELETED_TOPIC,
    Arrivals,
    DeadLetterPolicy,
    Delivery,
    Kind,
    Options,
    PubsubMessage,
    RetryPolicy,
    Service,
    Subscription,
    Topic,
)

_PACKAGE = "google.pubsub.v1"
_PULL_SECONDS = 30.0  # how long a pull waits for the first message
_LATER = "is not offered yet; leave it out"
# Fields that would change what a user gets and are not there: setting them is refused, never ignored.
_TOPIC_LATER = (
    "message_storage_policy",
    "kms_key_name",
    "schema_settings",
    "message_retention_duration",
    "ingestion_data_source_settings",
    "message_transforms",
    "tags",
)
_SUBSCRIPTION_LATER = (
    "bigquery_config",
    "cloud_storage_config",
    "bigtable_config",
    "filter",
    "enable_message_ordering",
    "enable_exactly_once_delivery",
    "message_transforms",
    "tags",
)
_SUBSCRIPTION_CHANGES = {
    "push_config",
    "ack_deadline_seconds",
    "message_retention_duration",
    "retain_acked_messages",
    "retry_policy",
    "dead_letter_policy",
    "labels",
    "expiration_policy",
}


class Publisher:
    """google.pubsub.v1.Publisher."""

    SERVICE = f"{_PACKAGE}.Publisher"

    def __init__(self, topics: Service, *, receipt_of: Callable[[str], str]) -> None:
        """`receipt_of` answers the receipt of the event that a caller acts on, empty for a person."""
        self._topics = topics
        self._receipt_of = receipt_of

    def CreateTopic(self, request: Any) -> Any:
        """Make a topic."""
        _refuse_later(request, _TOPIC_LATER)
        return _topic(self._topics.create_topic(request.name, labels=dict(request.labels)))

    def UpdateTopic(self, request: Any) -> Any:
        """Change the labels of a topic."""
        _refuse_later(request.topic, _TOPIC_LATER)
        fields.mask_paths(request.update_mask, request.topic)
        return _topic(self._topics.relabel_topic(request.topic.name, dict(request.topic.labels)))

    def GetTopic(self, request: Any) -> Any:
        """Read a topic."""
        return _topic(self._topics.get_topic(request.topic))

    def ListTopics(self, request: Any) -> Any:
        """Read the topics of a project."""
        size = fields.page_size(request.page_size)
        found, token = self._topics.list_topics(request.project, page_size=size, page_token=request.page_token)
        return fields.listing(f"{_PACKAGE}.ListTopicsResponse", "topics", map(_topic, found), token)

    def ListTopicSubscriptions(self, request: Any) -> Any:
        """Read the names of a topic's subscriptions."""
        found = self._topics.topic_subscriptions(request.topic)
        return fields.listing(f"{_PACKAGE}.ListTopicSubscriptionsResponse", "subscriptions", found)

    def DeleteTopic(self, request: Any) -> None:
        """Remove a topic."""
        self._topics.delete_topic(request.topic)

    def DetachSubscription(self, request: Any) -> Any:
        """Cut a subscription off its topic."""
        self._topics.detach_subscription(request.subscription)
        return message(f"{_PACKAGE}.DetachSubscriptionResponse")

    async def Publish(self, request: Any) -> Any:
        """Store messages; the ids are answered once they are on disk."""
        principal = caller.current().principal
        parent = "" if principal == caller.USER else await off_loop(self._receipt_of, principal)
        messages = [
            PubsubMessage(
                data=m.data,
                attributes=dict(m.attributes) if m.attributes else {},
                ordering_key=m.ordering_key,
                parent_receipt_id=parent,
            )
            for m in request.messages
        ]
        ids = await asyncio.wrap_future(self._topics.begin_publish(request.topic, messages))
        return message(f"{_PACKAGE}.PublishResponse", message_ids=ids)


class Subscriber:
    """google.pubsub.v1.Subscriber. Snapshots and seek answer UNIMPLEMENTED."""

    SERVICE = f"{_PACKAGE}.Subscriber"

    def __init__(self, topics: Service, arrivals: Arrivals) -> None:
        self._topics = topics
        self._arrivals = arrivals

    def CreateSubscription(self, request: Any) -> Any:
        """Make a subscription."""
        options = _options(request, Options(), tuple(d.name for d, _ in request.ListFields()))
        return _subscription(self._topics.create_subscription(request.name, request.topic, options))

    def UpdateSubscription(self, request: Any) -> Any:
        """Change what may change of a subscription."""
        patch = request.subscription
        paths = tuple(path.partition(".")[0] for path in fields.mask_paths(request.update_mask, patch))
        if fixed := [path for path in paths if path not in _SUBSCRIPTION_CHANGES and request.update_mask.paths]:
            raise InvalidArgument.field(f"subscription.{fixed[0]}", "cannot be changed; make another subscription")
        found = self._topics.change_subscription(patch.name, lambda current: _options(patch, current, paths))
        return _subscription(found)

    def GetSubscription(self, request: Any) -> Any:
        """Read a subscription."""
        return _subscription(self._topics.get_subscription(request.subscription))

    def ListSubscriptions(self, request: Any) -> Any:
        """Read the subscriptions of a project."""
        size = fields.page_size(request.page_size)
        found, token = self._topics.list_subscriptions(request.project, page_size=size, page_token=request.page_token)
        response = f"{_PACKAGE}.ListSubscriptionsResponse"
        return fields.listing(response, "subscriptions", map(_subscription, found), token)

    def DeleteSubscription(self, request: Any) -> None:
        """Remove a subscription."""
        self._topics.delete_subscription(request.subscription)

    def ModifyPushConfig(self, request: Any) -> None:
        """Give a subscription another endpoint, or none: it is pulled then."""
        self._topics.change_subscription(request.subscription, lambda current: _pushed(current, request.push_config))

    async def Acknowledge(self, request: Any) -> None:
        """Finish messages."""
        await asyncio.wrap_future(self._topics.begin_acknowledge(request.subscription, request.ack_ids))

    async def ModifyAckDeadline(self, request: Any) -> None:
        """Ask for more time, or with 0 refuse messages for now."""
        begun = self._topics.begin_modify(request.subscription, request.ack_ids, request.ack_deadline_seconds)
        await asyncio.wrap_future(begun)

    async def Pull(self, request: Any) -> Any:
        """Hand out messages, waiting for the first one for a while unless asked to return at once."""
        found = await self._arrivals.pull(
            request.subscription,
            max_messages=request.max_messages,
            wait_seconds=0.0 if request.return_immediately else _PULL_SECONDS,
        )
        return _handed_over(f"{_PACKAGE}.PullResponse", found)

    async def StreamingPull(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Hand out messages as they come, within the flow control of the first request."""
        first = await anext(aiter(requests))
        if not 10 <= first.stream_ack_deadline_seconds <= 600:  # noqa: PLR2004  (Pub/Sub's limits)
            raise InvalidArgument.field("streamAckDeadlineSeconds", "is outside 10..600")
        stream = _Stream(self._topics, first)
        await stream.answer(first)
        listening = asyncio.ensure_future(stream.listen(requests))
        try:
            async for found in self._arrivals.follow(
                first.subscription,
                limit=stream.room,
                deadline_seconds=lambda: stream.deadline_seconds,
                may_go_on=stream.may_go_on,
            ):
                yield _handed_over(f"{_PACKAGE}.StreamingPullResponse", found)
        finally:
            listening.cancel()


class _Stream:
    """One streaming pull: what it may have out, and the answers that come on it."""

    _AT_ONCE = 1000

    def __init__(self, topics: Service, first: Any) -> None:
        self._topics = topics
        self._subscription = first.subscription
        self.deadline_seconds = first.stream_ack_deadline_seconds
        self._most = first.max_outstanding_messages
        self.may_go_on = asyncio.Event()

    def room(self) -> int:
        """Answer how many messages may be handed out now. Clients that ack by unary calls keep count themselves."""
        return min(self._most, self._AT_ONCE) if self._most > 0 else self._AT_ONCE

    async def listen(self, requests: AsyncIterator[Any]) -> None:
        """Take the answers until the client ends its half."""
        async for request in requests:
            await self.answer(request)

    async def answer(self, request: Any) -> None:
        """Take the acknowledgements and deadlines of one request."""
        if request.stream_ack_deadline_seconds:
            self.deadline_seconds = request.stream_ack_deadline_seconds
        if request.ack_ids:
            await asyncio.wrap_future(self._topics.begin_acknowledge(self._subscription, request.ack_ids))
        asked: dict[int, list[str]] = {}
        pairs = zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=False)
        for ack_id, seconds in pairs:
            asked.setdefault(seconds, []).append(ack_id)
        for seconds, ack_ids in asked.items():
            await asyncio.wrap_future(self._topics.begin_modify(self._subscription, ack_ids, seconds))


def _refuse_later(found: Any, later: Sequence[str]) -> None:
    for descriptor, _ in found.ListFields():
        if descriptor.name in later:
            raise InvalidArgument.field(descriptor.json_name, _LATER, reason="FIELD_NOT_SUPPORTED")


def _options(found: Any, current: Options, paths: Sequence[str]) -> Options:
    _refuse_later(found, _SUBSCRIPTION_LATER)
    if "expiration_policy" in paths and found.expiration_policy.HasField("ttl"):
        raise InvalidArgument.field("expirationPolicy.ttl", "subscriptions never expire here; leave it out")
    changes: dict[str, Any] = {}
    if "ack_deadline_seconds" in paths:
        changes["ack_deadline_seconds"] = found.ack_deadline_seconds or Options().ack_deadline_seconds
    if "message_retention_duration" in paths:
        changes["retention_seconds"] = fields.seconds(found.message_retention_duration)
    if "retain_acked_messages" in paths:
        changes["retain_acked"] = found.retain_acked_messages
    if "retry_policy" in paths:
        changes["retry_policy"] = _retry(found)
    if "dead_letter_policy" in paths:
        changes["dead_letter_policy"] = _dead_letter(found)
    if "labels" in paths:
        changes["labels"] = dict(found.labels)
    options = replace(current, **changes)
    return _pushed(options, found.push_config) if "push_config" in paths else options


def _retry(found: Any) -> RetryPolicy | None:
    if not found.HasField("retry_policy"):
        return None
    policy = found.retry_policy
    given = {
        name: fields.seconds(getattr(policy, field))
        for name, field in (("minimum_seconds", "minimum_backoff"), ("maximum_seconds", "maximum_backoff"))
        if policy.HasField(field)
    }
    return RetryPolicy(**given)


def _dead_letter(found: Any) -> DeadLetterPolicy | None:
    if not found.HasField("dead_letter_policy"):
        return None
    policy = found.dead_letter_policy
    return DeadLetterPolicy(topic=policy.dead_letter_topic, max_delivery_attempts=policy.max_delivery_attempts or 5)


def _pushed(options: Options, config: Any) -> Options:
    if config.HasField("no_wrapper"):
        raise InvalidArgument.field("pushConfig.noWrapper", _LATER, reason="FIELD_NOT_SUPPORTED")
    if config.HasField("oidc_token"):
        raise InvalidArgument.field("pushConfig.oidcToken", _LATER, reason="FIELD_NOT_SUPPORTED")
    kind = Kind.PUSH if config.push_endpoint else Kind.PULL
    attributes = dict(config.attributes)
    return replace(options, kind=kind, push_endpoint=config.push_endpoint, push_attributes=attributes)


def _topic(topic: Topic) -> Any:
    return message(f"{_PACKAGE}.Topic", name=topic.name, labels=dict(topic.labels), state="ACTIVE")


def _subscription(subscription: Subscription) -> Any:
    options = subscription.options
    retry, dead = options.retry_policy, options.dead_letter_policy
    push: Mapping[str, Any] = {}
    if options.push_endpoint:
        push = {"push_endpoint": options.push_endpoint, "attributes": dict(options.push_attributes)}
    return message(
        f"{_PACKAGE}.Subscription",
        name=subscription.name,
        topic=subscription.topic,
        push_config=dict(push),
        ack_deadline_seconds=options.ack_deadline_seconds,
        retain_acked_messages=options.retain_acked,
        message_retention_duration=timedelta(seconds=options.retention_seconds),
        labels=dict(options.labels),
        expiration_policy={},
        retry_policy=retry
        and {
            "minimum_backoff": timedelta(seconds=retry.minimum_seconds),
            "maximum_backoff": timedelta(seconds=retry.maximum_seconds),
        },
        dead_letter_policy=dead
        and {"dead_letter_topic": dead.topic, "max_delivery_attempts": dead.max_delivery_attempts},
        detached=subscription.topic == DELETED_TOPIC,
        state="ACTIVE",
    )


def _handed_over(kind: str, deliveries: Sequence[Delivery]) -> Any:
    """Write deliveries; the fields are set one by one, which is a third of the time of making messages of dicts."""
    response = message(kind)
    for delivery in deliveries:
        received = response.received_messages.add()
        received.ack_id = delivery.ack_id
        received.delivery_attempt = delivery.delivery_attempt
        content = received.message
        content.data = delivery.data
        content.message_id = delivery.message_id
        content.ordering_key = delivery.ordering_key
        content.publish_time.CopyFrom(_timestamp(delivery.publish_time))
        if delivery.attributes:
            content.attributes.update(delivery.attributes)
    return response


@lru_cache(maxsize=256)
def _timestamp(when: datetime) -> Any:
    """Write a time; what was published together has the same."""
    made = message("google.protobuf.Timestamp")
    made.FromDatetime(when)
    return made
