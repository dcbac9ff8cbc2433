"""Exit handlers and ignore_upstream_failure: what runs however it ended, with what it is told, and how the run ends."""

from kfp import dsl

CASES = [
    {
        "pipeline": "with_status",
        "arguments": {"fails": False},
        "outputs": {},
        "ran": {"exit-handler-1/maybe-fail": 1, "exit-handler-1/say": 1, "report": 1},
        "printed": {"report": [["SUCCEEDED exit-handler-1 None None True"]]},
    },
    # The run is FAILED though the exit task has succeeded; 9 is google.rpc.Code FAILED_PRECONDITION, as Vertex says it.
    {
        "pipeline": "with_status",
        "arguments": {"fails": True},
        "ends": "FAILED",
        "failed": ["exit-handler-1/maybe-fail"],
        "ran": {"exit-handler-1/maybe-fail": 1, "report": 1},
        "not_triggered": {"exit-handler-1/say": 1},
        "printed": {"report": [["FAILED exit-handler-1 9 True True"]]},
        "says": "maybe-fail",
    },
    {
        "pipeline": "without_status",
        "arguments": {"file": "${TMP}/file", "fails": True},
        "ends": "FAILED",
        "failed": ["exit-handler-1/maybe-fail"],
        "files": {"${TMP}/file": "cleaned\n"},
    },
    {
        "pipeline": "without_status",
        "arguments": {"file": "${TMP}/file", "fails": False},
        "files": {"${TMP}/file": "cleaned\n"},
    },
    # Several groups: each exit task hears of its own; the second group does not wait for the first.
    {
        "pipeline": "several",
        "ends": "FAILED",
        "failed": ["exit-handler-1/maybe-fail"],
        "ran": {
            "exit-handler-1/maybe-fail": 1,
            "exit-handler-2/maybe-fail-2": 1,
            "report": 1,
            "report-2": 1,
        },
        "printed": {
            "report": [["FAILED exit-handler-1 9 True True"]],
            "report-2": [["SUCCEEDED exit-handler-2 None None True"]],
        },
    },
    # A whole pipeline as exit task; it decides by the status.
    {
        "pipeline": "pipeline_as_exit_task",
        "arguments": {"fails": True},
        "ends": "FAILED",
        "ran": {"exit-handler-1/maybe-fail": 1, "notify/state-of": 1, "notify/condition-1/say": 1},
        "not_triggered": {"notify/condition-2": 1},
    },
    {
        "pipeline": "pipeline_as_exit_task",
        "arguments": {"fails": False},
        "ran": {"exit-handler-1/maybe-fail": 1, "notify/state-of": 1, "notify/condition-2/say-2": 1},
        "not_triggered": {"notify/condition-1": 1},
    },
    # Everything in the group has ended before the exit task begins: its file has every line.
    {
        "pipeline": "waits_for_all",
        "arguments": {"file": "${TMP}/file"},
        "ends": "FAILED",
        "failed": ["exit-handler-1/maybe-fail"],
        "files": {"${TMP}/file": "slow\ncleaned\n"},
    },
    # An exit task that fails fails the run.
    {
        "pipeline": "failing_exit_task",
        "ends": "FAILED",
        "failed": ["maybe-fail"],
        "ran": {"exit-handler-1/say": 1, "maybe-fail": 1},
    },
    # A group with a loop and a condition in it: one bad iteration fails the group.
    {
        "pipeline": "around_loops",
        "ends": "FAILED",
        "failed": ["exit-handler-1/for-loop-3[*]/condition-4/maybe-fail"],
        "printed": {"report": [["FAILED exit-handler-1 9 True True"]]},
    },
    # A pipeline with an exit handler in every iteration of a loop: each iteration cleans up after itself.
    {
        "pipeline": "in_a_loop",
        "arguments": {"file": "${TMP}/file"},
        "ends": "FAILED",
        "failed": ["for-loop-2[*]/guarded/exit-handler-1/fail-on-two"],
        "ran": {"for-loop-2[*]/guarded/exit-handler-1/fail-on-two": 3, "for-loop-2[*]/guarded/write-state": 3},
        "files": {"${TMP}/file1": "SUCCEEDED\n", "${TMP}/file2": "FAILED\n", "${TMP}/file3": "SUCCEEDED\n"},
    },
    # A retried task has succeeded in the end: so has its group.
    {
        "pipeline": "retried_inside",
        "arguments": {"file": "${TMP}/file"},
        "printed": {"report": [["SUCCEEDED exit-handler-1 None None True"]]},
    },
    # What the group made is not there; the task that ignores this takes its own default. The run is FAILED all the same.
    {
        "pipeline": "ignoring",
        "arguments": {"fails": True},
        "ends": "FAILED",
        "failed": ["maybe-fail"],
        "ran": {"maybe-fail": 1, "say": 1, "say-2": 1},
        "printed": {"say": [["nothing came"]], "say-2": [["nothing came"]]},
        "not_triggered": {"say-3": 1},
    },
    {
        "pipeline": "ignoring",
        "arguments": {"fails": False},
        "printed": {"say": [["went well"]], "say-2": [["went well"]], "say-3": [["went well"]]},
    },
    # Ignoring tells the task how its upstream ended, when it asks.
    {
        "pipeline": "ignoring_with_status",
        "ends": "FAILED",
        "printed": {"report": [["FAILED maybe-fail 9 True True"]]},
    },
    # A task is ignored that never ran, since its own upstream failed.
    {
        "pipeline": "ignoring_what_never_ran",
        "ends": "FAILED",
        "failed": ["maybe-fail"],
        "ran": {"maybe-fail": 1, "say-2": 1},
        "not_triggered": {"say": 1},
    },
    # Under FAIL_FAST nothing new begins after a failure, but exit tasks do.
    {
        "pipeline": "fail_fast",
        "options": ["--failure-policy", "fast"],
        "ends": "FAILED",
        "failed": ["exit-handler-1/maybe-fail"],
        "ran": {"exit-handler-1/maybe-fail": 1, "report": 1},
        "printed": {"report": [["FAILED exit-handler-1 9 True True"]]},
    },
]


@dsl.component
def maybe_fail(fails: bool) -> str:
    if fails:
        raise ValueError("as asked")
    return "went well"


@dsl.component
def say(text: str = "nothing came") -> str:
    print(text)
    return text


@dsl.component
def report(status: dsl.PipelineTaskFinalStatus):
    has_message = bool(status.error_message) if status.error_message is not None else None
    is_named = "/pipelineJobs/" in status.pipeline_job_resource_name
    print(status.state, status.pipeline_task_name, status.error_code, has_message, is_named)


@dsl.component
def state_of(status: dict) -> str:
    return status["state"]


@dsl.component
def write_down(file: str, text: str):
    with open(file, "a") as out:
        out.write(f"{text}\n")


@dsl.component
def write_state(file: str, n: int, status: dsl.PipelineTaskFinalStatus):
    with open(f"{file}{n}", "a") as out:
        out.write(f"{status.state}\n")


@dsl.component
def slow(file: str):
    import time

    time.sleep(0.3)
    with open(file, "a") as out:
        out.write("slow\n")


@dsl.component
def fail_on_two(n: int):
    if n == 2:
        raise ValueError("two")


@dsl.component
def fail_twice(file: str):
    with open(file, "a") as out:
        out.write("x")
    with open(file) as seen:
        if len(seen.read()) < 3:
            raise ValueError("not yet")


@dsl.pipeline
def with_status(fails: bool):
    with dsl.ExitHandler(report()):
        say(text=maybe_fail(fails=fails).output)


@dsl.pipeline
def without_status(file: str, fails: bool):
    with dsl.ExitHandler(write_down(file=file, text="cleaned")):
        maybe_fail(fails=fails)


@dsl.pipeline
def several():
    with dsl.ExitHandler(report()):
        maybe_fail(fails=True)
    with dsl.ExitHandler(report()):
        maybe_fail(fails=False)


@dsl.pipeline
def notify(status: dsl.PipelineTaskFinalStatus):
    state = state_of(status=status)
    with dsl.If(state.output == "FAILED"):
        say(text="it failed")
    with dsl.If(state.output == "SUCCEEDED"):
        say(text="it went well")


@dsl.pipeline
def pipeline_as_exit_task(fails: bool):
    with dsl.ExitHandler(notify()):
        maybe_fail(fails=fails)


@dsl.pipeline
def waits_for_all(file: str):
    with dsl.ExitHandler(write_down(file=file, text="cleaned")):
        maybe_fail(fails=True)
        slow(file=file)


@dsl.pipeline
def failing_exit_task():
    with dsl.ExitHandler(maybe_fail(fails=True)):
        say(text="inside")


@dsl.pipeline
def around_loops():
    with dsl.ExitHandler(report()), dsl.ParallelFor([1, 2, 3]) as item, dsl.If(item == 2):
        maybe_fail(fails=True)


@dsl.pipeline
def guarded(file: str, n: int):
    with dsl.ExitHandler(write_state(file=file, n=n)):
        fail_on_two(n=n)


@dsl.pipeline
def in_a_loop(file: str):
    with dsl.ParallelFor([1, 2, 3]) as item:
        guarded(file=file, n=item)


@dsl.pipeline
def retried_inside(file: str):
    with dsl.ExitHandler(report()):
        fail_twice(file=file).set_retry(3, backoff_duration="0s")


@dsl.pipeline
def ignoring(fails: bool):
    made = maybe_fail(fails=fails)
    first = say(text=made.output).ignore_upstream_failure()
    say(text=made.output).ignore_upstream_failure().after(first)
    say(text=made.output)


@dsl.pipeline
def ignoring_with_status():
    report().after(maybe_fail(fails=True)).ignore_upstream_failure()


@dsl.pipeline
def ignoring_what_never_ran():
    never = say(text=maybe_fail(fails=True).output)
    say(text="anyway").after(never).ignore_upstream_failure()


@dsl.pipeline
def fail_fast():
    with dsl.ExitHandler(report()):
        broken = maybe_fail(fails=True)
        say(text="never").after(broken)
