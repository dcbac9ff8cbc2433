"""The verbs of runs. One transaction each; everything that can be refused is refused before anything is recorded."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from trainshed import ir, ledger, lineage, names
from trainshed.blobs import Blobs, parse_uri
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, StaleState, TrainshedError
from trainshed.ledger import Cause
from trainshed.runs import active as memory
from trainshed.runs import (
    commits,
    labelling,
    paths,
    planning,
    progress,
    request,
    store,
    store_deleting,
    store_labels,
    store_tasks,
    working,
)
from trainshed.runs import retry as again
from trainshed.runs.active import ActiveRun
from trainshed.runs.catalog import Catalog, Template
from trainshed.runs.facts import Fire, Forget
from trainshed.runs.lifecycle import RUN
from trainshed.runs.model import NewRun, Run, TaskRow
from trainshed.runs.reading import Reading
from trainshed.runs.request import Prepared
from trainshed.runs.workplace import Environments, Images, Workplace, Workplaces
from trainshed.sql import Database, notify

log = logging.getLogger(__name__)
OrdinalOf = Callable[[str], int]


def first(_request: str) -> int:
    """Count a request of somebody who makes each only once."""
    return 0


class Service(Reading):
    """Runs: create, look at, cancel, delete."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        blobs: Blobs,
        environments: Environments,
        *,
        folder: Path,
        secrets: Path,
        catalog: Catalog | None = None,
        images: Images | None = None,
    ) -> None:
        super().__init__(db, blobs, catalog or Catalog(), folder)
        self.clock = clock
        self.workplaces = Workplaces(environments, images)
        self.secrets = secrets  # the local provider's folder

    def create(self, new: NewRun, cause: Cause | None = None, ordinal_of: OrdinalOf = first) -> Run:
        """Record a run, durable on return; a request that an event has made before joins its run.

        `ordinal_of` counts a request, given its digest, among the equal ones of the same delivery.

        Raises InvalidArgument with every finding, AlreadyExists.
        """
        prepared = self.prepare(new)
        return self.db.write(lambda conn: self.create_in(conn, prepared, cause, ordinal_of=ordinal_of)[0])

    def prepare(self, new: NewRun, template: Template | None = None) -> Prepared:
        """Check a request outside of any transaction. Raises InvalidArgument with every finding.

        A request without a spec runs the compiled pipeline that its template's address names, as it is now.
        """
        if template is None and not new.spec and new.template_uri.startswith("gs://"):
            template = self._named_template(new.template_uri)
            new = replace(new, spec=template.spec, platform=template.platform)
        return request.prepare(
            new,
            self.catalog,
            self.workplaces,
            secrets=self.secrets,
            find_artifact=lambda found: self.db.read(lambda conn: lineage.find_artifact(conn, found)),
            template=template,
        )

    def _named_template(self, uri: str) -> Template:
        try:
            return self.read_template(uri)
        except NotFound as error:
            raise InvalidArgument.field("templateUri", f"there is no object {uri}") from error

    def create_in(
        self,
        conn: Connection,
        prepared: Prepared,
        cause: Cause | None = None,
        *,
        receipt_id: str = "",
        ordinal_of: OrdinalOf = first,
    ) -> tuple[Run, bool]:
        """Record a run in the caller's transaction; answer it, and whether it is new.

        `receipt_id` is the receipt of an event that asks for exactly one run; a cause's own may ask for several.
        """
        run_key, joined = self._key(conn, prepared, cause, ordinal_of)
        if joined is not None:
            return joined, False
        if cause is not None and receipt_id:
            cause = replace(cause, receipt_id=receipt_id)
        run = self._insert(conn, prepared, cause, run_key)
        if run.receipt_id:
            self._settle(conn, run.receipt_id, run.name)
        notify(conn, store.CHANNEL)
        return run, True

    def cancel(self, name: str, *, cause: str = "") -> None:
        """Ask a run to end; twice is once, and the first time counts. `cause` is who or what asks.

        Raises NotFound, FailedPrecondition when it has ended.
        """

        def verb(conn: Connection) -> None:
            run = store.get_run(conn, name)
            if RUN.is_final(run.state):
                raise FailedPrecondition(
                    f"Run {names.short(name)} has ended ({run.state}); there is nothing to cancel.",
                    reason="RUN_NOT_CANCELLABLE",
                )
            if run.state != "CANCELLING":
                store.fire_run(conn, name, "cancel", now=self.clock.now(), cause=cause)
            notify(conn, store.CHANNEL)

        self.db.write(verb)

    def packages(self, environment: str) -> Mapping[str, str] | None:
        """Answer what is installed in an environment, by name; None where it is there no more."""
        found = self.workplaces.environments.get(environment)
        return None if found is None else found.installed

    def label(self, name: str, labels: Mapping[str, str]) -> Run:
        """Write the labels of a run anew, whatever its state. Raises NotFound, InvalidArgument."""
        return self._label(name, lambda _: labels)

    def relabel(self, name: str, update: Mapping[str, str], remove: Collection[str]) -> Run:
        """Set some labels of a run and take others away; what others write meanwhile stays. Raises NotFound, InvalidArgument."""
        return self._label(name, lambda present: labelling.changed(present, update, remove))

    def _label(self, name: str, wanted: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Run:
        def verb(conn: Connection) -> Run:
            labels = labelling.checked(wanted(store.get_run(conn, name).labels))
            store_labels.set_labels(conn, name, labels, now=self.clock.now())
            return store.get_run(conn, name)

        return self.db.write(verb)

    def retry(self, name: str, *, cause: str = "") -> Run:
        """Let a run that failed, or was cancelled, go on from what did not succeed. `cause` is who or what asks.

        Raises NotFound, FailedPrecondition when it has not failed, InvalidArgument for an image that is bound no longer.
        """

        def verb(conn: Connection) -> Run:
            run = store.get_run(conn, name)
            if not RUN.allows("retry", run.state):
                raise FailedPrecondition(
                    f"Run {names.short(name)} is {run.state}; only one that failed or was cancelled can be retried.",
                    reason="RUN_NOT_RETRIABLE",
                )
            active = self._take_up(conn, run, store_tasks.tasks_of(conn, name), keep_ended=True)
            for decision in again.retry(active.view):
                self._begin_anew(conn, active, decision)
            now = self.clock.now()
            anew: dict[str, Any] = {
                "error": "",
                "pauses": working.with_pause(run, now),
                "commit_sha": self._commit(conn, run),
                "tasks_total": request.workers(active.plan),
            }
            anew |= dict.fromkeys(("tasks_ran", "tasks_left_out", "outputs", "usage"))
            store.fire_run(conn, name, "retry", now=now, cause=cause, **anew)
            notify(conn, store.CHANNEL)
            return store.get_run(conn, name)

        self.foresee([self.get(name)])
        return self.db.write(verb)

    def without_commit(self, limit: int) -> Sequence[commits.Run]:
        """Read which runs have ended whose commit was not looked for since then, the newest first."""
        return self.db.read(lambda conn: commits.unknown(conn, limit))

    def note_commits(self, found: Mapping[commits.Run, str]) -> None:
        """Keep the commits of runs, unless they went on in the meantime; empty: nobody knows it."""
        self.db.write(lambda conn: commits.note(conn, found))

    def usage(self, run: Run) -> Mapping[str, Sequence[float]]:
        """Answer how long the tasks of a run have worked on each machine, as its row will say once it has ended."""
        return run.usage if run.usage is not None else self.db.read(lambda conn: store_tasks.usage_of(conn, run.name))

    def count_open(self) -> int:
        """Count the runs that have not ended."""
        return self.db.read(progress.count_open)

    def triggers_of(self, names: Sequence[str]) -> Sequence[str]:
        """Answer the schedules and triggers that started some runs."""
        return self.db.read(lambda conn: progress.triggers_of(conn, names))

    def clone(self, name: str, parameters: Mapping[str, Any], *, job_id: str = "", caching: bool | None = None) -> Run:
        """Make a new run of another's pipeline, with its parameters where no others are given.

        Raises NotFound, InvalidArgument with every finding, AlreadyExists.
        """
        return self.create(self.again(name, parameters, job_id=job_id, caching=caching))

    def again(
        self, name: str, parameters: Mapping[str, Any], *, job_id: str = "", caching: bool | None = None
    ) -> NewRun:
        """Answer the request of a run like another, with its parameters where no others are given. Raises NotFound."""
        run, document = self.get(name), self.spec(name)
        return NewRun(
            parent=name.rsplit("/", 2)[0],
            spec=document["spec"],
            platform=document["platform"],
            parameters={**run.parameters, **parameters},
            job_id=job_id,
            display_name=run.display_name,
            labels=run.labels,
            root=run.root,
            failure_policy=run.failure_policy,
            caching=run.caching if caching is None else caching,
            service_account=run.service_account,
            template_uri=run.template_uri,
            input_artifacts={key: given["name"] for key, given in run.input_artifacts.items()},
            carried=run.carried,
        )

    def delete(self, name: str) -> None:
        """Forget a run that has ended; its artifacts stay. Raises NotFound, FailedPrecondition while it is open."""
        self.db.write(lambda conn: self.delete_in(conn, name))

    def delete_in(self, conn: Connection, name: str) -> None:
        """Forget a run in the caller's transaction."""
        run = store.get_run(conn, name)
        if not RUN.is_final(run.state):
            raise FailedPrecondition(
                f"Run {names.short(name)} is {run.state}; cancel it first.", reason="RUN_NOT_FINISHED"
            )
        store_deleting.delete_run(conn, run)

    def plan(self, new: NewRun) -> Sequence[planning.Step]:
        """Say what would run, what would be reused, and why, without recording anything."""
        prepared = self.prepare(new)
        now = self.clock.now()
        run = request.draft(prepared, None, run_key=None, job=new.job_id or "plan", context_id=0, now=now)
        active = memory.begin(run, prepared.template.plan, prepared.places, self._folder)
        active.open_root(now=now)
        return self.db.read(lambda conn: planning.steps(conn, self.blobs, active))

    def seconds_of_tasks(self, new: NewRun) -> Mapping[str, Sequence[float]]:
        """Say how long each task of a pipeline took in earlier runs, all iterations of a loop alike."""
        pipeline = self.prepare(new).template.plan.name
        found: dict[str, list[float]] = {}
        for path, seconds in self.db.read(lambda conn: store.seconds_of_tasks(conn, pipeline)).items():
            found.setdefault(paths.static(path), []).extend(seconds)
        return found

    def take_up(
        self, conn: Connection, runs: Sequence[Run], rows: Mapping[str, Sequence[TaskRow]]
    ) -> dict[str, ActiveRun | TrainshedError]:
        """Build open runs' memory from rows; the engine's port. A run that cannot go on has its error instead.

        A defect of ours counts as that too: one run must not keep the others from going on.
        """
        places: dict[str, Mapping[str, Workplace]] = {}
        found: dict[str, ActiveRun | TrainshedError] = {}
        for run in runs:
            try:
                found[run.name] = self._take_up(conn, run, rows[run.name], places=places)
            except TrainshedError as error:
                found[run.name] = error
            except DBAPIError:
                raise
            except Exception as error:
                log.exception("Run %s cannot be taken up.", run.name, extra={"action": "engine_reset"})
                found[run.name] = TrainshedError(f"Trainshed failed on this run ({type(error).__name__}: {error}).")
        return found

    def foresee(self, runs: Sequence[Run]) -> None:
        """Find out outside of the store's writer what `take_up` must know of the container engine; the engine's port."""
        for run in {run.spec_digest: run for run in runs}.values():
            try:
                self.workplaces.look_at(self.db.read(partial(self._plan, run=run)))
            except TrainshedError as error:  # told by `take_up`
                log.debug("Nothing is known of the images of run %s: %s", run.name, error)
            except Exception:  # a defect of ours; one run must not keep the others from going on
                log.exception("Run %s cannot be looked at.", run.name, extra={"action": "engine_reset"})

    # Inner workings

    def _take_up(
        self,
        conn: Connection,
        run: Run,
        rows: Sequence[TaskRow],
        *,
        places: dict[str, Mapping[str, Workplace]] | None = None,
        keep_ended: bool = False,
    ) -> ActiveRun:
        """Build a run's memory; `places` holds the workplaces of specs that were looked up before."""
        plan = self._plan(conn, run)
        known = {} if places is None else places
        if run.spec_digest not in known:
            known[run.spec_digest] = self.workplaces.of_plan(plan)
        active = memory.begin(run, plan, known[run.spec_digest], self.run_folder(run))
        memory.take_up(conn, active, rows, keep_ended=keep_ended)
        return active

    def _begin_anew(self, conn: Connection, active: ActiveRun, decision: Fire | Forget) -> None:
        node = active.nodes[decision.task]
        match decision:
            case Forget(task=path):
                store_deleting.delete_tasks_in(conn, active.run.name, path)
            case Fire(name=name):
                values: dict[str, Any] = {"error": "", "failures": 0, "losses": 0, "ready_time": None}
                if name == "reset":
                    values |= {"outputs": None, "cached_from": "", "start_time": None}
                store_tasks.fire_task(conn, node.id, name, now=self.clock.now(), **values)

    def _key(
        self, conn: Connection, prepared: Prepared, cause: Cause | None, ordinal_of: OrdinalOf
    ) -> tuple[str | None, Run | None]:
        if cause is None or not cause.key:
            return None, None
        request = ir.digest([prepared.template.digest, prepared.parameters])[:16]
        run_key = f"{cause.key}#{request}#{ordinal_of(request)}"
        return run_key, store.find_run(conn, run_key=run_key)

    def _insert(self, conn: Connection, prepared: Prepared, cause: Cause | None, run_key: str | None) -> Run:
        now, new, template = self.clock.now(), prepared.new, prepared.template
        job = new.job_id or request.job_id(template.plan.name, now)
        if store.find_run(conn, name=f"{new.parent}/pipelineJobs/{job}"):
            raise AlreadyExists(f"Run {job!r} exists already; give another job id.", reason="RUN_EXISTS").at(
                "pipeline_job_id"
            )
        self._ensure_bucket(conn, prepared.root)
        store.put_spec(conn, template.digest, template.document)
        pipeline = lineage.ensure_context(conn, "system.Pipeline", template.plan.name, now=now)
        name = f"{new.parent}/pipelineJobs/{job}"
        context = lineage.ensure_context(conn, "system.PipelineRun", name, now=now, parent_id=pipeline)
        trigger = cause.trigger if cause else ""
        if cause and cause.receipt_id:
            trigger = ledger.first_trigger(conn, cause.receipt_id)
        run = request.draft(prepared, cause, run_key=run_key, job=job, context_id=context, now=now, trigger=trigger)
        hidden = {"state", "end_time"}
        values = {k: v for k, v in vars(run).items() if k not in hidden}
        store.insert_run(conn, {**values, "commit_sha": self._commit(conn, run)})
        store_tasks.insert_tasks(conn, memory.begin(run, template.plan, {}, self._folder).open_root(now=now))
        return run

    def _commit(self, conn: Connection, run: Run) -> str | None:
        """Answer the commit that led to a run; what is not known of it now is looked for when the run has ended."""
        return (ledger.first_commit(conn, run.receipt_id) if run.receipt_id else "") or None

    def _ensure_bucket(self, conn: Connection, root: str) -> None:
        bucket, _ = parse_uri(root)
        try:
            self.blobs.get_bucket(conn, bucket)
        except NotFound:
            self.blobs.create_bucket(conn, bucket)

    def _settle(self, conn: Connection, receipt_id: str, run: str) -> None:
        reason = f"started run {names.short(run)} because of {ledger.event(conn, ledger.get_receipt(conn, receipt_id))}"
        try:
            ledger.settle(conn, receipt_id, "start", now=self.clock.now(), reason=reason, link=run)
        except StaleState:  # the same event started another run before
            return
