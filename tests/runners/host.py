"""A server's stand-in, killed by the tests: opens a process runner, starts what it is told to, says so, waits."""

import asyncio
import sys
from pathlib import Path

from trainshed.clock import SystemClock
from trainshed.environments import Environments
from trainshed.runners.process import ProcessRunner
from trainshed.runners.stage import Fifos, Stage
from trainshed.settings import Settings
from trainshed.testing import database


async def main(folder, home, cache, digest, lease_seconds, *works):
    settings = Settings(home=Path(home), lease_seconds=float(lease_seconds))
    with database(Path(folder)) as db:
        runner = ProcessRunner(Environments(Path(cache), db, SystemClock()), settings, SystemClock())
        stage = Stage(Path(folder), digest, lambda: runner, Fifos())
        await stage.reopen()
        for work in works:
            launch = stage.launch(work, work)
            await stage.begin(launch)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
