"""What the probe cannot see: fields that come back and have no effect here, and fields that are written later.

A field that is dropped without a note makes the page fail: no field of a request disappears in silence.
"""

# Written once there is something to say: when the resource ends, fails, pauses, has run.
LATER: dict[str, tuple[str, ...]] = {
    "Job": ("status", "scheduleTime", "lastAttemptTime"),
    "Build": (
        "statusDetail",
        "startTime",
        "finishTime",
        "sourceProvenance",
        "buildTriggerId",
        "timing",
        "approval",
        "warnings",
        "failureInfo",
    ),
    "BuildStep": ("timing", "pullTiming", "exitCode", "results"),
    "CloudFunction (v1)": ("versionId", "buildId", "buildName"),
    "PipelineJob": ("startTime", "endTime", "error", "scheduleName"),
    "Context": ("parentContexts",),
}

_KEPT = "kept and shown; without effect on one machine"

# Resource → field path → (what is there: partly or no, why).
NOTES: dict[str, dict[str, tuple[str, str]]] = {
    "Artifact": {"etag": ("no", "the last writer wins")},
    "Execution": {"etag": ("no", "the last writer wins")},
    "Context": {"etag": ("no", "the last writer wins")},
}
