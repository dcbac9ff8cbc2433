"""Attempts as containers: each runs its component's own command, in the image that the component names.

- The engine keeps what has to outlive this server: a container is labelled with its home and attempt, stays until its
  report has been taken over, and is removed then. The next server finds it again and goes on with it.
- An attempt is made, then started, in two calls. What was made and never started is removed by the next server, so a
  server that dies in between leaves nothing that could start later, and nothing runs twice.
- A private folder for each attempt holds its variables, and why it was ended when it was not its own doing.
- While no server holds the home, `keeper` waits for the lease time and then ends its containers.
"""

import asyncio
import fcntl
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from trainshed.clock import Clock
from trainshed.duty import Background, off_loop
from trainshed.runners import confinement, keeper
from trainshed.runners.contained import Attempt, Facts, facts_of, outcome_of
from trainshed.runners.contract import (
    Container,
    ExitedNonZero,
    Launch,
    LeaseLost,
    Outcome,
    OutOfMemory,
    Report,
    ReportTo,
    StartFailed,
    Stopped,
)
from trainshed.runners.engines import Engine, EngineFailed, Engines, State
from trainshed.runners.following import copy_log, until_over
from trainshed.runners.machine import Machine, Share
from trainshed.settings import Settings

log = logging.getLogger(__name__)
Key = tuple[str, int]
HOME, ATTEMPT, TASK, RECORD = "trainshed.home", "trainshed.attempt", "trainshed.task", "trainshed.record"  # labels
_MEASURE_SECONDS = 0.5
_PAUSE_SECONDS = 1.0  # before an engine that failed is asked again
_DRAIN_SECONDS = 5.0  # that an ended container's log is waited for
_CLOSE_SECONDS = 20.0  # on top of the grace that attempts have
_NOT_FOUND, _NOT_RUNNABLE = 127, 126
_REFUSALS = {  # what engines say of a program that cannot be run, by the code that a shell gives then
    _NOT_FOUND: re.compile(
        r"executable file .*not found|exec: \"[^\"]*\": stat |command that was not found", re.IGNORECASE
    ),
    _NOT_RUNNABLE: re.compile(r"exec: \"[^\"]*\": permission denied|OCI permission denied", re.IGNORECASE),
}
_SAID = {_NOT_FOUND: "No such file or directory", _NOT_RUNNABLE: "Permission denied"}


class ContainerRunner:
    """Keeps `contract.Runner` for launches whose work is a Container."""

    def __init__(self, engines: Engines, settings: Settings, clock: Clock, machine: Machine) -> None:
        self._engines = engines
        self._clock = clock
        self._machine = machine
        self._home = str(settings.home)
        self._folder = settings.home / "containers"
        self._grounds = confinement.Grounds(
            buckets=settings.buckets, reach=(settings.home / "ca", settings.home / "credentials")
        )
        self._grace_seconds = settings.grace_seconds
        self._lease_seconds = settings.lease_seconds
        self._attempts: dict[Key, Attempt] = {}
        self._seen: set[Key] = set()
        self._background = Background()
        self._removals = Background()
        self._ended = asyncio.Event()
        self._held: int | None = None  # the lock that tells the keeper of our life
        self._has_keeper = False
        self._report: ReportTo | None = None

    # The contract

    async def open(self, report: ReportTo) -> None:
        """Get ready; reports of attempts that outlived the last server follow."""
        self._report = report
        for attempt in await off_loop(self._find_again):
            self._machine.adopt(attempt.facts.key, Share(devices=attempt.facts.devices))
            self._follow(attempt)

    async def start(self, launch: Launch) -> None:
        """Start an attempt. What keeps it from starting is a report."""
        key = (launch.task_id, launch.attempt)
        if key in self._seen:
            return
        self._seen.add(key)
        share = self._machine.give(key, launch.limits)
        name = _name(self._home, key)
        attempt = Attempt(
            facts=facts_of(launch, share), name=name, private=self._folder / name, start_time=self._clock.now()
        )
        self._attempts[key] = attempt
        try:
            outcome = await off_loop(self._begin, attempt, launch)
        except EngineFailed as error:
            outcome = StartFailed(reason=error.message)
        except OSError as error:
            outcome = StartFailed(reason=f"{error.filename or launch.folder}: {error.strerror}")
        if outcome is not None:
            self._tell(attempt, outcome, State(name=name, is_running=False, was_started=False))
        else:
            self._follow(attempt)

    async def stop(self, task_id: str, attempt: int, *, grace_seconds: float) -> None:
        """Ask an attempt to end, then end its whole process tree."""
        if (found := self._attempts.get((task_id, attempt))) is not None:
            found.grace_seconds = grace_seconds
            found.is_stopped.set()

    async def attempts(self) -> set[Key]:
        """Answer the attempts under way, or ended and not yet taken over."""
        return set(self._attempts)

    async def close(self, *, end_attempts: bool) -> None:
        """Let go; without us attempts go on for the lease time unless they are to end."""
        if end_attempts:
            for key in list(self._attempts):
                await self.stop(*key, grace_seconds=self._grace_seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._grace_seconds + _CLOSE_SECONDS):
                    await self._until_quiet()
        await self._background.close()
        await asyncio.gather(*self._removals.tasks(), return_exceptions=True)
        if self._held is not None:
            os.close(self._held)
            self._held = None

    # Beginning

    def _begin(self, attempt: Attempt, launch: Launch) -> Outcome | None:
        """Make and start a container; answer what became of it instead. Blocks. Raises EngineFailed, OSError."""
        work = launch.work
        if not isinstance(work, Container):
            raise EngineFailed("only containers are run by a container engine")
        engine = self._engine()
        image = engine.image(launch.environment)
        if image is None:
            raise EngineFailed(
                f"image {work.image} ({launch.environment}) is not on this machine any more: "
                f"`{engine.name} pull {work.image}`, then run it again"
            )
        self._hold(engine)
        for folder in (launch.folder, launch.mount, launch.output_file.parent, attempt.private, *work.folders):
            folder.mkdir(parents=True, exist_ok=True)
        attempt.private.chmod(0o700)
        if launch.attempt > 1:  # an earlier one that nobody heard of any more must not work beside it
            for earlier in engine.containers(f"{HOME}={self._home}", f"{TASK}={launch.task_id}"):
                engine.remove(earlier.name)
        confined = confinement.confine(
            launch, work, engine, self._grounds, private=attempt.private, image_user=image.user
        )
        engine.create(
            [*self._words(attempt, engine, work), *confined.words, *_command(engine, work, launch)], confined.named
        )
        if attempt.is_stopped.is_set():
            return Stopped()
        attempt.usage.begin()
        return self._started(attempt, engine, work)

    def _words(self, attempt: Attempt, engine: Engine, work: Container) -> list[str]:
        facts = attempt.facts
        labels = {
            HOME: self._home,
            ATTEMPT: f"{facts.task_id}@{facts.attempt}",
            TASK: facts.task_id,
            "trainshed.image": work.image,
            RECORD: json.dumps(asdict(facts)),
        }
        named = (word for name, value in labels.items() for word in ("--label", f"{name}={value}"))
        return ["--pull", "never", "--name", attempt.name, *named, *confinement.accelerators(engine, facts.devices)]

    def _started(self, attempt: Attempt, engine: Engine, work: Container) -> Outcome | None:
        """Start a container; a program that its image does not have is the command's failure, as a shell tells it."""
        try:
            engine.start(attempt.name, attempt.private)
        except EngineFailed as error:
            state = engine.state(attempt.name)
            known = state.code if state is not None and state.code in _SAID else 0
            code = known or next((code for code, words in _REFUSALS.items() if words.search(error.message)), 0)
            if not code:
                raise
            said = f"{work.command[0] if work.command else work.image}: {_SAID[code]}"
            with open(attempt.facts.log_file, "a", encoding="utf-8") as log:  # noqa: PTH123
                log.write(f"{said}\n")
            return ExitedNonZero(code=code, message=said)
        return None

    # Under way

    def _follow(self, attempt: Attempt) -> None:
        self._background.spawn(self._watch(attempt), name=f"container {attempt.name}")

    async def _watch(self, attempt: Attempt) -> None:
        """See an attempt to its end: its log, what it uses, its limits, and how it ended."""
        engine = self._engine()
        state = await self._look(engine, attempt)
        if state is not None:
            attempt.start_time = state.start_time or attempt.start_time
            copying = asyncio.create_task(_copy(engine, attempt, follow=True))
            measuring = asyncio.create_task(self._measure(attempt, state.pid))
            try:
                await self._until_ended(engine, attempt)
                await asyncio.wait({copying}, timeout=_DRAIN_SECONDS)
            finally:
                for task in (copying, measuring):
                    task.cancel()
                await asyncio.gather(copying, measuring, return_exceptions=True)
            with suppress(OSError):  # a full disk
                await _copy(engine, attempt, follow=False)
            state = await self._look(engine, attempt)
        outcome = LeaseLost() if state is None else await off_loop(outcome_of, attempt, state)
        self._tell(attempt, outcome, state or State(name=attempt.name, is_running=False, was_started=True))

    async def _until_ended(self, engine: Engine, attempt: Attempt) -> None:
        ended = asyncio.create_task(self._wait(engine, attempt))
        stopped = asyncio.create_task(attempt.is_stopped.wait())
        try:
            limit = attempt.facts.timeout_seconds
            passed = (datetime.now(UTC) - attempt.start_time).total_seconds()
            left = None if limit is None else max(0.0, limit - passed)
            await asyncio.wait({ended, stopped}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                cause = keeper.STOPPED if stopped.done() else keeper.TIMED_OUT
                grace = attempt.grace_seconds if stopped.done() else self._grace_seconds
                await off_loop(keeper.note, attempt.private, cause)
                await off_loop(engine.signal, attempt.name, "TERM")
                await asyncio.wait({ended}, timeout=grace)
            if not ended.done():
                await off_loop(engine.signal, attempt.name, "KILL")
            await ended
        finally:
            ended.cancel()
            stopped.cancel()
            await asyncio.gather(ended, stopped, return_exceptions=True)

    async def _wait(self, engine: Engine, attempt: Attempt) -> None:
        """Return once a container has ended, or nobody has heard of it for the lease time."""
        while True:
            with suppress(OSError):  # told by what is asked next
                await until_over(engine.wait(attempt.name))
            state = await self._look(engine, attempt)
            if state is None or not state.is_running:
                return
            await asyncio.sleep(_PAUSE_SECONDS)  # the engine was restarted under us

    async def _look(self, engine: Engine, attempt: Attempt) -> State | None:
        """Answer a container's state; None when it is gone, or the engine has not answered for the lease time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._lease_seconds
        while True:
            try:
                return await off_loop(engine.state, attempt.name)
            except EngineFailed as error:
                if loop.time() >= until:
                    log.warning(
                        "The container of task %s, attempt %d is out of reach: %s",
                        *attempt.facts.key,
                        error,
                        extra={"action": "worker_lost"},
                    )
                    return None
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _measure(self, attempt: Attempt, pid: int) -> None:
        while pid:
            attempt.usage.look(pid)
            await asyncio.sleep(_MEASURE_SECONDS)

    # The end

    def _tell(self, attempt: Attempt, outcome: Outcome, state: State) -> None:
        """Report an attempt; its container is removed once that is taken over."""
        key, now = attempt.facts.key, self._clock.now()
        self._machine.take_back(key)
        peak = attempt.usage.peak_memory_bytes
        if isinstance(outcome, OutOfMemory):
            peak = max(peak, outcome.limit_bytes)
        end = state.end_time or now
        report = Report(
            task_id=key[0],
            attempt=key[1],
            outcome=outcome,
            start_time=min(attempt.start_time, end),
            end_time=end,
            cpu_seconds=attempt.usage.cpu_seconds,
            peak_memory_bytes=peak,
        )
        assert self._report is not None, "the runner is not open"
        answer = self._report(report)
        if answer is None:
            self._settle(attempt)
        else:
            self._background.spawn(self._confirm(attempt, answer), name=f"report of {attempt.name}")

    async def _confirm(self, attempt: Attempt, answer: Awaitable[object]) -> None:
        await answer
        self._settle(attempt)

    def _settle(self, attempt: Attempt) -> None:
        del self._attempts[attempt.facts.key]
        self._ended.set()
        self._removals.spawn(off_loop(self._remove, attempt), name=f"removal of {attempt.name}")

    def _remove(self, attempt: Attempt) -> None:
        if (engine := self._engines.current()) is not None:
            engine.remove(attempt.name)
        shutil.rmtree(attempt.private, ignore_errors=True)

    async def _until_quiet(self) -> None:
        while self._attempts:
            self._ended.clear()
            await self._ended.wait()

    # A server's life

    def _engine(self) -> Engine:
        if (engine := self._engines.current()) is None:
            raise EngineFailed(
                f"no container engine works here: {'; '.join(self._engines.why_not) or 'none is wanted'}"
            )
        return engine

    def _find_again(self) -> list[Attempt]:
        """Answer the attempts that are still known to the engine; remove what was never started. Blocks."""
        if not self._folder.is_dir() or not any(path.is_dir() for path in self._folder.iterdir()):
            return []
        if (engine := self._engines.current()) is None:
            return []
        self._hold(engine)
        found: dict[str, Attempt] = {}
        for state in engine.containers(f"{HOME}={self._home}"):
            if state.was_started and RECORD in state.labels:
                attempt = self._attempt_of(state)
                self._attempts[attempt.facts.key] = found[state.name] = attempt
                self._seen.add(attempt.facts.key)
            else:
                engine.remove(state.name)
        for private in self._folder.iterdir():
            if private.is_dir() and private.name not in found:
                shutil.rmtree(private, ignore_errors=True)
        return list(found.values())

    def _attempt_of(self, state: State) -> Attempt:
        values: dict[str, Any] = json.loads(state.labels[RECORD])
        facts = Facts(**{**values, "devices": tuple(values["devices"])})
        return Attempt(
            facts=facts,
            name=state.name,
            private=self._folder / state.name,
            start_time=state.start_time or self._clock.now(),
        )

    def _hold(self, engine: Engine) -> None:
        """Be known to live, and have somebody look after the containers once we do not."""
        if self._held is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held = os.open(self._folder / keeper.LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_SH)
        if not self._has_keeper:
            self._has_keeper = True
            _start_keeper(engine, self._folder, self._home, self._lease_seconds, self._grace_seconds)


def _start_keeper(engine: Engine, folder: Path, home: str, lease_seconds: float, grace_seconds: float) -> None:
    subprocess.run(
        [
            *(sys.executable, "-I", "-S", keeper.__file__),
            *(engine.program, str(folder), f"{HOME}={home}", str(lease_seconds), str(grace_seconds)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        check=False,
    )


def _command(engine: Engine, work: Container, launch: Launch) -> list[str]:
    """Put what the user wants of every container last, so that it holds."""
    entrypoint = ["--entrypoint", work.command[0]] if work.command else []
    return [*engine.options, *entrypoint, launch.environment, *work.command[1:], *work.arguments]


async def _copy(engine: Engine, attempt: Attempt, *, follow: bool) -> None:
    facts = attempt.facts
    await copy_log(engine, attempt.name, Path(facts.log_file), offset=facts.log_offset, follow=follow)


def _name(home: str, key: Key) -> str:
    task = key[0] if re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", key[0]) else sha256(key[0].encode()).hexdigest()[:20]
    return f"trainshed-{sha256(home.encode()).hexdigest()[:10]}-{task}-{key[1]}"
