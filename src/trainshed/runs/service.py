"""The verbs of runs. One transaction each; everything that can be refused is refused before anything is recorded."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import ir, ledger, lineage, names
from trainshed.blobs import Blobs, check_bucket, parse_uri
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, StaleState
from trainshed.ledger import Cause
from trainshed.runs import active as memory
from trainshed.runs import planning, store
from trainshed.runs.active import ActiveRun
from trainshed.runs.catalog import Catalog, Template
from trainshed.runs.engine import CHANNEL
from trainshed.runs.lifecycle import RUN
from trainshed.runs.model import PARENT, Attempt, NewRun, Run, TaskRow
from trainshed.runs.workplace import Environments, Workplace, Workplaces
from trainshed.sql import Database, notify
from trainshed.sql.lifecycle import Change, history

OrdinalOf = Callable[[str], int]
_JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")
_LABEL_LENGTH = 63
_DISPLAY_NAME_LENGTH = 128
_FAILURE_POLICIES = ("FAIL_SLOW", "FAIL_FAST")


def first(_request: str) -> int:
    """Count a request of somebody who makes each only once."""
    return 0


@dataclass(frozen=True, kw_only=True)
class Details:
    """A run with everything below it."""

    run: Run
    tasks: list[TaskRow]
    attempts: list[Attempt]
    plan: ir.Plan


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A request that can be carried out: template, typed parameters, a place for every task."""

    new: NewRun
    template: Template
    parameters: Mapping[str, Any]
    places: Mapping[str, Workplace]
    root: str


class Service:
    """Runs: create, look at, cancel, delete."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        blobs: Blobs,
        environments: Environments,
        *,
        folder: Path,
        catalog: Catalog | None = None,
    ) -> None:
        self.db = db
        self.clock = clock
        self.blobs = blobs
        self.catalog = catalog or Catalog()
        self.workplaces = Workplaces(environments)
        self._folder = folder

    def create(self, new: NewRun, cause: Cause | None = None, ordinal_of: OrdinalOf = first) -> Run:
        """Record a run, durable on return; a request that an event has made before joins its run.

        `ordinal_of` counts a request, given its digest, among the equal ones of the same delivery.

        Raises InvalidArgument with every finding, AlreadyExists.
        """
        prepared = self.prepare(new)
        return self.db.write(lambda conn: self.create_in(conn, prepared, cause, ordinal_of=ordinal_of)[0])

    def prepare(self, new: NewRun, template: Template | None = None) -> Prepared:
        """Check a request outside of any transaction. Raises InvalidArgument with every finding."""
        names.parse(PARENT, new.parent, field="parent")
        if new.job_id and not _JOB_ID.fullmatch(new.job_id):
            hint = "use lower-case letters, digits and '-', beginning with a letter, at most 128"
            raise InvalidArgument.field("pipeline_job_id", f"{new.job_id!r} cannot be a job id: {hint}")
        if new.failure_policy not in _FAILURE_POLICIES:
            raise InvalidArgument.field(
                "failurePolicy", f"{new.failure_policy!r} is none of {', '.join(_FAILURE_POLICIES)}"
            )
        if len(new.display_name) > _DISPLAY_NAME_LENGTH:
            raise InvalidArgument.field("displayName", f"longer than {_DISPLAY_NAME_LENGTH} characters")
        template = template or self.catalog.take(new.spec, new.platform)
        parameters = ir.bind(template.plan.parameters, {**_wrapped(template.runtime), **new.parameters})
        return Prepared(
            new=new,
            template=template,
            parameters=parameters,
            places=self.workplaces.of_plan(template.plan),
            root=_root(new, template.plan),
        )

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
        notify(conn, CHANNEL)
        return run, True

    def get(self, name: str) -> Run:
        """Read a run. Raises NotFound."""
        return self.db.read(lambda conn: store.get_run(conn, name))

    def is_open_in(self, conn: Connection, name: str) -> bool:
        """Whether a run is there and goes on, in the caller's transaction."""
        try:
            return not RUN.is_final(store.get_run(conn, name).state)
        except NotFound:
            return False

    def describe(self, name: str) -> Details:
        """Read a run with its tasks and attempts. Raises NotFound."""

        def query(conn: Connection) -> Details:
            run = store.get_run(conn, name)
            tasks = store.tasks_of(conn, name)
            attempts = store.attempts_of(conn, [t.id for t in tasks])
            return Details(run=run, tasks=tasks, attempts=attempts, plan=self._plan(conn, run))

        return self.db.read(query)

    def list(
        self, parent: str = "", *, page_size: int = 100, page_token: str = "", state: str = ""
    ) -> tuple[list[Run], str]:
        """Read runs, newest first, and the token of the next page."""
        position = names.read_page_token(page_token)
        before = (datetime.fromisoformat(position["time"]), position["name"]) if position else None
        size = min(page_size or 100, 1000)
        found = self.db.read(lambda conn: store.list_runs(conn, parent, limit=size + 1, before=before, state=state))
        if len(found) <= size:
            return found, ""
        last = found[size - 1]
        return found[:size], names.page_token(time=last.create_time.isoformat(), name=last.name)

    def spec(self, name: str) -> dict[str, Any]:
        """Read the spec that a run was made from."""
        return self.db.read(lambda conn: store.get_spec(conn, store.get_run(conn, name).spec_digest))

    def cancel(self, name: str) -> None:
        """Ask a run to end; twice is once. Raises NotFound, FailedPrecondition when it has ended."""

        def verb(conn: Connection) -> None:
            run = store.get_run(conn, name)
            if RUN.is_final(run.state):
                raise FailedPrecondition(
                    f"Run {names.short(name)} has ended ({run.state}); there is nothing to cancel.",
                    reason="RUN_NOT_CANCELLABLE",
                )
            if run.state != "CANCELLING":
                store.fire_run(conn, name, "cancel", now=self.clock.now())
            notify(conn, CHANNEL)

        self.db.write(verb)

    def delete(self, name: str) -> None:
        """Forget a run that has ended; its artifacts stay. Raises NotFound, FailedPrecondition while it is open."""

        def verb(conn: Connection) -> None:
            run = store.get_run(conn, name)
            if not RUN.is_final(run.state):
                raise FailedPrecondition(
                    f"Run {names.short(name)} is {run.state}; cancel it first.", reason="RUN_NOT_FINISHED"
                )
            store.delete_run(conn, run)

        self.db.write(verb)

    def plan(self, new: NewRun) -> Sequence[planning.Step]:
        """Say what would run, what would be reused, and why, without recording anything."""
        prepared = self.prepare(new)
        run = self._draft(prepared, None, None, job=new.job_id or "plan", context_id=0)
        active = ActiveRun(
            run=run,
            plan=prepared.template.plan,
            view=planning.empty_view(prepared.template.plan),
            places=dict(prepared.places),
            ids=dict.fromkeys(prepared.template.plan.tasks, "0"),
            rows={},
            folder=self._folder,
        )
        return self.db.read(lambda conn: planning.steps(conn, self.blobs, active))

    def seconds_of_tasks(self, new: NewRun) -> Mapping[str, Sequence[float]]:
        """Say how long each task of a pipeline took in earlier runs."""
        pipeline = self.prepare(new).template.plan.name
        return self.db.read(lambda conn: store.seconds_of_tasks(conn, pipeline))

    def graph(self, name: str) -> dict[str, Any]:
        """Draw a run: its plan's nodes and edges, tasks with their states."""
        details = self.describe(name)
        drawn = ir.graph(details.plan)
        states = {task.name: task for task in details.tasks}
        for node in drawn["nodes"]:
            if node["kind"] == "task":
                task = states[node["id"]]
                node |= {"state": task.state, "cached": bool(task.cached_from), "attempt": task.attempt}
        return drawn

    def history(self, name: str) -> Sequence[Change]:
        """Read a run's transitions."""
        return self.db.read(lambda conn: history(conn, RUN.noun, name))

    def log_file(self, run: Run, task: str, attempt: int) -> Path:
        """Answer where an attempt's log is."""
        return self.run_folder(run) / memory.folder_name(task) / str(attempt) / "log"

    def run_folder(self, run: Run) -> Path:
        """Answer a run's own folder."""
        return self._folder / f"{names.short(run.name)}-{run.number[:6]}"

    def take_up(self, conn: Connection, run: Run) -> ActiveRun:
        """Build an open run's memory from rows; the engine's port. Raises InvalidArgument for an image that is bound no longer."""
        plan = self._plan(conn, run)
        return memory.take_up(conn, run, plan, self.workplaces.of_plan(plan), self.run_folder(run))

    def read_template(self, uri: str) -> Template:
        """Read a compiled pipeline from a bucket. Raises NotFound, InvalidArgument with every finding."""
        bucket, name = parse_uri(uri)
        with self.blobs.open(self.db.read(lambda conn: self.blobs.get(conn, bucket, name))) as file:
            return self.catalog.read(file.read())

    # Inner workings

    def _plan(self, conn: Connection, run: Run) -> ir.Plan:
        document = store.get_spec(conn, run.spec_digest)
        return self.catalog.take(document["spec"], document["platform"]).plan

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
        job = new.job_id or _job_id(template.plan.name, now)
        if store.find_run(conn, name=f"{new.parent}/pipelineJobs/{job}"):
            raise AlreadyExists(f"Run {job!r} exists already; give another job id.", reason="RUN_EXISTS")
        self._ensure_bucket(conn, prepared.root)
        store.put_spec(conn, template.digest, {"spec": template.spec, "platform": template.platform})
        pipeline = lineage.ensure_context(conn, "system.Pipeline", template.plan.name, now=now)
        name = f"{new.parent}/pipelineJobs/{job}"
        context = lineage.ensure_context(conn, "system.PipelineRun", name, now=now, parent_id=pipeline)
        run = self._draft(prepared, cause, run_key, job=job, context_id=context)
        hidden = {"state", "end_time"}
        store.insert_run(conn, {k: v for k, v in vars(run).items() if k not in hidden})
        store.insert_tasks(
            conn, [_task_row(task, position, name, now) for position, task in enumerate(template.plan.tasks.values())]
        )
        return run

    def _draft(self, prepared: Prepared, cause: Cause | None, run_key: str | None, *, job: str, context_id: int) -> Run:
        now, new, template = self.clock.now(), prepared.new, prepared.template
        return Run(
            name=f"{new.parent}/pipelineJobs/{job}",
            number=names.numeric_id(),
            pipeline=template.plan.name,
            spec_digest=template.digest,
            parameters=prepared.parameters,
            display_name=new.display_name or template.display_name or template.plan.name,
            labels={**template.labels, **new.labels},
            root=prepared.root,
            failure_policy=new.failure_policy,
            caching=new.caching,
            service_account=new.service_account,
            template_uri=new.template_uri,
            cause_kind=cause.kind if cause else "user",
            receipt_id=cause.receipt_id if cause else "",
            run_key=run_key,
            logical_time=(cause.time if cause else None) or now,
            context_id=context_id,
            tasks_total=sum(not t.is_importer for t in template.plan.tasks.values()),
            tasks_ran=None,
            outputs=None,
            error="",
            state=RUN.initial[0],
            create_time=now,
            start_time=None,
            end_time=None,
            update_time=now,
        )

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


def _wrapped(runtime: Mapping[str, Any]) -> dict[str, Any]:
    """Read the parameters that a PipelineJob document brings along, in both spellings."""
    legacy = runtime.get("parameters") or {}
    values = {k: next(iter(v.values()), None) for k, v in legacy.items() if isinstance(v, Mapping)}
    return {**values, **(runtime.get("parameterValues") or runtime.get("parameter_values") or {})}


def _root(new: NewRun, plan: ir.Plan) -> str:
    project = new.parent.split("/")[1]
    default = plan.default_root if plan.default_root.startswith("gs://") else f"gs://{project}-pipelines"
    root = new.root or default
    if not root.startswith("gs://"):
        raise InvalidArgument.field("pipelineRoot", f"{root!r} is not a gs:// location")
    bucket, _ = parse_uri(root)
    check_bucket(bucket, field="pipelineRoot")
    return root.rstrip("/")


def _job_id(pipeline: str, now: datetime) -> str:
    slug = re.sub(r"[^-a-z0-9]+", "-", pipeline.lower()).strip("-")[:90] or "run"
    slug = slug if slug[0].isalpha() else f"run-{slug}"
    return f"{slug}-{now:%Y%m%d%H%M%S}-{names.short_id(5)}"


def _task_row(task: ir.Task, position: int, run: str, now: datetime) -> dict[str, Any]:
    wanted = task.resources
    return {
        "id": names.numeric_id(),
        "run": run,
        "position": position,
        "name": task.name,
        "cpus": wanted.cpus or 1.0,
        "memory_bytes": wanted.memory_bytes or 0,
        "machine_type": wanted.machine_type,
        "create_time": now,
    }
