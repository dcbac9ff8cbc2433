"""The folders that attempts see their artifacts through: removed once what is in them is committed."""

import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from trainshed.duty import off_loop

_MOUNTS_AT_ONCE = 20  # removed without looking whether the server is to end


def _nothing() -> Collection[Path]:
    return ()


async def clean_up(
    mounts: Sequence[Path], runs: Sequence[Path], in_use: Callable[[], Collection[Path]] = _nothing
) -> None:
    """Remove mounts whose content is committed, and all of the runs that ended; logs stay. A drain waits for few.

    A run that goes on in the meantime has others `in_use`, which is asked once everything was found.
    """
    found = [*mounts, *await off_loop(lambda: [mount for folder in runs for mount in folder.glob("*/*/mount")])]
    used = in_use()
    found = [mount for mount in found if mount not in used]
    for first in range(0, len(found), _MOUNTS_AT_ONCE):
        await off_loop(_remove, found[first : first + _MOUNTS_AT_ONCE])


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
