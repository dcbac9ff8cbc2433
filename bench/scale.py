"""What grows: a fan-out of 10,000 tasks, a chain of 1,000, a thousand runs that wait, ten thousand open at a restart."""

import os
import signal
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gauge
import pipelines
import world
from harness import Effort, Figure, until

from trainshed.testing import Server

_FAN, _DEEP, _WAITING, _OPEN = 10_000, 1_000, 1_000, 10_000
_SMALL = 100
_SUBMITTERS = 8
_LONG_SECONDS = 3600.0


def measure_fan(folder: Path, effort: Effort) -> list[Figure]:
    """Run a loop of very many no-ops beside small ones; the server's memory is sampled all the while."""
    spec, many = pipelines.text_of(pipelines.loop(), folder), effort.times(_FAN, _FAN // 10)
    with world.running(folder / "home") as server:
        api, pid = world.Api(server), world.pid_of(server)
        few = [_per_task(api, spec, _SMALL) for _ in range(4)][1:]
        with gauge.watch(pid) as seen:
            large = _per_task(api, spec, many)
        few += [_per_task(api, spec, _SMALL) for _ in range(2)]
    small = statistics.median(few)
    memory = f"before {seen.before:.0f}, most {seen.before + seen.growth:.0f}, after {seen.after:.0f} MB"
    return [
        Figure(name=f"no-op task in a fan-out of {many:,}", value=1000 * large, unit="ms", reference=1000 * small,
               reference_name=f"in one of {_SMALL}", note=f"{1000 * seen.cpu / many:.1f} ms of the server's CPU"),
        Figure(name="the same, over one in the small fan-out", value=large / small, unit="×", budget=1.5),
        Figure(name="server's memory meanwhile, growth", value=seen.growth, unit="MB", budget=50, note=memory),
    ]  # fmt: skip


def measure_deep(folder: Path, effort: Effort) -> list[Figure]:
    """Run a very long chain beside a short one."""
    length = effort.times(_DEEP, _DEEP // 2)
    short, deep = (pipelines.text_of(pipelines.chain(n), folder) for n in (_SMALL, length))
    with world.running(folder / "home") as server:
        api, pid = world.Api(server), world.pid_of(server)
        few = [world.lasted(api.finish(short)) / _SMALL for _ in range(4)][1:]
        with gauge.watch(pid) as seen:
            name = api.submit(deep)["name"]
            large = world.lasted(api.ended_brief(name, seconds=600)) / length
    each = statistics.median(few)
    return [
        Figure(name=f"no-op task in a chain of {length:,}", value=1000 * large, unit="ms", reference=1000 * each,
               reference_name=f"in one of {_SMALL}", note=f"{1000 * seen.cpu / length:.1f} ms of the server's CPU"),
        Figure(name="the same, over one in the short chain", value=large / each, unit="×", budget=1.5),
        Figure(name="server's memory meanwhile, growth", value=seen.growth, unit="MB", budget=50),
    ]  # fmt: skip


def measure_waiting(folder: Path, effort: Effort) -> list[Figure]:
    """Submit very many runs while others hold every core; what each costs may not grow with how many wait."""
    many = effort.times(_WAITING, _WAITING // 2)
    with world.running(folder / "home") as server:
        api, pid = world.Api(server), world.pid_of(server)
        spec = _occupied(api, folder)
        _submit(api, spec, 20)
        with gauge.watch(pid) as seen:
            took = _submit(api, spec, many)
            _until_running(api, many)
    first, last = (statistics.median(part) for part in (took[:_SMALL], took[-_SMALL:]))
    return [
        Figure(name=f"submit of the last of {many:,} waiting runs", value=1000 * last, unit="ms",
               reference=1000 * first, reference_name="of the first ones", note=f"{1000 * seen.cpu / many:.1f} ms of the server's CPU"),
        Figure(name="the same, over the first ones", value=last / first, unit="×", budget=1.5),
        Figure(name="server's memory for a waiting run", value=1000 * (seen.after - seen.before) / many, unit="kB"),
    ]  # fmt: skip


def measure_restart(folder: Path, effort: Effort) -> list[Figure]:
    """Kill a server with very many open runs; time its successor until it answers, and until it has taken up all."""
    many = effort.times(_OPEN, _OPEN // 10)
    ready: list[float] = []
    taken: list[float] = []
    used: list[float] = []
    with world.running(folder / "home") as server:
        spec = _occupied(world.Api(server), folder)
        with ThreadPoolExecutor(_SUBMITTERS) as pool:
            submitters = [world.Api(server) for _ in range(_SUBMITTERS)]
            list(pool.map(lambda api: _submit(api, spec, many // _SUBMITTERS), submitters))
        oldest = _until_running(world.Api(server), many)
        for turn in range(effort.times(3, 2)):
            began = _killed(server)
            server.start()
            ready.append(time.monotonic() - began)
            _cancelled(world.Api(server), oldest[turn])
            taken.append(time.monotonic() - began)
            used.append(gauge.cpu_seconds(world.pid_of(server)))
        held = gauge.resident(world.pid_of(server))
    return [
        Figure(name=f"restart with {many:,} open runs, first answer", value=statistics.median(ready), unit="s",
               budget=5, samples=ready),
        Figure(name="the same, until a cancel of the oldest is carried out", value=statistics.median(taken), unit="s",
               budget=5, samples=taken, note=f"all are taken up; {statistics.median(used):.1f} s of the server's CPU, {held:.0f} MB"),
    ]  # fmt: skip


def _per_task(api: world.Api, spec: str, count: int) -> float:
    name = api.submit(spec, count=count)["name"]
    run = api.ended_brief(name, seconds=max(60, count * 0.2))
    return world.lasted(run, since="createTime") / count


def _occupied(api: world.Api, folder: Path) -> str:
    """Let tasks that go on for long hold every core; answer the pipeline of one such task."""
    spec = pipelines.text_of(pipelines.rest(), folder)
    api.finish(spec, seconds=0.0)
    for _ in range(os.cpu_count() or 1):
        api.submit(spec, seconds=_LONG_SECONDS)
    return spec


def _submit(api: world.Api, spec: str, count: int) -> list[float]:
    took: list[float] = []
    for _ in range(count):
        began = time.perf_counter()
        api.submit(spec, seconds=_LONG_SECONDS)
        took.append(time.perf_counter() - began)
    return took


def _until_running(api: world.Api, count: int) -> list[str]:
    """Wait until the engine knows every run; answer their names, the oldest first."""
    known: dict[str, Any] = {}

    def all_run() -> bool:
        nonlocal known
        time.sleep(0.2)
        known = {r["name"]: r["state"] for r in api.runs()}
        return "PENDING" not in known.values() and len(known) > count

    until(all_run, seconds=600, what=f"{count} runs taken up")
    return [name for name, state in reversed(known.items()) if state == "RUNNING"][os.cpu_count() or 1 :]


def _killed(server: Server) -> float:
    began = time.monotonic()
    os.kill(world.pid_of(server), signal.SIGKILL)
    server.kill()
    return began


def _cancelled(api: world.Api, name: str) -> None:
    api.call("POST", f"/v1/{name}:cancel", {})
    ended = api.ended_run(name, seconds=300)
    if ended["state"] != "CANCELLED":
        raise RuntimeError(f"the cancelled run {ended['state']}")
