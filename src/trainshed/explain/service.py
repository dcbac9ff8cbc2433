"""Makes accounts: reads what the features know, in one order whatever is asked about."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from trainshed import names, runs
from trainshed.builds import Build
from trainshed.environments import Environment
from trainshed.errors import InvalidArgument, NotFound
from trainshed.explain import builds as of_builds
from trainshed.explain import differences, events, fate, words
from trainshed.explain import runs as of_runs
from trainshed.explain.families import Families
from trainshed.explain.fate import Fate, Node
from trainshed.explain.features import Features
from trainshed.explain.model import Account, Advice, Named, Origin, Step, Story
from trainshed.explain.sources import Sources
from trainshed.explain.stories import Commits, Stories
from trainshed.ledger import Receipt
from trainshed.runs import Run
from trainshed.sql import changes

_LONGEST_CHAIN = 20  # a chain may be a circle: a run's output may start a run
_DEEP = 6  # generations of what followed
_ID = "ID"
_AT_WORK = ("PENDING", "QUEUED", "RUNNING", "WORKING", "CANCELLING")  # states of runs and builds that go on


class Service:
    """Explains. Nothing is written."""

    def __init__(self, features: Features, *, parent: str) -> None:
        self._features = features
        self._parent = parent  # projects/P/locations/L that short names are of
        self._commits = Commits(features.repositories)
        self._stories = Stories(features.runs, features.builds, self._commits, features.environments.resolve)
        self._sources = Sources(features)
        self._families = Families(features, self._sources)

    def explain(self, of: str) -> Account:
        """Give the account of a run, a build, a receipt, an artifact, a schedule or a trigger.

        `of` is its resource name, or the short id of a run, a receipt, a build or a schedule;
        of a receipt and a build the beginning is enough. Raises NotFound, InvalidArgument.
        """
        kind = names.kind(of)
        explainers = {
            "run": self._run,
            "build": lambda name: self._build(self._features.builds.get(self._builds_id(names.short(name)))),
            "receipt": lambda name: self._receipt(self._receipts_id(names.short(name))),
            "artifact": lambda name: self._artifact(names.short(name)),
            **dict.fromkeys(("schedule", "run schedule", "function", "build trigger", "run trigger"), self._source),
        }
        if kind in explainers:
            return explainers[kind](of)
        if "/" in of:
            raise InvalidArgument.field(
                "name", f"{of!r} is none of {', '.join(explainers)}; give a resource name such as receipts/{_ID}"
            )
        return self._by_id(of)

    def origin(self, run: str) -> Origin:
        """Tell a run's commit and what it read. Raises NotFound."""
        found = self._features.runs.get(run)
        return self._stories.origin(found, self._chain(found.receipt_id))

    def fates(self, receipts: Sequence[Receipt]) -> list[Fate]:
        """Say of each event what became of it in the end."""
        return [fate.of(node) for node in self._families.nodes(receipts, _DEEP)]

    def fate_of(self, trigger: str, last: Receipt | None) -> Fate:
        """Say why nothing comes of a trigger now, or what came of its last event."""
        return fate.of_source(self._sources.read(trigger), self._node(last) if last else None)

    def _by_id(self, short: str) -> Account:
        said: NotFound | None = None
        for name in (
            f"{self._parent}/pipelineJobs/{short}",
            f"receipts/{short}",
            f"builds/{short}",
            f"{self._parent}/jobs/{short}",
        ):
            try:
                return self.explain(name)
            except NotFound as error:
                said = error if error.reason == runs.NAMES_PIPELINE else said
            except InvalidArgument:
                pass
        if meant := self._meant(short):
            return self.explain(meant)
        raise said or NotFound(
            f"There is no run, receipt, build or schedule {short!r}; `trainshed pipelines list`, `trainshed receipts list` "
            "and `trainshed builds list` show them.",
            reason="NOTHING_TO_EXPLAIN",
        )

    def _meant(self, short: str) -> str:
        """Answer the build or the receipt whose identifier alone begins so. Raises InvalidArgument naming several."""
        found = [f"builds/{build}" for build in self._features.builds.that_begin(short)]
        found += [f"receipts/{receipt}" for receipt in self._features.ledger.that_begin(short)]
        return names.only(short, found)

    def _builds_id(self, short: str) -> str:
        return names.only(short, self._features.builds.that_begin(short)) or short

    def _receipts_id(self, short: str) -> str:
        return names.only(short, self._features.ledger.that_begin(short)) or short

    def _run(self, name: str) -> Account:
        run = self._features.runs.get(name)
        chain = self._chain(run.receipt_id)
        story = self._stories.read(run, chain)
        made = self._features.runs.outputs(run, of_runs.TELLING)
        before = self._features.runs.worked_before(run.name)
        first: list[Step] = self._led(chain, without=run.name) if chain else [events.asked(run.cause_kind)]
        root_has_it = bool(chain) and chain[0].kind == "commit"
        because = chain[-1].reason if chain and chain[-1].link == run.name and not run.is_needless else ""
        steps = [
            *first,
            of_builds.commit(story.commit, _built(story)) if story.commit and not root_has_it else None,
            None if story.commit else of_runs.unknown_commit(story.code),
            of_runs.run(run, story.tally),
            self._compared(run, story, before),
            of_runs.data(story),
            of_runs.environments(story.tasks, self._environments(story)),
            of_runs.decisions(story.tasks, story.tally),
            of_runs.verdict(made.telling, story.tasks),
            of_runs.cost(story.cost),
            of_runs.made(made),
            events.followed(self._node(chain[-1])) if chain else None,
        ]
        return Account(
            kind="run",
            name=run.name,
            title=f"Why run {names.short(run.name)}",
            state=run.state,
            says=of_runs.answer(run, story.tally, story.tasks, because, made.telling),
            advice=of_runs.advice(run, story.tasks),
            steps=[step for step in steps if step is not None],
            before=_called(before),
            run=run.name,
            channels=() if runs.RUN.is_final(run.state) else (runs.run_channel(run.name), runs.tasks_channel(run.name)),
        )

    def _build(self, build: Build) -> Account:
        receipt = self._features.ledger.cause_of(build.name)
        chain = self._chain(receipt.receipt_id) if receipt else []
        commit = self._commits.of_build(build)
        steps: list[Step | None] = [*(self._led(chain, without=build.name) if chain else [events.asked("user")])]
        if commit is not None and not (chain and chain[0].kind == "commit"):
            steps.append(of_builds.commit(commit))
        steps.append(of_builds.build(build))
        if receipt is not None:
            steps.append(events.followed(self._node(receipt)))
        return Account(
            kind="build",
            name=build.name,
            title=of_builds.title(build),
            state=build.state,
            says=of_builds.answer(build, receipt.reason if receipt else ""),
            advice=of_builds.advice(build),
            steps=[step for step in steps if step is not None],
            channels=() if build.is_final else (changes("build", build.build_id),),
        )

    def _receipt(self, receipt_id: str) -> Account:
        chain = self._chain(receipt_id)
        if not chain:
            self._features.ledger.describe(receipt_id)  # raises NotFound, in its words
        return self._of_event(f"receipts/{receipt_id}", f"What became of receipt {receipt_id}", chain, None)

    def _source(self, name: str) -> Account:
        """Explain a trigger by its last event."""
        source = self._sources.read(name)
        last = next(iter(self._features.ledger.latest([name], limit=1).get(name, ())), None)
        found = self.fate_of(name, last)
        chain = self._chain(last.receipt_id) if last else []
        account = self._of_event(name, f"What {names.called(name)} did last", chain, found)
        return replace(
            account,
            steps=[self._sources.step(source), *account.steps],
            channels=tuple(dict.fromkeys((changes("receipt"), *self._sources.channels(name), *account.channels))),
        )

    def _of_event(self, name: str, title: str, chain: Sequence[Receipt], found: Fate | None) -> Account:
        steps: list[Step | None] = []
        if chain:
            node = self._node(chain[-1])
            found = found or fate.of(node)
            steps = [*self._led(chain, without=""), events.followed(node)]
        assert found is not None
        has_led = bool(found.link) and found.did_something
        see = [Advice(text="See the account of what it started", about=words.named(found.link))] if has_led else []
        is_open = found.state == "PENDING" and not has_led
        return Account(
            kind=names.kind(name),
            name=name,
            title=title,
            state=found.state,
            says=found.says,
            advice=[*found.advice, *see],
            steps=[step for step in steps if step is not None],
            channels=(
                *(changes("receipt", r.receipt_id) for r in chain if is_open),
                *((_changes_of(found.link),) if has_led and found.state in _AT_WORK else ()),
            ),
        )

    def _artifact(self, public_id: str) -> Account:
        """Explain an artifact by the run that made it."""
        artifact = self._features.lineage.artifact(public_id)
        made = self._features.lineage.maker(str(artifact.artifact_id))
        if not made.run:
            raise NotFound(f"Artifact {public_id} was recorded by hand; no run made it.", reason="MAKER_NOT_FOUND")
        account = self._run(made.run)
        what = artifact.name or f"artifact {public_id}"
        step = Step(
            id="artifact",
            heading=f"The {what}",
            says=words.sentence(f"{what} was made by task {made.task} of run {names.short(made.run)}"),
            when=artifact.create_time,
            about=Named(text=what, name=f"artifacts/{public_id}"),
            facts=[
                ("Type", artifact.schema_title.rpartition(".")[2]),
                ("URI", artifact.uri),
                ("Content", artifact.digest[:12]),
                *((key, str(value)) for key, value in artifact.metadata.items()),
            ],
        )
        return replace(
            account, kind="artifact", name=f"artifacts/{public_id}", title=f"Why {what} of run {names.short(made.run)}",
            steps=[step, *account.steps],
        )  # fmt: skip

    def _led(self, chain: Sequence[Receipt], *, without: str) -> list[Step]:
        """Tell of the events that led somewhere, with the builds on the way; `without` is told elsewhere."""
        steps = [events.event(chain[0], self._commits.of_receipt(chain[0]))]
        for node in self._families.nodes(chain, 0):
            receipt = node.receipt
            steps.append(events.receipt(node))
            if names.kind(receipt.link) == "build" and receipt.link != without:
                with suppress(NotFound):
                    steps.append(of_builds.build(self._features.builds.get(names.short(receipt.link))))
        return steps

    def _chain(self, receipt_id: str) -> list[Receipt]:
        """Answer the receipts from the first event to this one."""
        chain: list[Receipt] = []
        while receipt_id and len(chain) < _LONGEST_CHAIN:
            try:
                found = self._features.ledger.describe(receipt_id).receipt
            except NotFound:  # it was cleaned away
                break
            chain.insert(0, found)
            receipt_id = found.parent_id
        return chain

    def _node(self, receipt: Receipt) -> Node:
        (node,) = self._families.nodes([receipt], _DEEP)
        return node

    def _compared(self, run: Run, story: Story, before: Run | None) -> Step | None:
        if before is None:
            return None
        earlier = self._stories.read(before, self._chain(before.receipt_id))
        named = _called(before)
        assert named is not None
        then, now = (self._features.runs.measures(one, differences.METRICS) for one in (before, run))
        return of_runs.compared(named, differences.between(earlier, story), differences.measures(then, now))

    def _environments(self, story: Story) -> Mapping[str, Environment]:
        used = {task.environment for task in story.tasks if task.environment}
        found = {digest: self._features.environments.get(digest) for digest in used}
        return {digest: environment for digest, environment in found.items() if environment is not None}


def _changes_of(work: str) -> str:
    """Name what is notified when a run or a build changes."""
    return changes("build", names.short(work)) if names.kind(work) == "build" else changes("run", work)


def _called(run: Run | None) -> Named | None:
    return Named(text=f"run {names.short(run.name)}", name=run.name) if run else None


def _built(story: Story) -> Named | None:
    """Answer the build that made a run's code, or its image, out of its commit."""
    builds_of = [s.build for s in story.sources if s.build and s.commit == story.commit]
    made = builds_of[0] if builds_of else story.code.build
    return words.named(made) if made else None
