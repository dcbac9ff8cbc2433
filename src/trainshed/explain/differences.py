"""What differs between two runs, and therefore may have made a metric fall. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

from trainshed import names
from trainshed.explain import words
from trainshed.explain.model import Commit, Named, Source, Story, Value
from trainshed.quantities import number

METRICS = ("system.Metrics", "system.ClassificationMetrics", "system.Model")
_DIGEST = 12
Metadata = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that is not what it was."""

    kind: str  # commit, code, data, parameter, environment, pipeline
    what: str
    before: str
    now: str
    about: Named | None = None  # where one sees more of it


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One metric in both runs."""

    name: str
    before: float | None
    now: float | None

    @property
    def change(self) -> str:
        """Say how it changed."""
        if self.before is None or self.now is None:
            return ""
        if self.before == self.now or (isnan(self.before) and isnan(self.now)):
            return "the same"
        change = self.now - self.before
        if not isfinite(change):
            return ""
        return f"{'+' if change > 0 else '−'}{number(abs(change))}"

    @property
    def has_fallen(self) -> bool:
        """Whether it is less than it was."""
        return self.before is not None and self.now is not None and self.now < self.before

    @property
    def is_lost(self) -> bool:
        """Whether it was a number and is none any more."""
        return self.before is not None and self.now is not None and isfinite(self.before) and not isfinite(self.now)


def between(before: Story, now: Story) -> list[Difference]:
    """Answer what differs, what explains most first."""
    return [
        *_commits(before, now),
        *_sources(before, now),
        *_parameters(before, now),
        *_pipelines(before, now),
        *_tasks(before, now),
    ]


def measures(before: Metadata, now: Metadata) -> list[Measure]:
    """Put the metrics of two runs side by side: the metadata of their artifacts of the types `METRICS`, by name."""
    old, new = _metrics(before), _metrics(now)
    return [Measure(name=name, before=old.get(name), now=new.get(name)) for name in sorted({*old, *new})]


def said(differences: Sequence[Difference], found: Sequence[Measure]) -> str:
    """Say in one sentence what changed, and which measures fell with it, though they may have risen elsewhere."""
    lost = [f"{m.name} was {number(m.before or 0)} and is {number(m.now or 0)}" for m in found if m.is_lost]
    falling = [m for m in found if _falls(m)]
    fell = [f"{m.name} fell from {number(m.before or 0)} to {number(m.now or 0)}" for m in falling]
    fell += [f"{m.name} rose from {number(m.before or 0)} to {number(m.now or 0)}" for m in _risen(found, falling)]
    kinds = list(dict.fromkeys(_PLURAL[d.kind] for d in differences))
    changed = f"{words.some(kinds)} differ" if kinds else "nothing that is recorded differs"
    return words.sentence(f"{words.some([*lost, *fell])}; {changed}" if lost or fell else changed)


def rows(differences: Sequence[Difference]) -> list[tuple[Value, ...]]:
    """Write differences as the rows of a table."""
    return [(d.kind, d.about or d.what, d.what if d.about else "", d.before, d.now) for d in differences]


_PLURAL = {
    "commit": "the commits",
    "code": "the code",
    "data": "the data",
    "parameter": "the parameters",
    "environment": "the environments",
    "pipeline": "the pipelines",
}


def _falls(measure: Measure) -> bool:
    return measure.has_fallen and not measure.is_lost and "loss" not in measure.name and "error" not in measure.name


def _risen(found: Sequence[Measure], falling: Sequence[Measure]) -> list[Measure]:
    """Answer what rose elsewhere while it fell here: an accuracy in training says little beside that of an evaluation."""
    keys = {measure.name.rpartition(" ")[2] for measure in falling}
    return [m for m in found if m.change.startswith("+") and m.name.rpartition(" ")[2] in keys]


def _metrics(made: Metadata) -> dict[str, float]:
    return {
        f"{name} {key}": float(value)
        for name, metadata in made.items()
        for key, value in metadata.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _commits(before: Story, now: Story) -> Iterator[Difference]:
    old, new = before.commit, now.commit
    if old is not None and now.code.build and not before.code.build:
        return  # the image's is all that is known now, and of the files that were read it says nothing
    if new is None or (old is not None and old.sha == new.sha):
        return
    builds = [s.build for s in now.sources if s.commit is not None and s.commit.sha == new.sha and s.build]
    yield Difference(
        kind="commit",
        what=_touched(new),
        before=words.sha(old) if old else "",
        now=f"{words.sha(new)} {new.message.partition(chr(10))[0]}".strip(),
        about=words.named(builds[0]) if builds else None,
    )


def _touched(commit: Commit) -> str:
    return f"touches {words.some(commit.files)}" if commit.files else "another commit"


def _sources(before: Story, now: Story) -> Iterator[Difference]:
    old, new = {s.uri: s for s in before.sources}, {s.uri: s for s in now.sources}
    for uri in sorted({*old, *new}):
        was, has = old.get(uri), new.get(uri)
        if was is not None and has is not None and was.generation == has.generation:
            continue
        kind = "code" if uri.endswith(".py") else "data"
        last = has or was
        yield Difference(
            kind=kind,
            what=_why_other(was, has),
            before=_version(was),
            now=_version(has),
            about=Named(text=uri, name=f"{uri}#{last.generation}" if last else uri),
        )


def _why_other(was: Source | None, has: Source | None) -> str:
    if was is None:
        return "is new"
    if has is None:
        return "is gone"
    if has.commit is not None:
        return f"written by {names.called(has.build)} of commit {words.sha(has.commit)}"
    return f"written by {names.called(has.build)}" if has.build else "has another content"


def _version(source: Source | None) -> str:
    if source is None:
        return ""
    return f"#{source.generation}" + (f" of {words.exactly(source.written)}" if source.written else "")


def _parameters(before: Story, now: Story) -> Iterator[Difference]:
    for name in sorted({*before.parameters, *now.parameters}):
        old, new = _text(before.parameters, name), _text(now.parameters, name)
        if old != new:
            yield Difference(kind="parameter", what=name, before=old, now=new)


def _text(parameters: Mapping[str, object], name: str) -> str:
    return str(parameters[name]) if name in parameters else ""


def _pipelines(before: Story, now: Story) -> Iterator[Difference]:
    if before.spec_digest != now.spec_digest:
        yield Difference(
            kind="pipeline",
            what="the compiled pipeline",
            before=before.spec_digest[:_DIGEST],
            now=now.spec_digest[:_DIGEST],
        )


def _tasks(before: Story, now: Story) -> Iterator[Difference]:
    old = {task.task: task for task in before.tasks}
    for task in now.tasks:
        was = old.get(task.task)
        if was is None:
            continue
        for kind, then, here in (("code", was.code, task.code), ("environment", was.environment, task.environment)):
            if then and here and then != here:
                yield Difference(kind=kind, what=f"of task {task.task}", before=then[:_DIGEST], now=here[:_DIGEST])
