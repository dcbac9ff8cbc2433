"""The conformance suite of the runner contract: `CASES`, run on every implementation, fakes included.

A case gets a `Stage`: a runner, a folder, and gates through which held work tells that it runs and is let go.
Assertions are the point here, so the suite is part of the package for whoever writes another runner.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

from trainshed.runners.contract import (
    Command,
    ExitedNonZero,
    Limits,
    OutOfMemory,
    StartFailed,
    Stopped,
    Succeeded,
    TimedOut,
)
from trainshed.runners.stage import MEMORY_LIMIT, Stage


async def success_answers_the_executor_output(stage: Stage) -> None:
    """Carry what the executor wrote."""
    report = await stage.run("a", "succeed")

    assert isinstance(report.outcome, Succeeded)
    assert json.loads(report.outcome.output) == {"parameterValues": {"Output": "A"}}
    assert report.start_time <= report.end_time


async def failure_tells_the_last_lines_of_the_log(stage: Stage) -> None:
    """Show in the outcome what the code said last."""
    outcome = (await stage.run("tea", "fail")).outcome

    assert isinstance(outcome, ExitedNonZero)
    assert outcome.code == 1
    assert "before the end" in outcome.message
    assert outcome.message.endswith("ValueError: no tea today")


async def leaving_with_zero_is_success_without_output(stage: Stage) -> None:
    """`sys.exit(0)` in user code ends well and writes nothing."""
    assert (await stage.run("a", "leave")).outcome == Succeeded(output="")


async def leaving_with_a_code_is_failure(stage: Stage) -> None:
    """`sys.exit(7)` is told as 7."""
    outcome = (await stage.run("a", "leave_with_code")).outcome

    assert isinstance(outcome, ExitedNonZero)
    assert outcome.code == 7  # noqa: PLR2004


async def death_by_signal_is_told_as_a_negative_code(stage: Stage) -> None:
    """As Python's subprocess does."""
    outcome = (await stage.run("a", "vanish")).outcome

    assert isinstance(outcome, ExitedNonZero)
    assert outcome.code == -9  # noqa: PLR2004


async def too_much_memory_is_out_of_memory(stage: Stage) -> None:
    """End the attempt and name the limit."""
    report = await stage.run("a", "grow", limits=Limits(memory_bytes=MEMORY_LIMIT))

    assert report.outcome == OutOfMemory(limit_bytes=MEMORY_LIMIT)
    assert report.peak_memory_bytes >= MEMORY_LIMIT


async def too_much_time_is_timed_out(stage: Stage) -> None:
    """End the attempt and name the limit."""
    report = await stage.run("a", "sit", limits=Limits(timeout_seconds=stage.soon_seconds))

    assert report.outcome == TimedOut(timeout_seconds=stage.soon_seconds)


async def time_that_is_over_leaves_the_grace_to_clean_up(stage: Stage) -> None:
    """Ask first; that it then ends well does not make it a success."""
    launch = stage.launch("a", "tidy", limits=Limits(timeout_seconds=stage.soon_seconds))
    await stage.runner.start(launch)

    assert (await stage.report("a")).outcome == TimedOut(timeout_seconds=stage.soon_seconds)
    assert "tidied up" in launch.log_file.read_text()


async def who_ignores_that_its_time_is_over_is_ended(stage: Stage) -> None:
    """End the whole tree once the grace is over."""
    seconds = stage.soon_seconds + 0.3
    launch = stage.launch("a", "stubborn", limits=Limits(timeout_seconds=seconds))
    await stage.begin(launch)
    await stage.gates.release(launch)

    assert (await stage.report("a")).outcome == TimedOut(timeout_seconds=seconds)
    assert not stage.living(launch.folder)


async def a_stopped_attempt_leaves_no_process(stage: Stage) -> None:
    """Even when it and its children ignore being asked, and one has left its session."""
    launch = stage.launch("a", "stubborn")
    await stage.begin(launch)
    await stage.gates.release(launch)
    await stage.runner.stop("a", 1, grace_seconds=0.2)

    assert (await stage.report("a")).outcome == Stopped()
    assert not stage.living(launch.folder)


async def what_an_ended_attempt_leaves_behind_is_ended(stage: Stage) -> None:
    """Let no daemon outlive the attempt that started it."""
    launch = stage.launch("a", "abandon")
    await stage.runner.start(launch)

    assert isinstance((await stage.report("a")).outcome, Succeeded)
    assert not stage.living(launch.folder)


async def stopping_what_is_not_there_is_ignored(stage: Stage) -> None:
    """Before it starts, and after it has ended."""
    await stage.runner.stop("a", 1, grace_seconds=0)
    await stage.run("a", "succeed")
    await stage.runner.stop("a", 1, grace_seconds=0)

    assert len(stage.reports) == 1


async def starting_again_attaches(stage: Stage) -> None:
    """Under way or ended, an attempt runs once and is reported once."""
    launch = stage.launch("a", "held")
    await stage.begin(launch)
    await stage.runner.start(launch)
    await stage.gates.release(launch)
    await stage.report("a")
    await stage.runner.start(launch)
    await stage.run("b", "succeed")

    assert len(stage.reports) == 2  # noqa: PLR2004
    assert launch.log_file.read_text().count("holding") == 1


async def attempts_run_at_the_same_time(stage: Stage) -> None:
    """Two reach their gates before either goes on, and each answers for itself."""
    launches = [stage.launch(name, "held") for name in ("a", "b")]
    await asyncio.gather(*map(stage.runner.start, launches))
    for launch in launches:
        await stage.gates.running(launch)
    assert await stage.runner.attempts() == {("a", 1), ("b", 1)}
    for launch in reversed(launches):
        await stage.gates.release(launch)

    outputs = {
        r.task_id: r.outcome.output for name in "ab" if isinstance((r := await stage.report(name)).outcome, Succeeded)
    }
    assert {name: json.loads(text)["parameterValues"]["Output"] for name, text in outputs.items()} == {
        "a": "A",
        "b": "B",
    }
    assert await stage.runner.attempts() == set()


async def the_log_can_be_read_while_it_runs(stage: Stage) -> None:
    """Line by line, not at the end."""
    launch = stage.launch("a", "held")
    await stage.begin(launch)

    await stage.said(launch, "holding a\n")
    assert await stage.runner.attempts() == {("a", 1)}
    await stage.gates.release(launch)
    await stage.report("a")


async def an_attempt_outlives_its_server(stage: Stage) -> None:
    """Let the next server find it under way and hear how it ended."""
    launch = stage.launch("a", "held")
    await stage.begin(launch)
    await stage.runner.close(end_attempts=False)
    await stage.reopen()

    assert await stage.runner.attempts() == {("a", 1)}
    await stage.gates.release(launch)
    assert isinstance((await stage.report("a")).outcome, Succeeded)


async def what_ended_meanwhile_is_reported_to_the_next_server(stage: Stage) -> None:
    """Keep an outcome until somebody takes it over."""
    launch = stage.launch("a", "held")
    await stage.begin(launch)
    await stage.runner.close(end_attempts=False)
    await stage.gates.release(launch)
    await stage.reopen()

    assert isinstance((await stage.report("a")).outcome, Succeeded)


async def a_report_that_was_not_taken_over_is_repeated(stage: Stage) -> None:
    """Tell the next server what the last one heard but did not store."""
    stage.takes_over = False
    await stage.run("a", "succeed")
    assert await stage.runner.attempts() == {("a", 1)}
    await stage.runner.close(end_attempts=False)
    stage.reports.clear()
    stage.takes_over = True
    await stage.reopen()

    assert isinstance((await stage.report("a")).outcome, Succeeded)
    assert await stage.runner.attempts() == set()


async def closing_can_end_attempts(stage: Stage) -> None:
    """Leave nothing behind when a server drains, and report the attempts."""
    launch = stage.launch("a", "held")
    await stage.begin(launch)
    await stage.runner.close(end_attempts=True)
    await stage.reopen()

    assert (await stage.report("a")).outcome == Stopped()
    assert await stage.runner.attempts() == set()


async def a_missing_environment_is_a_failed_start(stage: Stage) -> None:
    """Said in a report, not by an exception."""
    stage.environment = "0" * 32
    outcome = (await stage.run("a", "succeed")).outcome

    assert isinstance(outcome, StartFailed)
    assert "0" * 32 in outcome.reason


async def a_command_gets_its_arguments_as_they_are(stage: Stage) -> None:
    """No shell looks at them."""
    launch = stage.launch("a", Command(arguments=("printf", "%s|", "$HOME", "a b", "*", "'")))
    await stage.runner.start(launch)

    assert (await stage.report("a")).outcome == Succeeded(output="")
    assert launch.log_file.read_text() == "$HOME|a b|*|'|"


async def a_command_that_is_not_there_fails_with_its_name(stage: Stage) -> None:
    """As a shell would have it, with 127."""
    outcome = (await stage.run("a", Command(arguments=("no-such-tool", "x")))).outcome

    assert outcome == ExitedNonZero(code=127, message="no-such-tool: No such file or directory")


CASES: tuple[Callable[[Stage], Awaitable[None]], ...] = (
    success_answers_the_executor_output,
    failure_tells_the_last_lines_of_the_log,
    leaving_with_zero_is_success_without_output,
    leaving_with_a_code_is_failure,
    death_by_signal_is_told_as_a_negative_code,
    too_much_memory_is_out_of_memory,
    too_much_time_is_timed_out,
    time_that_is_over_leaves_the_grace_to_clean_up,
    who_ignores_that_its_time_is_over_is_ended,
    a_stopped_attempt_leaves_no_process,
    what_an_ended_attempt_leaves_behind_is_ended,
    stopping_what_is_not_there_is_ignored,
    starting_again_attaches,
    attempts_run_at_the_same_time,
    the_log_can_be_read_while_it_runs,
    an_attempt_outlives_its_server,
    what_ended_meanwhile_is_reported_to_the_next_server,
    a_report_that_was_not_taken_over_is_repeated,
    closing_can_end_attempts,
    a_missing_environment_is_a_failed_start,
    a_command_gets_its_arguments_as_they_are,
    a_command_that_is_not_there_fails_with_its_name,
)
