"""The verbs of custom jobs: a run is made, asked and forgotten along with each."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import names
from trainshed.blobs import parse_uri
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound
from trainshed.ledger import Cause
from trainshed.lineage import Wanted
from trainshed.runs import creating, request, service
from trainshed.runs.custom_jobs import listing, store, translation
from trainshed.runs.custom_jobs.model import NAME, TRAINING, CustomJob, Facts, NewCustomJob, TrainingPipeline
from trainshed.runs.lifecycle import RUN
from trainshed.runs.model import PARENT, NewRun

_LONGEST_NAME = 128


class Service:
    """Custom jobs and training pipelines, over runs."""

    def __init__(self, runs: service.Service) -> None:
        self._runs = runs

    def create(
        self, new: NewCustomJob, cause: Cause | None = None, ordinal_of: creating.OrdinalOf = creating.first
    ) -> CustomJob:
        """Record a job, durable on return; a request that an event has made before answers its job.

        Raises InvalidArgument with every finding.
        """
        prepared = self._prepare(new)
        return self._runs.db.write(lambda conn: self._create(conn, new, prepared, cause, ordinal_of))

    def get(self, name: str) -> CustomJob:
        """Read a job. Raises NotFound."""
        names.parse(NAME, name)
        return self._runs.db.read(lambda conn: store.get(conn, name))

    def list(self, parent: str, wanted: Wanted) -> tuple[Sequence[CustomJob], str]:
        """Read a page of jobs, newest first unless another order is wanted. Raises InvalidArgument."""
        names.parse(PARENT, parent, field="parent")
        found = self._runs.db.read(lambda conn: store.listing(conn, parent))
        return listing.JOBS.page(found, wanted, lambda job: listing.facts_of(job, f"JOB_STATE_{job.run.state}"))

    def cancel(self, name: str, *, cause: str = "") -> None:
        """Ask a job to end; `cause` is who or what asks. Raises NotFound, FailedPrecondition when it has ended."""
        self._runs.cancel(self.get(name).run.name, cause=cause)

    def delete(self, name: str) -> None:
        """Forget a job that has ended. Raises NotFound, FailedPrecondition."""

        def verb(conn: Connection) -> None:
            job = store.get(conn, name)
            if store.is_of_a_pipeline(conn, name):
                raise FailedPrecondition("The job belongs to a training pipeline; delete that.", reason="JOB_IN_USE")
            self._forget(conn, job)

        names.parse(NAME, name)
        self._runs.db.write(verb)

    # Training pipelines

    def create_pipeline(self, new: NewCustomJob, document: Mapping[str, Any]) -> TrainingPipeline:
        """Record a training pipeline with its job. Raises InvalidArgument with every finding."""
        prepared = self._prepare(new)

        def verb(conn: Connection) -> TrainingPipeline:
            job = self._create(conn, new, prepared, None, creating.first)
            name = f"{new.parent}/trainingPipelines/{names.numeric_id()}"
            own = {"name": name, "display_name": new.display_name, "labels": dict(new.labels)}
            store.insert_pipeline(conn, {**own, "document": dict(document), "job": job.name})
            return store.get_pipeline(conn, name)

        return self._runs.db.write(verb)

    def get_pipeline(self, name: str) -> TrainingPipeline:
        """Read a training pipeline. Raises NotFound."""
        names.parse(TRAINING, name)
        return self._runs.db.read(lambda conn: store.get_pipeline(conn, name))

    def list_pipelines(self, parent: str, wanted: Wanted) -> tuple[Sequence[TrainingPipeline], str]:
        """Read a page of training pipelines. Raises InvalidArgument."""
        names.parse(PARENT, parent, field="parent")
        found = self._runs.db.read(lambda conn: store.list_pipelines(conn, parent))
        return listing.JOBS.page(
            found,
            wanted,
            lambda p: listing.facts_of(p.job, f"PIPELINE_STATE_{p.job.run.state}", display_name=p.display_name),
        )

    def cancel_pipeline(self, name: str, *, cause: str = "") -> None:
        """Ask the job of a training pipeline to end; `cause` is who or what asks. Raises NotFound, FailedPrecondition."""
        self.cancel(self.get_pipeline(name).job.name, cause=cause)

    def delete_pipeline(self, name: str) -> None:
        """Forget a training pipeline that has ended, with its job. Raises NotFound, FailedPrecondition."""

        def verb(conn: Connection) -> None:
            pipeline = store.get_pipeline(conn, name)
            store.remove_pipeline(conn, name)
            self._forget(conn, pipeline.job)

        names.parse(TRAINING, name)
        self._runs.db.write(verb)

    # Logs

    def of_project(self, project: str) -> Sequence[CustomJob]:
        """Read the jobs of a project, wherever they are, newest first."""
        return self._runs.db.read(lambda conn: store.listing(conn, project=project))

    def lines(self, job: CustomJob) -> Iterator[str]:
        """Yield the whole lines that a job's worker has printed until now."""
        begun = [task for task in self._runs.begun(job.run.name) if task.name == translation.WORKER]
        for attempt in range(1, max((task.attempt for task in begun), default=0) + 1):
            with suppress(OSError), self._runs.log_file(job.run, translation.WORKER, attempt).open("rb") as file:
                yield from (line.decode("utf-8", "replace").rstrip("\n") for line in file if line.endswith(b"\n"))

    # Inner workings

    def _prepare(self, new: NewCustomJob) -> request.Prepared:
        names.parse(PARENT, new.parent, field="parent")
        if not 0 < len(new.display_name) <= _LONGEST_NAME:
            raise InvalidArgument.field("displayName", f"give a name of 1 to {_LONGEST_NAME} characters")
        translation.check(new.spec)
        number = names.numeric_id()
        output = new.spec.get("baseOutputDirectory", {}).get("outputUriPrefix", "")
        facts = Facts(
            project=new.parent.split("/")[1],
            output=output,
            packages={uri: str(self._file(uri)) for uri in translation.packages_of(new.spec)},
            buckets=str(self._runs.blobs.root),
            is_container=self._is_container(translation.image_of(new.spec)),
        )
        return self._runs.prepare(
            NewRun(
                parent=new.parent,
                spec=translation.translate(new.spec, facts),
                job_id=f"custom-job-{number}",
                number=number,
                display_name=new.display_name,
                labels=new.labels,
                root=output,
                caching=False,
                service_account=new.spec.get("serviceAccount", ""),
                origin=f"{new.parent}/customJobs/{number}",
                carried=new.carried,
            )
        )

    def _create(
        self,
        conn: Connection,
        new: NewCustomJob,
        prepared: request.Prepared,
        cause: Cause | None,
        ordinal_of: creating.OrdinalOf,
    ) -> CustomJob:
        run, is_new = self._runs.create_in(conn, prepared, cause, ordinal_of=ordinal_of)
        if is_new:
            own = {"name": run.origin, "display_name": new.display_name, "labels": dict(new.labels)}
            store.insert(conn, {**own, "spec": dict(new.spec), "run": run.name})
        return store.get(conn, run.origin)

    def _forget(self, conn: Connection, job: CustomJob) -> None:
        if not RUN.is_final(job.run.state):
            raise FailedPrecondition(
                f"Custom job {job.number} is {job.run.state}; cancel it first.", reason="RUN_NOT_FINISHED"
            )
        store.remove(conn, job.name)
        self._runs.delete_in(conn, job.run.name)

    def _file(self, uri: str) -> Path:
        bucket, name = parse_uri(uri)
        try:
            found = self._runs.db.read(lambda conn: self._runs.blobs.get(conn, bucket, name))
        except NotFound as error:
            raise InvalidArgument.field("packageUris", f"there is no object {uri!r}; upload it first") from error
        return self._runs.blobs.local_path(found)

    def _is_container(self, image: str) -> bool:
        places = self._runs.workplaces
        return places.environments.resolve(image) is None and places.images.is_there()
