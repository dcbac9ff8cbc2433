"""Pages that change while one looks: server-sent events with the pieces that are different now.

Everybody who looks at one address shares one `_Watch`: however many they are, a page is made once for each change, and
never more than a tenth of the time. Nothing is asked of the store while nothing is committed that the page follows.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from time import monotonic

from trainshed.dashboard.render import Drawn
from trainshed.duty import post

Draw = Callable[[], Awaitable[Drawn]]
Listen = Callable[[str, Callable[[], None]], Callable[[], None]]

_LEAST_SECONDS = 0.25  # between two drawings of a page
_SHARE = 10  # the time between drawings, in times that the last one took
_SILENCE_SECONDS = 20.0  # after which a comment finds out who has left


class Live:
    """Everybody who looks at a page that changes."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self._watches: dict[str, _Watch] = {}
        self._is_closed = False

    async def follow(self, address: str, seen: Drawn, version: str, draw: Draw) -> AsyncIterator[str]:
        """Answer events for one who has this version of a page; `seen` is how it is now.

        Ends when the page cannot change any more, or at `close`.
        """
        if self._is_closed:
            return
        watch = self._watches.get(address)
        if watch is None:
            watch = self._watches[address] = _Watch(self._listen, draw, seen)
        watch.viewers += 1
        has = watch.drawn.parts if watch.drawn.version == version else {}
        number = watch.number if has else -1
        try:
            yield "retry: 2000\n\n"
            while True:
                if number != watch.number:
                    number, now = watch.number, watch.drawn
                    yield _changed(has, now)
                    has = now.parts
                if watch.is_over:
                    yield "event: end\ndata:\n\n"
                    return
                if not await watch.changed(number):
                    yield ":\n\n"
        finally:
            watch.viewers -= 1
            if not watch.viewers:
                self._watches.pop(address, None)
                watch.end()

    def close(self) -> None:
        """Send everybody away: they come again when there is a server again."""
        self._is_closed = True
        for watch in self._watches.values():
            watch.end()


class _Watch:
    """One address that somebody looks at."""

    def __init__(self, listen: Listen, draw: Draw, drawn: Drawn) -> None:
        self._listen = listen
        self._draw = draw
        self.drawn = drawn
        self.number = 0
        self.viewers = 0
        self.is_over = False
        self._is_stale = asyncio.Event()
        self._news = asyncio.Condition()
        self._post = post()
        self._task = asyncio.create_task(self._keep(), name="live page")

    async def changed(self, number: int) -> bool:
        """Wait until there is another drawing than this one; False after a while of silence."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SILENCE_SECONDS), self._news:
                await self._news.wait_for(lambda: self.number != number or self.is_over)
                return True
        return False

    def end(self) -> None:
        self._task.cancel()

    def _stale(self) -> None:  # on the store's thread
        self._post.call(self._is_stale.set)

    async def _keep(self) -> None:
        follows: tuple[str, ...] = ()
        forget: list[Callable[[], None]] = []
        try:
            while self.drawn.page.is_live:
                if tuple(self.drawn.page.follows) != follows:
                    for leave in forget:
                        leave()
                    follows = tuple(self.drawn.page.follows)
                    forget = [self._listen(channel, self._stale) for channel in follows]
                    self._is_stale.set()  # something may have happened between the drawing and the listening
                await self._until_stale()
                self._is_stale.clear()
                began = monotonic()
                await self._redraw()
                await asyncio.sleep(max(_LEAST_SECONDS, _SHARE * (monotonic() - began)))
        finally:
            for leave in forget:
                leave()
            await self._over()

    async def _until_stale(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.drawn.page.refresh_seconds):
                await self._is_stale.wait()

    async def _redraw(self) -> None:
        drawn = await self._draw()
        if drawn.version != self.drawn.version:
            async with self._news:
                self.number += 1
                self.drawn = drawn
                self._news.notify_all()
        else:
            self.drawn = drawn

    async def _over(self) -> None:
        self.is_over = True
        async with self._news:
            self._news.notify_all()


def _changed(has: Mapping[str, str], now: Drawn) -> str:
    parts = {key: html for key, html in now.parts.items() if has.get(key) != html}
    news = {"title": now.page.title, "head": now.head, "order": list(now.parts), "parts": parts}
    return f"data: {json.dumps(news, ensure_ascii=False)}\n\n"
