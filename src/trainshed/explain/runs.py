"""The steps of an account that tell of a run: what it was given, what ran and why, the verdict, the cost, what it made. Pure."""

from collections.abc import Mapping, Sequence
from math import isfinite

from trainshed import costs, names
from trainshed.environments import Environment
from trainshed.explain import differences, words
from trainshed.explain.differences import Difference, Measure
from trainshed.explain.model import Advice, Code, Named, Ran, Step, Story, Value
from trainshed.lineage import Output as Made
from trainshed.lineage import Outputs
from trainshed.quantities import counted, duration, number, of_pauses
from trainshed.runs import Run, paused_seconds, worked_seconds
from trainshed.tally import Tally

_MOST = 100  # rows of one step
_PACKAGES = 12
_VERDICTS = ("verdict", "blessed", "blessing", "is_blessed")
_PUSHED = "pushed_version"
_NO_NUMBERS = ("NaN", "Infinity")  # as a document has them
TELLING = (*(f'"{key}":' for key in (*_VERDICTS, _PUSHED)), *_NO_NUMBERS)  # in what an artifact says of itself
_LIMITS = ("needed more memory than its limit", "ran longer than its limit")  # how errors of tasks begin
_LEAST = 1e-6  # of a currency, as the cost of a task is written


def answer(run: Run, tally: Tally, tasks: Sequence[Ran], because: str, made: Sequence[Made] = ()) -> str:
    """Say in one sentence why a run is, and how it ended."""
    if run.is_needless:
        end = f"it did nothing; {tally.said()}"
    else:
        end = f"it {words.became(run.state)}{_problem(run, tasks)}"
    reason = because.partition(" because ")[2]
    lost = _no_numbers([m for m in made if not m.is_reused])
    return (
        words.sentence(end)
        + (f" Its {words.some(lost)}, no number: a training that diverges ends like that." if lost else "")
        + (f" It was started because {words.sentence(reason, capital=False)}" if reason else "")
    )


def advice(run: Run, tasks: Sequence[Ran]) -> list[Advice]:
    """Say what to do about a run next."""
    job = names.short(run.name)
    if run.is_needless:
        again = f"trainshed pipelines clone {job} --no-caching"
        return [Advice(text="To run every task all the same", command=again)]
    if run.state == "FAILED":
        failed = next((task.task for task in tasks if task.state == "FAILED" and task.error), "")
        log = f"trainshed pipelines logs {job}" + (f" --task {failed}" if failed else "")
        found = [Advice(text="Read what the failed task wrote", command=log)]
        if any(task.state == "FAILED" and task.error.startswith(_LIMITS) for task in tasks):
            how = "raise it in the pipeline, compile and upload that, and start a run of it"
            found.append(Advice(text=f"A retry has the same limit: {how}"))
        else:
            on = "Once that is mended, go on from there, with the same pipeline and parameters"
            found.append(Advice(text=on, command=f"trainshed pipelines retry {job}"))
        if run.parameters:
            again = f"trainshed pipelines clone {job} --parameter NAME=VALUE"
            found.append(Advice(text="Or run it again with another parameter", command=again))
        return found
    return []


def run(found: Run, tally: Tally) -> Step:
    """Tell of the run itself."""
    took, paused = worked_seconds(found), paused_seconds(found)
    ran = f"; {tally.said()}" if tally.worked + tally.left_out else ""
    says = f"run {names.short(found.name)} of pipeline {found.pipeline} {words.became(found.state)}{ran}"
    facts: list[tuple[str, Value]] = [
        ("Duration", duration(took) + (f", and {of_pauses(paused)}" if took is not None and paused else "")),
        ("Pipeline", found.pipeline),
        ("Digest of its spec", found.spec_digest[:12]),
    ]
    if found.template_uri:
        facts.append(("Compiled pipeline", Named(text=found.template_uri, name=found.template_uri)))
    if found.origin:
        facts.append(("On behalf of", words.named(found.origin)))
    if found.error:
        facts.append(("Problem", found.error.partition("\n")[0]))
    return Step(
        id="run",
        heading="The run",
        says=words.sentence(says),
        state=found.state,
        when=found.create_time,
        about=words.named(found.name),
        facts=facts,
        columns=("Parameter", "Value") if found.parameters else (),
        rows=[(name, _plain(value)) for name, value in found.parameters.items()],
    )


def unknown_commit(found: Code) -> Step | None:
    """Say why nobody knows which commit a run's code is of."""
    if not found.says:
        return None
    says = f"which commit its code is of is not known: {found.says}"
    about = words.named(found.build) if found.build else None
    return Step(id="commit", heading="The commit", says=words.sentence(says), about=about)


def data(story: Story) -> Step | None:
    """Tell what was read from storage."""
    if not story.sources:
        return None
    rows: list[tuple[Value, ...]] = [
        (
            Named(text=source.uri, name=f"{source.uri}#{source.generation}"),
            source.generation,
            source.written,
            words.named(source.build),
            words.sha(source.commit) if source.commit else None,
        )
        for source in story.sources[:_MOST]
    ]
    count = len(story.sources)
    return Step(
        id="data",
        heading="Data and code it read",
        says=words.sentence(f"it read {counted(count, 'object')}, each in one generation"),
        columns=("Object", "Generation", "Written", "By build", "Of commit"),
        rows=rows,
    )


def environments(tasks: Sequence[Ran], known: Mapping[str, Environment]) -> Step | None:
    """Tell in which environments tasks ran."""
    used = list(dict.fromkeys(task.environment for task in tasks if task.environment))
    if not used:
        return None
    rows: list[tuple[Value, ...]] = []
    for digest in used:
        found = known.get(digest)
        packages = [f"{name} {version}" for name, version in (found.installed if found else {}).items()]
        shown = ", ".join(packages[:_PACKAGES]) + (
            f" and {len(packages) - _PACKAGES} more" if len(packages) > _PACKAGES else ""
        )
        mine = words.some([task.task for task in tasks if task.environment == digest])
        rows.append((digest[:12], f"Python {found.python_version}" if found else "gone from disk", mine, shown))
    return Step(
        id="environment",
        heading="The environment",
        says=words.sentence(f"its tasks ran in {counted(len(used), 'environment')}"),
        columns=("Environment", "Interpreter", "Tasks", "Packages"),
        rows=rows,
    )


def decisions(tasks: Sequence[Ran], tally: Tally) -> Step | None:
    """Tell which tasks ran, which were reused, and why."""
    if not tasks:
        return None
    rows: list[tuple[Value, ...]] = [
        (task.task, task.state, task.error or task.why, words.named(task.reused_from), duration(task.seconds))
        for task in tasks[:_MOST]
    ]
    more = f"; the first {_MOST} are shown" if len(tasks) > _MOST else ""
    return Step(
        id="decisions",
        heading="What ran, what was reused, and why",
        says=words.sentence(f"{tally.said()}{more}"),
        columns=("Task", "State", "Why", "Results of", "Duration"),
        rows=rows,
    )


def verdict(made: Sequence[Made], tasks: Sequence[Ran]) -> Step | None:
    """Tell what a gate said of the model, and what was left out because of it."""
    said = [(m, key, m.metadata[key]) for m in made for key in _VERDICTS if key in m.metadata]
    left = [task for task in tasks if task.state == "NOT_TRIGGERED"]
    if not said:
        return None
    words_of = [str(value) if key == "verdict" else f"{key}: {value}" for _, key, value in said]
    consequence = f"; {words.some([t.task for t in left])} was left out" if left else ""
    rows: list[tuple[Value, ...]] = [
        (Named(text=m.name, name=f"artifacts/{m.artifact}"), m.task, key, str(value)) for m, key, value in said
    ]
    return Step(
        id="verdict",
        heading="The gate's verdict",
        says=words.sentence("; ".join(dict.fromkeys(words_of)) + consequence),
        columns=("Artifact", "Task", "Field", "Says"),
        rows=rows,
    )


def cost(found: costs.Cost) -> Step:
    """Tell what it cost."""
    fee = found.cloud - sum(part.cloud for part in found.parts.values())
    return Step(
        id="cost",
        heading="The cost",
        says=words.sentence(f"it cost {found}"),
        columns=("Task", f"{found.currency} here", f"{found.currency} on Google Cloud") if found.parts else (),
        rows=[
            *((name, _amount(part.local), _amount(part.cloud)) for name, part in list(found.parts.items())[:_MOST]),
            *([("the run itself", "0", _amount(fee))] if found.parts and fee > _LEAST else []),
        ],
    )


def _amount(value: float) -> str:
    return f"{value:.6f}" if value else "0"


def made(found: Outputs) -> Step | None:
    """Tell what came of it."""
    if not found.count:
        return None
    pushed = [m for m in found.telling if _PUSHED in m.metadata]
    says = f"it holds {counted(found.count, 'artifact')}"
    if found.count > len(found.first):
        says += f", of which the first {len(found.first)} are shown"
    if lost := _no_numbers(found.telling):
        says += f"; {words.some(lost)}"
    if pushed:
        version, place = pushed[0].metadata[_PUSHED], pushed[0].metadata.get("pushed_destination", pushed[0].uri)
        says += (
            f", and pushed model version {version} to {place}"
            if not pushed[0].is_reused
            else f"; model version {version} is an earlier run's"
        )
    rows: list[tuple[Value, ...]] = [
        (
            Named(text=m.name, name=f"artifacts/{m.artifact}"),
            m.type.rpartition(".")[2],
            m.task,
            "an earlier run" if m.is_reused else "this run",
            m.uri or None,
            _brief(m.metadata),
        )
        for m in found.first
    ]
    return Step(
        id="made",
        heading="What it produced",
        says=words.sentence(says),
        columns=("Artifact", "Type", "Task", "From", "URI", "Metadata"),
        rows=rows,
    )


def compared(before: Named, found: Sequence[Difference], measured: Sequence[Measure]) -> Step:
    """Tell what differs from the run before."""
    facts: list[tuple[str, Value]] = [
        (m.name, f"{number(m.before)} → {number(m.now)}" + (f" ({m.change})" if m.change else ""))
        for m in measured
        if m.before is not None and m.now is not None
    ]
    return Step(
        id="compared",
        heading=f"What differs from the run before, {before.text.removeprefix('run ')}",
        says=differences.said(found, measured),
        about=before,
        facts=facts,
        columns=("Kind", "What", "How", "Before", "Now") if found else (),
        rows=differences.rows(found)[:_MOST],
    )


def _problem(found: Run, tasks: Sequence[Ran]) -> str:
    if found.state != "FAILED":
        return ""
    failed = next((task for task in tasks if task.state == "FAILED" and task.error), None)
    if failed is not None:
        return f" in task {failed.task}: {failed.error}"
    return f": {found.error.partition(chr(10))[0]}" if found.error else ""


def _no_numbers(found: Sequence[Made]) -> list[str]:
    """Name the measures that computed to no number."""
    return [
        f"{m.name} {key} is {number(value)}"
        for m in found
        for key, value in m.metadata.items()
        if isinstance(value, float) and not isfinite(value)
    ]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _brief(metadata: Mapping[str, object]) -> str:
    shown = [(key, value) for key, value in metadata.items() if isinstance(value, str | int | float)]
    return ", ".join(f"{key} {number(value) if isinstance(value, float) else value}" for key, value in shown[:8])
