"""One order at the terminal of this process: started, waited for, ended with everything below it."""

import asyncio
import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from trainshed.duty import off_loop
from trainshed.workers.child import processes
from trainshed.workers.link import START, environ
from trainshed.workers.wire import Ended, Order, token


class Foreground:
    """A process with our standard input and output, in the terminal's foreground while it runs."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self._process: asyncio.subprocess.Process | None = None
        self._cause = ""
        self._start_time = time.time()

    async def start(self, python: Path) -> None:
        """Start the order with an environment's interpreter. Raises OSError."""
        name, _, value = token(self.order.key).partition("=")
        handle = os.memfd_create("order", 0)
        try:
            os.write(handle, json.dumps(asdict(self.order)).encode())
            self._process = await asyncio.create_subprocess_exec(
                str(python),
                str(START),
                "--foreground",
                str(handle),
                str(os.getpid()),
                env={**environ(python), **self.order.variables, name: value},
                pass_fds=[handle],
            )
        finally:
            os.close(handle)

    async def wait(self) -> Ended:
        """Wait for its end, take the terminal back, and end what it left behind."""
        assert self._process is not None, "it was not started"
        code = await self._process.wait()
        _take_terminal_back()
        await off_loop(processes.kill_leftovers, 0, token(self.order.key), self.order.folder)
        return Ended(
            task_id=self.order.task_id,
            attempt=self.order.attempt,
            cause=self._cause or "exited",
            code=code,
            start_time=self._start_time,
            end_time=time.time(),
            log_file=self.order.log_file,
            output_file=self.order.output_file,
        )

    async def stop(self, grace_seconds: float) -> None:
        """Ask it to end, and see that it does."""
        assert self._process is not None, "it was not started"
        self._cause = "stopped"
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._process.wait()
            return
        processes.kill_tree(self._process.pid)


def _take_terminal_back() -> None:
    """Be again the group that the terminal listens to."""
    if not os.isatty(0):
        return
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGTTOU}
    )  # of this thread, which need not be the main one
    with suppress(OSError):
        os.tcsetpgrp(0, os.getpgrp())
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
