"""google.cloud.aiplatform.v1.JobService over custom jobs; and the training pipelines that are custom jobs inside."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from trainshed import ir, names
from trainshed.api import caller, fields
from trainshed.api.descriptors import from_json, message_class, to_json
from trainshed.api.jsonpb import parse
from trainshed.api.services.pipelines import CauseOf, NextOrdinal
from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument
from trainshed.lineage import Wanted
from trainshed.runs import Run, custom_jobs
from trainshed.runs.custom_jobs import CustomJob, NewCustomJob, TrainingPipeline

_PACKAGE = "google.cloud.aiplatform.v1"
_JOB = f"{_PACKAGE}.CustomJob"
_TRAINING = f"{_PACKAGE}.TrainingPipeline"
_FAILED = 9  # google.rpc.Code.FAILED_PRECONDITION
_CUSTOM_TASK = "custom_task"


class CustomJobs:
    """CustomJobs: create, get, list, cancel, delete."""

    SERVICE = f"{_PACKAGE}.JobService"

    def __init__(
        self,
        jobs: custom_jobs.Service,
        *,
        cause_of: CauseOf = lambda _: None,
        next_ordinal: NextOrdinal = lambda *_: 0,
    ) -> None:
        self._jobs = jobs
        self._cause_of = cause_of
        self._next_ordinal = next_ordinal

    def CreateCustomJob(self, request: Any) -> Any:
        """Record a job; a request of an event that was served before answers the job that it made."""
        principal = caller.current().principal
        new = _new(request.parent, request.custom_job.display_name, request.custom_job.job_spec, request.custom_job)
        made = self._jobs.create(new, self._cause_of(principal), partial(self._next_ordinal, principal))
        return _job(made)

    def GetCustomJob(self, request: Any) -> Any:
        """Answer a job."""
        return _job(self._jobs.get(request.name))

    def ListCustomJobs(self, request: Any) -> Any:
        """Answer jobs, newest first unless another order is asked for."""
        found, token = self._jobs.list(request.parent, _wanted(request))
        return fields.listing(f"{_PACKAGE}.ListCustomJobsResponse", "custom_jobs", map(_job, found), token)

    def CancelCustomJob(self, request: Any) -> None:
        """Ask a job to end."""
        self._jobs.cancel(request.name, cause=caller.current().said)

    def DeleteCustomJob(self, request: Any) -> Any:
        """Forget a job that has ended."""
        self._jobs.delete(request.name)
        return _done(request.name)


class TrainingPipelines:
    """TrainingPipelines whose task is a custom job, as the SDK's CustomTrainingJob makes them."""

    SERVICE = f"{_PACKAGE}.PipelineService"

    def __init__(self, jobs: custom_jobs.Service) -> None:
        self._jobs = jobs

    def CreateTrainingPipeline(self, request: Any) -> Any:
        """Record a training pipeline and its job. Raises InvalidArgument for a task that is no custom job."""
        given = request.training_pipeline
        document = to_json(given)
        _check(given, document)
        inputs = _camel(ir.whole(document["trainingTaskInputs"]))
        spec = parse(inputs, f"{_PACKAGE}.CustomJobSpec", within="trainingPipeline.trainingTaskInputs")
        new = _new(request.parent, given.display_name, spec, given)
        kept = {key: document[key] for key in ("trainingTaskDefinition", "trainingTaskInputs")}
        return _training(self._jobs.create_pipeline(new, kept))

    def GetTrainingPipeline(self, request: Any) -> Any:
        """Answer a training pipeline."""
        return _training(self._jobs.get_pipeline(request.name))

    def ListTrainingPipelines(self, request: Any) -> Any:
        """Answer training pipelines, newest first."""
        found, token = self._jobs.list_pipelines(request.parent, _wanted(request))
        response = f"{_PACKAGE}.ListTrainingPipelinesResponse"
        return fields.listing(response, "training_pipelines", map(_training, found), token)

    def CancelTrainingPipeline(self, request: Any) -> None:
        """Ask the job of a training pipeline to end."""
        self._jobs.cancel_pipeline(request.name, cause=caller.current().said)

    def DeleteTrainingPipeline(self, request: Any) -> Any:
        """Forget a training pipeline that has ended, with its job."""
        self._jobs.delete_pipeline(request.name)
        return _done(request.name)


def _new(parent: str, display_name: str, spec: Any, labelled: Any) -> NewCustomJob:
    carried = {"encryptionSpec": to_json(labelled.encryption_spec)} if labelled.HasField("encryption_spec") else {}
    return NewCustomJob(
        parent=parent, display_name=display_name, spec=to_json(spec), labels=dict(labelled.labels), carried=carried
    )


def _wanted(request: Any) -> Wanted:
    return Wanted(
        filter=request.filter,
        order_by=getattr(request, "order_by", ""),
        page_size=fields.page_size(request.page_size),
        page_token=request.page_token,
    )


def _job(job: CustomJob) -> Any:
    document = {"name": job.name, "displayName": job.display_name, "jobSpec": dict(job.spec)}
    return from_json(_JOB, document | _about(job.run, "JOB_STATE", job.labels))


def _training(pipeline: TrainingPipeline) -> Any:
    document = {"name": pipeline.name, "displayName": pipeline.display_name, **pipeline.document}
    document["trainingTaskMetadata"] = {"backingCustomJob": pipeline.job.name}
    return from_json(_TRAINING, document | _about(pipeline.job.run, "PIPELINE_STATE", pipeline.labels))


def _about(run: Run, prefix: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Write what a job and a training pipeline have of their run."""
    found: dict[str, Any] = {"state": f"{prefix}_{run.state}", "labels": dict(labels), **run.carried}
    times = {"create": run.create_time, "start": run.start_time, "end": run.end_time, "update": run.update_time}
    found |= {f"{key}Time": rfc3339(time) for key, time in times.items() if time is not None}
    if run.error:
        found["error"] = {"code": _FAILED, "message": run.error}
    return found


def _check(given: Any, document: Mapping[str, Any]) -> None:
    if _CUSTOM_TASK not in given.training_task_definition:
        raise InvalidArgument.field(
            "trainingPipeline.trainingTaskDefinition",
            "AutoML and other managed training need Google's own models; run your training as a CustomJob or as a "
            "PipelineJob",
            reason="TRAINING_TASK_UNSUPPORTED",
        )
    for name, way_out in (
        ("inputDataConfig", "managed data sets are not here; give the data's gs:// address as an argument"),
        ("modelToUpload", "there is no model registry here; read the model from AIP_MODEL_DIR"),
    ):
        if document.get(name):
            raise InvalidArgument.field(f"trainingPipeline.{name}", way_out)
    if not isinstance(document.get("trainingTaskInputs"), Mapping):
        raise InvalidArgument.field("trainingPipeline.trainingTaskInputs", "is missing; give a CustomJobSpec")


def _camel(document: Any) -> Any:
    """Answer a CustomJobSpec without what it does not know: the SDK writes it as a free value, in either spelling."""
    known = message_class(f"{_PACKAGE}.CustomJobSpec").DESCRIPTOR
    return {
        key: value
        for key, value in document.items()
        if key in known.fields_by_name or key in known.fields_by_camelcase_name
    }


def _done(name: str) -> Any:
    return fields.operation(f"{name.rsplit('/', 2)[0]}/operations/{names.numeric_id()}", done=True)
