"""google.cloud.aiplatform.v1.PipelineService over runs."""

from collections.abc import Callable
from functools import partial
from typing import Any

from trainshed import ir, names
from trainshed.api import caller, fields
from trainshed.api.descriptors import from_json
from trainshed.api.services.pipelines_json import job_json
from trainshed.errors import InvalidArgument
from trainshed.ledger import Cause
from trainshed.runs import NewRun, Service

_PACKAGE = "google.cloud.aiplatform.v1"
_JOB = f"{_PACKAGE}.PipelineJob"
_POLICIES = {0: "FAIL_SLOW", 1: "FAIL_SLOW", 2: "FAIL_FAST"}
CauseOf = Callable[[str], Cause | None]  # principal → the event that it serves
NextOrdinal = Callable[[str, str], int]  # principal, digest of a request → its number among equals


class Pipelines:
    """PipelineJobs: create, get, list, cancel, delete."""

    SERVICE = f"{_PACKAGE}.PipelineService"

    def __init__(
        self, runs: Service, *, cause_of: CauseOf = lambda _: None, next_ordinal: NextOrdinal = lambda *_: 0
    ) -> None:
        self._runs = runs
        self._cause_of = cause_of
        self._next_ordinal = next_ordinal

    def CreatePipelineJob(self, request: Any) -> Any:
        """Record a run; a request of an event that was served before answers the run that it started."""
        principal = caller.current().principal
        ordinal_of = partial(self._next_ordinal, principal)
        run = self._runs.create(_new_run(request), self._cause_of(principal), ordinal_of)
        return self._job(run.name)

    def GetPipelineJob(self, request: Any) -> Any:
        """Answer a run."""
        return self._job(request.name)

    def ListPipelineJobs(self, request: Any) -> Any:
        """Answer runs, newest first unless another order is asked for."""
        found, token = self._runs.list(
            request.parent,
            page_size=fields.page_size(request.page_size),
            page_token=request.page_token,
            filter=request.filter,
            order_by=request.order_by,
        )
        jobs = [from_json(_JOB, job_json(run)) for run in found]
        return fields.listing(f"{_PACKAGE}.ListPipelineJobsResponse", "pipeline_jobs", jobs, token)

    def CancelPipelineJob(self, request: Any) -> Any:
        """Ask a run to end."""
        self._runs.cancel(request.name)
        return from_json("google.protobuf.Empty", {})

    def DeletePipelineJob(self, request: Any) -> Any:
        """Forget a run that has ended."""
        self._runs.delete(request.name)
        parent = request.name.rsplit("/", 2)[0]
        return fields.operation(f"{parent}/operations/{names.numeric_id()}", done=True)

    def _job(self, name: str) -> Any:
        details = self._runs.describe(name)
        spec, traces = self._runs.spec(name)["spec"], self._runs.traces(details.run)
        return from_json(_JOB, job_json(details.run, details, spec, traces))


def _new_run(request: Any) -> NewRun:
    job = request.pipeline_job
    config = job.runtime_config
    values = {k: ir.whole(fields.plain(v)) for k, v in config.parameter_values.items()}
    legacy = {k: _legacy(v) for k, v in config.parameters.items()}
    if config.input_artifacts:
        raise InvalidArgument.field(
            "runtimeConfig.inputArtifacts", "artifacts given to a run are not taken by this version"
        )
    return NewRun(
        parent=request.parent,
        job_id=request.pipeline_job_id,
        spec=fields.plain(job.pipeline_spec),
        parameters={**legacy, **values},
        display_name=job.display_name,
        labels=dict(job.labels),
        root=config.gcs_output_directory,
        failure_policy=_POLICIES[config.failure_policy],
        service_account=job.service_account,
        template_uri=job.template_uri,
    )


def _legacy(found: Any) -> Any:
    kind = found.WhichOneof("value")
    return getattr(found, kind) if kind else None
