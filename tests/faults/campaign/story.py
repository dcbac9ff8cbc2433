"""What became of a run, read from the rows and from what its tasks signed, in words that do not depend on luck."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_DYING_SECONDS = 0.5  # a task may sign while the kill of its worker is on the way
_FINAL = {"SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED", "NOT_TRIGGERED"}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A line that a task signed."""

    task: str
    attempt: int
    time: float
    word: str


def marks_of(path: Path) -> list[Mark]:
    """Read what the tasks of a case signed."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else ():
        who, when, word = line.split(" ")
        task, attempt = who.rsplit("@", 1)
        found.append(Mark(task=task, attempt=int(attempt), time=float(when), word=word))
    return found


class Rows:
    """The store of a home, read beside its server."""

    def __init__(self, home: Path) -> None:
        self._path = home / "trainshed.db"

    def all(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Answer rows."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def states(self) -> dict[str, str]:
        """Answer the state of every run, by its job id."""
        return {r["name"].rsplit("/", 1)[1]: r["state"] for r in self.all("SELECT name, state FROM runs")}


def view(rows: Rows, job: str, base: str) -> dict[str, Any]:
    """Say how a run ended: what has to be the same with and without kills."""
    (run,) = rows.all("SELECT * FROM runs WHERE name LIKE ?", f"%/{job}")
    tasks = rows.all("SELECT * FROM tasks WHERE run = ? ORDER BY name", run["name"])
    ids = {t["id"]: t["name"] for t in tasks}
    taken = {a["task_id"]: a["attempt"] for a in rows.all("SELECT * FROM attempts WHERE outcome = 'Succeeded'")}
    artifacts = {a["id"]: a for a in rows.all("SELECT id, uri, digest FROM artifacts")}

    def place(found: re.Match[str]) -> str:
        """Leave the attempt's number out where it is that of the attempt whose result was taken."""
        task, attempt = found[1], int(found[2] or 1)
        return f"_{task}{'' if attempt == taken.get(task) else f'-{attempt}'}/"

    def plain(text: str) -> str:
        text = re.sub(r"_(\d{12,})(?:-(\d+))?/", place, text)
        text = re.sub(r"\d{12,}", lambda m: f"<{ids.get(m[0], 'id')}>", text)
        return re.sub(r'/artifacts/\d+"', '/artifacts/#"', re.sub(rf"{re.escape(base)}(-again)?\b", "CASE", text))

    def thing(key: int) -> list[str]:
        return [plain(artifacts[key]["uri"]), artifacts[key]["digest"]]

    def given(outputs: str | None) -> Any:
        found = json.loads(outputs) if outputs else None
        if not found or "artifacts" not in found:
            return found
        return {**found, "artifacts": {k: [thing(i) for i in v] for k, v in found["artifacts"].items()}}

    return {
        "state": run["state"],
        "error": plain(run["error"]).splitlines()[:1],
        "outputs": json.loads(plain(run["outputs"] or "null")),
        "tasks_ran": run["tasks_ran"],
        "tasks": {t["name"]: [t["state"], given(t["outputs"])] for t in tasks},
        "lineage": _lineage(rows, run["name"], thing),
    }


def _lineage(rows: Rows, run: str, thing: Any) -> list[Any]:
    """Answer the executions that gave something: name, state, and their artifacts.

    Whether a task whose worker was killed had begun again when its run was cancelled is luck: then it has an execution
    that was cancelled, else none but one that failed. The states of tasks are compared in any case.
    """
    nothing = "last_known_state NOT IN ('FAILED', 'CANCELLED')"
    found = []
    for execution in rows.all(f"SELECT * FROM executions WHERE name LIKE ? AND {nothing}", f"{run}/tasks/%"):
        edges = rows.all("SELECT * FROM events WHERE execution_id = ?", execution["id"])
        things = sorted([e["type"], e["path"], *thing(e["artifact_id"])] for e in edges)
        found.append([execution["name"].rsplit("/tasks/", 1)[1], execution["last_known_state"], things])
    return sorted(found)


def differences(wanted: Any, found: Any, where: str = "") -> list[str]:
    """Say where two views differ."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        keys = sorted({*wanted, *found})
        return [d for k in keys for d in differences(wanted.get(k), found.get(k), f"{where}/{k}")]
    return [] if wanted == found else [f"{where}: {found!r} instead of {wanted!r}"]


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What is wrong with how often things happened in a run, and what was lived through."""

    problems: Sequence[str]
    lost: int  # attempts that nobody knew the end of
    lost_with_effects: int


@dataclass(frozen=True, kw_only=True)
class Excuses:
    """Why an attempt at work may be lost: its worker was killed, or was left alone for longer than its lease."""

    worker_kills: Sequence[float] = ()
    outages: Sequence[tuple[float, float]] = ()
    lease_seconds: float = 0.0

    def holds(self, since: float, until: float) -> bool:
        """Whether there is one for an attempt that was lost between two times."""
        long = [(a, b) for a, b in self.outages if b - a >= self.lease_seconds and a < until and b > since]
        return bool(long) or any(since - _DYING_SECONDS <= kill <= until for kill in self.worker_kills)


def applied(rows: Rows, job: str, marks: Sequence[Mark], excuses: Excuses) -> Applied:
    """Count how often each task of a run did its work, and how often its result was taken."""
    tasks = rows.all("SELECT * FROM tasks WHERE run LIKE ?", f"%/{job}")
    signed = Counter((m.task, m.attempt, m.word) for m in marks)
    problems = [f"{key} signed {count} times" for key, count in signed.items() if count > 1]
    lost = with_effects = 0
    for task in tasks:
        attempts = {a["attempt"]: a for a in rows.all("SELECT * FROM attempts WHERE task_id = ?", task["id"])}
        begun = {m.attempt for m in marks if m.task == task["id"]}
        problems += [f"{task['name']}: {p}" for p in _of_task(rows, task, attempts, signed, begun)]
        for number, attempt in attempts.items():
            if attempt["outcome"] == "LeaseLost":
                lost += 1
                if number in begun:
                    with_effects += 1
                    since = min(m.time for m in marks if (m.task, m.attempt) == (task["id"], number))
                    if not excuses.holds(since, _seconds(attempt["end_time"])):
                        problems.append(f"{task['name']}: attempt {number} was lost though its worker was not killed")
    return Applied(problems=problems, lost=lost, lost_with_effects=with_effects)


def _of_task(
    rows: Rows, task: dict[str, Any], attempts: dict[int, Any], signed: Counter[Any], begun: set[int]
) -> list[str]:
    problems = []
    outcomes = Counter(a["outcome"] for a in attempts.values())
    transitions = Counter(
        h["transition"] for h in rows.all("SELECT * FROM history WHERE noun='task' AND resource=?", task["id"])
    )
    executions = rows.all(
        "SELECT last_known_state FROM executions WHERE name = ?", f"{task['run']}/tasks/{task['name']}"
    )
    complete = sum(e["last_known_state"] in {"COMPLETE", "CACHED"} for e in executions)
    is_leaf = task["kind"] not in {"dag", "loop"}
    has_result = task["state"] in {"SUCCEEDED", "SKIPPED"}
    if task["state"] not in _FINAL:
        problems.append(f"is {task['state']} at the end")
    if transitions["succeeded"] > 1 + transitions["reset"] + transitions["reopened"]:
        problems.append(f"succeeded {transitions['succeeded']} times")
    if is_leaf and complete != has_result:
        problems.append(f"has {complete} executions with results and is {task['state']}")
    if is_leaf and outcomes["Succeeded"] != (task["state"] == "SUCCEEDED"):
        problems.append(f"has {outcomes['Succeeded']} attempts that succeeded and is {task['state']}")
    if begun - attempts.keys():
        problems.append(f"attempts {begun - attempts.keys()} worked and are not recorded")
    if attempts and max(attempts) > task["attempt"]:
        problems.append(f"attempt {max(attempts)} is recorded; the task counts {task['attempt']}")
    for number, attempt in attempts.items():
        is_done = bool(signed[(task["id"], number, "done")])
        if attempt["outcome"] == "Succeeded" and not is_done:
            problems.append(f"attempt {number} succeeded without doing its work")
        if is_done and attempt["outcome"] not in {"Succeeded", "LeaseLost"}:
            problems.append(f"attempt {number} did its work and ended as {attempt['outcome']}")
    return problems


def _seconds(stored: Any) -> float:
    if isinstance(stored, int | float):
        return float(stored) / 1e6 if stored > 1e12 else float(stored)
    moment = datetime.fromisoformat(stored)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def survived(marks: Sequence[Mark], kills: Sequence[float]) -> int:
    """Count the kills that an attempt, from its first mark to its last, lived through."""
    spans: dict[tuple[str, int], list[float]] = {}
    for mark in marks:
        spans.setdefault((mark.task, mark.attempt), []).append(mark.time)
    return sum(min(times) < kill < max(times) for times in spans.values() for kill in kills)
