"""What changes while somebody looks: one task keeps it up to date for everybody who looks at it, none for nobody.

A watch that is over without being final (the server stops, what it looks at cannot be read) makes no claim: whoever
looked is left, comes again, and is told then.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from trainshed.duty import post
from trainshed.errors import TrainshedError

log = logging.getLogger(__name__)
T = TypeVar("T")
Listen = Callable[[str, Callable[[], None]], Callable[[], None]]
Keep = Callable[["Watch[T]"], Awaitable[None]]  # returns once nothing changes any more

_SILENCE_SECONDS = 20.0  # after which a comment finds out who has left


class Watch(Generic[T]):
    """One thing that somebody looks at: its newest state, and how many there have been."""

    def __init__(self, state: T, listen: Listen, keep: "Keep[T]") -> None:
        self.state = state
        self.number = 0
        self.viewers = 0
        self.is_final = False
        self.is_over = False
        self._listen = listen
        self._channels: tuple[str, ...] = ()
        self._forget: list[Callable[[], None]] = []
        self._stale = asyncio.Event()
        self._news = asyncio.Event()
        self._post = post()
        self._task = asyncio.ensure_future(keep(self))
        self._task.add_done_callback(self._ended)

    async def changed(self, number: int) -> bool:
        """Wait until there is another state than this one, or the end; False after a while of silence."""
        if self.number != number or self.is_over:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(_SILENCE_SECONDS):
                return await self._news.wait()
        return False

    def put(self, state: T) -> None:
        """Tell everybody of another state."""
        self.state = state
        self.number += 1
        self._wake()

    def follow(self, channels: Sequence[str]) -> None:
        """Listen on these channels of the store, and no others."""
        if tuple(channels) == self._channels:
            return
        self._leave()
        self._channels = tuple(channels)
        self._forget = [self._listen(channel, self._told) for channel in self._channels]
        self.spoil()  # something may have happened before the listening

    def spoil(self) -> None:
        """Say that the state may be out of date."""
        self._stale.set()

    async def spoiled(self, seconds: float | None) -> bool:
        """Wait so long, or for ever, until the state may be out of date, and tell whether; what comes then counts anew."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stale.wait()
        was = self._stale.is_set()
        self._stale.clear()
        return was

    def end(self) -> None:
        """Keep it up no longer."""
        self._task.cancel()

    def _told(self) -> None:  # on the store's thread
        self._post.call(self.spoil)

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _leave(self) -> None:
        for forget in self._forget:
            forget()
        self._forget = []

    def _ended(self, task: "asyncio.Future[None]") -> None:
        self._leave()
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, TrainshedError):  # those are told to whoever comes again
            log.error("Watching failed: %s", error, exc_info=error, extra={"action": "duty_failed"})
        self.is_final = not task.cancelled() and error is None
        self.is_over = True
        self._wake()


class Watches(Generic[T]):
    """Everything of one kind that is looked at now."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self._watches: dict[Hashable, Watch[T]] = {}
        self.is_closed = False

    @contextmanager
    def joined(self, key: Hashable, state: T, keep: "Keep[T]") -> Iterator[Watch[T]]:
        """Look together with whoever looks already; the last one to leave ends it."""
        watch = self._watches.get(key)
        if watch is None or watch.is_over:
            watch = self._watches[key] = Watch(state, self._listen, keep)
        watch.viewers += 1
        try:
            yield watch
        finally:
            watch.viewers -= 1
            if not watch.viewers:
                watch.end()
                if self._watches.get(key) is watch:
                    del self._watches[key]

    def close(self) -> None:
        """Send everybody away; they come again when there is a server again."""
        self.is_closed = True
        for watch in self._watches.values():
            watch.end()
