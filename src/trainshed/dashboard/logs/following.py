"""Logs that grow while somebody looks: one look at the files for everybody who looks at the same log."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import suppress
from pathlib import Path

from trainshed.dashboard.logs.reading import Source
from trainshed.duty import off_loop, post

Listen = Callable[[str, Callable[[], None]], Callable[[], None]]
State = tuple[int, bool]  # size, and whether nothing comes any more

_LOOK_SECONDS = 0.2
_SILENCE_SECONDS = 20.0  # after which a comment finds out who has left


class Following:
    """Every log that is followed."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self._watches: dict[Hashable, _Watch] = {}
        self._is_closed = False

    async def states(self, source: Source) -> AsyncIterator[State | None]:
        """Yield how long a log is whenever that changes, None now and then; the last one says that it is over."""
        if self._is_closed:
            return
        key = (*source.paths, *source.follows)
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = _Watch(self._listen, source)
        watch.viewers += 1
        seen: State = (-1, False)
        try:
            while not seen[1]:
                if await watch.changed(seen):
                    seen = watch.state
                    yield seen
                elif watch.is_ended:
                    return
                else:
                    yield None
        finally:
            watch.viewers -= 1
            if not watch.viewers:
                self._watches.pop(key, None)
                watch.end()

    def close(self) -> None:
        """Send everybody away."""
        self._is_closed = True
        for watch in self._watches.values():
            watch.end()


class _Watch:
    def __init__(self, listen: Listen, source: Source) -> None:
        self._source = source
        self.viewers = 0
        self.state: State = (-1, False)
        self.is_ended = False
        self._news = asyncio.Condition()
        self._is_stale = asyncio.Event()
        carry = post()
        self._forget = [listen(channel, lambda: carry.call(self._is_stale.set)) for channel in source.follows]
        self._task = asyncio.create_task(self._keep(), name="log that grows")

    async def changed(self, seen: State) -> bool:
        """Wait until it is otherwise than this; False after a while of silence, and when it has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SILENCE_SECONDS), self._news:
                await self._news.wait_for(lambda: self.state not in {seen, (-1, False)} or self.is_ended)
        return self.state not in {seen, (-1, False)}

    def end(self) -> None:
        self._task.cancel()

    async def _keep(self) -> None:
        is_over = False
        try:
            self._is_stale.set()
            while not is_over:
                if self._is_stale.is_set():  # what is written before it is over is there when the size is asked
                    self._is_stale.clear()
                    is_over = await off_loop(self._source.is_over)
                found = (await off_loop(_size, self._source.paths), is_over)
                if found != self.state:
                    async with self._news:
                        self.state = found
                        self._news.notify_all()
                if not is_over:
                    await asyncio.sleep(_LOOK_SECONDS)
        finally:
            for forget in self._forget:
                forget()
            self.is_ended = True
            async with self._news:
                self._news.notify_all()


def _size(paths: Sequence[Path]) -> int:
    size = 0
    for path in paths:
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size
