"""google.pubsub.v1 Publisher and Subscriber over the topics feature."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from trainshed.api import caller, fields
from trainshed.api.descriptors import message
from trainshed.api.services import pubsub_resources as resources
from trainshed.api.services.pubsub_resources import PACKAGE
from trainshed.api.services.pubsub_stream import Stream, Streams
from trainshed.duty import off_loop, settled
from trainshed.errors import InvalidArgument
from trainshed.topics import (
    Arrivals,
    Options,
    PubsubMessage,
    Service,
    Snapshot,
    TopicOptions,
    UncheckedError,
    refuse_failed,
)

_PULL_SECONDS = 30.0  # how long a pull waits for the first message
_SNAPSHOT_CHANGES = {"labels", "expire_time"}


class Publisher:
    """google.pubsub.v1.Publisher."""

    SERVICE = f"{PACKAGE}.Publisher"

    def __init__(self, topics: Service, *, receipt_of: Callable[[str], str]) -> None:
        """`receipt_of` answers the receipt of the event that a caller acts on, empty for a person."""
        self._topics = topics
        self._receipt_of = receipt_of

    def CreateTopic(self, request: Any) -> Any:
        """Make a topic."""
        return resources.topic_message(self._topics.create_topic(request.name, resources.read_topic(request)))

    def UpdateTopic(self, request: Any) -> Any:
        """Change what may change of a topic."""
        patch, mask = request.topic, request.update_mask
        resources.refuse(patch)
        resources.changes(mask, patch, of_topic=True)
        found = self._topics.get_topic(patch.name)

        def change(current: TopicOptions) -> TopicOptions:
            shown = resources.topic_message(replace(found, options=current))
            return resources.read_topic(fields.update(shown, patch, mask))

        return resources.topic_message(self._topics.change_topic(patch.name, change))

    def GetTopic(self, request: Any) -> Any:
        """Read a topic."""
        return resources.topic_message(self._topics.get_topic(request.topic))

    def ListTopics(self, request: Any) -> Any:
        """Read the topics of a project."""
        size = fields.page_size(request.page_size)
        found, token = self._topics.list_topics(request.project, page_size=size, page_token=request.page_token)
        return fields.listing(f"{PACKAGE}.ListTopicsResponse", "topics", map(resources.topic_message, found), token)

    def ListTopicSubscriptions(self, request: Any) -> Any:
        """Read the names of a topic's subscriptions."""
        size = fields.page_size(request.page_size)
        found, token = self._topics.list_topic_subscriptions(
            request.topic, page_size=size, page_token=request.page_token
        )
        return fields.listing(f"{PACKAGE}.ListTopicSubscriptionsResponse", "subscriptions", found, token)

    def ListTopicSnapshots(self, request: Any) -> Any:
        """Read the names of a topic's snapshots."""
        size = fields.page_size(request.page_size)
        found, token = self._topics.snapshots.of_topic(request.topic, page_size=size, page_token=request.page_token)
        names = (snapshot.name for snapshot in found)
        return fields.listing(f"{PACKAGE}.ListTopicSnapshotsResponse", "snapshots", names, token)

    def DeleteTopic(self, request: Any) -> None:
        """Remove a topic."""
        self._topics.delete_topic(request.topic)

    def DetachSubscription(self, request: Any) -> Any:
        """Cut a subscription off its topic."""
        self._topics.detach_subscription(request.subscription)
        return message(f"{PACKAGE}.DetachSubscriptionResponse")

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
        try:
            ids = await settled(self._topics.begin_publish(request.topic, messages))
        except UncheckedError:
            ids = await off_loop(self._topics.publish_checked, request.topic, messages)
        return message(f"{PACKAGE}.PublishResponse", message_ids=ids)


class Subscriber:
    """google.pubsub.v1.Subscriber."""

    SERVICE = f"{PACKAGE}.Subscriber"

    def __init__(self, topics: Service, arrivals: Arrivals) -> None:
        self._topics = topics
        self._arrivals = arrivals
        self._streams = Streams()

    def CreateSubscription(self, request: Any) -> Any:
        """Make a subscription."""
        options = resources.read_subscription(request)
        return resources.subscription_message(self._topics.create_subscription(request.name, request.topic, options))

    def UpdateSubscription(self, request: Any) -> Any:
        """Change what may change of a subscription."""
        patch, mask = request.subscription, request.update_mask
        resources.refuse(patch)
        resources.changes(mask, patch)
        found = self._topics.get_subscription(patch.name)

        def change(current: Options) -> Options:
            shown = resources.subscription_message(replace(found, options=current))
            return resources.read_subscription(fields.update(shown, patch, mask))

        return resources.subscription_message(self._topics.change_subscription(patch.name, change))

    def GetSubscription(self, request: Any) -> Any:
        """Read a subscription."""
        return resources.subscription_message(self._topics.get_subscription(request.subscription))

    def ListSubscriptions(self, request: Any) -> Any:
        """Read the subscriptions of a project."""
        size = fields.page_size(request.page_size)
        found, token = self._topics.list_subscriptions(request.project, page_size=size, page_token=request.page_token)
        shown = map(resources.subscription_message, found)
        return fields.listing(f"{PACKAGE}.ListSubscriptionsResponse", "subscriptions", shown, token)

    def DeleteSubscription(self, request: Any) -> None:
        """Remove a subscription."""
        self._topics.delete_subscription(request.subscription)

    def ModifyPushConfig(self, request: Any) -> None:
        """Give a subscription another endpoint, or none: it is pulled then."""
        self._topics.change_subscription(
            request.subscription, lambda current: resources.with_push(current, request.push_config)
        )

    async def Acknowledge(self, request: Any) -> None:
        """Finish messages."""
        answered = await settled(self._topics.begin_acknowledge(request.subscription, request.ack_ids))
        self._streams.answered(request.ack_ids, answered)
        refuse_failed(answered)

    async def ModifyAckDeadline(self, request: Any) -> None:
        """Ask for more time, or with 0 refuse messages for now."""
        seconds = request.ack_deadline_seconds
        answered = await settled(self._topics.begin_modify(request.subscription, request.ack_ids, seconds))
        if seconds:
            self._streams.extended(request.ack_ids, seconds)
        else:
            self._streams.answered(request.ack_ids, answered)
        refuse_failed(answered)

    async def Pull(self, request: Any) -> Any:
        """Hand out messages, waiting for the first one for a while unless asked to return at once."""
        found = await self._arrivals.pull(
            request.subscription,
            max_messages=request.max_messages,
            wait_seconds=0.0 if request.return_immediately else _PULL_SECONDS,
        )
        return resources.handed_over(f"{PACKAGE}.PullResponse", found)

    async def StreamingPull(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Hand out messages as they come, within the flow control of the first request."""
        first = await anext(aiter(requests), None)
        if first is None:
            return
        stream = Stream(self._topics, self._streams, first, self._topics.clock)
        async for response in stream.run(first, requests, self._arrivals):
            yield response

    def CreateSnapshot(self, request: Any) -> Any:
        """Keep what a subscription has not acknowledged, and what is published from now on."""
        if request.tags:
            raise InvalidArgument.field("tags", "is not offered on this machine; leave it out")
        labels = dict(request.labels)
        return resources.snapshot_message(
            self._topics.snapshots.create(request.name, request.subscription, labels=labels)
        )

    def GetSnapshot(self, request: Any) -> Any:
        """Read a snapshot."""
        return resources.snapshot_message(self._topics.snapshots.get(request.snapshot))

    def ListSnapshots(self, request: Any) -> Any:
        """Read the snapshots of a project."""
        size = fields.page_size(request.page_size)
        found, token = self._topics.snapshots.of_project(request.project, page_size=size, page_token=request.page_token)
        shown = map(resources.snapshot_message, found)
        return fields.listing(f"{PACKAGE}.ListSnapshotsResponse", "snapshots", shown, token)

    def UpdateSnapshot(self, request: Any) -> Any:
        """Change the labels of a snapshot, or let it end earlier."""
        patch, mask = request.snapshot, request.update_mask
        if not mask.paths:
            raise InvalidArgument.field("updateMask", "is empty; name the fields to change")
        for path in fields.mask_paths(mask, patch):
            if path.partition(".")[0] not in _SNAPSHOT_CHANGES:
                raise InvalidArgument.field(f"updateMask: snapshot.{path}", "cannot be changed")

        def change(found: Snapshot) -> Snapshot:
            wanted = fields.update(resources.snapshot_message(found), patch, mask)
            return replace(found, labels=dict(wanted.labels), expire_time=fields.time(wanted.expire_time))

        return resources.snapshot_message(self._topics.snapshots.change(patch.name, change))

    def DeleteSnapshot(self, request: Any) -> None:
        """Remove a snapshot."""
        self._topics.snapshots.delete(request.snapshot)

    def Seek(self, request: Any) -> Any:
        """Go to a time or a snapshot: what was acknowledged comes again, or the other way round."""
        target = request.WhichOneof("target")
        if target == "time":
            self._topics.snapshots.seek_to_time(request.subscription, fields.time(request.time))
        elif target == "snapshot":
            self._topics.snapshots.seek_to_snapshot(request.subscription, request.snapshot)
        else:
            raise InvalidArgument.field("target", "is missing; give a time or a snapshot")
        return message(f"{PACKAGE}.SeekResponse")
