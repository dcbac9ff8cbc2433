"""What a task costs beyond its own work: chains and loops of no-ops, one alone, all of them reused."""

import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gauge
import local
import pipelines
import world
from harness import Effort, Figure, seconds_of

_LENGTH = 100
_LOCAL_LENGTH = 4  # a second or two a task
_LOCAL_LOOP = 10


def measure_chain(folder: Path, effort: Effort) -> list[Figure]:
    """Run a chain in turn with one under kfp.local, bare forks of this process, and bare appends brought to disk."""
    theirs, short = local.runner(folder), pipelines.chain(_LOCAL_LENGTH)
    spec = pipelines.text_of(pipelines.chain(_LENGTH), folder)
    found: dict[str, list[float]] = {kind: [] for kind in ("ours", "waited", "cpu", "local", "fork", "fsync")}
    with world.running(folder / "home") as server:
        api, pid = world.Api(server), world.pid_of(server)
        api.finish(spec)  # makes the environment, warms the worker
        for turn in range(effort.times(5, 2)):
            found["fork"].append(seconds_of(_forks) / _LENGTH)
            found["fsync"].append(seconds_of(lambda: _fsyncs(folder / "appended")) / _LENGTH)
            run: dict[str, Any] = {}
            before = gauge.cpu_seconds(pid)
            found["waited"].append(seconds_of(lambda run=run: run.update(api.finish(spec))) / _LENGTH)
            found["cpu"].append((gauge.cpu_seconds(pid) - before) / _LENGTH)
            found["ours"].append(world.lasted(run) / _LENGTH)
            if turn < effort.times(3, 2):
                found["local"].append(seconds_of(lambda: theirs(short)) / _LOCAL_LENGTH)
    each = {kind: [1000 * s for s in samples] for kind, samples in found.items()}
    return _chain_figures(each)


def _chain_figures(each: dict[str, list[float]]) -> list[Figure]:
    middle = {kind: statistics.median(samples) for kind, samples in each.items()}
    name = f"no-op task in a chain of {_LENGTH}"
    cpu = f"start to end of the run; {middle['cpu']:.1f} ms of the server's CPU"
    ours = {"value": middle["ours"], "unit": "ms", "samples": each["ours"]}
    return [
        Figure(name=name, budget=12, note=cpu, reference=middle["local"],
               reference_name=f"{local.NAME}, chain of {_LOCAL_LENGTH}", **ours),
        Figure(name="the same, beside a fork", reference=middle["fork"], reference_name="bare fork and wait", **ours),
        Figure(name="the same, beside an fsync", reference=middle["fsync"], reference_name="bare append and fsync", **ours),
        Figure(name="the same, as its submitter waits", value=middle["waited"], unit="ms", samples=each["waited"]),
    ]  # fmt: skip


def measure_loop(folder: Path, effort: Effort) -> list[Figure]:
    """Run a ParallelFor over a list that a task gave, with a sum at its end, beside kfp.local doing the same."""
    theirs, pipeline = local.runner(folder), pipelines.loop()
    static = pipelines.static_loop(_LENGTH)
    count = effort.times(_LENGTH, _LOCAL_LOOP)
    ours: list[float] = []
    written: list[float] = []
    with world.running(folder / "home") as server:
        api = world.Api(server)
        specs = {"given": pipelines.text_of(pipeline, folder), "written": pipelines.text_of(static, folder)}
        _loop(api, specs["given"], count=_LENGTH)
        for _ in range(effort.times(7, 3)):
            ours.append(_loop(api, specs["given"], count=_LENGTH))
            written.append(_loop(api, specs["written"]))
        reference = seconds_of(lambda: theirs(pipelines.bare_loop(), count=count))
    scaled = "" if count == _LENGTH else f"; {count} iterations, × {_LENGTH // count}"
    return [
        Figure(
            name=f"ParallelFor of {_LENGTH} no-ops and a sum", value=statistics.median(ours), unit="s", budget=1.5,
            samples=ours, reference=reference * _LENGTH / count, reference_name=f"{local.NAME}, no sum{scaled}",
        ),
        Figure(
            name="the same over a list in the document", value=statistics.median(written), unit="s", budget=1.5,
            samples=written,
        ),
    ]  # fmt: skip


def measure_one(folder: Path, effort: Effort) -> list[Figure]:
    """Submit a run of one task and wait for its end on a connection that is there."""
    spec = pipelines.text_of(pipelines.chain(1), folder)
    submitted: list[float] = []
    finished: list[float] = []
    inside: list[float] = []
    with world.running(folder / "home") as server:
        api = world.Api(server)
        for turn in range(-3, effort.times(40, 15)):
            answered: list[float] = []
            run: dict[str, Any] = {}

            def submit_and_wait(answered: list[float] = answered, run: dict[str, Any] = run) -> None:
                began = time.perf_counter()
                made = api.submit(spec)
                answered.append(time.perf_counter() - began)
                run.update(api.ended(made))

            whole = seconds_of(submit_and_wait)
            if turn >= 0:
                submitted.append(1000 * answered[0])
                finished.append(1000 * whole)
                inside.append(1000 * world.lasted(run, since="createTime"))
    return [
        _milliseconds("a run of one task, submit to finished", finished, budget=100, note="as its submitter sees it"),
        _milliseconds("the same, by the run's own times", inside, note="created to ended"),
        _milliseconds("submit of such a run, answered", submitted),
    ]


def measure_cached(folder: Path, effort: Effort) -> list[Figure]:
    """Submit a chain whose tasks were all done before."""
    spec = pipelines.text_of(pipelines.chain(_LENGTH), folder)
    waited: list[float] = []
    with world.running(folder / "home") as server:
        api = world.Api(server)
        api.finish(spec, caching=True)
        for _ in range(effort.times(11, 4)):
            run: dict[str, Any] = {}
            waited.append(1000 * seconds_of(lambda run=run: run.update(api.finish(spec, caching=True))))
            if run["tasksRan"]:
                raise RuntimeError(f"{run['tasksRan']} tasks ran that were to be reused")
    return [_milliseconds(f"a cached run of {_LENGTH} tasks", waited[1:], budget=300, note="submit to finished")]


def _loop(api: world.Api, spec: str, **parameters: Any) -> float:
    return world.lasted(api.finish(spec, **parameters), since="createTime")


def _milliseconds(name: str, samples: Sequence[float], **more: Any) -> Figure:
    return Figure(name=name, value=statistics.median(samples), unit="ms", samples=samples, **more)


def _forks() -> None:
    for _ in range(_LENGTH):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)


def _fsyncs(path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        for _ in range(_LENGTH):
            file.write(b"x" * 512)
            os.fsync(file.fileno())
