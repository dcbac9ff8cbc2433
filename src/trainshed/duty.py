"""Background duties: something done again and again, on an interval and whenever it is woken.

The wake-up makes it fast, the interval makes it certain: a lost wake-up costs at most one interval.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from trainshed.clock import Clock, monotonic

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

_PIECE_SECONDS = 0.005  # of work, then a rest that is three times as long
_RESTS = 3
Next = datetime | None  # when the duty wants to run again at the latest; None: after its interval


async def off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call synchronous code (a service verb) from async code without holding up the event loop."""
    return await asyncio.to_thread(function, *args, **kwargs)


class Post:
    """Carries calls of other threads into an event loop, one wake-up for as many as there are.

    Waking a loop costs a system call and a change of threads; what is committed together comes together.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: deque[Callable[[], object]] = deque()
        self._is_woken = False

    def call(self, function: Callable[[], object]) -> None:
        """Call a function in the loop, soon. Callable from every thread; calls to a loop that is closed are lost."""
        self._calls.append(function)
        if not self._is_woken:
            self._is_woken = True
            with suppress(RuntimeError):  # the loop closed: nobody is left to tell
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_woken = False  # first: what is appended from now on wakes again
        for _ in range(len(self._calls)):
            self._loop.call_soon(self._calls.popleft())  # each on its own: one that fails holds up no other


_posts: "WeakKeyDictionary[asyncio.AbstractEventLoop, Post]" = WeakKeyDictionary()


def post() -> Post:
    """Answer the post of the running loop."""
    loop = asyncio.get_running_loop()
    found = _posts.get(loop)
    if found is None:
        found = _posts[loop] = Post(loop)
    return found


async def settled(future: "Future[T]") -> T:
    """Wait for what a thread does, as `asyncio.wrap_future`, but through the post. Cancelling withdraws it."""
    waiting = asyncio.get_running_loop().create_future()
    deliver = post().call

    def done(_: "Future[T]") -> None:
        deliver(lambda: None if waiting.done() else waiting.set_result(None))

    future.add_done_callback(done)
    try:
        await waiting
    except asyncio.CancelledError:
        future.cancel()
        raise
    return future.result()


class Pace:
    """Lets the long work of the thread that made it give way: after each few milliseconds of it there is a rest.

    Python has one thread at a time at work, and one that works without an end takes half of the time of every other: a
    page that somebody waits for would take twice as long.
    """

    def __init__(
        self, *, used: Callable[[], float] = time.thread_time, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._used = used
        self._sleep = sleep
        self._since = used()
        self.rested_seconds = 0.0

    def step(self) -> None:
        """Say that a small part is done."""
        rest = _RESTS * (self._used() - self._since)
        if rest >= _RESTS * _PIECE_SECONDS:
            self._sleep(rest)
            self.rested_seconds += rest
            self._since = self._used()


class Duty:
    """Calls `run_once` for ever. A failure is logged and does not end it."""

    def __init__(
        self, name: str, run_once: Callable[[], Awaitable[Next]], *, interval_seconds: float, clock: Clock
    ) -> None:
        self.name = name
        self.run_once = run_once
        self._interval = timedelta(seconds=interval_seconds)
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._is_woken = False
        self._waiting: asyncio.Future[None] | None = None
        self.failure = ""  # of its last turn; empty: that went well
        self._begun: float | None = None  # of the turn that it is in

    @property
    def turn_seconds(self) -> float:
        """Answer for how long it has been in its turn; 0 while it waits for the next one."""
        begun = self._begun
        return 0.0 if begun is None else monotonic() - begun

    def wake(self) -> None:
        """Ask for a turn now. Callable from every thread."""
        if self._loop is None:
            return
        if threading.get_ident() == self._thread:  # no need to rouse the loop: we are it
            self._wake_now()
            return
        with suppress(RuntimeError):  # the loop closed meanwhile: nobody is left to wake
            self._loop.call_soon_threadsafe(self._wake_now)

    async def run(self) -> None:
        """Take turns until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        while True:
            self._is_woken = False
            self._begun = monotonic()
            try:
                wanted = await self.run_once()
                self.failure = ""
            except Exception as error:
                self.failure = f"{type(error).__name__}: {error}"
                log.exception(
                    "Duty %s failed; it goes on at its next turn.", self.name, extra={"action": "duty_failed"}
                )
                wanted = None
            self._begun = None
            latest = self._clock.now() + self._interval
            await self._wait(min(wanted, latest) if wanted else latest)

    def _wake_now(self) -> None:
        self._is_woken = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _wait(self, until: datetime) -> None:
        if self._is_woken:
            await asyncio.sleep(0)  # others get their turn as well
            return
        self._waiting = asyncio.get_running_loop().create_future()
        timer = asyncio.ensure_future(self._clock.sleep_until(until))
        timer.add_done_callback(lambda ended: None if ended.cancelled() else self._wake_now())
        try:
            await self._waiting
        finally:
            timer.cancel()
            self._waiting = None


async def run_all(duties: Iterable[Duty]) -> None:
    """Run every duty until cancelled."""
    async with asyncio.TaskGroup() as group:
        for duty in duties:
            group.create_task(duty.run(), name=duty.name)


class Background:
    """Keeps references to tasks that nobody awaits, and ends them together."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> "asyncio.Task[Any]":
        """Start a coroutine whose failure is logged."""
        task: asyncio.Task[Any] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed: %s", task.get_name(), error, exc_info=error, extra={"action": "duty_failed"})

    def tasks(self) -> "list[asyncio.Task[Any]]":
        """Answer what is under way."""
        return list(self._tasks)

    async def close(self) -> None:
        """Cancel everything and wait for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
