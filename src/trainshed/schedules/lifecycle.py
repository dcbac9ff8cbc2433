"""Every state a schedule and a firing can be in and every way they can change. Nothing here does I/O."""

from enum import StrEnum

from trainshed.lifecycle import Lifecycle, on


class ScheduleState(StrEnum):
    """Whether a schedule fires."""

    ENABLED = "ENABLED"
    PAUSED = "PAUSED"  # by its owner
    DISABLED = "DISABLED"  # by us: it has no due time any more


class FiringState(StrEnum):
    """Where a firing stands that takes longer than one transaction."""

    WAITING = "WAITING"  # due, but the one before it is not done
    PENDING = "PENDING"  # to be attempted at its attempt time
    RUNNING = "RUNNING"  # an attempt is under way
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"  # no attempts left
    CANCELLED = "CANCELLED"  # its schedule was deleted


SCHEDULE = Lifecycle(
    "schedule",
    ScheduleState,
    (
        on("pause", "ENABLED PAUSED", "PAUSED", "its owner stops it"),
        on("resume", "PAUSED DISABLED ENABLED", "ENABLED", "its owner starts it; what was missed stays missed"),
        on("update", "ENABLED DISABLED", "ENABLED", "its owner changes it, from now on"),
        on("update_paused", "PAUSED", "PAUSED", "its owner changes it; it stays paused"),
        on("run_out", "ENABLED", "DISABLED", "no due time lies ahead, or its time zone is gone"),
    ),
    initial="ENABLED",
    final="",
)

FIRING = Lifecycle(
    "firing",
    FiringState,
    (
        on("admit", "WAITING", "PENDING", "the one before it is done"),
        on("start", "PENDING", "RUNNING", "its target is called"),
        on("succeed", "PENDING RUNNING", "SUCCEEDED", "its target took it"),
        on("retry", "PENDING RUNNING", "PENDING", "the attempt failed; the retry configuration allows another"),
        on("fail", "PENDING RUNNING", "FAILED", "the attempt failed; the next due time comes anyway"),
        on("abandon", "RUNNING", "PENDING", "the server that was calling is gone"),
        on("cancel", "WAITING PENDING RUNNING", "CANCELLED", "its schedule was deleted"),
    ),
    initial="WAITING PENDING",
    final="SUCCEEDED FAILED CANCELLED",
)
