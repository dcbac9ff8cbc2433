"""Time as an argument. No service and no SQL statement asks the machine for the time.

Waiting goes through the clock as well, so that under a virtual clock a year of schedules takes seconds.
"""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Now, as an aware UTC time, and a way to wait for later."""

    def now(self) -> datetime:
        """Answer the current time, aware, in UTC."""
        ...

    async def sleep_until(self, when: datetime) -> None:
        """Return when `when` is reached; may return early, callers look again."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Answer the machine's time."""
        return datetime.now(UTC)

    async def sleep_until(self, when: datetime) -> None:
        """Wait in steps of a minute at most, so that a jump of the machine's clock is noticed."""
        await asyncio.sleep(min(60.0, max(0.0, (when - self.now()).total_seconds())))


class VirtualClock:
    """A clock that stands still until `advance`. Safe to use from several threads."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._lock = threading.Lock()
        self._sleepers: list[tuple[datetime, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Answer the time last advanced to."""
        return self._now

    async def sleep_until(self, when: datetime) -> None:
        """Wait until somebody advances the clock to `when`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if when <= self._now:
                return
            self._sleepers.append((when, loop, future))
        try:
            await future
        finally:
            with self._lock:
                self._sleepers = [s for s in self._sleepers if s[2] is not future]

    def advance(self, step: timedelta | float) -> datetime:
        """Move by `step` (seconds or a timedelta) and wake everybody whose time has come."""
        delta = step if isinstance(step, timedelta) else timedelta(seconds=step)
        return self.advance_to(self._now + delta)

    def advance_to(self, when: datetime) -> datetime:
        """Move to `when` (never backwards) and wake everybody whose time has come."""
        with self._lock:
            self._now = max(self._now, when)
            due = [s for s in self._sleepers if s[0] <= self._now]
        for _, loop, future in due:
            loop.call_soon_threadsafe(_finish, future)
        return self._now

    def next_wake(self) -> datetime | None:
        """Answer the earliest time that somebody waits for, or None."""
        with self._lock:
            return min((s[0] for s in self._sleepers), default=None)


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def monotonic() -> float:
    """Seconds for measuring durations of work, never stored."""
    return time.monotonic()


def duration(seconds: float) -> str:
    """Write a duration as Google's JSON has it: seconds with as many places as it takes, nine at most, and an `s`."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def rfc3339(when: datetime) -> str:
    """Write a time as Google's JSON does: UTC, `Z`, microseconds where there are any."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Read a time as Google's JSON writes it; one without a zone is UTC, wherever this machine is. Raises ValueError."""
    found = datetime.fromisoformat(text)
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is no time of the years 1 to 9999") from error
