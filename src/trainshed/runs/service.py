"""The verbs of runs. One transaction each; everything that can be refused is refused before anything is recorded."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import lineage, names
from trainshed.blobs import Blobs
from trainshed.clock import Clock
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound
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
from trainshed.runs.creating import Creator, OrdinalOf, first
from trainshed.runs.facts import Fire, Forget
from trainshed.runs.lifecycle import RUN
from trainshed.runs.model import NewRun, Run
from trainshed.runs.reading import Reading
from trainshed.runs.recovery import Recovery
from trainshed.runs.request import Prepared
from trainshed.runs.workplace import Environments, Images, Workplaces
from trainshed.sql import Database, notify


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
        self.recovery = Recovery(db, self.workplaces, plan_of=self._plan, folder_of=self.run_folder)
        self._creator = Creator(clock, blobs, folder)

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
        return self._creator.create(conn, prepared, cause, receipt_id=receipt_id, ordinal_of=ordinal_of)

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
            active = self.recovery.take_up_one(conn, run, store_tasks.tasks_of(conn, name), keep_ended=True)
            for decision in again.retry(active.view):
                self._begin_anew(conn, active, decision)
            now = self.clock.now()
            anew: dict[str, Any] = {
                "error": "",
                "pauses": working.with_pause(run, now),
                "commit_sha": commits.first(conn, run.receipt_id),
                "tasks_total": request.workers(active.plan),
            }
            anew |= dict.fromkeys(("tasks_ran", "tasks_left_out", "outputs", "usage"))
            store.fire_run(conn, name, "retry", now=now, cause=cause, **anew)
            notify(conn, store.CHANNEL)
            return store.get_run(conn, name)

        self.recovery.foresee([self.get(name)])
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
        """Forget a run that has ended, and its logs; its artifacts stay. Raises NotFound, FailedPrecondition while it is open."""
        self.db.write(lambda conn: self.delete_in(conn, name))

    def delete_in(self, conn: Connection, name: str) -> None:
        """Forget a run in the caller's transaction."""
        run = store.get_run(conn, name)
        if not RUN.is_final(run.state):
            raise FailedPrecondition(
                f"Run {names.short(name)} is {run.state}; cancel it first.", reason="RUN_NOT_FINISHED"
            )
        store_deleting.delete_run(conn, run, folder=self.run_folder(run).name, now=self.clock.now())

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

    # Inner workings

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
