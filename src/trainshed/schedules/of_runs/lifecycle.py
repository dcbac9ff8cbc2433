"""Every state a schedule of runs can be in and every way it can change. Nothing here does I/O."""

from enum import StrEnum

from trainshed.lifecycle import Lifecycle, on


class RunScheduleState(StrEnum):
    """Whether a schedule of runs starts any."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"  # by its owner
    COMPLETED = "COMPLETED"  # for good


RUN_SCHEDULE = Lifecycle(
    "run schedule",
    RunScheduleState,
    (
        on("pause", "ACTIVE", "PAUSED", "its owner stops it; runs that it started go on"),
        on("resume", "PAUSED", "ACTIVE", "its owner starts it; catch-up decides about what came due meanwhile"),
        on("update", "ACTIVE", "ACTIVE", "its owner changes it, from now on"),
        on("update_paused", "PAUSED", "PAUSED", "its owner changes it; it stays paused"),
        on("complete", "ACTIVE", "COMPLETED", "its end time or its number of runs is reached"),
    ),
    initial="ACTIVE",
    final="COMPLETED",
)
