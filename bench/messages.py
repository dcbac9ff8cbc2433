"""Publishing, through Google's own client: on our disk before the answer, against Google's emulator in memory."""

import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

import emulator
from emulator import BODY, Clients
from harness import Effort, Figure, interleaved, percentile

_BATCH = 500


def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Publish one by one and in batches to both in turn, over gRPC with google-cloud-pubsub."""
    with emulator.both(folder) as clients:
        topics = {name: one.subscribed("bench")[0] for name, one in clients.items()}
        one = _timed(clients, topics, [{"data": BODY}], effort.times(500, 100))
        many = _timed(clients, topics, [{"data": BODY}] * _BATCH, effort.times(60, 15))
    note = "one subscription, gRPC, same client"
    return [
        emulator.against(f"publish one by one, {label}", {k: 1000 * of(v) for k, v in one.items()}, "ms", note=note)
        for label, of in (("p50", statistics.median), ("p99", lambda found: percentile(found, 0.99)))
    ] + [
        emulator.against(
            f"publish in batches of {_BATCH}",
            {k: _BATCH / statistics.median(v) for k, v in many.items()},
            "messages/s",
            more_is_better=True,
        )
    ]


def _timed(
    clients: Mapping[str, Clients], topics: Mapping[str, str], messages: list[dict[str, bytes]], times: int
) -> dict[str, list[float]]:
    from google.pubsub_v1 import PublishRequest

    def kind(name: str) -> Callable[[], object]:
        request = PublishRequest(topic=topics[name], messages=messages)
        return lambda: clients[name].publisher.publish(request=request)

    kinds = {name: kind(name) for name in clients}
    interleaved(kinds, max(5, times // 10))  # the emulator compiles itself meanwhile
    return interleaved(kinds, times)
