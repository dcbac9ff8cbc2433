"""Runs with their tasks, attempts and lineage."""

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from large_store.documents import Node, document, layered, training
from large_store.numbers import PARENT, Calendar, letters, moment, pick, scattered, share
from large_store.scale import Scale
from large_store.sheets import Sheets, text
from trainshed.lineage import store as lineage
from trainshed.runs import store, store_cache, store_tasks
from trainshed.sql.lifecycle import history_table

PIPELINES = ("penguin-training", "churn", "forecast", "ranking", "fraud", "search", "ads", "nightly-report")
RUN_TRIGGERS = tuple(f"new-data-{number:02}" for number in range(10))
SCHEDULES = tuple(f"{PARENT}/schedules/{4_000_000_000_000_000_000 + number}" for number in range(20))
_BUCKET = "gs://local-project-models"
_ENDS = (("SUCCEEDED", 0.88), ("FAILED", 0.08), ("CANCELLED", 0.04))
_CAUSES = (("message", 0.5), ("", 0.2), ("firing", 0.2), ("object", 0.1))
_REUSED = 6  # of a run whose data had not changed: the first tasks
_PUSHED = 0.05  # of the runs
_BROKEN = {"FAILED": 10, "CANCELLED": 15}  # at which task they came to nothing
_SECONDS, _WIDE_SECONDS = 12.0, 0.2  # of a task
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Started:
    """A run that an event started."""

    run: str
    receipt_id: str
    kind: str
    number: int
    seconds: float

    @property
    def origin(self) -> str:
        """The schedule of runs that started it."""
        return SCHEDULES[self.number % len(SCHEDULES)] if self.kind == "firing" else ""

    @property
    def place(self) -> int:
        """Which schedule stands at the beginning, where an event came by message."""
        return self.number % 20

    @property
    def trigger(self) -> str:
        """What stands at the beginning."""
        if self.kind == "message":
            return schedule_name(self.place)
        return self.origin or (
            f"{PARENT}/runTriggers/{RUN_TRIGGERS[self.number % 10]}" if self.kind == "object" else ""
        )


@dataclass(frozen=True, kw_only=True)
class Written:
    """Every run."""

    started: Sequence[Started]  # by events
    wide: dict[int, str]  # by how many tasks they have
    pushed: Sequence[tuple[str, float]]  # models: where to, and when


@dataclass(frozen=True, kw_only=True)
class _Pipeline:
    name: str
    digest: str
    nodes: Sequence[Node]
    context: int


class _Writer:
    """Counts what has been written, and knows what later runs reuse."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        ended = ("create_time", "start_time", "state", "end_time")
        self.sheets = Sheets(connection)
        sheet = self.sheets.of
        self.contexts = sheet(lineage.contexts, "id", "name", "display_name", "resource_id", "create_time",
                              "type", "parent_id")  # fmt: skip
        self.specs = sheet(store.specs, "digest", "document")
        self.runs = sheet(store.runs, "name", "number", "pipeline", "spec_digest", "parameters", "display_name", "labels",
                          "origin", "cause_kind", "receipt_id", "run_key", "trigger", "logical_time", "context_id",
                          "tasks_total", "tasks_ran", "usage", "commit_sha", "error", "update_time", *ended, root=f"{_BUCKET}/pipeline_root",
                          failure_policy="FAIL_SLOW", service_account="", template_uri="", outputs={})  # fmt: skip
        self.tasks = sheet(store_tasks.tasks, "id", "run", "position", "name", "attempt", "outputs", "error", "cache_key",
                           "key_parts", "cached_from", "environment", "execution_id", "cpu_seconds",
                           "peak_memory_bytes", *ended, kind="container", parent="", cpus=1.0, memory_bytes=0,
                           machine_type="")  # fmt: skip
        self.attempts = sheet(store_tasks.attempts, "task_id", "attempt", "outcome", "message", "start_time", "end_time",
                              "cpu_seconds", "peak_memory_bytes")  # fmt: skip
        self.cache = sheet(store_cache.cache, "key", "task_id", "pipeline", "task", "parts", "create_time")
        self.artifacts = sheet(lineage.artifacts, "id", "type", "schema_title", "uri", "metadata", "digest", "name",
                               "create_time")  # fmt: skip
        self.executions = sheet(lineage.executions, "id", "type", "schema_title", "name", "display_name",
                                "last_known_state", "properties", "cached_from", "context_id", "create_time")  # fmt: skip
        self.pushes = sheet(lineage.pushes, "artifact_id", "destination")
        self.events = sheet(lineage.events, "execution_id", "artifact_id", "type", "path", "position")
        self.readings = sheet(lineage.readings, "execution_id", "parameter", "path", "is_address")
        self.history = sheet(history_table, "noun", "resource", "transition", "state", "time")
        self.context = self.execution = self.artifact = self.task = 0
        self.pushed: list[tuple[str, float]] = []
        self.latest: dict[tuple[str, str], tuple[str, int, int]] = {}  # pipeline, task -> task id, execution, artifact


def schedule_name(number: int) -> str:
    """Name a schedule."""
    return f"{PARENT}/jobs/train-{PIPELINES[number % len(PIPELINES)]}-{number:04}"


def write(connection: sqlite3.Connection, scale: Scale, calendar: Calendar) -> Written:
    """Write every run."""
    writer = _Writer(connection)
    pipelines = [_pipeline(writer, name, training(), calendar) for name in PIPELINES]
    started = []
    for number in range(scale.runs):
        pipeline = pipelines[int(share(number, 3) ** 2 * len(pipelines))]
        begin = calendar.place(number, scale.runs)
        started.append(_run(writer, pipeline, number, begin))
    wide = {}
    for number, many in enumerate(scale.wide_runs):
        pipeline = _pipeline(writer, f"wide-{many}", layered(many), calendar)
        _run(writer, pipeline, scale.runs + number, calendar.end - 3600 * (number + 1), is_plain=True)
        wide[many] = _name(pipeline.name, scale.runs + number, calendar.end - 3600 * (number + 1))
    writer.sheets.flush()
    return Written(started=[found for found in started if found.kind], wide=wide, pushed=writer.pushed)


def _pipeline(writer: _Writer, name: str, nodes: Sequence[Node], calendar: Calendar) -> _Pipeline:
    kept = text(document(name, nodes))
    digest = hashlib.sha256(kept.encode()).hexdigest()
    writer.specs.add(digest, kept)
    writer.context += 1
    writer.contexts.add(writer.context, name, name, name, moment(calendar.start), "system.Pipeline", None)
    return _Pipeline(name=name, digest=digest, nodes=nodes, context=writer.context)


def _name(pipeline: str, number: int, begin: float) -> str:
    stamp = datetime.fromtimestamp(begin, UTC).strftime("%Y%m%d%H%M%S")
    return f"{PARENT}/pipelineJobs/{pipeline}-{stamp}-{letters(number)[:5]}"


def _run(writer: _Writer, pipeline: _Pipeline, number: int, begin: float, *, is_plain: bool = False) -> Started:
    """Write a run with everything below it; a plain one succeeded, from nothing."""
    name = _name(pipeline.name, number, begin)
    state = "SUCCEEDED" if is_plain else pick(_ENDS, number, 1)
    kind = "" if is_plain else pick(_CAUSES, number, 2)
    writer.context += 1
    short = name.rpartition("/")[2]
    writer.contexts.add(writer.context, name, short, short, moment(begin), "system.PipelineRun", pipeline.context)
    reused = 0 if is_plain or share(number, 4) < 0.5 else _REUSED
    end, used = _tasks(writer, pipeline, name, state, reused, begin + 0.02, _WIDE_SECONDS if is_plain else _SECONDS)
    parameters = {
        "data_root": f"{_BUCKET}/data/{pipeline.name}",
        "epochs": 1 + number % 9,
        "rate": 0.01 / (1 + number % 5),
    }
    _record(writer, pipeline, name, state, parameters, begin)
    found = Started(run=name, receipt_id=letters(number, 50) if kind else "", kind=kind, number=number, seconds=begin)
    broken = min(_BROKEN.get(state, len(pipeline.nodes)), len(pipeline.nodes))
    error = f"{pipeline.nodes[broken].name}: exit code 1" if state == "FAILED" else ""
    writer.runs.add(
        name, str(10**17 + scattered(number, 9) // 10), pipeline.name, pipeline.digest, text(parameters), pipeline.name,
        text({"team": ("growth", "risk", "search")[number % 3]}), found.origin, kind, found.receipt_id,
        f"{found.receipt_id}#0" if kind else None, found.trigger, moment(begin), writer.context, len(pipeline.nodes),
        max(0, broken - reused), text({"": [used, used * 0.8]}), _commit(number), error, moment(end), moment(begin), moment(begin + 0.02),
        state, moment(end),
    )  # fmt: skip
    writer.history.add("run", name, "created", "PENDING", moment(begin))
    writer.history.add("run", name, "start", "RUNNING", moment(begin + 0.02))
    writer.history.add("run", name, "end", state, moment(end))
    return found


def _commit(number: int) -> str:
    """Answer the commit of a run: of every other one nobody knows it, the others come by the dozen."""
    return "" if number % 2 else hashlib.sha1(str(number // 24).encode(), usedforsecurity=False).hexdigest()


def _tasks(
    writer: _Writer, pipeline: _Pipeline, run: str, state: str, reused: int, begin: float, each: float
) -> tuple[float, float]:
    """Write the tasks of a run, one after the other; answer when the last one ended, and how long they worked."""
    broken = _BROKEN.get(state, len(pipeline.nodes))
    made: dict[str, int] = {}
    at, used = begin, 0.0
    for position, node in enumerate(pipeline.nodes):
        outcome = "SKIPPED" if position < reused else _outcome(state, position - broken)
        lasts = 0.01 if position < reused else each * (0.2 + share(writer.task, 5))
        _task(writer, pipeline, run, position, node, outcome, at, lasts, made)
        at += 0.0 if outcome == "NOT_TRIGGERED" else lasts
        used += lasts if position >= reused and outcome != "NOT_TRIGGERED" else 0.0
    return at, used


def _outcome(state: str, after: int) -> str:
    """Answer what became of a task so many after the one at which a run came to nothing."""
    return "SUCCEEDED" if after < 0 else state if after == 0 else "NOT_TRIGGERED"


def _record(writer: _Writer, pipeline: _Pipeline, name: str, state: str, parameters: Any, begin: float) -> None:
    writer.execution += 1
    known = "COMPLETE" if state == "SUCCEEDED" else state
    properties = text({"inputs": parameters, "outputs": {}})
    short = name.rpartition("/")[2]
    writer.executions.add(writer.execution, pipeline.name, "system.Run", name, short, known, properties, None,
                          writer.context, moment(begin))  # fmt: skip


def _task(
    writer: _Writer, pipeline: _Pipeline, run: str, position: int, node: Node, state: str, at: float, lasts: float,
    made: dict[str, int],
) -> None:  # fmt: skip
    writer.task += 1
    task_id = str(10**17 + scattered(writer.task, 8) // 10)
    begin, end = moment(at), moment(at + lasts)
    key = f"{scattered(writer.task, 21):016x}{scattered(writer.task, 22):016x}" * 2
    parts = f'{{"pipeline":"{pipeline.name}","component":"{key[:32]}","parameter epochs":"{key[32:]}"}}'
    known = writer.latest.get((pipeline.name, node.name)) if state == "SKIPPED" else None
    execution, outputs, cpu, memory = None, None, 0.0, 0
    if state in {"SUCCEEDED", "SKIPPED"}:
        execution, outputs = _lineage(writer, pipeline, run, node, known, at, task_id, made)
    if state in {"SUCCEEDED", "FAILED", "CANCELLED"}:
        cpu, memory = lasts * 0.8, int((100 + 400 * share(writer.task)) * _MEBIBYTE)
        _attempts(writer, task_id, state, at, lasts, cpu, memory)
    error = "exit code 1: ValueError: the loss is not a number" if state == "FAILED" else ""
    attempt = 2 if state == "FAILED" else 1 if cpu else 0
    ran = execution is not None or cpu > 0
    writer.tasks.add(
        task_id, run, position, node.name, attempt, outputs, error, key, parts, known[0] if known else "",
        "792f14068d06f04828b8789a1a699a90" if ran else "", execution, cpu, memory, begin, begin if ran else None, state, end,
    )  # fmt: skip
    if state == "SUCCEEDED":
        writer.cache.add(key, task_id, pipeline.name, node.name, parts, end)
    writer.history.add("task", task_id, "claimed", "RUNNING", begin)
    writer.history.add("task", task_id, "ended", state, end)


def _attempts(writer: _Writer, task_id: str, state: str, at: float, lasts: float, cpu: float, memory: int) -> None:
    outcome, message = {"SUCCEEDED": ("Succeeded", ""), "CANCELLED": ("Stopped", "")}.get(
        state, ("ExitedNonZero", "exit code 1")
    )
    tries = 2 if state == "FAILED" else 1
    for number in range(tries):
        begin = at + lasts * number / tries
        writer.attempts.add(
            task_id, number + 1, outcome, message, moment(begin), moment(begin + lasts / tries), cpu, memory
        )


def _lineage(
    writer: _Writer, pipeline: _Pipeline, run: str, node: Node, known: tuple[str, int, int] | None, at: float,
    task_id: str, made: dict[str, int],
) -> tuple[int, str]:  # fmt: skip
    """Write what a task did; answer its execution and its outputs."""
    writer.execution += 1
    execution, when = writer.execution, moment(at)
    properties = '{"inputs":{"epochs":3},"outputs":' + ("{}}" if node.title else '{"made":0.5}}')
    writer.executions.add(execution, f"comp-{node.makes}", "system.ContainerExecution", f"{run}/tasks/{node.name}", "",
                          "CACHED" if known else "COMPLETE", properties, known[1] if known else None, writer.context, when)  # fmt: skip
    for position, needed in enumerate(n for n in node.needs if n in made):
        writer.events.add(execution, made[needed], "INPUT", needed, position)
    if node.name == "load":
        root = f"{_BUCKET}/data/{pipeline.name}"
        writer.readings.add(execution, "data_root", root, 1)
        writer.readings.add(execution, "data_root", _BUCKET, 0)
    if not node.title:
        return execution, '{"parameters":{"made":0.5},"artifacts":{}}'
    artifact = known[2] if known else _artifact(writer, pipeline, run, node, at)
    made[node.name] = artifact
    writer.events.add(execution, artifact, "OUTPUT", "made", 0)
    if not known:
        writer.latest[pipeline.name, node.name] = (task_id, execution, artifact)
    return execution, f'{{"parameters":{{}},"artifacts":{{"made":[{artifact}]}}}}'


def _artifact(writer: _Writer, pipeline: _Pipeline, run: str, node: Node, at: float) -> int:
    writer.artifact += 1
    number = writer.artifact
    kind = f'{{"schemaTitle":"{node.title}","schemaVersion":"0.0.1"}}'
    uri = f"{_BUCKET}/pipeline_root/{run.rpartition('/')[2]}/{node.name}/made"
    metadata: dict[str, Any] = {"accuracy": round(0.8 + share(number) / 5, 4)} if node.makes == "metrics" else {}
    if node.name == "push" and share(writer.execution) < _PUSHED:
        metadata["pushed_destination"] = f"{_BUCKET}/serving/{pipeline.name}/{int(at)}"
        writer.pushes.add(number, metadata["pushed_destination"])
        writer.pushed.append((metadata["pushed_destination"], at))
    digest = f"{scattered(number, 31):016x}" * 4
    writer.artifacts.add(number, kind, node.title, uri, text(metadata), digest, "made", moment(at))
    return number
