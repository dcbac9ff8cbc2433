"""Pages that change while one looks: server-sent events with the pieces that are different now.

However many look at one address, a page is made once for each change, and never more than a tenth of the time. Nothing
is asked of the store while nothing is committed that the page follows.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from time import monotonic

from trainshed.dashboard.render import Drawn
from trainshed.dashboard.watching import Listen, Watch, Watches

Draw = Callable[[], Awaitable[Drawn]]

_LEAST_SECONDS = 0.25  # between two drawings of a page
_SHARE = 10  # the time between drawings, in times that the last one took


class Live:
    """Everybody who looks at a page that changes."""

    def __init__(self, listen: Listen) -> None:
        self._watches: Watches[Drawn] = Watches(listen)

    async def follow(self, address: str, seen: Drawn, version: str, draw: Draw) -> AsyncIterator[str]:
        """Answer events for one who has this version of a page; `seen` is how it is now.

        The last one says that the page cannot change any more. Where none does, whoever looks comes again.
        """
        if self._watches.is_closed:
            return
        with self._watches.joined(address, seen, lambda watch: _keep(watch, draw)) as watch:
            if watch.state.version != seen.version:  # it was drawn before the last change
                watch.put(seen)
                watch.spoil()
            has = seen.parts if seen.version == version else {}
            number = watch.number if has else -1
            yield "retry: 2000\n\n"
            while True:
                if number != watch.number:
                    number, now = watch.number, watch.state
                    yield _changed(has, now)
                    has = now.parts
                elif watch.is_final:
                    yield "event: end\ndata:\n\n"
                    return
                elif watch.is_over:
                    return
                elif not await watch.changed(number):
                    yield ":\n\n"

    def close(self) -> None:
        """Send everybody away: they come again when there is a server again."""
        self._watches.close()


async def _keep(watch: Watch[Drawn], draw: Draw) -> None:
    while watch.state.page.is_live:
        watch.follow(watch.state.page.follows)
        await watch.spoiled(watch.state.page.refresh_seconds)
        began = monotonic()
        drawn = await draw()
        if drawn.version != watch.state.version:
            watch.put(drawn)
        else:
            watch.state = drawn
        await asyncio.sleep(max(_LEAST_SECONDS, _SHARE * (monotonic() - began)))


def _changed(has: Mapping[str, str], now: Drawn) -> str:
    parts = {key: html for key, html in now.parts.items() if has.get(key) != html}
    news = {"title": now.page.of_tab, "head": now.head, "order": list(now.parts), "parts": parts}
    return f"data: {json.dumps(news, ensure_ascii=False)}\n\n"
