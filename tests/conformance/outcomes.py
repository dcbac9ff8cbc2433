"""What a run came to, read by the command line as a user reads it, and how that differs from what was stated."""

import contextlib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from trainshed.cli import trainshed
from trainshed.client import Client, segment
from trainshed.testing import Server

ANY_PLACE = "<local>"
_ITERATION = re.compile(r"\[\d+\]")
_ENDED = ("SUCCEEDED", "FAILED")


@dataclass
class Outcome:
    """One `trainshed pipelines run`: its exit code, what it said, and the run as `--format json` shows it."""

    code: int
    said: str
    document: dict
    run: dict = field(default_factory=dict)
    outputs: dict = field(default_factory=dict)

    @property
    def job(self):
        return self.run["name"].rsplit("/", 1)[1]

    def leaves(self):
        """Answer (component, task) for every task that is not a DAG."""
        for task in self.run["tasks"]:
            component = component_of(self.document, task["name"])
            if "dag" not in self.document["components"][component]:
                yield component, task

    def executed(self):
        """Count the leaf tasks that did something, by component; retries and what was reused are not counted."""
        return Counter(c for c, t in self.leaves() if t["state"] in _ENDED and not t["cachedFrom"])

    def executions(self):
        """Count attempts by component; what needs no worker counts once."""
        counts = Counter()
        for component, task in self.leaves():
            if task["state"] in _ENDED and not task["cachedFrom"]:
                counts[component] += max(1, len(task["attempts"]))
        return counts

    def states(self):
        """Answer the state of every task, DAGs included, by its path with `[*]` for iterations."""
        found = {}
        for task in self.run["tasks"]:
            path = _ITERATION.sub("[*]", task["name"]).replace(".", "/")
            found.setdefault(path, Counter())[task["state"]] += 1
        return found

    def in_state(self, *states):
        """Answer the last names of the leaf tasks in some states."""
        return {task["name"].rsplit(".", 1)[-1] for _, task in self.leaves() if task["state"] in states}


class Stand:
    """A running server and a folder for what its commands write."""

    def __init__(self, running: Server, folder: Path):
        self.running = running
        self.client = Client(running.address)
        self._folder = folder

    def run(self, spec: Path, arguments: dict, *options: str) -> Outcome:
        """Run a compiled pipeline to its end."""
        parameters, outputs = self._folder / "parameters.json", self._folder / "outputs.json"
        parameters.write_text(json.dumps(arguments))
        outputs.unlink(missing_ok=True)
        given = ("--parameters-file", str(parameters), "--wait", "--outputs", str(outputs), "--format", "json")
        done = self.running.run("pipelines", "run", str(spec), *given, *options)
        return Outcome(
            code=done.returncode,
            said=done.stderr,
            document=pipeline_spec(spec),
            run=json.loads(done.stdout) if done.stdout.strip() else {},
            outputs=json.loads(outputs.read_text()) if outputs.exists() else {},
        )

    def asked(self, *arguments: str) -> Any:
        """Answer the document of a command that only asks; in this process, for it is asked after each of the pipelines."""
        environment = {"TRAINSHED_ADDRESS": self.running.address, "TRAINSHED_HOME": str(self.running.home)}
        done = CliRunner(env=environment).invoke(trainshed, [*arguments, "--format", "json"])
        assert done.exit_code == 0, f"{' '.join(arguments)}: {done.output}"
        return json.loads(done.stdout)

    def newest(self) -> str:
        """Answer the name of the newest run, so that one can see whether another was made."""
        return next((run["name"] for run in self.asked("pipelines", "list", "--limit", "1")), "")

    def logs(self, outcome: Outcome) -> dict[str, list[list[str]]]:
        """Answer what each leaf task printed, by component."""
        lines = {task["name"]: [] for _, task in outcome.leaves()}
        for line in self.asked("pipelines", "logs", outcome.job)["lines"]:
            name, _, text = line.removeprefix("[").partition("] ")
            lines[name].append(text)
        found = {}
        for component, task in outcome.leaves():
            if task["state"] in _ENDED:
                found.setdefault(component, []).append(lines[task["name"]])
        return found

    def task_outputs(self, outcome: Outcome) -> dict[str, list[dict]]:
        """Answer what each leaf task gave, by component."""
        found = {}
        for component, task in outcome.leaves():
            if task["state"] == "SUCCEEDED":
                given = task["outputs"] or {"parameters": {}, "artifacts": {}}
                artifacts = {
                    key: values[0] if len(values) == 1 else values
                    for key, ids in given["artifacts"].items()
                    if (values := [self._artifact(i) for i in ids])
                }
                found.setdefault(component, []).append(given["parameters"] | artifacts)
        return found

    def _artifact(self, key: int) -> dict:
        with contextlib.closing(sqlite3.connect(self.running.home / "trainshed.db")) as store:
            query = "SELECT name, uri, type, metadata FROM artifacts WHERE id = ?"
            name, uri, kind, metadata = store.execute(query, (key,)).fetchone()
        return {"name": name, "uri": uri, "type": json.loads(kind)["schemaTitle"], "metadata": json.loads(metadata)}

    def content(self, artifact: dict) -> str | None:
        """Read the bytes behind an artifact, wherever its URI points; None when there are none."""
        uri = artifact["uri"]
        if not uri.startswith("gs://"):
            return Path(uri).read_text() if Path(uri).is_file() else None
        bucket, name = uri.removeprefix("gs://").split("/", 1)
        with self.client.download(f"/storage/v1/b/{bucket}/o/{segment(name)}", query={"alt": "media"}) as response:
            return response.read().decode()


def pipeline_spec(path: Path) -> dict:
    """Read the PipelineSpec of a compiled pipeline, out of a PipelineJob if it is in one."""
    document = next(yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader))
    return document.get("pipelineSpec") or document.get("pipeline_spec") or document


def component_of(document: dict, path: str) -> str:
    """Follow a task's path through a document, DAG by DAG, to its component."""
    component = "root"
    for part in path.split("."):
        holder = document["root"] if component == "root" else document["components"][component]
        component = holder["dag"]["tasks"][_ITERATION.sub("", part)]["componentRef"]["name"]
    return component


class Comparison:
    """Collects every way in which an outcome differs from what was stated."""

    def __init__(self, stand: Stand):
        self._stand = stand
        self.found: list[str] = []

    def say(self, where: str, expected: Any, found: Any) -> None:
        """Note a difference."""
        self.found.append(f"{where}\n    stated: {_shown(expected)}\n    found:  {_shown(found)}")

    def equal(self, where: str, expected: Any, found: Any) -> None:
        """Compare what has to be the same."""
        if expected != found:
            self.say(where, expected, found)

    def value(self, where: str, expected: Any, found: Any) -> None:
        """Compare a value: numbers as numbers, artifacts by what was stated of them, the rest as it is."""
        self.found += [f"{where}{line}" for line in self._differences(expected, found, "")]

    def values(self, where: str, expected: dict, found: dict) -> None:
        """Compare named values; none may be missing, none be there besides."""
        self.equal(f"{where}: names", sorted(expected), sorted(found))
        for name in sorted(expected.keys() & found.keys()):
            self.value(f"{where}.{name}", expected[name], found[name])

    def multiset(self, where: str, expected: list, found: list, *, is_same: Any = None) -> None:
        """Compare without order."""
        is_same = is_same or (lambda e, f: not list(self._differences(e, f, "")))
        left = list(found)
        missing = []
        for one in expected:
            match = next((f for f in left if is_same(one, f)), None)
            if match is None:
                missing.append(one)
            else:
                left.remove(match)
        if missing or left:
            self.say(where, missing, left)

    def check(self) -> None:
        """Fail with everything that was found."""
        assert not self.found, "\n".join(["it came out otherwise than stated", *self.found])

    def _differences(self, expected: Any, found: Any, where: str) -> Iterator[str]:
        match expected, found:
            case {"artifact": str()}, _:
                yield from self._of_artifact(expected, found, where)
            case {"matches": str(pattern)}, _:
                if not (isinstance(found, str) and re.fullmatch(pattern, found)):
                    yield f"{where}: stated like {pattern}, found {_shown(found)}"
            case dict(), dict():
                yield from self._of_fields(expected, found, where)
            case list(), list() if len(expected) == len(found):
                for index, (one, other) in enumerate(zip(expected, found, strict=True)):
                    yield from self._differences(one, other, f"{where}[{index}]")
            case str(), _ if expected == ANY_PLACE:
                if not (isinstance(found, str) and "/" in found):
                    yield f"{where}: stated some place, found {_shown(found)}"
            case _ if expected != found or isinstance(expected, bool) != isinstance(found, bool):
                yield f"{where}: stated {_shown(expected)}, found {_shown(found)}"

    def _of_fields(self, expected: dict, found: dict, where: str) -> Iterator[str]:
        for key in sorted(expected.keys() | found.keys(), key=str):
            if key not in expected or key not in found:
                yield f"{where}.{key}: only {'found' if key in found else 'stated'}"
            else:
                yield from self._differences(expected[key], found[key], f"{where}.{key}")

    def _of_artifact(self, expected: dict, found: Any, where: str) -> Iterator[str]:
        if not isinstance(found, dict) or "uri" not in found:
            yield f"{where}: stated an artifact, found {_shown(found)}"
            return
        pairs = {"type": expected["artifact"], "metadata": expected.get("metadata", {}), "uri": expected["uri"]}
        if expected.get("name"):  # an empty one is not compared
            pairs["name"] = expected["name"]
        for key, value in pairs.items():
            yield from self._differences(value, found.get(key), f"{where}.{key}")
        if not found["uri"].endswith(expected.get("uri_suffix", "")):
            yield f"{where}.uri: stated …{expected['uri_suffix']}, found {found['uri']}"
        if "content" in expected and self._stand.content(found) != expected["content"]:
            yield f"{where}: stated the content {expected['content']!r}, found {self._stand.content(found)!r}"


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str, sort_keys=True)
    return text if len(text) < 1500 else f"{text[:1500]}… ({len(text)} characters)"
