"""Every state a run and a task can be in and every way each can change. Nothing here does I/O."""

from enum import StrEnum

from trainshed.lifecycle import Lifecycle, on


class RunState(StrEnum):
    """What a run is doing; Vertex's PipelineState without its prefix."""

    PENDING = "PENDING"  # recorded; the engine has not looked at it yet
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"  # cancel asked for, or its time is over; some task is still running
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class TaskState(StrEnum):
    """What a task is doing."""

    PENDING = "PENDING"  # inputs not yet available
    QUEUED = "QUEUED"  # ready; no worker has claimed it
    RUNNING = "RUNNING"  # a worker holds the lease
    CANCELLING = "CANCELLING"  # cancel asked for; a worker still holds the lease
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"  # outputs reused from the cache (Vertex's meaning)
    NOT_TRIGGERED = "NOT_TRIGGERED"  # condition false, or an upstream that it needs did not succeed


STOPPED = frozenset(
    {"CANCELLING", "CANCELLED"}
)  # of runs and of tasks: what was asked to end, and did it already or not
_ENDED = "SUCCEEDED FAILED CANCELLED SKIPPED NOT_TRIGGERED"

RUN = Lifecycle(
    "run",
    RunState,
    (
        on("start", "PENDING", "RUNNING", "the engine took it up"),
        on("succeed", "PENDING RUNNING", "SUCCEEDED", "every task ended, none failed"),
        on("fail", "PENDING RUNNING", "FAILED", "every task ended, some failed"),
        on("cancel", "PENDING RUNNING", "CANCELLING", "somebody asked for it"),
        on("cancelled", "CANCELLING", "CANCELLED", "no task runs any more"),
        on("expire", "PENDING RUNNING", "CANCELLING", "its deadline (activeDeadlineSeconds) is over"),
        on("overran", "CANCELLING", "FAILED", "no task runs any more; its deadline was over"),
        on("retry", "FAILED CANCELLED", "PENDING", "somebody wants it to go on from what failed", reopens=True),
    ),
    initial="PENDING",
    final="SUCCEEDED FAILED CANCELLED",
)

TASK = Lifecycle(
    "task",
    TaskState,
    (
        on("inputs_ready", "PENDING", "QUEUED", "all upstream tasks have ended"),
        on("opened", "PENDING", "RUNNING", "it is a DAG: the tasks in it begin"),
        on("cache_hit", "PENDING", "SKIPPED", "same component, inputs and environment ran before"),
        on("condition_false", "PENDING", "NOT_TRIGGERED", "its trigger condition does not hold"),
        on("upstream_lost", "PENDING QUEUED", "NOT_TRIGGERED", "an upstream did not succeed; in FAIL_FAST: any task"),
        on("unresolvable", "PENDING", "FAILED", "an input that it needs has no value"),
        on("claimed", "QUEUED", "RUNNING", "a worker took the lease"),
        on("succeeded", "RUNNING", "SUCCEEDED", "its executor wrote its outputs; of a DAG: no task in it failed"),
        on("failed_retry", "RUNNING", "QUEUED", "attempts left in the retry policy"),
        on("failed_final", "RUNNING", "FAILED", "no attempts left; of a DAG: a task in it failed"),
        on("lease_expired", "RUNNING", "QUEUED", "worker vanished; same attempt budget"),
        on("cancel", "PENDING QUEUED", "CANCELLED", "nothing is running"),
        on("cancel_running", "RUNNING", "CANCELLING", "the worker must stop first"),
        on("stopped", "CANCELLING", "CANCELLED", "worker stopped, or its lease expired"),
        on("reset", _ENDED, "PENDING", "the run is retried: it, or what it follows, did not succeed", reopens=True),
        on("reopened", "FAILED CANCELLED", "RUNNING", "the run is retried: tasks in it go on", reopens=True),
    ),
    initial="PENDING",
    final=_ENDED,
)
