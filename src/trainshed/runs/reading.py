"""The reading verbs of runs: what they are, did, made and measured. Nothing here writes."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import ir, lineage
from trainshed.blobs import Blobs, parse_uri
from trainshed.errors import InvalidArgument, NotFound
from trainshed.runs import active as memory
from trainshed.runs import (
    cancelling,
    comparing,
    decided,
    drawing,
    folders,
    listing,
    marks,
    measuring,
    paths,
    progress,
    searching,
    store,
    store_tasks,
    usual,
    watching,
)
from trainshed.runs.cancelling import Cancellation
from trainshed.runs.catalog import Catalog, Template
from trainshed.runs.decided import Decision
from trainshed.runs.lifecycle import RUN
from trainshed.runs.marks import Briefly, Marks, OneTask
from trainshed.runs.measuring import Measured
from trainshed.runs.model import Attempt, Begun, Run, TaskRow
from trainshed.runs.paths import Chosen
from trainshed.runs.progress import Done
from trainshed.runs.searching import Known, Search
from trainshed.sql import Database
from trainshed.sql.lifecycle import Change


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A run with everything below it."""

    run: Run
    tasks: list[TaskRow]
    attempts: list[Attempt]
    cancellation: Cancellation | None = None


@dataclass(frozen=True, kw_only=True)
class Details(Rows):
    """The same with the plan of its tasks."""

    plan: ir.Plan


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What the tasks of a run read and wrote."""

    artifacts: Sequence[lineage.Artifact] = ()
    events: Sequence[lineage.Event] = ()
    executions: Sequence[lineage.Execution] = ()
    parents: Sequence[lineage.Context] = ()  # contexts that the run is in: its pipeline, experiments


class Reading:
    """Looks at runs."""

    def __init__(self, db: Database, blobs: Blobs, catalog: Catalog, folder: Path) -> None:
        self.db = db
        self.blobs = blobs
        self.catalog = catalog
        self._folder = folder

    def get_in(self, conn: Connection, name: str) -> Run:
        """Read one run in the caller's transaction. Raises NotFound."""
        return store.get_run(conn, name)

    def get(self, name: str) -> Run:
        """Read a run. Raises NotFound."""
        return self.db.read(lambda conn: store.get_run(conn, name))

    async def ended(self, name: str, *, seconds: float) -> Run:
        """Answer a run once it has ended, or as it is after so many seconds. Raises NotFound."""
        return await watching.ended(self.db, name, seconds=seconds)

    def begun(self, name: str, since: datetime | None = None) -> Sequence[Begun]:
        """Read which tasks of a run have been tried and are open, or ended since then."""
        return self.db.read(lambda conn: store_tasks.tasks_begun(conn, name, since))

    def choose(self, name: str, task: str) -> Chosen:
        """Answer the tasks of a run that somebody means. Raises NotFound, InvalidArgument."""
        return paths.choose(self.db.read(lambda conn: self._plan(conn, store.get_run(conn, name))), task)

    def is_open_in(self, conn: Connection, name: str) -> bool:
        """Whether a run is there and goes on, in the caller's transaction."""
        try:
            return not RUN.is_final(store.get_run(conn, name).state)
        except NotFound:
            return False

    def describe(self, name: str) -> Details:
        """Read a run with its tasks and attempts. Raises NotFound."""

        def query(conn: Connection) -> Details:
            found = _rows(conn, name)
            return Details(**vars(found), plan=self._plan(conn, found.run))

        return self.db.read(query)

    def rows(self, name: str) -> Rows:
        """Read a run with its tasks and attempts, without their plan. Raises NotFound."""
        return self.db.read(lambda conn: _rows(conn, name))

    def marks(self, name: str) -> Marks:
        """Read a run and where its tasks stand, which is quick for very many. Raises NotFound."""

        def query(conn: Connection) -> Marks:
            run = store.get_run(conn, name)
            return Marks(run=run, plan=self._plan(conn, run), tasks=marks.marks_of(conn, name))

        return self.db.read(query)

    def briefly(self, name: str) -> Briefly:
        """Read a run and its tasks as an account tells of them, which takes little room for very many. Raises NotFound."""

        def query(conn: Connection) -> Briefly:
            run = store.get_run(conn, name)
            tasks, attempts = marks.briefs_of(conn, name), store_tasks.attempts_of(conn, name)
            return Briefly(run=run, plan=self._plan(conn, run), tasks=tasks, attempts=attempts)

        return self.db.read(query)

    def find_task(self, run: Run, path: str) -> OneTask | None:
        """Read one task with everything that is known of it; None where the run has not made it."""
        folder = self.run_folder(run)
        return self.db.read(lambda conn: marks.find_task(conn, run, self._plan(conn, run), folder, path))

    def tasks_by_id(self, ids: Sequence[str]) -> dict[str, TaskRow]:
        """Read some tasks whole."""
        return self.db.read(lambda conn: marks.rows_of(conn, ids))

    def artifacts_of_tasks(self, ids: Sequence[str], key: str) -> Sequence[lineage.Artifact]:
        """Read what some tasks made under a name."""
        return self.db.read(lambda conn: marks.artifacts_of_tasks(conn, ids, key))

    def changes_of_tasks(self, ids: Sequence[str]) -> dict[str, Sequence[Change]]:
        """Read what happened to some tasks, oldest first, by id."""
        return self.db.read(lambda conn: dict(marks.changes_of(conn, ids)))

    def decisions(self, found: Briefly) -> Mapping[str, Decision]:
        """Say why each task of a run ran, or whose results it took, by the task's id."""
        return self.db.read(lambda conn: decided.decisions(conn, found.run, found.tasks))

    def coded(self, run: Run) -> lineage.Coded:
        """Read whose code the tasks of a run are, and in which images they ran, which is quick for very many."""
        return self.db.read(lambda conn: lineage.coded_in_context(conn, run.context_id))

    def outputs(self, run: Run, telling: Sequence[str]) -> lineage.Outputs:
        """Read what the tasks of a run made, or took from the cache: the first, and those with metadata worth telling."""
        context_id = run.context_id
        if context_id is None:
            return lineage.Outputs(count=0, first=(), telling=())
        return self.db.read(lambda conn: lineage.outputs_of_run(conn, context_id, run.name, telling=telling))

    def measures(self, run: Run, types: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Read what was measured in a run, by the names of its artifacts of some types."""
        context_id = run.context_id
        if context_id is None:
            return {}
        return self.db.read(lambda conn: lineage.measures_of_run(conn, context_id, run.name, types))

    def readers(self, run: Run) -> Sequence[lineage.Execution]:
        """Read which tasks of a run read stored data, with what that was."""
        return self.db.read(lambda conn: lineage.readers_of_context(conn, run.context_id))

    def executions(self, run: Run) -> Sequence[lineage.Execution]:
        """Read what the tasks of a run did, with the code and the image of each."""
        return self.db.read(lambda conn: lineage.executions_of_context(conn, run.context_id))

    def traces(self, run: Run) -> Traces:
        """Read what the tasks of a run read and wrote."""
        return self.db.read(
            lambda conn: Traces(
                artifacts=lineage.artifacts_of_context(conn, run.context_id),
                events=lineage.events_of_context(conn, run.context_id),
                executions=lineage.executions_of_context(conn, run.context_id),
                parents=lineage.contexts_above(conn, run.context_id),
            )
        )

    def sides(self, names: Sequence[str]) -> Sequence[comparing.Side]:
        """Read several runs with what people compare. Raises NotFound."""

        def query(conn: Connection) -> list[comparing.Side]:
            found = [store.get_run(conn, name) for name in names]
            return [comparing.side(conn, run, self._plan(conn, run)) for run in found]

        return self.db.read(query)

    def failed_last(self, *, limit: int) -> Sequence[Run]:
        """Read the runs that failed last, in no order."""
        return self.db.read(lambda conn: searching.failed_last(conn, limit=limit))

    def measured(self, wanted: Search) -> tuple[Sequence[Measured], str]:
        """Read a page of the runs that people look for with their numbers, and the token of the next one."""
        return self.db.read(lambda conn: measuring.measured(conn, wanted))

    def parameters(self, run: Run) -> Mapping[str, ir.ParameterDefinition]:
        """Answer what a run's pipeline takes."""
        return self.db.read(lambda conn: self._plan(conn, run)).parameters

    def products(self, run: Run, titles: Sequence[str] = (), *, limit: int = 1000) -> Sequence[lineage.Product]:
        """Read what the tasks of a run made, of these types (schema titles) alone."""
        return self.db.read(lambda conn: lineage.products_of_context(conn, run.context_id, titles=titles, limit=limit))

    def content(self, artifact: lineage.Artifact, *, most: int) -> bytes | None:
        """Read an artifact's file as far as `most` bytes; None when it is in no bucket here, or gone."""
        try:
            bucket, name = parse_uri(artifact.uri)
            with self.blobs.open(self.db.read(lambda conn: self.blobs.get(conn, bucket, name))) as file:
                return file.read(most)
        except (InvalidArgument, NotFound, OSError):
            return None

    def content_size(self, artifact: lineage.Artifact) -> int:
        """Answer how many bytes an artifact's file has; 0 when it is in no bucket here, or gone."""
        try:
            bucket, name = parse_uri(artifact.uri)
            return self.db.read(lambda conn: self.blobs.get(conn, bucket, name)).size
        except (InvalidArgument, NotFound):
            return 0

    def stored_here(self, values: Iterable[Any]) -> frozenset[str]:
        """Answer those among some values that are addresses (gs://…) in a bucket that is here."""
        found: dict[str, set[str]] = {}
        for value in values:
            with suppress(InvalidArgument):
                if isinstance(value, str) and value.startswith("gs://"):
                    found.setdefault(parse_uri(value)[0], set()).add(value)
        known = self.db.read(lambda conn: [name for name in found if self.blobs.has_bucket(conn, name)])
        return frozenset().union(*(found[name] for name in known))

    def artifact(self, artifact_id: int) -> lineage.Artifact:
        """Read an artifact by its number. Raises NotFound."""
        return self.db.read(lambda conn: lineage.get_artifact(conn, artifact_id))

    def list(
        self,
        parent: str = "",
        *,
        page_size: int = 100,
        page_token: str = "",
        state: str = "",
        commit: str = "",
        filter: str = "",  # noqa: A002  (Google's word)
        order_by: str = "",
        has_custom_jobs: bool = True,
    ) -> tuple[list[Run], str]:
        """Read runs, newest first unless another order is wanted, and the token of the next page. Raises InvalidArgument."""
        wanted = listing.Wanted(
            parent=parent,
            has_custom_jobs=has_custom_jobs,
            state=state,
            commit=commit,
            filter=filter,
            order_by=order_by,
            page_size=min(page_size or 100, 1000),
            page_token=page_token,
        )
        return self.db.read(lambda conn: listing.page(conn, wanted))

    def search(self, wanted: Search) -> tuple[Sequence[Run], str]:
        """Read a page of the runs that people look for, newest first, and the token of the next one."""
        return self.db.read(lambda conn: searching.page(conn, wanted))

    def known(self) -> Known:
        """Answer what runs can be narrowed down by."""
        return self.db.read(searching.known)

    def previous(self, name: str) -> Run | None:
        """Find the run before a run: of the same trigger and pipeline, or of the pipeline alone. Raises NotFound."""
        return self.db.read(lambda conn: searching.previous(conn, store.get_run(conn, name)))

    def progress(self, names: Sequence[str]) -> dict[str, progress.Progress]:
        """Answer how far runs have come; what is gone is left out."""
        return self.db.read(lambda conn: progress.of_runs(conn, names))

    def done_of(self, found: Iterable[Run]) -> Mapping[str, Done]:
        """Answer how many tasks are done of those among some runs that go on."""
        return self.db.read(lambda conn: progress.done_of(conn, found))

    def states(self, names: Sequence[str]) -> Mapping[str, str]:
        """Answer the states of very many runs; what is gone is left out."""
        return self.db.read(lambda conn: progress.states_of(conn, names))

    def used_since(self, since: datetime) -> Sequence[searching.Used]:
        """Add up what the runs made since then used that have ended, by pipeline and by what started them."""
        return self.db.read(lambda conn: searching.used_since(conn, since))

    def usual(self, run: Run) -> usual.Usual:
        """Answer how long the runs of the pipeline before a run took, and their tasks."""
        return self.db.read(lambda conn: usual.usual(conn, run))

    def worked_before(self, name: str) -> Run | None:
        """Find the last run of the same pipeline that succeeded and did something before a run. Raises NotFound."""
        return self.db.read(lambda conn: searching.worked_before(conn, store.get_run(conn, name)))

    def spec(self, name: str) -> dict[str, Any]:
        """Read the spec that a run was made from."""
        return self.db.read(lambda conn: store.get_spec(conn, store.get_run(conn, name).spec_digest))

    def graph(self, name: str) -> dict[str, Any]:
        """Draw a run: its plan's nodes and edges, tasks with their states."""
        details = self.describe(name)
        return drawing.draw(details.plan, details.tasks)

    def cancellations(self, names: Sequence[str]) -> Mapping[str, Cancellation]:
        """Answer of some runs when they were asked to end, and who or what asked; one that was not is left out."""
        return self.db.read(lambda conn: cancelling.of_runs(conn, names)) if names else {}

    def log_file(self, run: Run, task: str, attempt: int) -> Path:
        """Answer where an attempt's log is."""
        return self.run_folder(run) / memory.folder_name(task) / str(attempt) / "log"

    def run_folder(self, run: Run) -> Path:
        """Answer a run's own folder."""
        return self._folder / folders.name_of(run)

    def ended_lately(self) -> Sequence[Path]:
        """Answer the folders of the runs that ended last; the engine's port."""
        return [self.run_folder(run) for run in self.db.read(store.ended_lately)]

    def read_template(self, uri: str) -> Template:
        """Read a compiled pipeline as it is in its bucket now. Raises NotFound, InvalidArgument with every finding."""
        bucket, name = parse_uri(uri)
        there = self.db.read(lambda conn: self.blobs.present(conn, bucket, name))
        found = next((obj for obj in there if obj.name == name), None)
        if found is None:
            raise NotFound(f"No such object: {uri}.", reason="OBJECT_NOT_FOUND")
        with self.blobs.open(found) as file:
            return self.catalog.read(file.read())

    def _plan(self, conn: Connection, run: Run) -> ir.Plan:
        def read() -> Mapping[str, Any]:
            found: Mapping[str, Any] = ir.read_stored(store.get_spec_text(conn, run.spec_digest))
            return found

        return self.catalog.get(run.spec_digest, read).plan


def _rows(conn: Connection, name: str) -> Rows:
    run, tasks = store.get_run(conn, name), store_tasks.tasks_of(conn, name)
    asked = cancelling.of_runs(conn, [name]).get(name)
    return Rows(run=run, tasks=tasks, attempts=store_tasks.attempts_of(conn, name), cancellation=asked)
