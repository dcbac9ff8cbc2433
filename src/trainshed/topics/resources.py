"""The verbs of topics and subscriptions themselves: one transaction each. What passes through them is `service`'s."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from trainshed import names, policies
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, NotFound
from trainshed.sql import Database, notify
from trainshed.topics import attempts, policy, store_snapshots
from trainshed.topics import store_resources as stored
from trainshed.topics.model import Kind, Options, Subscription, Topic, TopicOptions
from trainshed.topics.schemas import check_settings
from trainshed.topics.upkeep import Upkeep

Found = TypeVar("Found", Topic, Subscription)


class Resources:
    """Topics and subscriptions."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock
        self.upkeep = Upkeep(db, clock)

    def create_topic(self, name: str, options: TopicOptions | None = None) -> Topic:
        """Make a topic. Raises AlreadyExists, and NotFound without its schema."""
        policy.check_name(policy.TOPIC, name)
        checked = policy.check_topic_options(options or TopicOptions())
        topic = Topic(name=name, options=checked, create_time=self.clock.now())

        def verb(conn: Connection) -> bool:
            _check_schema(conn, checked)
            notify(conn, attempts.CHANGED)
            return stored.insert_topic(conn, topic)

        if not self.db.write(verb):
            raise AlreadyExists(f"There is a topic {name!r} already.")
        return topic

    def ensure_topic_in(self, conn: Connection, name: str) -> None:
        """Make the topic be there, in the caller's transaction."""
        policy.check_name(policy.TOPIC, name)
        stored.insert_topic(conn, Topic(name=name, options=TopicOptions(), create_time=self.clock.now()))

    def get_topic(self, name: str) -> Topic:
        """Read a topic. Raises NotFound."""
        names.parse(policy.TOPIC, name)
        return self.db.read(lambda conn: stored.get_topic(conn, name))

    def list_topics(self, project: str, *, page_size: int = 0, page_token: str = "") -> tuple[list[Topic], str]:
        """Read a page of the topics of `projects/P`, and the token of the next page."""
        names.parse("projects/{project}", project, field="project")
        read = partial(stored.list_topics, prefix=f"{project}/topics/")
        return self._page(read, page_size, page_token)

    def change_topic(self, name: str, change: Callable[[TopicOptions], TopicOptions]) -> Topic:
        """Replace the options of a topic. Raises NotFound."""

        def verb(conn: Connection) -> Topic:
            found = stored.get_topic(conn, name)
            options = policy.check_topic_options(change(found.options))
            if options.schema != found.options.schema:
                _check_schema(conn, options)
            stored.change_topic(conn, name, options)
            return stored.get_topic(conn, name)

        return self.db.write(verb)

    def delete_topic(self, name: str) -> None:
        """Remove a topic; its subscriptions keep what they have. Raises NotFound."""

        def verb(conn: Connection) -> None:
            stored.get_topic(conn, name)
            stored.delete_topic(conn, name)
            notify(conn, attempts.CHANGED)
            store_snapshots.orphan(conn, name)
            policies.forget(conn, name)

        self.db.write(verb)

    def topic_subscriptions(self, topic: str) -> list[str]:
        """Read the names of a topic's subscriptions. Raises NotFound."""
        return self.db.read(lambda conn: stored.subscribers(conn, topic))

    def list_topic_subscriptions(
        self, topic: str, *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[str], str]:
        """Read a page of the names of a topic's subscriptions, and the token of the next page. Raises NotFound."""
        self.db.read(lambda conn: stored.get_topic(conn, topic))
        found, more = self._page(partial(stored.list_subscriptions, topic=topic), page_size, page_token)
        return [subscription.name for subscription in found], more

    def create_subscription(self, name: str, topic: str, options: Options) -> Subscription:
        """Make a subscription: it gets what is published from now on. Raises NotFound, AlreadyExists."""

        def verb(conn: Connection) -> Subscription:
            stored.get_topic(conn, topic)
            _check_dead_letter_topic(conn, options)
            if not stored.insert_subscription(conn, name, topic, options, now=self.clock.now()):
                raise AlreadyExists(f"There is a subscription {name!r} already.")
            notify(conn, attempts.CHANGED)
            return stored.show_subscription(conn, name)

        self._check(name, topic, options)
        return self.db.write(verb)

    def subscribe_in(self, conn: Connection, name: str, topic: str, options: Options) -> Subscription:
        """Make the subscription be there with these options, in the caller's transaction. Raises NotFound.

        One of that name on another topic is replaced.
        """
        self._check(name, topic, options)
        stored.get_topic(conn, topic)
        notify(conn, attempts.CHANGED)
        if not stored.insert_subscription(conn, name, topic, options, now=self.clock.now()):
            found = stored.get_subscription(conn, name)
            if found.topic == topic:
                stored.change_subscription(conn, found.subscription_id, options)
            else:
                stored.delete_subscription(conn, found.subscription_id)
                stored.insert_subscription(conn, name, topic, options, now=self.clock.now())
        return stored.get_subscription(conn, name)

    def unsubscribe_in(self, conn: Connection, name: str) -> None:
        """Remove a subscription, if it is there, in the caller's transaction."""
        try:
            found = stored.get_subscription(conn, name)
        except NotFound:
            return
        stored.delete_subscription(conn, found.subscription_id)
        notify(conn, attempts.CHANGED)

    def get_subscription(self, name: str) -> Subscription:
        """Read a subscription. Raises NotFound."""
        names.parse(policy.SUBSCRIPTION, name, field="subscription")
        return self.db.read(lambda conn: stored.show_subscription(conn, name))

    def list_subscriptions(
        self, project: str, *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Subscription], str]:
        """Read a page of the subscriptions of `projects/P`, and the token of the next page."""
        names.parse("projects/{project}", project, field="project")
        read = partial(stored.list_subscriptions, prefix=f"{project}/subscriptions/")
        return self._page(read, page_size, page_token)

    def change_subscription(self, name: str, change: Callable[[Options], Options]) -> Subscription:
        """Replace the options of a subscription. Raises NotFound."""

        def verb(conn: Connection) -> Subscription:
            found = stored.get_subscription(conn, name)
            _refuse_internal(found)
            options = policy.check_options(change(found.options))
            if options.dead_letter_policy != found.options.dead_letter_policy:
                _check_dead_letter_topic(conn, options)
            stored.change_subscription(conn, found.subscription_id, options)
            notify(conn, attempts.CHANGED)
            notify(conn, attempts.PUSHING)
            notify(conn, attempts.arrival(found.subscription_id))
            self.upkeep.used(found.subscription_id)
            return stored.show_subscription(conn, name)

        return self.db.write(verb)

    def delete_subscription(self, name: str) -> None:
        """Remove a subscription with what it has not acknowledged. Raises NotFound."""

        def verb(conn: Connection) -> None:
            found = stored.get_subscription(conn, name)
            stored.delete_subscription(conn, found.subscription_id)
            policies.forget(conn, name)
            notify(conn, attempts.CHANGED)
            notify(conn, attempts.arrival(found.subscription_id))

        self.db.write(verb)

    def detach_subscription(self, name: str) -> None:
        """Cut a subscription off its topic; it keeps nothing. Raises NotFound."""

        def verb(conn: Connection) -> None:
            found = stored.get_subscription(conn, name)
            _refuse_internal(found)
            stored.detach_subscription(conn, found.subscription_id)
            notify(conn, attempts.CHANGED)
            notify(conn, attempts.arrival(found.subscription_id))

        self.db.write(verb)

    def _check(self, name: str, topic: str, options: Options) -> None:
        policy.check_name(policy.SUBSCRIPTION, name)
        policy.check_name(policy.TOPIC, topic, field="topic")
        policy.check_options(options)

    def _page(self, read: Callable[..., list[Found]], page_size: int, page_token: str) -> tuple[list[Found], str]:
        def by_name(after: str, limit: int) -> list[Found]:
            return self.db.read(partial(read, after=after, limit=limit))

        return names.page(by_name, lambda found: found.name, size=page_size, token=page_token, start="")


def _refuse_internal(subscription: Subscription) -> None:
    if subscription.options.kind is Kind.INTERNAL:
        raise FailedPrecondition(
            f"{subscription.name} belongs to {subscription.options.target}; change it there.",
            reason="SUBSCRIPTION_INTERNAL",
        )


def _check_dead_letter_topic(conn: Connection, options: Options) -> None:
    if options.dead_letter_policy is not None:
        stored.get_topic(conn, options.dead_letter_policy.topic)


def _check_schema(conn: Connection, options: TopicOptions) -> None:
    if options.schema is not None:
        check_settings(conn, options.schema)
