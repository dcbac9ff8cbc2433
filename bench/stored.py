"""How long a server needs to be there again when a million messages wait in it. Google's emulator keeps none."""

import statistics
from pathlib import Path
from urllib.parse import urlsplit

import gauge
import world
from emulator import BODY, Clients
from harness import Effort, Figure, seconds_of

_REQUEST = 1000


def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Publish, `kill -9`, start: until the first answer, and from there until the first message is pulled."""
    from google.pubsub_v1 import PublishRequest

    count = effort.times(1_000_000, 100_000)
    server = world.server_on(folder / "home").start()
    clients = Clients.of(urlsplit(server.address).netloc)
    topic, subscription = clients.subscribed("bench")
    request = PublishRequest(topic=topic, messages=[{"data": BODY}] * _REQUEST)
    filled = [
        seconds_of(lambda: clients.publisher.publish(request=request, timeout=60)) for _ in range(count // _REQUEST)
    ]
    answered, delivered, memory = [], [], 0.0
    for _ in range(3):
        server.kill()
        answered.append(seconds_of(server.start))
        again = Clients.of(urlsplit(server.address).netloc)
        pull = {"subscription": subscription, "max_messages": 1}
        delivered.append(seconds_of(lambda again=again, pull=pull: again.subscriber.pull(request=pull, timeout=60)))  # type: ignore[misc]
        memory = max(memory, gauge.resident(world.pid_of(server)))
    server.stop()
    half = len(filled) // 2
    slower = statistics.median(filled[half:]) / statistics.median(filled[:half])
    note = f"kill -9 with {count:,} messages waiting; the emulator keeps none"
    return [
        Figure(name="restart with stored messages: first answer", value=statistics.median(answered), unit="s", budget=5, note=note),
        Figure(name="from there to the first delivery", value=1000 * statistics.median(delivered), unit="ms", note=f"{memory:.0f} MB resident"),
        Figure(name="publishing the second half of them, over the first", value=slower, unit="×", budget=1.5),
    ]  # fmt: skip
