"""Following a container through its engine: until it ends, and what it says."""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from trainshed.runners.containers.engines import Engine

_CHUNK = 1 << 16


async def until_over(command: list[str]) -> None:
    """Run a command that ends when there is something to know; it is ended with us."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await process.wait()
    finally:
        await _end(process)


async def copy_log(engine: Engine, name: str, path: Path, *, offset: int, follow: bool) -> None:
    """Add to a log what a container said and is not there yet; what was there before it lies below `offset`.

    The engine keeps what was said, and tells it from the beginning: so nothing is lost or doubled by who follows it.
    """
    process = await asyncio.create_subprocess_exec(
        *engine.logs(name, follow=follow), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        with path.open("ab", buffering=0) as file:
            skip = max(0, file.tell() - offset)
            while chunk := await process.stdout.read(_CHUNK):
                with suppress(OSError):  # a full disk: the engine has it as well
                    file.write(chunk[skip:])
                skip = max(0, skip - len(chunk))
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(
                process.pid, signal.SIGKILL
            )  # `process.kill` looks first whether it has ended, and then nobody hears
        await process.wait()
