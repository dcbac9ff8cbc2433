"""Runs and plans as people read them."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from trainshed.cli.output import table
from trainshed.names import called
from trainshed.quantities import counted, duration, of_pauses


def state_text(run: Mapping[str, Any]) -> str:
    """Say a run's state; one in which nothing ran is marked."""
    return f"{run['state']} (nothing changed)" if run["needless"] else str(run["state"])


def cost_text(cost: Mapping[str, Any]) -> str:
    """Say what something costs here and on Google Cloud."""
    about, currency = "about " if cost["isGuess"] else "", cost["currency"]
    return f"{about}{cost['local']:.4f} {currency} here; on Google Cloud {cost['cloud']:.4f} {currency}"


def describe(document: Mapping[str, Any]) -> None:
    """Print a run with its tasks as a tree."""
    for key in ("name", "pipeline", "displayName", "createTime", "startTime", "endTime", "receipt"):
        if document[key]:
            click.echo(f"{key}: {document[key]}")
    if cause := cause_text(document):
        click.echo(f"because of: {cause}")
    click.echo(f"state: {state_text(document)}")
    for line in _times(document):
        click.echo(line)
    if done := document.get("done"):
        click.echo(f"tasks: {done}")
    if document["failurePolicy"] != "FAIL_SLOW":
        click.echo(f"failurePolicy: {document['failurePolicy']}")
    if document["error"]:
        first, *rest = document["error"].splitlines()
        click.echo("\n".join([f"error: {first}", *(f"  | {line}" for line in rest)]))
    click.echo(f"parameters: {json.dumps(document['parameters'])}")
    if document["outputs"]:
        click.echo(f"outputs: {json.dumps(document['outputs'])}")
    if document["cost"] is not None:
        click.echo(f"cost: {cost_text(document['cost'])}")
    rows = [row for line in document["lines"] for row in _rows(line)]
    table(("TASK", "STATE", "ATTEMPTS", "DURATION", "COST ON GOOGLE CLOUD", "WHY"), rows)


def cause_text(run: Mapping[str, Any]) -> str:
    """Name what stands at the beginning of the chain that led to a run, and what reached it: `schedule hourly (message)`."""
    cause, trigger = run["cause"], run.get("trigger")
    return f"{called(trigger)} ({cause})" if trigger else str(cause)


def _times(run: Mapping[str, Any]) -> Iterator[str]:
    """Say how long a run was at work, how long nobody did anything before it was retried, and who asked it to end."""
    if run["workedSeconds"] is not None:
        paused = f", and {of_pauses(run['pausedSeconds'])}" if run["pausedSeconds"] else ""
        yield f"duration: {duration(run['workedSeconds'])}{paused}"
    if asked := run["cancellation"]:
        yield f"asked to end: {asked['time']} by {asked['by']}"


def plan(document: Mapping[str, Any]) -> None:
    """Print what a run would do; what the iterations of a loop have in common is said once."""
    steps = document["steps"]
    table(("TASK", "WOULD", "WHY"), _folded(steps))
    for name, task in {n: _static(s["task"]) for s in steps for n in s["unseen"]}.items():
        click.echo(f"Note: {task}: the content behind parameter {name!r} is not part of the cache key.")
    click.echo(f"{document['done'][:1].upper()}{document['done'][1:]}.")
    click.echo(f"It would cost {cost_text(document['cost'])}.")


def _rows(line: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    indent = "  " * line["depth"]
    attempts = line["attempts"]
    seconds = _seconds(line.get("startTime"), line.get("endTime"), line.get("pausedSeconds", 0.0))
    cost = f"{line['cost']['cloud']:.4f}" if "cost" in line else ""
    yield (indent + line["label"], line["state"], len(attempts) or "", duration(seconds), cost, _why(line))
    for attempt in attempts if len(attempts) > 1 else ():
        seconds = _seconds(attempt["start_time"], attempt["end_time"])
        first = attempt["message"].partition("\n")[0]
        yield (f"{indent}  attempt {attempt['attempt']}", attempt["outcome"], "", duration(seconds), "", first)


def _why(line: Mapping[str, Any]) -> str:
    counts = line["counts"]
    if not counts:
        return str(line["reason"])
    total = sum(counts.values())
    return f"{counted(total, 'iteration')}: {', '.join(f'{n} {state}' for state, n in counts.items())}"


def _folded(steps: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    """Put equal decisions about the iterations of a task on one line, where the first of them stands."""
    same = Counter((_static(s["task"]), s["decision"], s["reason"]) for s in steps)
    for task, decision, reason in same:
        times = same[task, decision, reason]
        yield (task, decision if times == 1 else f"{decision} {times} times", reason)


def _static(path: str) -> str:
    """Answer a path without the iterations that it goes through."""
    return "".join(part.partition("]")[2] if i else part for i, part in enumerate(path.split("[")))


def _seconds(start: str | None, end: str | None, paused: float = 0.0) -> float | None:
    if not start:
        return None
    until = datetime.fromisoformat(end) if end else datetime.now().astimezone()
    return max(0.0, (until - datetime.fromisoformat(start)).total_seconds() - paused)
