"""What custom jobs print, as Cloud Logging shows it: `gcloud ai custom-jobs stream-logs` reads it so."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from trainshed.api import filters
from trainshed.clock import rfc3339
from trainshed.runs.custom_jobs import CustomJob, Service

_TASK = "workerpool0-0"  # what Google calls the one replica of the first pool
_LINE = timedelta(microseconds=1)


class CustomJobLogs:
    """A source of log entries. A log keeps no times: its lines follow each other from the job's start on."""

    def __init__(self, jobs: Service) -> None:
        self._jobs = jobs

    def entries(self, project: str, chosen: filters.Predicate) -> Iterator[dict[str, Any]]:
        """Yield the entries of every job whose log can hold any that are chosen."""
        for job in self._jobs.of_project(project):
            if job.run.start_time is None:
                continue
            labels = {"project_id": project, "job_id": job.number, "task_name": _TASK}
            known = filters.Partial(resource=filters.Partial(type="ml_job", labels=filters.Partial(labels)))
            if chosen(known) is not False:
                yield from self._of(job, job.run.start_time, project, labels)

    def logs(self, project: str) -> Iterable[str]:
        """Yield the name of the jobs' log, as far as there are jobs."""
        return [_log(project)] if any(self._jobs.of_project(project)) else []

    def _of(self, job: CustomJob, start: datetime, project: str, labels: dict[str, str]) -> Iterator[dict[str, Any]]:
        for number, line in enumerate(self._jobs.lines(job)):
            time = rfc3339(start + number * _LINE)
            yield {
                "logName": _log(project),
                "resource": {"type": "ml_job", "labels": labels},
                "labels": {"ml.googleapis.com/job_id/log_area": "root"},
                "timestamp": time,
                "receiveTimestamp": time,
                "severity": "INFO",
                "insertId": f"{job.number}-{number:09d}",
                "jsonPayload": {"message": line},
            }


def _log(project: str) -> str:
    return f"projects/{project}/logs/{_TASK}"
