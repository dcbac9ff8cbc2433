"""google.cloud.aiplatform.v1.ScheduleService over the schedules of runs."""

from collections.abc import Mapping
from typing import Any

from trainshed import names
from trainshed.api import fields
from trainshed.api.descriptors import from_json, message, to_json
from trainshed.api.services.pipelines import CREATE_JOB
from trainshed.errors import InvalidArgument
from trainshed.lineage import Wanted
from trainshed.schedules.of_runs import Options, RunSchedule, Service

_PACKAGE = "google.cloud.aiplatform.v1"
_SCHEDULE = f"{_PACKAGE}.Schedule"


class VertexSchedules:
    """Schedules of PipelineJobs."""

    SERVICE = f"{_PACKAGE}.ScheduleService"

    def __init__(self, schedules: Service) -> None:
        self._schedules = schedules

    def CreateSchedule(self, request: Any) -> Any:
        """Make a schedule."""
        made = self._schedules.create(request.parent, _options(request.schedule), _request(request.schedule))
        return schedule(made)

    def GetSchedule(self, request: Any) -> Any:
        """Read a schedule."""
        return schedule(self._schedules.get(request.name))

    def ListSchedules(self, request: Any) -> Any:
        """Read the schedules of a location, newest first unless another order is asked for."""
        wanted = Wanted(
            filter=request.filter,
            order_by=request.order_by,
            page_size=fields.page_size(request.page_size),
            page_token=request.page_token,
        )
        found, token = self._schedules.list(request.parent, wanted)
        return fields.listing(f"{_PACKAGE}.ListSchedulesResponse", "schedules", map(schedule, found), token)

    def UpdateSchedule(self, request: Any) -> Any:
        """Change a schedule from now on."""

        def change(current: RunSchedule) -> tuple[Options, Mapping[str, Any]]:
            patched = fields.update(schedule(current), request.schedule, request.update_mask)
            return _options(patched), _request(patched)

        return schedule(self._schedules.update(request.schedule.name, change))

    def PauseSchedule(self, request: Any) -> None:
        """Start no more runs."""
        self._schedules.pause(request.name)

    def ResumeSchedule(self, request: Any) -> None:
        """Start runs again, those that came due meanwhile as well where it is asked to catch up."""
        self._schedules.resume(request.name, catch_up=request.catch_up)

    def DeleteSchedule(self, request: Any) -> Any:
        """Forget a schedule; its runs stay."""
        self._schedules.delete(request.name)
        parent = request.name.rsplit("/", 2)[0]
        return fields.operation(f"{parent}/operations/{names.numeric_id()}", done=True)


def schedule(found: RunSchedule) -> Any:
    """Write a schedule of runs as Vertex's Schedule."""
    options = found.options
    response = {"scheduled_run_time": found.last_run_time, "run_response": found.last_response}
    return message(
        _SCHEDULE,
        name=found.name,
        display_name=options.display_name,
        cron=options.cron,
        create_pipeline_job_request=from_json(CREATE_JOB, found.request),
        start_time=options.start_time or found.create_time,
        end_time=options.end_time,
        max_run_count=options.max_run_count,
        started_run_count=found.started_run_count,
        state=found.state,
        create_time=found.create_time,
        update_time=found.update_time,
        next_run_time=found.next_run_time,
        last_pause_time=found.last_pause_time,
        last_resume_time=found.last_resume_time,
        max_concurrent_run_count=options.max_concurrent_run_count,
        max_concurrent_active_run_count=options.max_concurrent_active_run_count,
        allow_queueing=options.allow_queueing,
        catch_up=found.catch_up,
        last_scheduled_run_response=response if found.last_run_time else None,
    )


def _options(given: Any) -> Options:
    if not given.cron:
        raise InvalidArgument.field("schedule.cron", "is missing; write five cron fields, as in 'TZ=Etc/UTC 0 * * * *'")
    return Options(
        display_name=given.display_name,
        cron=given.cron,
        start_time=fields.optional_time(given, "start_time"),
        end_time=fields.optional_time(given, "end_time"),
        max_run_count=given.max_run_count,
        max_concurrent_run_count=given.max_concurrent_run_count,
        max_concurrent_active_run_count=given.max_concurrent_active_run_count,
        allow_queueing=given.allow_queueing,
    )


def _request(given: Any) -> dict[str, Any]:
    if given.WhichOneof("request") == "create_notebook_execution_job_request":
        raise InvalidArgument.field(
            "schedule.createNotebookExecutionJobRequest",
            "notebooks are not executed here; schedule a pipeline (createPipelineJobRequest)",
        )
    return to_json(given.create_pipeline_job_request)
