"""The campaign: the mix runs once undisturbed, then again and again while servers and workers are killed."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any

from campaign import points, story
from campaign.cases import Case
from campaign.mortal import Mortal, fork_servers, processes, tell
from trainshed.client import Client
from trainshed.testing import wait_until

_HERE = Path(__file__).parent
_LOOK_SECONDS = 0.15
_OPEN_CASES = 5
_HEARD_SECONDS = 1.0  # after its first answer, until workers know their server
_PIPELINES = (
    "training", "loop", "exits", "permits", "artifacts", "cached", "retries", "nested", "cancelled", "conditions",
    "chain",
)  # fmt: skip
_NEEDS = {  # what has to be going on for a point to be reached
    "run retry": "permits", "task reset": "permits", "task reopened": "permits", "run cancel": "cancelled",
    "run cancelled": "cancelled", "task cancel": "cancelled", "task cancel_running": "cancelled",
    "task stopped": "cancelled", "task cache_hit": "cached", "task condition_false": "conditions",
    "task failed_retry": "retries", "task failed_final": "retries", "task upstream_lost": "permits",
    "run fail": "exits", "before an object is put": "artifacts", "object put": "artifacts",
    "before objects are settled": "artifacts", "objects settled": "artifacts", "iteration closed": "loop",
    "task lease_expired": "training", "before mounts are removed": "artifacts",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Kill:
    """What is killed, and when: a named point, or seconds after the process or its answer."""

    kind: str  # point, moment, startup, worker, both
    point: str = ""
    passing: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.point}:{self.passing}" if self.kind == "point" else f"{self.kind} after {self.seconds:.2f} s"


def drawn(seed: int, kills: int) -> list[Kill]:
    """Draw what is killed; the same for the same seed. Points take turns, in an order of their own each time."""
    dice = random.Random(seed)
    in_turn = _in_turn(dice)
    found = []
    for _ in range(kills):
        (kind,) = dice.choices(("point", "moment", "startup", "worker", "both"), (50, 20, 8, 17, 5))
        if kind == "point":
            point = next(in_turn)
            passing = dice.randint(1, 2 if point in points.RARE or point in _NEEDS else 8)
            found.append(Kill(kind=kind, point=point, passing=passing))
        else:
            found.append(Kill(kind=kind, seconds=dice.uniform(0, 0.9 if kind == "startup" else 2.0)))
    return found


def _in_turn(dice: random.Random) -> Iterator[str]:
    while True:
        yield from dice.sample(points.POINTS, len(points.POINTS))


@dataclass(kw_only=True)
class Report:
    """What happened."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)  # points that were not reached in time
    reached: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    lost_with_effects: int = 0
    survived: int = 0  # kills of the server that attempts lived through
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"seed {self.seed}: {self.kills.total()} kills: {dict(self.kills)}",
            f"{len(self.reached)} of {len(points.POINTS)} named points reached, not in time: {dict(self.missed)}",
            f"{self.runs.total()} runs ended: {dict(self.runs)}",
            f"attempts at work lived through {self.survived} kills of their server",
            f"{self.lost} attempts were lost, {self.lost_with_effects} of them at work in a worker that was killed",
            f"{len(self.problems)} problems",
        ]
        return "\n".join([*lines, *self.problems])


class Campaign:
    """The homes, the cases under way and the kills so far."""

    def __init__(
        self,
        folder: Path,
        reference_home: Path,
        home: Path,
        *,
        seed: int,
        lease_seconds: float = 30.0,
        patience_seconds: float = 6.0,  # for a named point to be reached
        steps: int = 40,  # of the training, each a fifth of a second
    ) -> None:
        self._folder = folder
        self._homes = {"undisturbed": reference_home, "killed": home}
        self._lease_seconds = lease_seconds
        self._patience_seconds = patience_seconds
        self._parameters = {"training": {"steps": steps}}
        self._views: dict[str, list[dict[str, Any]]] = {}
        self._open: list[Case] = []
        self._done: list[Case] = []
        self._numbers = count(1)
        self._next = cycle(_PIPELINES)
        self._server_kills: list[float] = []
        self._worker_kills: list[float] = []
        self._outages: list[tuple[float, float]] = []  # between a life long enough to be heard of and the next answer
        self._away_since = time.time()
        self.report = Report(seed=seed)

    def run(self, kills: int) -> Report:
        """Do all of it."""
        subprocess.run([sys.executable, str(_HERE / "mix.py"), str(self._folder)], check=True, capture_output=True)
        self._undisturbed()
        server = self._server("killed")
        try:
            for kill in drawn(self.report.seed, kills):
                self._survive(server, kill)
            server.start()
            self._finish(server)
            self._note_life(server)
            self._leave_nothing(server)
        finally:
            with suppress(AssertionError, OSError):
                server.kill()
        for case in self._done:
            self._judge(case)
        self._judge_home()
        return self.report

    # Without kills

    def _undisturbed(self) -> None:
        server = self._server("undisturbed").start()
        rows = story.Rows(server.home)
        try:
            cases = [self._case(name) for name in _PIPELINES]
            self._pushed_until_over(server, cases, seconds=180)
        finally:
            server.stop()
        for case in cases:
            self._views[case.pipeline] = [story.view(rows, job, case.base) for job in case.jobs]
            for job in case.jobs:
                problems = story.applied(rows, job, story.marks_of(case.marks), story.Excuses()).problems
                self.report.problems += [f"undisturbed {job}: {p}" for p in problems]

    # With kills

    def _survive(self, server: Mortal, kill: Kill) -> None:
        self._top_up(_NEEDS.get(kill.point, ""))
        if kill.kind == "startup":
            server.start(dies_after=kill.seconds)
            self._server_kills.append(time.time())
            self.report.kills[kill.kind] += 1
            return
        server.start(str(kill) if kill.kind == "point" else "")
        if kill.kind == "worker":
            self._push_for(server, kill.seconds)
            self._kill_worker(server, kill)
            self._push_for(server, 1.0)  # what follows from it is killed as well
        elif kill.kind == "point":
            if kill.point == "task lease_expired":
                self._push_for(server, 1.0)
                self._kill_worker(server)
            self._push_for(server, self._patience_seconds)
        else:
            self._push_for(server, kill.seconds)
        if kill.kind == "both":
            self._kill_worker(server)
        self._end(server, kill)

    def _end(self, server: Mortal, kill: Kill) -> None:
        self._server_kills.append(time.time())
        self._note_life(server)
        if server.is_alive:
            server.kill()
            if kill.kind == "point":
                self.report.missed[kill.point] += 1
        else:
            server.ended_itself()
            self.report.reached[kill.point] += 1
        if kill.kind != "worker":
            self.report.kills[kill.kind] += 1

    def _kill_worker(self, server: Mortal, kill: Kill | None = None) -> None:
        for pid in fork_servers(server.home)[:1]:
            self._worker_kills.append(time.time())
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            if kill is not None:
                self.report.kills[kill.kind] += 1

    def _push_for(self, server: Mortal, seconds: float) -> None:
        """Push what is open until the server is gone or the time is over."""
        ends = time.monotonic() + seconds
        while server.is_ready and server.is_alive and time.monotonic() < ends:
            self._push(server)
            threading.Event().wait(_LOOK_SECONDS)

    def _note_life(self, server: Mortal) -> None:
        """Take note of how long workers were alone before this life; one too short to be heard of is none."""
        now = time.time()
        if server.is_ready and now - server.ready_time >= _HEARD_SECONDS:
            self._outages.append((self._away_since, server.ready_time + _HEARD_SECONDS))
            self._away_since = now

    def _push(self, server: Mortal) -> None:
        client, states = Client(server.address), story.Rows(server.home).states()
        for case in list(self._open):
            if case.push(client, states):
                self._open.remove(case)
                self._done.append(case)

    def _top_up(self, wanted: str) -> None:
        if wanted:
            self._open.append(self._case(wanted))
        while len(self._open) < _OPEN_CASES:
            self._open.append(self._case(next(self._next)))

    def _finish(self, server: Mortal) -> None:
        cases, self._open = self._open, []
        self._pushed_until_over(server, cases, seconds=240)
        self._done += cases
        spool = server.home / "workers"
        try:
            wait_until(lambda: not list(spool.glob("*.json")), seconds=20, what="the taking over of every outcome")
        except AssertionError as error:
            self.report.problems.append(str(error))

    def _leave_nothing(self, server: Mortal) -> None:
        """Kill the server for good while a task works: after the lease nobody is left."""
        case = self._case("cancelled")
        case.submit(Client(server.address), case.base)
        wait_until(lambda: story.marks_of(case.marks), what="the last task's mark")
        server.kill()
        try:
            wait_until(
                lambda: not processes(server.home),
                seconds=self._lease_seconds + 15,
                what="the end of every process",
                story=lambda: tell(server.home),
            )
        except AssertionError as error:
            self.report.problems.append(str(error))

    # Verdicts

    def _judge(self, case: Case) -> None:
        rows, marks = story.Rows(self._homes["killed"]), story.marks_of(case.marks)
        self.report.runs[case.pipeline] += len(case.jobs)
        excuses = story.Excuses(
            worker_kills=self._worker_kills, outages=self._outages, lease_seconds=self._lease_seconds
        )
        self.report.survived += story.survived(marks, self._server_kills)
        for wanted, job in zip(self._views[case.pipeline], case.jobs, strict=True):
            found = story.view(rows, job, case.base)
            self.report.problems += [f"{job}{d}" for d in story.differences(wanted, found)]
            counted = story.applied(rows, job, marks, excuses)
            self.report.problems += [f"{job}: {p}" for p in counted.problems]
            self.report.lost += counted.lost
            self.report.lost_with_effects += counted.lost_with_effects

    def _judge_home(self) -> None:
        rows = story.Rows(self._homes["killed"])
        twice = rows.all("SELECT uri, COUNT(*) AS n FROM artifacts GROUP BY uri HAVING n > 1")
        twice += rows.all("SELECT bucket, name, COUNT(*) AS n FROM objects GROUP BY bucket, name HAVING n > 1")
        self.report.problems += [f"recorded more than once: {row}" for row in twice]

    # Inner workings

    def _server(self, name: str) -> Mortal:
        return Mortal(
            self._homes[name],
            TRAINSHED_WORKERS="4",
            TRAINSHED_GRACE_SECONDS="1",
            TRAINSHED_LEASE_SECONDS=str(self._lease_seconds),
        )

    def _case(self, pipeline: str) -> Case:
        base = f"{pipeline}-{next(self._numbers)}"
        parameters = self._parameters.get(pipeline, {})
        marks = self._folder / f"{base}.marks"
        return Case(pipeline=pipeline, base=base, folder=self._folder, marks=marks, parameters=parameters)

    def _pushed_until_over(self, server: Mortal, cases: list[Case], *, seconds: float) -> None:
        client, rows = Client(server.address), story.Rows(server.home)
        left = list(cases)

        def all_over() -> bool:
            states = rows.states()
            left[:] = [case for case in left if not case.push(client, states)]
            return not left

        def tale() -> str:
            return "\n".join(f"{case.base}: {[rows.states().get(job) for job in case.jobs]}" for case in left)

        wait_until(all_over, seconds=seconds, what="the end of every run", story=tale)
