"""What lists of custom jobs and training pipelines can be asked for, as Google's clients ask. Pure."""

from typing import Any

from trainshed.lineage.listed import Listed
from trainshed.runs.custom_jobs.model import CustomJob, times_of

_ORDERED = ("create_time", "update_time", "start_time", "end_time", "display_name")
JOBS = Listed(
    fields=frozenset({*_ORDERED, "state", "labels"}),
    ordered=_ORDERED,
    example='display_name="train" AND state="JOB_STATE_FAILED"',
)


def facts_of(job: CustomJob, state: str, **more: Any) -> dict[str, Any]:
    """Answer what filters may ask about a job; `state` as the client spells it."""
    return {"display_name": job.display_name, "state": state, "labels": job.labels, **times_of(job), **more}
