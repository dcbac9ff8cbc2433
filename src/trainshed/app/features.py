"""Every feature, built and connected."""

from collections.abc import Mapping

from sqlalchemy import Connection

from trainshed import buckets, builds, functions, ledger, names, runs, schedules, topics
from trainshed.api.reach import Reach
from trainshed.app import ports
from trainshed.blobs import Blobs
from trainshed.clock import Clock
from trainshed.duty import Background, Duty
from trainshed.environments import Environments
from trainshed.errors import NotFound
from trainshed.ledger import Cause, Receipt
from trainshed.runners.process import ProcessRunner
from trainshed.settings import Settings
from trainshed.sql import Database, Outbox
from trainshed.sql.outbox import Handler


class Features:
    """The services of one server, and what runs them in the background."""

    def __init__(self, settings: Settings, clock: Clock, db: Database, reach: Reach) -> None:
        self._settings = settings
        self._clock = clock
        self.environments = Environments(settings.home / "environments", db, clock)
        self.blobs = Blobs(settings.buckets, clock)
        self.topics = topics.Service(db, clock)
        self.buckets = buckets.Service(db, clock, self.blobs)
        self.schedules = schedules.Service(
            db,
            clock,
            publish=ports.publish_for_schedules(self.topics),
            is_busy=ports.is_busy(self._is_open),
            **({"late_seconds": None} if settings.clock == "virtual" else {}),
        )
        self.feeds = ports.Feeds(self.topics, self.buckets)
        self.functions = functions.Service(db, clock, self.feeds)
        self.function_host = functions.Host(
            settings.home / "functions",
            self.functions,
            clock,
            environments=self.environments,
            reach=reach.environment,
        )
        self._build_builds(db, reach)
        self.runs = runs.Service(
            db,
            clock,
            self.blobs,
            self.environments,
            folder=settings.home / "runs",
            catalog=runs.Catalog(limit_bytes=settings.spec_bytes),
        )
        self.run_triggers = runs.Triggers(self.runs, self.feeds.for_runs())
        self.runner = ProcessRunner(self.environments, settings, clock)
        self.run_engine = runs.build_engine(
            self.runs,
            self.runner,
            reach=reach.environment,
            workers=settings.workers,
            grace_seconds=settings.grace_seconds,
        )
        self.arrivals = topics.Arrivals(self.topics)
        self.ledger = ledger.Service(
            db,
            clock,
            {
                "message": self._replay_message,
                "commit": self.build_triggers.replay,
                "firing": self._replay_firing,
                "object": self._replay_object,
            },
        )
        self.outbox = Outbox(db, clock, self._handlers())

    def _build_builds(self, db: Database, reach: Reach) -> None:
        home = self._settings.home
        repositories = builds.Repositories(home / "repositories")
        self.builds = builds.Service(db, self._clock, folder=home / "builds")
        self.build_triggers = builds.Triggers(db, self._clock, self.builds, repositories)
        self.docker = builds.Docker(home / "images", self.environments)
        tools = builds.Tools(
            book=self.environments,
            docker=self.docker,
            shims=builds.install_shims(home / "shims"),
            reach=reach.environment,
            grace_seconds=self._settings.grace_seconds,
        )
        around = builds.Surroundings(
            tools=tools,
            objects=builds.BlobObjects(self.blobs, db),
            repositories=repositories,
            secrets=home / "secrets",
        )
        self.build_engine = builds.Engine(self.builds, self._clock, around)
        self._db = db

    def recover(self) -> None:
        """Make good what a crash left half done, before anybody is let in."""
        self.buckets.upkeep.recover()

    async def start(self) -> None:
        """Start what runs beside the duties."""
        await self.function_host.start()

    async def stop(self) -> None:
        """End it again."""
        await self.build_engine.close()
        await self.run_engine.close()
        await self.runner.close(end_attempts=False)
        await self.function_host.stop()

    def duties(self, background: Background) -> list[Duty]:
        """Make every background duty."""
        every = self._settings.poll_seconds
        deliver = ports.deliver_to(
            {"function": ports.to_function(self.function_host), "run-trigger": ports.to_run_trigger(self.run_triggers)}
        )
        return [
            self.outbox.duty(interval_seconds=every),
            *topics.duties(self.topics, deliver, background=background, interval_seconds=every),
            *schedules.duties(self.schedules, background=background, interval_seconds=every),
            *buckets.duties(self.buckets, interval_seconds=every),
            self.run_engine.duty(interval_seconds=every),
            self.build_engine.duty(self._db, interval_seconds=every),
            builds.watch_duty(self.build_triggers, self._clock, interval_seconds=self._settings.git_poll_seconds),
            *functions.duties(self.function_host, self._clock, idle_seconds=self._settings.idle_environment_seconds),
        ]

    def _handlers(self) -> Mapping[str, Handler]:
        return {"topic.publish": self.topics.on_publish, "object.changed": self.buckets.on_object_changed}

    def cause_of(self, principal: str) -> Cause | None:
        """Answer the event that a caller acts on: a function's invocation or a build's step; None for a person."""
        return self.function_host.cause_of(principal) or self.builds.cause_of(principal)

    def _is_open(self, conn: Connection, link: str) -> bool:
        if "/pipelineJobs/" in link:
            return self.runs.is_open_in(conn, link)
        return "/builds/" in link and self.builds.is_open_in(conn, names.short(link))

    def _replay_object(self, receipt: Receipt) -> str:
        subscription, _, message_id = receipt.stimulus.rpartition("#")
        self.topics.redeliver(subscription, message_id)
        return f"message {message_id} is delivered to {subscription} again"

    def _replay_firing(self, receipt: Receipt) -> str:
        self.schedules.refire(receipt.receipt_id)
        return f"{receipt.trigger} fires again for {receipt.stimulus}"

    def _replay_message(self, receipt: Receipt) -> str:
        subscription, _, message_id = receipt.stimulus.rpartition("#")
        try:
            self.topics.redeliver(subscription, message_id)
        except NotFound:  # no longer kept by the subscription: the receipt has it
            event = functions.event_of(receipt.data)
            again = topics.PubsubMessage(
                data=event.data, attributes=event.attributes, parent_receipt_id=receipt.receipt_id
            )
            (message_id,) = self.topics.publish(event.topic, [again])
            return f"published the event again as message {message_id} of {event.topic}"
        return f"message {message_id} is delivered to {subscription} again"
