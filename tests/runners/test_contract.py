"""Every runner keeps the contract: one suite, all implementations, the fake included."""

import json

import pytest

from trainshed.runners import exercise
from trainshed.runners.contract import (
    Command,
    ExitedNonZero,
    OutOfMemory,
    StartFailed,
    TimedOut,
)
from trainshed.runners.scripted import Act, ScriptedRunner
from trainshed.runners.stage import Fifos, Stage


@pytest.fixture
def process_stage(tmp_path, environment, make_runner):
    return Stage(tmp_path / "runs", environment.digest, make_runner, Fifos(), soon_seconds=1.5)


@pytest.fixture
def scripted_stage(tmp_path, clock):
    runners = [ScriptedRunner(script, clock)]

    class Gates:
        async def running(self, launch):
            assert (launch.task_id, launch.attempt) in await runners[-1].attempts()

        async def release(self, launch):
            if launch.work.function != "stubborn" or launch.limits.timeout_seconds:
                runners[-1].release(launch.task_id)

    def make():
        runners.append(runners[-1].successor())
        return runners[-1]

    return Stage(tmp_path / "runs", "e" * 32, make, Gates())


FUNCTIONS = {
    "leave": lambda launch: Act(),
    "leave_with_code": lambda launch: Act(outcome=ExitedNonZero(code=7, message="")),
    "vanish": lambda launch: Act(outcome=ExitedNonZero(code=-9, message="")),
    "sit": lambda launch: Act(outcome=TimedOut(timeout_seconds=launch.limits.timeout_seconds)),
    "stubborn": lambda launch: over(launch, is_held=True) if launch.limits.timeout_seconds else Act(is_held=True),
    "tidy": lambda launch: over(launch, log="tidied up"),
    "held": lambda launch: Act(is_held=True, log=f"holding {launch.task_id}\n", output=upper(launch)),
    "fail": lambda launch: Act(
        outcome=ExitedNonZero(code=1, message=f"before the end\nValueError: no {launch.task_id} today")
    ),
    "grow": lambda launch: Act(
        outcome=OutOfMemory(limit_bytes=launch.limits.memory_bytes), peak_memory_bytes=launch.limits.memory_bytes + 1
    ),
}


def over(launch, **said):
    return Act(outcome=TimedOut(timeout_seconds=launch.limits.timeout_seconds), **said)


def upper(launch):
    return json.dumps({"parameterValues": {"Output": launch.task_id.upper()}})


def script(launch):
    """What the functions and commands of the suite do, played."""
    if launch.environment == "0" * 32:
        return Act(outcome=StartFailed(reason=f"no environment {launch.environment}"))
    match launch.work:
        case Command(arguments=("printf", _, *texts)):
            return Act(log="".join(f"{text}|" for text in texts))
        case Command(arguments=(tool, *_)):
            return Act(outcome=ExitedNonZero(code=127, message=f"{tool}: No such file or directory"))
    played = FUNCTIONS.get(launch.work.function)
    return played(launch) if played else Act(output=upper(launch))


@pytest.mark.parametrize("case", exercise.CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("implementation", ["scripted", "process"])
def test_the_contract(implementation, case, request, play):
    stage = request.getfixturevalue(f"{implementation}_stage")

    async def perform():
        async with stage:
            await case(stage)

    play(perform())
