"""How features meet: small adapters that `App` hands to the feature that asks. No decisions here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from trainshed import buckets, builds, functions, ledger, runs, schedules, topics
from trainshed.api.descriptors import from_json
from trainshed.api.reach import Reach
from trainshed.api.services.pipelines import CREATE_JOB, new_run
from trainshed.blobs import parse_uri
from trainshed.duty import off_loop
from trainshed.errors import NotFound
from trainshed.topics import Kind, Options, RetryPolicy

Deliver = Callable[[str, topics.Delivery], Awaitable[bool]]  # name of the target, delivery → acknowledged?


class Feeds:
    """Feeds functions and triggers from topics and buckets: `functions.Subscriptions`, over topics and buckets."""

    def __init__(self, messages: topics.Service, objects: buckets.Service) -> None:
        self._topics = messages
        self._buckets = objects

    def attach(self, conn: Connection, *, subscription: str, topic: str, target: str, retry: bool) -> None:
        """Deliver a topic to a target of ours; the topic is made when it is missing, as gcloud does."""
        self._topics.ensure_topic_in(conn, topic)
        policy = RetryPolicy(minimum_seconds=1.0, maximum_seconds=60.0) if retry else None
        options = Options(kind=Kind.INTERNAL, target=target, ack_deadline_seconds=600, retry_policy=policy)
        self._topics.subscribe_in(conn, subscription, topic, options)

    def detach(self, conn: Connection, *, subscription: str) -> None:
        """Stop delivering."""
        self._topics.unsubscribe_in(conn, subscription)

    def require(self, conn: Connection, *, bucket: str) -> None:
        """Look that a bucket is there. Raises NotFound."""
        self._buckets.blobs.get_bucket(conn, bucket)

    def watch(self, conn: Connection, *, bucket: str, topic: str, kind: str = "OBJECT_FINALIZE") -> None:
        """Announce what happens to the objects of a bucket on a topic."""
        self._topics.ensure_topic_in(conn, topic)
        self._buckets.notify_in(conn, bucket, topic, kind)

    def for_runs(self) -> runs.Ports:
        """Answer the same, as run triggers ask for it."""
        return runs.Ports(
            subscribe=lambda conn, subscription, topic, target: self.attach(
                conn, subscription=subscription, topic=topic, target=target, retry=True
            ),
            unsubscribe=self._topics.unsubscribe_in,
            watch=lambda conn, bucket, topic: self.watch(conn, bucket=bucket, topic=topic),
            unwatch=self._buckets.unnotify_in,
        )

    def for_builds(self) -> builds.Feeds:
        """Answer the same, as build triggers ask for it."""
        return builds.Feeds(
            subscribe=lambda conn, subscription, topic, target: self.attach(
                conn, subscription=subscription, topic=topic, target=target, retry=True
            ),
            unsubscribe=self._topics.unsubscribe_in,
        )


def trigger_of(of_builds: builds.Triggers, of_runs: runs.Triggers) -> Callable[[str], str]:
    """Answer what names the function or trigger behind a target of deliveries; empty where there is none."""

    def named(target: str) -> str:
        kind, _, name = target.partition(":")
        try:
            match kind:
                case "function":
                    return name
                case "run-trigger":
                    return of_runs.get(name).resource
                case "build-trigger":
                    return of_builds.get(name, project="").resource
        except NotFound:
            pass  # it was deleted
        return ""

    return named


def _message(delivery: topics.Delivery) -> ledger.Message:
    return ledger.Message(
        subscription=delivery.subscription,
        message_id=delivery.message_id,
        topic=delivery.topic,
        publish_time=delivery.publish_time,
        data=delivery.data,
        attributes=delivery.attributes,
        delivery_attempt=delivery.attempt,
        parent_receipt_id=delivery.parent_receipt_id,
    )


def to_build_trigger(events: builds.Events) -> Deliver:
    """Hand deliveries to build triggers."""

    async def deliver(name: str, delivery: topics.Delivery) -> bool:
        return await off_loop(events.deliver, name, _message(delivery))

    return deliver


def to_run_trigger(triggers: runs.Triggers) -> Deliver:
    """Hand deliveries to run triggers."""

    async def deliver(name: str, delivery: topics.Delivery) -> bool:
        return await off_loop(triggers.deliver, name, _message(delivery))

    return deliver


def publish_for_schedules(messages: topics.Service) -> Callable[..., list[str]]:
    """Publish what firings send, in their transaction."""

    def publish(conn: Connection, topic: str, outgoing: Sequence[schedules.Outgoing]) -> list[str]:
        made = [
            topics.PubsubMessage(data=o.data, attributes=o.attributes, parent_receipt_id=o.parent_receipt_id)
            for o in outgoing
        ]
        return messages.publish_in(conn, topic, made)

    return publish


def endpoints(reach: Reach) -> schedules.Endpoints:
    """Let schedules call endpoints with tokens, those that are answered here without leaving the machine."""

    def token(target: schedules.HttpTarget) -> str:
        if target.token == "oauth":  # noqa: S105  (a kind of token)
            return reach.key.access_token(target.token_email)
        return reach.identity_token(target.token_email, target.token_for)

    def near(uri: str) -> str:
        return reach.address if reach.is_ours(urlsplit(uri).hostname or "") else ""

    return schedules.Endpoints(token=token, near=near)


def runs_for_schedules(service: runs.Service) -> schedules.of_runs.Ports:
    """Let schedules of runs start them."""

    def prepare(request: Mapping[str, Any], schedule: str) -> runs.Prepared:
        return service.prepare(replace(new_run(from_json(CREATE_JOB, request)), origin=schedule))

    def start(conn: Connection, prepared: runs.Prepared, cause: ledger.Cause) -> tuple[str, bool]:
        run, is_new = service.create_in(conn, prepared, cause)
        return run.name, is_new

    return schedules.of_runs.Ports(prepare=prepare, start=start, count_active=runs.count_open)


def is_busy(is_open: Callable[[Connection, str], bool]) -> Callable[[Connection, str], bool]:
    """Tell whether anything that a receipt led to, directly or by further events, goes on."""

    def busy(conn: Connection, receipt_id: str) -> bool:
        for child in ledger.children(conn, receipt_id):
            if child.state == "PENDING" or (child.link and is_open(conn, child.link)) or busy(conn, child.receipt_id):
                return True
        return False

    return busy


def deliver_to(kinds: Mapping[str, Deliver]) -> Deliver:
    """Hand a delivery to the kind of target that it names: `function:NAME`, `run-trigger:NAME`, …"""

    async def deliver(target: str, delivery: topics.Delivery) -> bool:
        kind, _, name = target.partition(":")
        if kind not in kinds:
            raise NotFound(f"Nothing here takes deliveries for {target!r}.")
        return await kinds[kind](name, delivery)

    return deliver


def to_function(host: functions.Host) -> Deliver:
    """Hand deliveries to functions."""

    async def deliver(name: str, delivery: topics.Delivery) -> bool:
        return await host.deliver(name, _message(delivery))

    return deliver


def has_topic(messages: topics.Service) -> Callable[[str], bool]:
    """Tell buckets whether a topic that changes are to be announced on is there."""

    def found(name: str) -> bool:
        try:
            return bool(messages.get_topic(name))
        except NotFound:
            return False

    return found


def reader(objects: buckets.Service) -> Callable[[str], bytes]:
    """Read a whole object by its `gs://` address."""

    def read(uri: str) -> bytes:
        bucket, name = parse_uri(uri)
        with objects.open(objects.get(bucket, name)) as file:
            return file.read()

    return read
