"""Every feature, built and connected."""

from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from trainshed import buckets, builds, functions, ledger, lineage, names, policies, registry, runs, schedules, topics
from trainshed.api.reach import Reach
from trainshed.app import announcing, ports
from trainshed.app.debugging import Debugging
from trainshed.app.images import ContainerImages
from trainshed.app.replays import replays
from trainshed.blobs import Blobs
from trainshed.clock import Clock
from trainshed.duty import Background, Duty
from trainshed.environments import Environments
from trainshed.ledger import Cause
from trainshed.runners.containers.engines import Engines
from trainshed.runners.containers.runner import ContainerRunner
from trainshed.runners.contract import Runner
from trainshed.runners.dispatch import DispatchRunner
from trainshed.runners.foreground import ForegroundRunner
from trainshed.runners.process import ProcessRunner
from trainshed.settings import Settings
from trainshed.sql import Database, Outbox


class Features:
    """The services of one server, and what runs them in the background."""

    def __init__(
        self, settings: Settings, clock: Clock, db: Database, reach: Reach, debugging: Debugging | None = None
    ) -> None:
        self._debugging = debugging
        self._settings = settings
        self._clock = clock
        self._db = db
        self.listen = db.listen
        self.at_work: list[Duty] = []
        self._reach = reach.environment
        self._endpoints = ports.endpoints(reach)
        self._identity_token = reach.identity_token
        self.environments = Environments(settings.home / "environments", db, clock)
        self.blobs = Blobs(settings.buckets, clock)
        self._build_messages()
        self._build_functions()
        self._build_builds()
        self._build_runs()
        self.ledger = ledger.Service(
            db, clock, replays(self.topics, self.schedules, self.run_schedules, self.pushes, self.build_events)
        )
        self.announcements = announcing.Announcements(
            clock,
            self.topics,
            self.feeds,
            self.builds,
            self.runs,
            address=lambda: reach.address,
            url=settings.event_webhook,
            secrets=settings.home / "secrets",
        )
        handlers = {
            "topic.publish": self.topics.on_publish,
            "object.changed": self.buckets.on_object_changed,
            "build.changed": self.announcements.on_build,
            runs.ENDED_ENTRY: self.announcements.on_run,
            runs.DELETED_ENTRY: self.run_folders.on_deleted,
        }
        self.outbox = Outbox(db, clock, handlers)

    def _build_messages(self) -> None:
        self.topics = topics.Service(self._db, self._clock)
        self.arrivals = topics.Arrivals(self.topics)
        self.buckets = buckets.Service(self._db, self._clock, self.blobs, ports.has_topic(self.topics))
        self.feeds = ports.Feeds(self.topics, self.buckets)
        self.schedules = schedules.Service(
            self._db,
            self._clock,
            publish=ports.publish_for_schedules(self.topics),
            is_busy=ports.is_busy(self._is_open),
            near=self._endpoints.near,
            **({"late_seconds": None} if self._settings.clock == "virtual" else {}),
        )

    def _build_functions(self) -> None:
        self.policies = policies.Service(self._db)
        self.accounts = policies.Accounts(self._db, self._clock)
        self.functions = functions.Service(self._db, self._clock, self.feeds)
        self.function_host = functions.Host(
            self._settings.home / "functions",
            self.functions,
            self._clock,
            environments=self.environments,
            reach=self._reach,
            secrets=self._settings.home / "secrets",
        )

    def _build_runs(self) -> None:
        engines = self.engines = Engines(self._settings.engine, self._settings.engine_options)
        self.lineage = lineage.Service(self._db)
        self.lineage_author = lineage.Author(self._db, self._clock)
        self.lineage_schemas = lineage.Schemas(self._db, self._clock)
        self.lineage_purger = lineage.Purger(self._db)
        self.models = registry.Service(self._db, self._clock, self.blobs)
        self.runs = runs.Service(
            self._db,
            self._clock,
            self.blobs,
            self.environments,
            folder=self._settings.home / "runs",
            secrets=self._settings.home / "secrets",
            catalog=runs.Catalog(limit_bytes=self._settings.spec_bytes),
            images=ContainerImages(engines),
        )
        self.run_folders = runs.Folders(self._settings.home / "runs")
        self.run_schedules = schedules.of_runs.Service(
            self._db,
            self._clock,
            ports.runs_for_schedules(self.runs),
            is_virtual=self._settings.clock == "virtual",
        )
        self.custom_jobs = runs.custom_jobs.Service(self.runs)
        self.run_triggers = runs.Triggers(self.runs, self.feeds.for_runs())
        processes = self.processes = ProcessRunner(self.environments, self._settings, self._clock)
        containers = ContainerRunner(engines, self._settings, self._clock, processes.machine)
        self.runner: Runner = DispatchRunner(processes, containers)
        if (debugging := self._debugging) is not None:
            self.runner = ForegroundRunner(
                self.runner,
                self.environments,
                self._clock,
                is_chosen=debugging.is_chosen,
                attached=debugging.attached,
            )
        self.run_engine = runs.build_engine(
            self.runs,
            self.runner,
            reach=self._reach,
            workers=self._settings.workers,
            accelerators=len(processes.accelerators),
            grace_seconds=self._settings.grace_seconds,
            must_run=debugging.must_run if debugging else _never,
        )

    def _build_builds(self) -> None:
        home = self._settings.home
        repositories = self.repositories = builds.Repositories(home / "repositories")
        self.builds = builds.Service(
            self._db, self._clock, folder=home / "builds", announce=announcing.note_build(self._clock)
        )
        triggered = builds.Triggered(self.builds, repositories)
        self.pushes = builds.Pushes(self._db, self._clock, triggered, repositories)
        self.build_triggers = builds.Triggers(self._db, self._clock, triggered, self.pushes, self.feeds.for_builds())
        self.build_events = builds.Events(self._db, self._clock, triggered, home / "secrets")
        self.watcher = builds.Watcher(self.pushes, self._clock, interval_seconds=self._settings.git_poll_seconds)
        self.hooks = builds.Hooks(self.pushes, self.watcher, self._clock, home / "secrets")
        self.docker = builds.Docker(home / "images", self.environments)
        tools = builds.Tools(
            book=self.environments,
            docker=self.docker,
            shims=builds.install_shims(home / "shims"),
            reach=self._reach,
            grace_seconds=self._settings.grace_seconds,
        )
        around = builds.Surroundings(
            tools=tools,
            objects=builds.BlobObjects(self.blobs, self._db),
            repositories=repositories,
            secrets=home / "secrets",
        )
        self.build_engine = builds.Engine(self.builds, self._clock, around)

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
            {
                "function": ports.to_function(self.function_host),
                "run-trigger": ports.to_run_trigger(self.run_triggers),
                "build-trigger": ports.to_build_trigger(self.build_events),
                "event-webhook": self.announcements.deliver,
            }
        )
        self.at_work = [
            self.outbox.duty(interval_seconds=every),
            *topics.duties(
                self.topics,
                deliver,
                background=background,
                interval_seconds=every,
                endpoints=topics.Endpoints(token=self._identity_token, near=self._endpoints.near),
            ),
            *schedules.duties(self.schedules, background=background, interval_seconds=every, endpoints=self._endpoints),
            schedules.of_runs.duty(self.run_schedules, interval_seconds=every, channels=[runs.ENDED]),
            *buckets.duties(self.buckets, interval_seconds=every),
            self.run_engine.duty(interval_seconds=every),
            self.run_folders.duty(self._db, self._clock, interval_seconds=every),
            self.build_engine.duty(self._db, interval_seconds=every),
            self.watcher.duty(),
            *functions.duties(self.function_host, self._clock, idle_seconds=self._settings.idle_environment_seconds),
        ]
        return self.at_work

    def cause_of(self, principal: str) -> Cause | None:
        """Answer the event that a caller acts on: a function's invocation or a build's step; None for a person."""
        if (cause := self.function_host.cause_of(principal)) is not None:
            return cause
        if (cause := self.builds.cause_of(principal)) is None:
            return None
        first = self._db.read(partial(ledger.first_trigger, receipt_id=self.receipt_of(principal)))
        return replace(cause, trigger=first or cause.trigger)

    def receipt_of(self, principal: str) -> str:
        """Answer the receipt of the event that a caller acts on: what it publishes is a consequence of that."""
        if cause := self.function_host.cause_of(principal):
            return cause.receipt_id
        if (cause := self.builds.cause_of(principal)) is None:
            return ""
        name = self.builds.get(cause.key).name
        receipt = self._db.read(lambda conn: ledger.find_receipt(conn, link=name))
        return receipt.receipt_id if receipt else ""

    def require(self, resource: str) -> None:
        """Look that a resource is there, as far as there is a way to tell. Raises NotFound."""
        if "/functions/" in resource:
            self.functions.get(resource)
        collection = resource.split("/")[2:3]
        messages = {
            "topics": self.topics.get_topic,
            "subscriptions": self.topics.get_subscription,
            "snapshots": self.topics.snapshots.get,
            "schemas": self.topics.schemas.get,
        }
        if collection and (read := messages.get(collection[0])) is not None:
            read(resource)

    def _is_open(self, conn: Connection, link: str) -> bool:
        if "/pipelineJobs/" in link:
            return self.runs.is_open_in(conn, link)
        return "/builds/" in link and self.builds.is_open_in(conn, names.short(link))


def _never(_run: str, _task: str) -> bool:
    return False
