"""A world for tests of functions on the store: instances that do what they are told, subscriptions that are noted."""

import asyncio
import io
import zipfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from receipts import receipts_in

from trainshed import ledger
from trainshed.errors import FailedPrecondition, NotFound
from trainshed.functions import Configuration, Ended, Host, Service
from trainshed.functions.scripted import Script

NAME = "projects/p/locations/us-central1/functions/trigger"
TOPIC = "projects/p/topics/t"
SUBSCRIPTION = "projects/p/subscriptions/gcf-trigger-us-central1-t"
CONFIGURATION = Configuration(entry_point="handle", topic=TOPIC, max_instances=1)
MEBIBYTE = 1 << 20
CRASH = Ended(transition="crash", error="ValueError: no good", duration_seconds=0.2, memory_bytes=120 * MEBIBYTE)
OK = Ended(transition="return", duration_seconds=0.1, memory_bytes=118 * MEBIBYTE)


@dataclass(frozen=True)
class Built:
    digest: str = "abc"
    python: Path = Path("python")


class FakeEnvironments:
    def __init__(self):
        self.failure = ""
        self.asked = []

    def ensure(self, lines, *, log=None):
        self.asked.append(list(lines))
        if self.failure:
            raise FailedPrecondition(self.failure)
        return Built()


class FakeSubscriptions:
    def __init__(self):
        self.attached = {}
        self.watched = []

    def attach(self, conn, *, subscription, topic, target, retry):
        self.attached[subscription] = (topic, target, retry)

    def detach(self, conn, *, subscription):
        self.attached.pop(subscription, None)

    def require(self, conn, *, bucket):
        if bucket == "missing":
            raise NotFound("There is no bucket 'missing'.")

    def watch(self, conn, *, bucket, topic, kind):
        self.watched.append((bucket, topic, kind))


def an_archive(main="def handle(event, context): ...\n"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", main)
    return buffer.getvalue()


def an_event(number=1, **fields):
    return ledger.Message(
        subscription=SUBSCRIPTION, message_id=str(number), publish_time=datetime(2026, 1, 1, tzinfo=UTC), topic=TOPIC,
        data=b"{}", **fields,
    )  # fmt: skip


class Bench:
    def __init__(self, db, clock, folder):
        self.db, self.clock = db, clock
        self.subscriptions, self.environments, self.script = FakeSubscriptions(), FakeEnvironments(), Script()
        self.service = Service(db, clock, self.subscriptions)
        self.host = Host(
            folder / "functions", self.service, clock,
            environments=self.environments, reach=lambda _: {}, launch=self.script.launch,
        )  # fmt: skip

    async def deploy(self, main="def handle(event, context): ...\n", **changes):
        deployment = await self.host.deploy(NAME, replace(CONFIGURATION, **changes), an_archive(main))
        return await deployment.wait()

    def receipt(self):
        (found,) = self.db.read(receipts_in)
        return found

    def deliveries(self):
        found = self.db.read(lambda conn: ledger.deliveries(conn, self.receipt().receipt_id))
        return [(d.number, d.outcome) for d in found]

    def states(self):
        return [i.state for i in reversed(self.service.invocations(NAME))]

    def start_run(self, principal, link="projects/p/locations/r/pipelineJobs/x"):
        """Do what the runs feature does when an instance asks for a run."""
        cause = self.host.cause_of(principal)
        ordinal = self.host.next_ordinal(principal, "digest")

        def verb(conn):
            if ledger.get_receipt(conn, cause.receipt_id).state != "STARTED":
                ledger.settle(conn, cause.receipt_id, "start", now=self.clock.now(), link=link)

        self.db.write(verb)
        return cause.key, ordinal


@asynccontextmanager
async def opened(db, clock, folder):
    made = Bench(db, clock, folder)
    await made.host.start()
    try:
        yield made
    finally:
        await made.host.stop()


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario, 20))
