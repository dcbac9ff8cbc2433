"""States of a function and of an invocation, and every way they can change. Nothing here does I/O."""

from enum import StrEnum

from trainshed.lifecycle import Lifecycle, on


class FunctionState(StrEnum):
    """Status of a function, as Google's first generation names it."""

    DEPLOY_IN_PROGRESS = "DEPLOY_IN_PROGRESS"  # a version is being built; the one before it still serves
    ACTIVE = "ACTIVE"  # its newest version serves
    OFFLINE = "OFFLINE"  # no version was ever deployed well


FUNCTION = Lifecycle(
    "function",
    FunctionState,
    (
        on("deploy", "ACTIVE OFFLINE", "DEPLOY_IN_PROGRESS", "somebody deploys a new version"),
        on("deployed", "DEPLOY_IN_PROGRESS", "ACTIVE", "the new version started once"),
        on("kept", "DEPLOY_IN_PROGRESS", "ACTIVE", "the new version is no good; the one before it goes on"),
        on("failed", "DEPLOY_IN_PROGRESS", "OFFLINE", "the first version is no good"),
    ),
    initial="DEPLOY_IN_PROGRESS",
    final="",
)


class InvocationState(StrEnum):
    """What became of one call of the user's code."""

    RUNNING = "RUNNING"
    OK = "OK"  # the function returned
    CRASH = "CRASH"  # it raised
    EXITED = "EXITED"  # it ended its process, or was killed by somebody else
    TIMEOUT = "TIMEOUT"  # it ran longer than its limit and was ended
    OUT_OF_MEMORY = "OUT_OF_MEMORY"  # it used more memory than its limit and was ended
    TOO_MANY_PROCESSES = "TOO_MANY_PROCESSES"  # it started more processes than the limit and was ended
    START_FAILED = "START_FAILED"  # no instance of it would start
    INTERRUPTED = "INTERRUPTED"  # the server ended under it


INVOCATION = Lifecycle(
    "invocation",
    InvocationState,
    (
        on("return", "RUNNING", "OK", "the function returned"),
        on("crash", "RUNNING", "CRASH", "the function raised"),
        on("exit", "RUNNING", "EXITED", "the process ended before the function returned"),
        on("time_out", "RUNNING", "TIMEOUT", "its time limit was reached"),
        on("exhaust_memory", "RUNNING", "OUT_OF_MEMORY", "its memory limit was reached"),
        on("exhaust_processes", "RUNNING", "TOO_MANY_PROCESSES", "its limit of processes was reached"),
        on("fail_start", "RUNNING", "START_FAILED", "no instance could be started for it"),
        on("interrupt", "RUNNING", "INTERRUPTED", "the server ended under it; the event is delivered again"),
    ),
    initial="RUNNING",
    final="OK CRASH EXITED TIMEOUT OUT_OF_MEMORY TOO_MANY_PROCESSES START_FAILED INTERRUPTED",
)
