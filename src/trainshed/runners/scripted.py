"""A runner that does what a test tells it to, misbehaving on request, and that checks its caller."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trainshed.clock import Clock
from trainshed.runners.contract import (
    Launch,
    LeaseLost,
    Outcome,
    PythonComponent,
    Report,
    ReportTo,
    Stopped,
    Succeeded,
)

Key = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Act:
    """What becomes of one attempt."""

    outcome: Outcome = field(default_factory=lambda: Succeeded(output=""))
    log: str = ""  # written at once
    output: str = ""  # written to the output file when it ends well
    is_held: bool = False  # goes on until released, stopped or lost
    ignores_stop: bool = False
    reports: int = 1  # 0: it is never heard of again; 2: it reports twice
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0


Script = Callable[[Launch], Act]


@dataclass
class World:
    """What outlives a runner: attempts under way, and reports that nobody has taken over."""

    acts: dict[Key, tuple[Launch, Act]] = field(default_factory=dict)
    waiting: dict[Key, Report] = field(default_factory=dict)
    seen: dict[Key, Launch] = field(default_factory=dict)
    folders: dict[Path, Key] = field(default_factory=dict)


class ScriptedRunner:
    """Keeps `contract.Runner` without running anything. Misuse by the caller is an AssertionError."""

    def __init__(self, script: Script, clock: Clock, world: World | None = None) -> None:
        self.launches: list[Launch] = []  # in the order they were started
        self.stops: list[Key] = []
        self._script = script
        self._clock = clock
        self._world = world or World()
        self._report: ReportTo | None = None

    def successor(self) -> "ScriptedRunner":
        """Make the runner of a server that comes after this one's."""
        return ScriptedRunner(self._script, self._clock, self._world)

    async def open(self, report: ReportTo) -> None:
        """Get ready; reports that nobody has taken over follow."""
        assert self._report is None, "opened twice"
        self._report = report
        for waiting in list(self._world.waiting.values()):
            self._deliver(waiting)

    async def start(self, launch: Launch) -> None:
        """Start the act of an attempt."""
        assert self._report is not None, "started before it was opened, or after it was closed"
        key = (launch.task_id, launch.attempt)
        if key in self._world.seen:
            return
        self._check(key, launch)
        self._world.seen[key] = launch
        self._world.folders[launch.folder] = key
        self.launches.append(launch)
        launch.output_file.parent.mkdir(parents=True, exist_ok=True)
        act = self._script(launch)
        self._world.acts[key] = (launch, act)
        if act.log:
            launch.folder.mkdir(parents=True, exist_ok=True)
            launch.log_file.write_text(act.log)
        if not act.is_held:
            self._end(key, act.outcome)

    async def stop(self, task_id: str, attempt: int, *, grace_seconds: float) -> None:
        """End the act, unless it ignores that."""
        assert grace_seconds >= 0, f"the grace is negative: {grace_seconds}"
        key = (task_id, attempt)
        self.stops.append(key)
        if key in self._world.acts and not self._world.acts[key][1].ignores_stop:
            self._end(key, Stopped())

    async def attempts(self) -> set[Key]:
        """Answer the attempts under way, or ended and not yet taken over."""
        return {*self._world.acts, *self._world.waiting}

    async def close(self, *, end_attempts: bool) -> None:
        """Let go, or end everything first."""
        if end_attempts:
            for key in list(self._world.acts):
                self._end(key, Stopped())
        self._report = None

    def release(self, task_id: str, outcome: Outcome | None = None) -> None:
        """Let a held attempt of a task end, as scripted or otherwise."""
        key = self._under_way(task_id)
        self._end(key, outcome or self._world.acts[key][1].outcome)

    def lose(self, task_id: str) -> None:
        """Let the worker of a task's attempt vanish."""
        self._end(self._under_way(task_id), LeaseLost())

    def repeat(self, task_id: str, attempt: int, outcome: Outcome) -> None:
        """Report an attempt that has ended before: a worker thought dead comes back."""
        assert (task_id, attempt) in self._world.seen, "there was no such attempt"
        self._deliver(self._make((task_id, attempt), outcome))

    def _under_way(self, task_id: str) -> Key:
        keys = sorted(key for key in self._world.acts if key[0] == task_id)
        assert keys, f"task {task_id} is not under way"
        return keys[-1]

    def _check(self, key: Key, launch: Launch) -> None:
        later = [k for k in self._world.seen if k[0] == key[0] and k[1] > key[1]]
        assert not later, f"attempt {key[1]} of task {key[0]} comes after {later}"
        both = [k for k in self._world.acts if k[0] == key[0]]
        assert not both, f"task {key[0]} runs twice: {both} and {key}"
        assert launch.folder not in self._world.folders, f"{launch.folder} is that of {launch.folder} already"
        assert launch.environment, f"task {key[0]} has no environment"
        if isinstance(launch.work, PythonComponent):
            outputs = json.loads(launch.executor_input).get("outputs", {})
            assert outputs.get("outputFile") == str(launch.output_file), (
                "executor input and launch differ in outputFile"
            )

    def _end(self, key: Key, outcome: Outcome) -> None:
        launch, act = self._world.acts.pop(key)
        if isinstance(outcome, Succeeded) and act.output:
            launch.output_file.write_text(act.output)
            outcome = Succeeded(output=act.output)
        report = self._make(key, outcome, act)
        for _ in range(act.reports):
            self._deliver(report)

    def _make(self, key: Key, outcome: Outcome, act: Act | None = None) -> Report:
        now, act = self._clock.now(), act or Act()
        return Report(
            task_id=key[0],
            attempt=key[1],
            outcome=outcome,
            start_time=now,
            end_time=now,
            cpu_seconds=act.cpu_seconds,
            peak_memory_bytes=act.peak_memory_bytes,
        )

    def _deliver(self, report: Report) -> None:
        key = (report.task_id, report.attempt)
        if self._report is None:
            self._world.waiting[key] = report
            return
        self._world.waiting[key] = report
        answer = self._report(report)
        if answer is None:
            del self._world.waiting[key]
        else:
            taken = asyncio.ensure_future(answer)
            taken.add_done_callback(lambda _: self._world.waiting.pop(key, None))
