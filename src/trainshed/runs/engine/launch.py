"""From a task and its inputs to a Launch: folder, links to inputs, executor input, command."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from trainshed import ir
from trainshed.blobs import Blobs
from trainshed.runners.contract import Command, Container, Launch, Limits, PythonComponent
from trainshed.runs import secret_variables
from trainshed.runs.active import ActiveRun
from trainshed.runs.engine.kept_inputs import Read

_SCHEME = "gs://"
_USER = "user"  # whoever sits at this machine
LOG = "log"


Reach = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Around:
    """What attempts get from the server."""

    blobs: Blobs
    reach: Reach  # the variables by which Google's clients find this server, by service account
    secrets: Path  # the local provider's folder
    grace_seconds: float
    read: Read  # what the store knows of objects


@dataclass(frozen=True, kw_only=True)
class _Words:
    """What the placeholders in a task's words stand for."""

    facts: ir.RunFacts
    document: Mapping[str, Any]  # the executor input
    places: ir.Places

    def one(self, text: str) -> str:
        """Fill a text in."""
        return ir.resolve(text, self.facts, self.document, self.places.path_of)

    def line(self, words: Sequence[str]) -> Sequence[str]:
        """Fill a command line in. Raises FileNotFoundError for the content of an artifact that has no file."""
        content_of = partial(_content, self.places)
        return ir.command_line(words, self.facts, self.document, self.places.path_of, content_of=content_of)


def prepare(active: ActiveRun, path: str, attempt: int, around: Around) -> Launch:
    """Make an attempt's folder and everything that its runner needs to know.

    In a run that was cancelled only exit tasks start, and they have the grace period to clean up. Raises
    FailedPrecondition for a secret that is not there.
    """
    node, place, places = active.nodes[path], active.place(path), active.places_of(path, attempt)
    is_legacy = active.plan.schema_version == "2.0.0"
    document = ir.executor_input(node.task, active.inputs_of(path), places, is_legacy=is_legacy)
    words = _Words(facts=active.facts(path), document=document, places=places)
    folder = active.attempt_folder(path, attempt)
    _lay_out(active, path, folder, around.blobs.root)
    return Launch(
        task_id=node.id,
        task=path,
        attempt=attempt,
        work=_work(active, path, attempt, words),
        executor_input=json.dumps(document, ensure_ascii=False),
        environment=place.environment,
        folder=folder,
        mount=folder / "mount",
        output_file=Path(places.output_file),
        log_file=folder / LOG,
        variables=_variables(active, path, around, words),
        limits=_limits(active, path, around.grace_seconds),
    )


def _lay_out(active: ActiveRun, path: str, folder: Path, root: Path) -> None:
    """Make an attempt's folder, with links to its inputs below the folder of all buckets."""
    folder.mkdir(parents=True, exist_ok=True)
    for artifacts in active.inputs_of(path).artifacts.values():
        for artifact in artifacts:
            _link(root, folder / "mount", artifact.uri)
    if active.plan.has_workspace:
        active.workspace.mkdir(parents=True, exist_ok=True)
    is_python = isinstance(active.place(path).work, ir.Python)
    if active.task(path).output_parameters and not is_python:  # kfp's executor makes it when it is needed
        (folder / "outputs").mkdir(exist_ok=True)


def _variables(active: ActiveRun, path: str, around: Around, words: _Words) -> dict[str, str]:
    """Put an attempt's environment variables together; what its container says wins over all others."""
    task = active.task(path)
    found = {**around.reach(active.run.service_account or _USER), **active.place(path).variables}
    found |= secret_variables.values(around.secrets, task, active.inputs_of(path))
    said = task.executor["container"].get("env", ())
    return found | {str(e["name"]): words.one(str(e.get("value", ""))) for e in said if e.get("name")}


def _work(active: ActiveRun, path: str, attempt: int, words: _Words) -> PythonComponent | Command | Container:
    """Say what the runner runs: a function in a warm worker, a container of an image, or a command of this machine."""
    place = active.place(path)
    if place.image:
        command, arguments = _apart(active.task(path), place.work)
        return Container(
            image=image_of(active, path, attempt),
            command=words.line(command),
            arguments=words.line(arguments),
            folders=(active.workspace,) if active.plan.has_workspace else (),
        )
    if isinstance(place.work, ir.Python):
        return PythonComponent(function=place.work.function, source=place.work.source, module=place.work.module)
    return Command(arguments=words.line(place.work.command))


def _apart(task: ir.Task, work: ir.Python | ir.Shell) -> tuple[Sequence[str], Sequence[str]]:
    """Tell what takes the place of an image's entrypoint from what the entrypoint is given."""
    container = task.executor["container"]
    arguments = container.get("args", ())
    if isinstance(work, ir.Shell) and not work.requirements:  # it knows what an image runs that leaves it open
        return work.command[: len(work.command) - len(arguments)], arguments
    return container.get("command", ()), arguments


def image_of(active: ActiveRun, path: str, attempt: int) -> str:
    """Answer the name of the image whose container a task is; it may be an input."""
    inputs, places = active.inputs_of(path), active.places_of(path, attempt)
    document = ir.executor_input(active.task(path), inputs, places)
    return ir.resolve(active.place(path).image, active.facts(path), document, places.path_of)


def _content(places: ir.Places, uri: str) -> str:
    """Read what TFX calls an artifact's value: its file. Raises FileNotFoundError."""
    return Path(places.path_of(uri)).read_text(encoding="utf-8", errors="replace")


def _limits(active: ActiveRun, path: str, grace_seconds: float) -> Limits:
    node = active.nodes[path]
    timeout = node.task.timeout_seconds
    if active.view.state == "CANCELLING":
        timeout = min(timeout or grace_seconds, grace_seconds)
    return Limits(
        cpus=node.resources.cpu_limit,
        memory_bytes=node.resources.memory_limit_bytes,
        timeout_seconds=timeout,
        accelerators=node.accelerators,
    )


def _link(root: Path, mount: Path, uri: str) -> None:
    """Let an input's path lead to the bucket's own files."""
    if not uri.startswith(_SCHEME):
        return
    below = uri.removeprefix(_SCHEME).rstrip("/")
    target, link = root / below, mount / below
    if ".." in Path(below).parts or link.is_symlink() or link.exists() or not target.exists():
        return
    if any(p.is_symlink() for p in link.parents if p.is_relative_to(mount)):
        return  # a folder above it is an input as well
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
