"""Kill the server again and again while Google's client publishes; no acknowledged message may be lost or come twice.

`make publishes` publishes 100,000 messages under 20 kills; tests do the same with fewer. A seed names the moments.
"""

import argparse
import random
import shutil
import socket
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient, types
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from trainshed.testing import Server

_TOPIC = "projects/local-project/topics/published"
_SUBSCRIPTION = "projects/local-project/subscriptions/published"
_DEADLINE_SECONDS = 600  # longer than all of it: nothing may be delivered twice
_HELD = 200  # pulled and kept before each kill
_LIMIT_SECONDS = 300
# As the client has it, but it asks again sooner: by default it waits up to a minute.
_RETRY = Retry(
    if_exception_type(exceptions.ServiceUnavailable, exceptions.Unknown, exceptions.Aborted, exceptions.Cancelled),
    initial=0.1,
    maximum=0.5,
    timeout=_LIMIT_SECONDS,
)


@dataclass
class Report:
    """What became of the messages."""

    seed: int
    kills: int = 0
    acknowledged: set[str] = field(default_factory=set)
    bodies: Counter[bytes] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    @property
    def lost(self) -> set[str]:
        """Ids that the publisher was given and nobody got."""
        return self.acknowledged - self.delivered.keys()

    @property
    def doubled(self) -> set[str]:
        """Ids that were handed out again within their ack deadline."""
        return {number for number, times in self.delivered.items() if times > 1}

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.kills} kills, {len(self.acknowledged)} ids acknowledged, {len(self.delivered)} "
            f"delivered, {len(self.lost)} lost, {len(self.doubled)} delivered twice, {len(self.refused)} publishes failed"
        )


def campaign(home: Path, *, messages: int, kills: int, seed: int) -> Report:
    """Publish so many messages in batches, killing the server at moments that the seed chooses; take all of them."""
    report = Report(seed)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(home, "--port", str(port)).start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=(("grpc.max_reconnect_backoff_ms", 500),))
    subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
    publisher = PublisherClient(
        types.BatchSettings(max_messages=100, max_latency=0.01),
        types.PublisherOptions(retry=_RETRY),
        transport=PublisherGrpcTransport(channel=channel),
    )
    try:
        publisher.create_topic(name=_TOPIC)
        made = {"name": _SUBSCRIPTION, "topic": _TOPIC, "ack_deadline_seconds": _DEADLINE_SECONDS}
        subscriber.create_subscription(request=made)
        moments = sorted(random.Random(seed).sample(range(messages // 20, messages - messages // 20), kills))
        _publish(server, publisher, subscriber, report, messages, moments)
        _drain(subscriber, report)
    finally:
        publisher.stop()
        channel.close()
        server.stop()
    return report


def _publish(
    server: Server, publisher: Any, subscriber: Any, report: Report, messages: int, moments: list[int]
) -> None:
    under_way = threading.BoundedSemaphore(3000)

    def done(future: "Future[str]") -> None:
        if (error := future.exception()) is not None:
            report.refused.append(repr(error))
        else:
            report.acknowledged.add(future.result())
        under_way.release()

    for number in range(messages):
        under_way.acquire(timeout=_LIMIT_SECONDS)
        publisher.publish(_TOPIC, b"%d" % number).add_done_callback(done)
        if moments and number == moments[0]:
            moments.pop(0)
            if number % 2:
                _pull(subscriber, report, _HELD)
            server.kill()
            report.kills += 1
            server.start()
    for _ in range(3000):
        assert under_way.acquire(timeout=_LIMIT_SECONDS), "a publish never ends"


def _drain(subscriber: Any, report: Report) -> None:
    empty = 0
    while empty < 3:
        empty = 0 if _pull(subscriber, report, 1000) else empty + 1


def _pull(subscriber: Any, report: Report, most: int) -> int:
    request = {"subscription": _SUBSCRIPTION, "max_messages": most, "return_immediately": True}
    found = subscriber.pull(request=request).received_messages
    report.delivered.update(one.message.message_id for one in found)
    report.bodies.update(one.message.data for one in found)
    return len(found)


def main() -> int:
    """Run the whole campaign; exit 1 when a message was lost or came twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="trainshed-publishes-"))
    try:
        report = campaign(folder / "home", messages=given.messages, kills=given.kills, seed=given.seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"{report}\n")
    return int(bool(report.lost or report.doubled or report.refused or len(report.bodies) != given.messages))


if __name__ == "__main__":
    sys.exit(main())
