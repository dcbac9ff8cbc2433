"""Attempts as containers: each runs its component's own command, in the image that the component names.

- The engine keeps what has to outlive this server: a container is labelled with its home and attempt, stays until its
  report has been taken over, and is removed then. The next server finds it again and goes on with it.
- An attempt is made, then started, in two calls. What was made and never started is removed by the next server, so a
  server that dies in between leaves nothing that could start later, and nothing runs twice.
- A private folder for each attempt holds its variables, and why it was ended when it was not its own doing.
- While no server holds the home, `keeper` waits for the lease time and then ends its containers.
"""

import asyncio
import json
import re
import shutil
from collections.abc import Awaitable
from contextlib import suppress
from hashlib import sha256
from typing import Any

from trainshed.clock import Clock
from trainshed.duty import Background, off_loop
from trainshed.runners.containers import making
from trainshed.runners.containers.attempts import Attempt, Facts, facts_of, outcome_of
from trainshed.runners.containers.confinement import Grounds
from trainshed.runners.containers.engines import Engine, EngineFailed, Engines, State
from trainshed.runners.containers.holding import Hold
from trainshed.runners.containers.watching import Watch
from trainshed.runners.contract import Launch, LeaseLost, Outcome, OutOfMemory, Report, ReportTo, StartFailed
from trainshed.runners.machine import Machine, Share
from trainshed.settings import Settings

Key = tuple[str, int]
_CLOSE_SECONDS = 20.0  # on top of the grace that attempts have


class ContainerRunner:
    """Keeps `contract.Runner` for launches whose work is a Container."""

    def __init__(self, engines: Engines, settings: Settings, clock: Clock, machine: Machine) -> None:
        self._engines = engines
        self._clock = clock
        self._machine = machine
        self._home = str(settings.home)
        self._folder = settings.home / "containers"
        self._grounds = Grounds(buckets=settings.buckets, reach=(settings.home / "ca", settings.home / "credentials"))
        self._grace_seconds = settings.grace_seconds
        self._lease_seconds = settings.lease_seconds
        self._hold = Hold(
            self._folder,
            label=f"{making.HOME}={self._home}",
            lease_seconds=settings.lease_seconds,
            grace_seconds=settings.grace_seconds,
        )
        self._attempts: dict[Key, Attempt] = {}
        self._seen: set[Key] = set()
        self._background = Background()
        self._removals = Background()
        self._ended = asyncio.Event()
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
        self._hold.release()

    # Beginning, and under way

    def _begin(self, attempt: Attempt, launch: Launch) -> Outcome | None:
        """Make and start a container; answer what became of it instead. Blocks. Raises EngineFailed, OSError."""
        engine = self._engine()
        image = making.image_of(launch, engine)
        self._hold.take(engine)
        making.make(attempt, launch, engine, image, home=self._home, grounds=self._grounds)
        return making.start(attempt, launch, engine)

    def _follow(self, attempt: Attempt) -> None:
        self._background.spawn(self._watch(attempt), name=f"container {attempt.name}")

    async def _watch(self, attempt: Attempt) -> None:
        """See an attempt to its end, and report how it ended."""
        watch = Watch(self._engine(), attempt, lease_seconds=self._lease_seconds, grace_seconds=self._grace_seconds)
        state = await watch.run()
        outcome = LeaseLost() if state is None else await off_loop(outcome_of, attempt, state)
        self._tell(attempt, outcome, state or State(name=attempt.name, is_running=False, was_started=True))

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
        self._hold.take(engine)
        found: dict[str, Attempt] = {}
        for state in engine.containers(f"{making.HOME}={self._home}"):
            if state.was_started and making.RECORD in state.labels:
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
        values: dict[str, Any] = json.loads(state.labels[making.RECORD])
        facts = Facts(**{**values, "devices": tuple(values["devices"])})
        return Attempt(
            facts=facts,
            name=state.name,
            private=self._folder / state.name,
            start_time=state.start_time or self._clock.now(),
        )


def _name(home: str, key: Key) -> str:
    task = key[0] if re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", key[0]) else sha256(key[0].encode()).hexdigest()[:20]
    return f"trainshed-{sha256(home.encode()).hexdigest()[:10]}-{task}-{key[1]}"
