"""A command at a terminal, as the tests of the foreground runner start it: hosts a runner, runs one attempt, says how."""

import asyncio
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

from trainshed.clock import SystemClock
from trainshed.environments import Environments
from trainshed.runners.contract import Command, PythonComponent
from trainshed.runners.foreground import ForegroundRunner
from trainshed.runners.process import ProcessRunner
from trainshed.runners.stage import Fifos, Stage
from trainshed.settings import Settings
from trainshed.testing import database

SOURCE = """
from kfp.dsl import *
import os, sys

def works(text: str) -> str:
    here = "in " + text
    print("working", here)
    return here.upper()

def fails(text: str) -> str:
    secret = 6 * 7
    raise ValueError(f"no {text}")

def breaks(text: str) -> str:
    found = 40
    breakpoint()
    return str(found)
"""


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(folder, home, cache, digest, *work):
    settings = Settings(home=Path(home))
    with database(Path(folder)) as db:
        environments = Environments(Path(cache), db, SystemClock())

        def make():
            others = ProcessRunner(environments, settings, SystemClock())
            return ForegroundRunner(
                others,
                environments,
                SystemClock(),
                is_chosen=lambda launch: launch.task_id == "chosen",
                attached=lambda yes: say("<attached>" if yes else "<detached>"),
            )

        stage = Stage(Path(folder), digest, make, Fifos(), timeout_seconds=60)
        async with stage:
            launch = stage.launch("chosen", Command(arguments=work) if len(work) > 1 else work[0])
            if len(work) == 1:
                launch = replace(launch, work=PythonComponent(function=work[0], source=SOURCE))
            await stage.runner.start(launch)
            await stage.runner.start(launch)
            report = await stage.report("chosen")
            other = await stage.run("other", "succeed")
        log = launch.log_file.read_text() if launch.log_file.exists() else ""
        is_ours = not os.isatty(0) or os.tcgetpgrp(0) == os.getpgrp()
        told = {"kind": type(report.outcome).__name__, **asdict(report.outcome), "log": log, "is_ours": is_ours}
        say("OUTCOME " + json.dumps({**told, "other": type(other.outcome).__name__}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
