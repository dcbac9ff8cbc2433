"""Retries, time limits, failure policies, missing outputs: how failures count and what is said of them."""

from kfp import dsl

CASES = [
    # Fails twice, then succeeds: the file has a mark for each attempt.
    {
        "pipeline": "retried",
        "arguments": {"file": "${TMP}/marks", "failures": 2},
        "outputs": {"Output": "attempt 3"},
        "attempts": {"flaky": 3},
        "files": {"${TMP}/marks": "xxx"},
    },
    {
        "pipeline": "retried",
        "arguments": {"file": "${TMP}/marks", "failures": 0},
        "outputs": {"Output": "attempt 1"},
        "attempts": {"flaky": 1},
    },
    # Three retries are four attempts.
    {
        "pipeline": "retried",
        "arguments": {"file": "${TMP}/marks", "failures": 9},
        "ends": "FAILED",
        "failed": ["flaky"],
        "attempts": {"flaky": 4},
        "files": {"${TMP}/marks": "xxxx"},
        "says": "flaky.*not yet",
    },
    # 0.2 s, then 0.4 s, then no longer than 0.5 s.
    {
        "pipeline": "backs_off",
        "arguments": {"file": "${TMP}/times"},
        "outputs": {"Output": "waited"},
        "attempts": {"flaky-in-time": 4},
    },
    # Each iteration has its own count.
    {
        "pipeline": "retried_in_a_loop",
        "arguments": {"file": "${TMP}/marks"},
        "attempts": {"for-loop-2[*]/flaky-each": 3},
        "outputs": {"Output": ["attempt 1", "attempt 2"]},
    },
    # Nothing of a failed attempt is left: neither its output files nor its artifact.
    {"pipeline": "clean_attempts", "arguments": {"file": "${TMP}/marks"}, "outputs": {"Output": "second"}},
    # What does not depend on the failure goes on (FAIL_SLOW, the default).
    {
        "pipeline": "beside",
        "ends": "FAILED",
        "failed": ["broken"],
        "ran": {"broken": 1, "nap": 1, "nap-2": 1},
        "not_triggered": {"nap-3": 1},
        "says": "ValueError: broken on purpose",
    },
    # An exit code, and what was printed last, are told.
    {"pipeline": "exits", "ends": "FAILED", "failed": ["leave"], "says": "(?s)3.*last words|last words.*3"},
    # A task that a signal ended.
    {"pipeline": "kills_itself", "ends": "FAILED", "failed": ["die"], "says": "(?i)sigkill|signal|killed"},
    # kfp's executor refuses what a function returns against its declaration.
    {"pipeline": "wrong_type", "ends": "FAILED", "failed": ["lies"], "says": "want type <class 'int'>"},
    # A time limit ends the task with everything that it started.
    {
        "pipeline": "too_long",
        "ends": "FAILED",
        "failed": ["sleep"],
        "platform": {"exec-sleep": {"activeDeadlineSeconds": "1"}},
        "says": "(?i)sleep.*(time|deadline|limit)",
    },
]
EDITS = {
    "backs_off": {  # the SDK takes whole seconds only, the document fractions too
        "root.dag.tasks.flaky-in-time.retryPolicy.backoffDuration": "0.2s",
        "root.dag.tasks.flaky-in-time.retryPolicy.backoffMaxDuration": "0.5s",
    }
}


@dsl.component
def flaky(file: str, failures: int) -> str:
    with open(file, "a") as out:
        out.write("x")
    with open(file) as seen:
        attempt = len(seen.read())
    if attempt <= failures:
        raise ValueError("not yet")
    return f"attempt {attempt}"


@dsl.component
def flaky_each(file: str, failures: int) -> str:
    with open(f"{file}{failures}", "a") as out:
        out.write("x")
    with open(f"{file}{failures}") as seen:
        attempt = len(seen.read())
    if attempt <= failures:
        raise ValueError("not yet")
    return f"attempt {attempt}"


@dsl.component
def flaky_in_time(file: str) -> str:
    import time

    with open(file, "a") as out:
        out.write(f"{time.time()}\n")
    with open(file) as seen:
        times = [float(line) for line in seen]
    if len(times) < 4:
        raise ValueError("not yet")
    waits = [after - before for before, after in zip(times, times[1:])]  # noqa: B905, RUF007
    least = [0.2, 0.4, 0.5]
    return "waited" if all(wait >= low for wait, low in zip(waits, least)) else f"waited {waits}"  # noqa: B905


@dsl.component
def leave_something(file: str, data: dsl.Output[dsl.Dataset]) -> str:
    import os

    with open(file, "a") as out:
        out.write("x")
    with open(file) as seen:
        attempt = len(seen.read())
    if attempt == 1:
        with open(data.path, "w") as out:
            out.write("of the first attempt")
        raise ValueError("not yet")
    return "something is left" if os.path.exists(data.path) else "second"


@dsl.component
def broken():
    raise ValueError("broken on purpose")


@dsl.component
def nap():
    pass


@dsl.component
def leave():
    import sys

    print("last words", flush=True)
    sys.exit(3)


@dsl.component
def die():
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


@dsl.component
def lies() -> int:
    return "text"


@dsl.component
def sleep():
    import time

    time.sleep(60)


@dsl.pipeline
def retried(file: str, failures: int) -> str:
    return flaky(file=file, failures=failures).set_retry(3, backoff_duration="0s").output


@dsl.pipeline
def backs_off(file: str) -> str:
    made = flaky_in_time(file=file)
    made.set_retry(3, backoff_duration="1s", backoff_factor=2.0, backoff_max_duration="1s")
    return made.output


@dsl.pipeline
def retried_in_a_loop(file: str) -> list:
    with dsl.ParallelFor([{"failures": 0}, {"failures": 1}]) as item:
        made = flaky_each(file=file, failures=item.failures).set_retry(3, backoff_duration="0s")
    return dsl.Collected(made.output)


@dsl.pipeline
def clean_attempts(file: str) -> str:
    return leave_something(file=file).set_retry(1, backoff_duration="0s").outputs["Output"]


@dsl.pipeline
def beside():
    nap().after(nap())
    nap().after(broken())


@dsl.pipeline
def exits():
    leave()


@dsl.pipeline
def kills_itself():
    die()


@dsl.pipeline
def wrong_type() -> int:
    return lies().output


@dsl.pipeline
def too_long():
    sleep()
