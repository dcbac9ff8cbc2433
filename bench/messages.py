"""Publishing, through Google's own client: on our disk before the answer, against Google's emulator in memory."""

import os
import shutil
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import world
from harness import Effort, Figure, Skipped, interleaved, percentile

_TOPIC = f"projects/{world.PROJECT}/topics/bench"
_BATCH = 500
_BODY = b'{"num_epochs": "3", "learning_rate": "1e-2"}'
_READY_SECONDS = 60.0
_EMULATOR = "Google's Pub/Sub emulator"


def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Publish one by one and in batches to both in turn, over gRPC with google-cloud-pubsub."""
    if shutil.which("gcloud") is None:
        raise Skipped("gcloud, whose Pub/Sub emulator is the reference, is not installed")
    with world.running(folder / "home") as server, _emulator(folder) as emulator:
        publishers = {"ours": _publisher(urlsplit(server.address).netloc), _EMULATOR: _publisher(emulator)}
        one = _one_by_one(publishers, effort)
        many = _batches(publishers, effort)
    return [
        _milliseconds("publish one by one, p50", {k: statistics.median(v) for k, v in one.items()}),
        _milliseconds("publish one by one, p99", {k: percentile(v, 0.99) for k, v in one.items()}),
        _rate(f"publish in batches of {_BATCH}", {k: _BATCH / statistics.median(v) for k, v in many.items()}),
    ]


def _one_by_one(publishers: dict[str, Any], effort: Effort) -> dict[str, list[float]]:
    def kinds(client: Any) -> Any:
        return lambda: client.publish(request={"topic": _TOPIC, "messages": [{"data": _BODY}]})

    interleaved({name: kinds(client) for name, client in publishers.items()}, 50)
    return interleaved({name: kinds(client) for name, client in publishers.items()}, effort.times(250, 100))


def _batches(publishers: dict[str, Any], effort: Effort) -> dict[str, list[float]]:
    batch = [{"data": _BODY}] * _BATCH

    def kinds(client: Any) -> Any:
        return lambda: client.publish(request={"topic": _TOPIC, "messages": batch})

    interleaved({name: kinds(client) for name, client in publishers.items()}, 3)
    return interleaved({name: kinds(client) for name, client in publishers.items()}, effort.times(15, 10))


def _publisher(address: str) -> Any:
    """Make the generated client, which sends what it is told when it is told; its topic has one subscription."""
    import grpc
    from google.pubsub_v1 import PublisherClient, SubscriberClient
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
    from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

    channel = grpc.insecure_channel(address)
    publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
    subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
    publisher.create_topic(request={"name": _TOPIC})
    name = f"projects/{world.PROJECT}/subscriptions/bench"
    subscriber.create_subscription(request={"name": name, "topic": _TOPIC})
    return publisher


@contextmanager
def _emulator(folder: Path) -> Iterator[str]:
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


def _milliseconds(name: str, seconds: dict[str, float]) -> Figure:
    return _against(name, {k: 1000 * v for k, v in seconds.items()}, "ms", note="one subscription, gRPC, same client")


def _rate(name: str, rates: dict[str, float]) -> Figure:
    return _against(name, rates, "messages/s", more_is_better=True)


def _against(name: str, values: dict[str, float], unit: str, **more: Any) -> Figure:
    reference = values[_EMULATOR]
    return Figure(
        name=name,
        value=values["ours"],
        unit=unit,
        budget=reference,
        reference=reference,
        reference_name=_EMULATOR,
        **more,
    )
