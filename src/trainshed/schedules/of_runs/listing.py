"""What lists of schedules of runs can be asked for, as ListSchedules documents it. Pure."""

from collections.abc import Mapping
from typing import Any

from trainshed.lineage.listed import Listed
from trainshed.schedules.of_runs.model import RunSchedule

_TIMES = (
    "start_time",
    "end_time",
    "create_time",
    "update_time",
    "next_run_time",
    "last_pause_time",
    "last_resume_time",
)
_COUNTS = ("max_run_count", "started_run_count")
SCHEDULES = Listed(
    fields=frozenset({"display_name", "state", "create_pipeline_job_request", *_TIMES, *_COUNTS}),
    ordered=("create_time", "start_time", "next_run_time", "update_time", "end_time", "display_name"),
    example='state="ACTIVE" AND next_run_time>"2026-01-31T12:00:00Z"',
)


def facts_of(schedule: RunSchedule) -> Mapping[str, Any]:
    """Answer what filters may ask about a schedule."""
    options = schedule.options
    return {
        "display_name": options.display_name,
        "state": schedule.state,
        "create_pipeline_job_request": "there",  # asked for as create_pipeline_job_request:*
        "start_time": options.start_time or schedule.create_time,
        "end_time": options.end_time,
        "create_time": schedule.create_time,
        "update_time": schedule.update_time,
        "next_run_time": schedule.next_run_time,
        "last_pause_time": schedule.last_pause_time,
        "last_resume_time": schedule.last_resume_time,
        "max_run_count": options.max_run_count,
        "started_run_count": schedule.started_run_count,
    }
