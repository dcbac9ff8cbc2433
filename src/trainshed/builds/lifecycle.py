"""Every state that a build and a build step can be in, and every way they can change. Nothing here does I/O."""

from enum import StrEnum

from trainshed.lifecycle import Lifecycle, on


class BuildState(StrEnum):
    """Cloud Build's words."""

    PENDING = "PENDING"  # accepted, not yet in the queue; until somebody approves it where its trigger asks for that
    QUEUED = "QUEUED"  # waits for its turn
    WORKING = "WORKING"  # its processes run
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"  # the user's step, source or image failed
    INTERNAL_ERROR = "INTERNAL_ERROR"  # ours: the server went away under it, or failed
    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"  # waited in the queue longer than its queueTtl


BUILD = Lifecycle(
    "build",
    BuildState,
    (
        on("queue", "PENDING", "QUEUED", "its document is in order"),
        on("approve", "PENDING", "QUEUED", "somebody approved it"),
        on("reject", "PENDING", "CANCELLED", "somebody rejected it"),
        on("start", "QUEUED", "WORKING", "a place is free"),
        on("succeed", "WORKING", "SUCCESS", "every step and every push ended well"),
        on("fail", "WORKING", "FAILURE", "a step, the source or an image failed"),
        on("time_out", "WORKING", "TIMEOUT", "it ran longer than its timeout"),
        on("lose", "WORKING", "INTERNAL_ERROR", "the server ended or failed while it ran"),
        on("cancel", "PENDING QUEUED WORKING", "CANCELLED", "somebody asked for it; processes are ended at once"),
        on(
            "expire", "PENDING QUEUED", "EXPIRED", "queueTtl passed before its turn came, or nobody approved it in time"
        ),
    ),
    initial="PENDING",
    final="SUCCESS FAILURE INTERNAL_ERROR TIMEOUT CANCELLED EXPIRED",
)


class StepState(StrEnum):
    """A step's state, in the same words."""

    QUEUED = "QUEUED"  # the steps that it waits for have not ended
    WORKING = "WORKING"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"  # its own status also where the build tolerates it
    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"  # the build ended first


STEP = Lifecycle(
    "build_step",
    StepState,
    (
        on("begin", "QUEUED", "WORKING", "everything in waitFor ended well"),
        on("pass", "WORKING", "SUCCESS", "it exited with 0"),
        on("break", "WORKING", "FAILURE", "it exited with another code, or could not start"),
        on("time_out", "WORKING", "TIMEOUT", "it ran longer than its own or the build's timeout"),
        on("abandon", "QUEUED WORKING", "CANCELLED", "the build ended before it"),
    ),
    initial="QUEUED",
    final="SUCCESS FAILURE TIMEOUT CANCELLED",
)
