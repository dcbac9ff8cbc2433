"""google.cloud.aiplatform.v1.PipelineService over runs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from trainshed import ir, names
from trainshed.api import caller, fields
from trainshed.api.descriptors import from_json, message, message_class, to_json
from trainshed.api.drafted import Drafted
from trainshed.api.read_masks import ReadMask
from trainshed.api.services.pipelines_json import job_json, listed_json
from trainshed.errors import FailedPrecondition, InvalidArgument
from trainshed.ledger import Cause
from trainshed.runs import RUN, NewRun, Run, Service

_PACKAGE = "google.cloud.aiplatform.v1"
_JOB = f"{_PACKAGE}.PipelineJob"
CREATE_JOB = f"{_PACKAGE}.CreatePipelineJobRequest"
_MOST_NAMES = 32  # Google's limit of a batch
_POLICIES = {0: "FAIL_SLOW", 1: "FAIL_SLOW", 2: "FAIL_FAST"}
_CARRIED = ReadMask(
    message(
        "google.protobuf.FieldMask",
        paths=[
            "encryption_spec",
            "network",
            "reserved_ip_ranges",
            "psc_interface_config",
            "template_metadata",
            "preflight_validations",
        ],
    ),
    message_class(_JOB),
)  # fmt: skip  (kept and shown; without effect on one machine)
CauseOf = Callable[[str], Cause | None]  # principal → the event that it serves
NextOrdinal = Callable[[str, str], int]  # principal, digest of a request → its number among equals


class Pipelines:
    """PipelineJobs: create, get, list; cancel and delete, one or several."""

    SERVICE = f"{_PACKAGE}.PipelineService"

    def __init__(
        self, runs: Service, *, cause_of: CauseOf = lambda _: None, next_ordinal: NextOrdinal = lambda *_: 0
    ) -> None:
        self._runs = runs
        self._cause_of = cause_of
        self._next_ordinal = next_ordinal

    def CreatePipelineJob(self, request: Any) -> Drafted:
        """Record a run; a request of an event that was served before answers the run that it started."""
        principal = caller.current().principal
        ordinal_of = partial(self._next_ordinal, principal)
        run = self._runs.create(new_run(request), self._cause_of(principal), ordinal_of)
        return self._job(run.name)

    def GetPipelineJob(self, request: Any) -> Drafted:
        """Answer a run."""
        return self._job(request.name)

    def ListPipelineJobs(self, request: Any) -> Any:
        """Answer runs without their tasks, newest first unless another order is asked for."""
        mask = ReadMask(request.read_mask, message_class(_JOB))
        found, token = self._runs.list(
            request.parent,
            page_size=fields.page_size(request.page_size),
            page_token=request.page_token,
            filter=request.filter,
            order_by=request.order_by,
            has_custom_jobs=False,
        )
        specs: dict[str, Any] = {}
        if mask.asks_for("pipeline_spec"):
            specs = {run.spec_digest: self._runs.spec(run.name)["spec"] for run in found}
        jobs = [mask.of(from_json(_JOB, listed_json(run, specs.get(run.spec_digest)))) for run in found]
        return fields.listing(f"{_PACKAGE}.ListPipelineJobsResponse", "pipeline_jobs", jobs, token)

    def CancelPipelineJob(self, request: Any) -> Any:
        """Ask a run to end."""
        self._runs.cancel(request.name, cause=caller.current().said)
        return from_json("google.protobuf.Empty", {})

    def DeletePipelineJob(self, request: Any) -> Any:
        """Forget a run that has ended."""
        self._runs.delete(request.name)
        return _done(request.name.rsplit("/", 2)[0], None)

    def BatchCancelPipelineJobs(self, request: Any) -> Any:
        """Ask several runs to end; none when one of them has ended."""
        wanted = _named(request)
        self._refuse([run for run in map(self._runs.get, wanted) if RUN.is_final(run.state)], "have ended")
        for name in wanted:
            self._runs.cancel(name, cause=caller.current().said)
        return self._batch(request.parent, "BatchCancelPipelineJobsResponse", [self._runs.get(n) for n in wanted])

    def BatchDeletePipelineJobs(self, request: Any) -> Any:
        """Forget several runs that have ended; none when one of them goes on."""
        found = [self._runs.get(name) for name in _named(request)]
        self._refuse([run for run in found if not RUN.is_final(run.state)], "have not ended; cancel them first")
        for run in found:
            self._runs.delete(run.name)
        return self._batch(request.parent, "BatchDeletePipelineJobsResponse", found)

    def _refuse(self, found: Sequence[Run], why: str) -> None:
        if found:
            jobs = ", ".join(f"{names.short(run.name)} ({run.state})" for run in found)
            raise FailedPrecondition(f"Nothing was done, because these runs {why}: {jobs}.", reason="RUNS_NOT_READY")

    def _batch(self, parent: str, response: str, found: Sequence[Run]) -> Any:
        jobs = [from_json(_JOB, job_json(run)) for run in found]
        return _done(parent, message(f"{_PACKAGE}.{response}", pipeline_jobs=jobs))

    def _job(self, name: str) -> Drafted:
        found = self._runs.rows(name)
        spec, traces = self._runs.spec(name)["spec"], self._runs.traces(found.run)
        return Drafted(_JOB, job_json(found.run, found, spec, traces))


def new_run(request: Any) -> NewRun:
    """Read a CreatePipelineJobRequest."""
    job = request.pipeline_job
    config = job.runtime_config
    values = {k: ir.whole(fields.plain(v)) for k, v in config.parameter_values.items()}
    legacy = {k: _legacy(v) for k, v in config.parameters.items()}
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
        carried=to_json(_CARRIED.of(job)),
        input_artifacts={name: given.artifact_id for name, given in config.input_artifacts.items()},
    )


def _named(request: Any) -> list[str]:
    """Read which runs are meant. Raises InvalidArgument."""
    wanted = list(dict.fromkeys(request.names))
    if not 0 < len(wanted) <= _MOST_NAMES:
        raise InvalidArgument.field("names", f"has {len(wanted)} runs; give 1 to {_MOST_NAMES}")
    for name in wanted:
        if not name.startswith(f"{request.parent}/pipelineJobs/"):
            raise InvalidArgument.field("names", f"{name!r} is not a run of {request.parent}")
    return wanted


def _done(parent: str, response: Any) -> Any:
    return fields.operation(f"{parent}/operations/{names.numeric_id()}", done=True, response=response)


def _legacy(found: Any) -> Any:
    kind = found.WhichOneof("value")
    return getattr(found, kind) if kind else None
