"""From a published message to the user's first line: in a function, and in the first task of a run."""

import statistics
import time
from pathlib import Path

import world
from harness import Effort, Figure, Skipped, latency

_WAIT_SECONDS = 60.0
_FUNCTION = '''"""Says when it was called."""

import base64
import json
import time


def main(event, context):
    now = time.time()
    given = json.loads(base64.b64decode(event["data"]))
    with open(given["marks"], "a") as file:
        file.write(f"{given['label']} {now!r}\\n")
'''


def measure_function(folder: Path, effort: Effort) -> list[Figure]:
    """Publish one message at a time to a warm function; its first line is timed from the answer to the publish."""
    source = folder / "source"
    source.mkdir()
    (source / "main.py").write_text(_FUNCTION)
    (source / "requirements.txt").write_text("")
    with world.running(folder / "home") as server:
        world.command(
            server, "functions", "deploy", "bench", "--trigger-topic", "events", "--source", source,
            "--entry-point", "main", "--runtime", "python311", "--quiet",
        )  # fmt: skip
        taken, publishes = _rounds(server, folder, effort.times(200, 40))
    return [
        *latency("publish answered → function's first line", taken, p50=30, p99=100),
        _publish_figure(publishes),
    ]


def measure_trigger(folder: Path, effort: Effort) -> list[Figure]:
    """Publish one message at a time to a topic that starts runs; the first task's first line is timed likewise."""
    spec = _pipeline(folder)
    with world.running(folder / "home") as server:
        world.command(server, "storage", "buckets", "create", "gs://bench")
        world.command(server, "storage", "cp", spec, "gs://bench/spec.json")
        world.command(server, "pubsub", "topics", "create", "events")
        world.command(
            server, "pipelines", "triggers", "create", "bench", "--topic", "events", "--spec", "gs://bench/spec.json"
        )
        taken, _ = _rounds(server, folder, effort.times(100, 25))
    return latency("publish answered → first task's first line", taken, p50=30, p99=100)


def _rounds(server: world.Server, folder: Path, times: int) -> tuple[list[float], list[float]]:
    """Publish, wait for the mark, let the server come to rest, again; answer both latencies in seconds."""
    marks = world.Marks(folder / "marks")
    api = world.Api(server)
    answered: dict[str, float] = {}
    publishes: list[float] = []
    for turn in range(-5, times):  # the first ones warm what has to be warm
        label = f"m{turn}"
        began = time.perf_counter()
        api.publish("events", {"label": label, "marks": str(marks.path)})
        answered[label] = time.time()
        publishes.append(time.perf_counter() - began)
        marks.wait(seconds=_WAIT_SECONDS * (3 if turn < 0 else 1), what=f"event {label}")
        time.sleep(0.15)
    began_at = marks.read()
    taken = [began_at[label] - answered[label] for label in list(answered)[5:]]
    return taken, publishes[5:]


def _publish_figure(publishes: list[float]) -> Figure:
    samples = [1000 * s for s in publishes]
    return Figure(
        name="publish of such an event, answered",
        value=statistics.median(samples),
        unit="ms",
        note="REST, kept connection",
    )


def _pipeline(folder: Path) -> Path:
    try:
        from kfp import dsl
    except ImportError as error:
        raise Skipped("kfp is not installed here") from error

    @dsl.component(**world.component_options())
    def mark(label: str, marks: str) -> None:
        import time

        now = time.time()
        with open(marks, "a") as file:  # noqa: PTH123  (what users write)
            file.write(f"{label} {now!r}\n")

    @dsl.pipeline(name="bench-trigger")
    def pipeline(label: str, marks: str) -> None:
        mark(label=label, marks=marks).set_caching_options(False)

    return world.compile_to(pipeline, folder / "spec.json")
