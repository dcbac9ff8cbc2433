"""Logs that grow while somebody looks: one look at the files for everybody who looks at the same log."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

from trainshed.dashboard.logs.reading import Source
from trainshed.dashboard.watching import Listen, Watch, Watches
from trainshed.duty import off_loop

State = tuple[int, bool]  # size, and whether nothing comes any more

_LOOK_SECONDS = 0.2
_UNKNOWN: State = (-1, False)


class Following:
    """Every log that is followed."""

    def __init__(self, listen: Listen) -> None:
        self._watches: Watches[State] = Watches(listen)

    async def states(self, source: Source) -> AsyncIterator[State | None]:
        """Yield how long a log is whenever that changes, None now and then; the last one says that it is over."""
        if self._watches.is_closed:
            return
        key = (*source.paths, *source.follows)
        with self._watches.joined(key, _UNKNOWN, lambda watch: _keep(watch, source)) as watch:
            number = 0
            while True:
                if number != watch.number:
                    number = watch.number
                    yield watch.state
                elif watch.is_over:
                    return
                elif not await watch.changed(number):
                    yield None

    def close(self) -> None:
        """Send everybody away."""
        self._watches.close()


async def _keep(watch: Watch[State], source: Source) -> None:
    is_over = False
    watch.follow(source.follows)
    watch.spoil()
    while not is_over:
        if await watch.spoiled(0):  # what is written before it is over is there when the size is asked
            is_over = await off_loop(source.is_over)
        found = (await off_loop(_size, source.paths), is_over)
        if found != watch.state:
            watch.put(found)
        if not is_over:
            await asyncio.sleep(_LOOK_SECONDS)


def _size(paths: Sequence[Path]) -> int:
    size = 0
    for path in paths:
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size
