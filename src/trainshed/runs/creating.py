"""A new run is recorded, inside the caller's transaction: its row and root task, its contexts, the receipt that asked."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from trainshed import ir, ledger, lineage, names
from trainshed.blobs import Blobs, parse_uri
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, NotFound, StaleState
from trainshed.ledger import Cause
from trainshed.runs import active as memory
from trainshed.runs import commits, request, store, store_tasks
from trainshed.runs.model import Run
from trainshed.runs.request import Prepared
from trainshed.sql import notify

OrdinalOf = Callable[[str], int]


def first(_request: str) -> int:
    """Count a request of somebody who makes each only once."""
    return 0


class Creator:
    """Records runs."""

    def __init__(self, clock: Clock, blobs: Blobs, folder: Path) -> None:
        self._clock = clock
        self._blobs = blobs
        self._folder = folder

    def create(
        self, conn: Connection, prepared: Prepared, cause: Cause | None, *, receipt_id: str, ordinal_of: OrdinalOf
    ) -> tuple[Run, bool]:
        """Record a run; answer it, and whether it is new: a request that an event has made before joins its run."""
        run_key = _key(prepared, cause, ordinal_of)
        if run_key is not None and (joined := store.find_run(conn, run_key=run_key)):
            return joined, False
        if cause is not None and receipt_id:
            cause = replace(cause, receipt_id=receipt_id)
        run = self._insert(conn, prepared, cause, run_key)
        if run.receipt_id:
            self._settle(conn, run.receipt_id, run.name)
        notify(conn, store.CHANNEL)
        return run, True

    def _insert(self, conn: Connection, prepared: Prepared, cause: Cause | None, run_key: str | None) -> Run:
        now, new, template = self._clock.now(), prepared.new, prepared.template
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
        store.insert_run(conn, {**values, "commit_sha": commits.first(conn, run.receipt_id)})
        store_tasks.insert_tasks(conn, memory.begin(run, template.plan, {}, self._folder).open_root(now=now))
        return run

    def _ensure_bucket(self, conn: Connection, root: str) -> None:
        bucket, _ = parse_uri(root)
        try:
            self._blobs.get_bucket(conn, bucket)
        except NotFound:
            self._blobs.create_bucket(conn, bucket)

    def _settle(self, conn: Connection, receipt_id: str, run: str) -> None:
        reason = f"started run {names.short(run)} because of {ledger.event(conn, ledger.get_receipt(conn, receipt_id))}"
        try:
            ledger.settle(conn, receipt_id, "start", now=self._clock.now(), reason=reason, link=run)
        except StaleState:  # the same event started another run before
            return


def _key(prepared: Prepared, cause: Cause | None, ordinal_of: OrdinalOf) -> str | None:
    """Answer what tells the run of an event from all others."""
    if cause is None or not cause.key:
        return None
    request = ir.digest([prepared.template.digest, prepared.parameters])[:16]
    return f"{cause.key}#{request}#{ordinal_of(request)}"
