"""From publish to acknowledgement through streaming pulls, and what many subscriptions cost; beside Google's emulator."""

import asyncio
import os
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import emulator
from emulator import BODY, Clients
from harness import Effort, Figure, interleaved, percentile, seconds_of

_LIMIT_SECONDS = 300.0
_MANY = 1000


def measure_streams(folder: Path, effort: Effort) -> list[Figure]:
    """Publish to the subscriber of google-cloud-pubsub: one message at a time, then as many as it takes."""
    with emulator.both(folder) as clients:
        ways = {name: _Way(one) for name, one in clients.items()}
        try:
            latencies = interleaved({k: w.one for k, w in ways.items()}, 30)
            latencies = interleaved({k: w.one for k, w in ways.items()}, effort.times(300, 60))
            count = effort.times(10_000, 3_000)
            rates: dict[str, list[float]] = {name: [] for name in ways}
            for turn in range(effort.times(5, 3)):
                for name in list(ways) if turn % 2 == 0 else list(reversed(ways)):
                    rates[name].append(count / seconds_of(lambda way=ways[name]: way.many(count)))  # type: ignore[misc]
        finally:
            for way in ways.values():
                way.close()
    name = "publish → streaming pull → callback"
    return [
        emulator.against(f"{name}, p50", {k: 1000 * statistics.median(v) for k, v in latencies.items()}, "ms"),
        emulator.against(f"{name}, p99", {k: 1000 * percentile(v, 0.99) for k, v in latencies.items()}, "ms"),
        emulator.against(
            "publish → streaming pull → acknowledged",
            {k: statistics.median(v) for k, v in rates.items()},
            "messages/s",
            more_is_better=True,
            note=f"{count} at once, batching publisher",
        ),
    ]


class _Way:
    """A publisher, a topic and a subscriber that acknowledges what it gets, as users write them."""

    def __init__(self, clients: Clients) -> None:
        from google.cloud import pubsub_v1

        self._clients = clients
        self._topic, name = clients.subscribed("bench")
        self._left, self._done = 0, threading.Event()
        with _reaching(clients.address):
            settings = pubsub_v1.types.BatchSettings(max_messages=500, max_latency=0.01)
            self._publisher = pubsub_v1.PublisherClient(settings)
            self._subscriber = pubsub_v1.SubscriberClient()
        flow = pubsub_v1.types.FlowControl(max_messages=5000)
        self._pulling = self._subscriber.subscribe(name, self._take, flow_control=flow)

    def one(self) -> None:
        """Publish one message and wait for its callback."""
        self._left = 1
        self._done.clear()
        self._clients.publisher.publish(request={"topic": self._topic, "messages": [{"data": BODY}]})
        assert self._done.wait(_LIMIT_SECONDS), "a message does not come"

    def many(self, count: int) -> None:
        """Publish many and wait until all came."""
        self._left = count
        self._done.clear()
        for future in [self._publisher.publish(self._topic, BODY) for _ in range(count)]:
            future.result(_LIMIT_SECONDS)
        assert self._done.wait(_LIMIT_SECONDS), "messages do not come"

    def close(self) -> None:
        """End the stream."""
        self._pulling.cancel()
        with suppress(Exception):
            self._pulling.result(30)
        self._subscriber.close()

    def _take(self, message: Any) -> None:
        message.ack()
        self._left -= 1
        if self._left == 0:
            self._done.set()


def measure_many(folder: Path, effort: Effort) -> list[Figure]:
    """Open a thousand streaming pulls of as many subscriptions: to one topic, which gets a message; then idle ones."""
    with emulator.both(folder) as clients:
        names = [f"many-{n}" for n in range(_MANY - 1)]
        topics = {k: one.subscribed("many", *names)[0] for k, one in clients.items()}
        crowds = {k: _Crowd(one, ["many", *names]) for k, one in clients.items()}
        try:
            kinds = {k: _to_all(clients[k], topics[k], crowds[k]) for k in clients}
            interleaved(kinds, 2)
            all_got = interleaved(kinds, effort.times(15, 5))
            alone = {k: one.subscribed("alone")[0] for k, one in clients.items()}
            idle = interleaved({k: _publish(clients[k], alone[k]) for k in clients}, effort.times(300, 60))
        finally:
            for crowd in crowds.values():
                crowd.close()
    return [
        emulator.against(
            f"publish → all of {_MANY} streaming pulls have it",
            {k: 1000 * statistics.median(v) for k, v in all_got.items()},
            "ms",
        ),
        emulator.against(
            f"publish one by one while {_MANY} streaming pulls are idle, p50",
            {k: 1000 * statistics.median(v) for k, v in idle.items()},
            "ms",
        ),
    ]


def _publish(clients: Clients, topic: str) -> Any:
    return lambda: clients.publisher.publish(request={"topic": topic, "messages": [{"data": BODY}]})


def _to_all(clients: Clients, topic: str, crowd: "_Crowd") -> Any:
    def work() -> None:
        crowd.expect()
        clients.publisher.publish(request={"topic": topic, "messages": [{"data": BODY}]})
        crowd.wait()

    return work


class _Crowd:
    """Many streaming pulls of the asynchronous client on one connection; what comes is acknowledged on the stream."""

    def __init__(self, clients: Clients, names: list[str]) -> None:
        import world

        self._names = [f"projects/{world.PROJECT}/subscriptions/{name}" for name in names]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._left, self._done = len(names), threading.Event()
        self._opened = asyncio.run_coroutine_threadsafe(self._open(clients.address), self._loop)
        self._opened.result(_LIMIT_SECONDS)

    def expect(self) -> None:
        """Begin to count."""
        self._left = len(self._names)
        self._done.clear()

    def wait(self) -> None:
        """Return when every stream got its message."""
        assert self._done.wait(_LIMIT_SECONDS), f"{self._left} streams got nothing"

    def close(self) -> None:
        """End the streams."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_LIMIT_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _open(self, address: str) -> None:
        import grpc.aio
        from google.pubsub_v1 import SubscriberAsyncClient
        from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport

        self._channel = grpc.aio.insecure_channel(address)
        client = SubscriberAsyncClient(transport=SubscriberGrpcAsyncIOTransport(channel=self._channel))
        self._tasks = [asyncio.create_task(self._follow(client, name)) for name in self._names]
        await asyncio.sleep(2)  # until the streams stand

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._channel.close()

    async def _follow(self, client: Any, name: str) -> None:
        from google.pubsub_v1 import StreamingPullRequest

        answers: asyncio.Queue[list[str]] = asyncio.Queue()

        async def requests() -> Any:
            yield StreamingPullRequest(subscription=name, stream_ack_deadline_seconds=60)
            while True:
                yield StreamingPullRequest(ack_ids=await answers.get())

        async for found in await client.streaming_pull(requests=requests()):
            if found.received_messages:
                answers.put_nowait([one.ack_id for one in found.received_messages])
                self._left -= len(found.received_messages)
                if self._left <= 0:
                    self._done.set()


@contextmanager
def _reaching(address: str) -> Iterator[None]:
    """Let the clients that are made inside reach a server."""
    before = os.environ.get("PUBSUB_EMULATOR_HOST")
    os.environ["PUBSUB_EMULATOR_HOST"] = address
    try:
        yield
    finally:
        if before is None:
            del os.environ["PUBSUB_EMULATOR_HOST"]
        else:
            os.environ["PUBSUB_EMULATOR_HOST"] = before
