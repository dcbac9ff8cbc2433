"""Google's Pub/Sub emulator, the reference for messages, and Google's clients for it and for us."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import world
from harness import Figure, Skipped

NAME = "Google's Pub/Sub emulator"
OURS = "ours"
BODY = b'{"num_epochs": "3", "learning_rate": "1e-2"}'
_READY_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The generated clients of one server, which send what they are told when they are told."""

    address: str
    publisher: Any
    subscriber: Any

    @classmethod
    def of(cls, address: str) -> "Clients":
        """Connect over gRPC."""
        import grpc
        from google.pubsub_v1 import PublisherClient, SubscriberClient
        from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
        from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

        channel = grpc.insecure_channel(address)
        return cls(
            address=address,
            publisher=PublisherClient(transport=PublisherGrpcTransport(channel=channel)),
            subscriber=SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)),
        )

    def subscribed(self, name: str, *more: str) -> tuple[str, str]:
        """Make a topic and subscriptions to it; answer the names of the topic and of the first subscription."""
        topic = f"projects/{world.PROJECT}/topics/{name}"
        self.publisher.create_topic(request={"name": topic})
        names = [f"projects/{world.PROJECT}/subscriptions/{short}" for short in (name, *more)]
        for subscription in names:
            self.subscriber.create_subscription(request={"name": subscription, "topic": topic})
        return topic, names[0]


@contextmanager
def both(folder: Path) -> Iterator[dict[str, Clients]]:
    """Run our server and the emulator side by side. Raises Skipped."""
    if shutil.which("gcloud") is None:
        raise Skipped("gcloud, whose Pub/Sub emulator is the reference, is not installed")
    with world.running(folder / "home") as server, _running(folder) as address:
        yield {OURS: Clients.of(urlsplit(server.address).netloc), NAME: Clients.of(address)}


def against(name: str, values: Mapping[str, float], unit: str, **more: Any) -> Figure:
    """Make the row of a comparison; the emulator's figure is the budget."""
    theirs = values[NAME]
    return Figure(
        name=name, value=values[OURS], unit=unit, budget=theirs, reference=theirs, reference_name=NAME, **more
    )


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (folder / "data").mkdir()
    log = (folder / "emulator.log").open("w")
    process = subprocess.Popen(
        ["gcloud", "beta", "emulators", "pubsub", "start", f"--host-port={address}", f"--data-dir={folder / 'data'}"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env=os.environ | {"CLOUDSDK_CORE_DISABLE_PROMPTS": "1", "CLOUDSDK_CORE_PROJECT": world.PROJECT},
    )
    try:
        _until_listening(address, process, folder / "emulator.log")
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def _until_listening(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    host, _, port = address.partition(":")
    ends = time.monotonic() + _READY_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    last = log.read_text().strip().splitlines()[-1:] or ["it said nothing"]
    raise Skipped(f"Google's Pub/Sub emulator does not start: {last[0]}")
