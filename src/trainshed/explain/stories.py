"""What is known of a run: read from the features, put into one record."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from json import dumps
from threading import Lock

from trainshed import builds, costs, lineage, runs
from trainshed.builds import Build
from trainshed.errors import TrainshedError
from trainshed.explain.codes import Codes, Resolve
from trainshed.explain.model import Commit, Origin, Ran, Source, Story
from trainshed.ledger import Receipt
from trainshed.runs import Run
from trainshed.tally import Tally

_KEPT_TASKS = 20_000  # of all runs together
_SOURCES = 200  # objects that an account names
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEME = "gs://"


@dataclass(frozen=True, kw_only=True)
class _Worked:
    """What became of the tasks of a run."""

    tasks: Sequence[Ran]
    of_images: Sequence[lineage.Execution]  # the first one that ran in each image
    cost: costs.Cost
    tally: Tally


class Stories:
    """Reads stories.

    What became of the tasks of a run that has ended stays: it is kept. A retry gives the run another end.
    """

    def __init__(self, of_runs: runs.Service, of_builds: builds.Service, commit: "Commits", resolve: Resolve) -> None:
        self._runs = of_runs
        self._builds = of_builds
        self._commits = commit
        self._codes = Codes(of_builds, resolve, of_chain=commit.of_chain, of_build=commit.of_build)
        self._prices = costs.load()
        self._worked: OrderedDict[tuple[str, datetime | None], _Worked] = OrderedDict()
        self._lock = Lock()

    def read(self, run: Run, chain: Sequence[Receipt]) -> Story:
        """Tell what is known of a run; `chain` are the receipts of the events that led to it, the first one first."""
        sources, worked = self._sources(self._runs.readers(run)), self._worked_in(run)
        code = self._codes.read(chain, sources, lambda: worked.of_images)
        return Story(
            name=run.name,
            state=run.state,
            pipeline=run.pipeline,
            create_time=run.create_time,
            parameters=run.parameters,
            spec_digest=run.spec_digest,
            commit=code.commit,
            code=code,
            sources=sources,
            tasks=worked.tasks,
            cost=worked.cost,
            tally=worked.tally,
        )

    def origin(self, run: Run, chain: Sequence[Receipt]) -> Origin:
        """Tell a run's commit and what it read; its tasks are looked at only where nothing closer knows the commit."""
        sources = self._sources(self._runs.readers(run))
        code = self._codes.read(chain, sources, lambda: self._runs.executions(run))
        return Origin(state=run.state, code=code, sources=sources)

    def _worked_in(self, run: Run) -> _Worked:
        with self._lock:
            known = self._worked.get((run.name, run.end_time)) if runs.RUN.is_final(run.state) else None
        if known is not None:
            return known
        now, coded = self._runs.briefly(run.name), self._runs.coded(run)
        found = _Worked(
            tasks=list(self._tasks(now, coded.components)),
            of_images=coded.in_images,
            cost=runs.actual(self._prices, now.tasks, now.attempts),
            tally=runs.tally(now.plan, now.tasks),
        )
        if runs.RUN.is_final(now.run.state) and all(runs.TASK.is_final(task.state) for task in now.tasks):
            self._keep((run.name, now.run.end_time), found)
        return found

    def _keep(self, key: tuple[str, datetime | None], found: _Worked) -> None:
        with self._lock:
            self._worked[key] = found
            while sum(len(kept.tasks) for kept in self._worked.values()) > _KEPT_TASKS:
                self._worked.popitem(last=False)

    def _tasks(self, found: runs.Briefly, components: Mapping[str, str]) -> Iterator[Ran]:
        decisions = self._runs.decisions(found)
        reasons = {line.path: line.reason for line in runs.outlined(found.plan, found.tasks)}
        for task in found.tasks:
            if task.is_dag:
                continue
            decision = decisions.get(task.id)
            took = task.end_time - task.start_time if task.start_time and task.end_time else None
            yield Ran(
                task=task.name,
                state=task.state,
                why=decision.reason if decision else reasons.get(task.name, ""),
                seconds=took.total_seconds() if took is not None and task.kind == "container" else None,
                environment=task.environment,
                code=components.get(task.name, ""),
                reused_from=decision.run if decision else "",
                error=task.error.partition("\n")[0] if task.state == "FAILED" else "",
            )

    def _sources(self, executions: Sequence[lineage.Execution]) -> list[Source]:
        found: dict[str, str] = {}
        for execution in executions:
            found |= dict(_read(execution))
        return [self._source(uri, generation) for uri, generation in sorted(found.items())[:_SOURCES]]

    def _source(self, uri: str, generation: str) -> Source:
        written = _EPOCH + timedelta(microseconds=int(generation)) if generation.isdigit() else None
        build = self._writer(uri, written) if written else None
        return Source(
            uri=uri,
            generation=generation,
            written=written,
            build=build.name if build else "",
            commit=self._commits.of_build(build) if build else None,
        )

    def _writer(self, uri: str, when: datetime) -> Build | None:
        """Find the build that names an object's bucket and was at work when it was written."""
        bucket = _SCHEME + uri.removeprefix(_SCHEME).partition("/")[0]
        at_work = self._builds.at_work(when)
        return next((build for build in at_work if bucket in dumps(build.resolved)), None)


class Commits:
    """Reads commits, each once: they do not change."""

    def __init__(self, repositories: builds.Repositories) -> None:
        self._repositories = repositories
        self._known: dict[tuple[str, str, str], Commit] = {}

    def of_chain(self, chain: Sequence[Receipt]) -> Commit | None:
        """Answer the commit that a chain of events began with."""
        return next((found for receipt in chain if (found := self.of_receipt(receipt)) is not None), None)

    def of_receipt(self, receipt: Receipt) -> Commit | None:
        """Answer the commit that a receipt is of."""
        sha, url = str(receipt.data.get("sha", "")), str(receipt.data.get("repository", ""))
        if receipt.kind != "commit" or not url or sha in {"", "deleted"}:
            return None
        return self.read(url, sha, str((receipt.data.get("plan") or {}).get("_PLAN_SINCE", "")))

    def of_build(self, build: Build) -> Commit | None:
        """Answer the commit that a build was made of: that of its source, or else the one that its steps cloned."""
        source = (build.resolved.get("source") or {}).get("gitSource") or {}
        sha, url = build.substitutions.get("COMMIT_SHA", ""), str(source.get("url", ""))
        if sha and url:
            return self.read(url, sha, build.substitutions.get("_PLAN_SINCE", ""))
        cloned = {(clone.repository, clone.commit) for clone in build.clones}
        return self.read(*cloned.pop()) if len(cloned) == 1 else None  # of several nobody can say which one counts

    def read(self, url: str, sha: str, since: str = "") -> Commit:
        """Read a commit; what cannot be read of it stays empty."""
        key = (url, sha, since)
        if key not in self._known:
            if len(self._known) > _SOURCES:
                self._known.clear()
            self._known[key] = self._looked_up(*key)
        return self._known[key]

    def _looked_up(self, url: str, sha: str, since: str) -> Commit:
        try:
            said = self._repositories.describe(url, sha)
        except TrainshedError:
            return Commit(repository=url, sha=sha, since=since)
        author: Mapping[str, str] = said["author"]
        return Commit(
            repository=url,
            sha=sha,
            message=said["message"],
            author=author["name"],
            time=said["timestamp"],
            since=since,
            files=self._files(url, sha, since),
        )

    def _files(self, url: str, sha: str, since: str) -> Sequence[str]:
        try:
            return tuple(self._repositories.changed(url, since or f"{sha}^", sha))
        except TrainshedError:  # the first commit has none before it
            return ()


def _read(execution: lineage.Execution) -> Iterator[tuple[str, str]]:
    """Answer which objects an execution read by their address, with the generation that it read."""
    properties = execution.properties
    inputs = properties.get("inputs") or {}
    for key, objects in (properties.get("data") or {}).items():
        address = key if key.startswith(_SCHEME) else str(inputs.get(key, ""))
        bucket = address.removeprefix(_SCHEME).partition("/")[0]
        for name, generation, *_ in objects:
            yield f"{_SCHEME}{bucket}/{name}", str(generation)
