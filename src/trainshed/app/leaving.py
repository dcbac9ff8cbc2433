"""The last thing that a server does: it ends what its calls still wait for, and does not wait for those calls for ever."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)
_PROC = Path("/proc")
_THREADS_SECONDS = 5.0  # for calls whose program was ended to notice that


def end_children() -> None:
    """Ask the programs that run for calls of ours to end: a fetch, an installation. Warm workers are nobody's children.

    Nobody waits for those calls any more, and nothing of what they do is on record: the next server begins them again.
    """
    parents = {}
    for entry in _PROC.glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            fields = entry.read_bytes().rpartition(b")")[2].split()
            parents[int(entry.parent.name)] = int(fields[1])
    found = {os.getpid()}
    while below := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= below
    for pid in found - {os.getpid()}:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)


async def leave() -> None:
    """Wait a moment for the threads of this event loop; does not come back when some of them go on."""
    ends = asyncio.ensure_future(asyncio.get_running_loop().shutdown_default_executor())
    done, _ = await asyncio.wait({ends}, timeout=_THREADS_SECONDS)
    if not done:
        log.warning("The server ended before all of its calls did.", extra={"action": "calls_left"})
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)
