"""From a task and its inputs to a Launch: folder, links to inputs, executor input, command."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

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


def prepare(active: ActiveRun, path: str, attempt: int, around: Around) -> Launch:
    """Make an attempt's folder and everything that its runner needs to know.

    In a run that was cancelled only exit tasks start, and they have the grace period to clean up. Raises
    FailedPrecondition for a secret that is not there.
    """
    node = active.nodes[path]
    task, place = node.task, active.place(path)
    places = active.places_of(path, attempt)
    inputs = active.inputs_of(path)
    document = ir.executor_input(task, inputs, places, is_legacy=active.plan.schema_version == "2.0.0")
    folder = active.attempt_folder(path, attempt)
    mount = folder / "mount"
    folder.mkdir(parents=True, exist_ok=True)
    for artifacts in inputs.artifacts.values():
        for artifact in artifacts:
            _link(around.blobs.root, mount, artifact.uri)
    if active.plan.has_workspace:
        active.workspace.mkdir(parents=True, exist_ok=True)
    facts = active.facts(path)
    env = {
        str(e["name"]): ir.resolve(str(e.get("value", "")), facts, document, places.path_of)
        for e in task.executor["container"].get("env", ())
        if e.get("name")
    }
    variables = {**around.reach(active.run.service_account or _USER), **place.variables}
    variables |= secret_variables.values(around.secrets, task, inputs)
    if task.output_parameters and not isinstance(place.work, ir.Python):  # kfp's executor makes it when it is needed
        (folder / "outputs").mkdir(exist_ok=True)
    work: PythonComponent | Command | Container

    def filled(words: Sequence[str]) -> Sequence[str]:
        return ir.command_line(words, facts, document, places.path_of, content_of=partial(_content, places))

    if place.image:
        command, arguments = _apart(task, place.work)
        work = Container(
            image=image_of(active, path, attempt),
            command=filled(command),
            arguments=filled(arguments),
            folders=(active.workspace,) if active.plan.has_workspace else (),
        )
    elif isinstance(place.work, ir.Python):
        work = PythonComponent(function=place.work.function, source=place.work.source, module=place.work.module)
    else:
        work = Command(arguments=filled(place.work.command))
    return Launch(
        task_id=node.id,
        task=path,
        attempt=attempt,
        work=work,
        executor_input=json.dumps(document, ensure_ascii=False),
        environment=place.environment,
        folder=folder,
        mount=mount,
        output_file=Path(places.output_file),
        log_file=folder / LOG,
        variables=variables | env,
        limits=_limits(active, path, around.grace_seconds),
    )


def _apart(task: ir.Task, work: ir.Python | ir.Shell) -> tuple[Sequence[str], Sequence[str]]:
    """Tell what takes the place of an image's entrypoint from what the entrypoint is given."""
    container = task.executor["container"]
    arguments = container.get("args", ())
    if (
        isinstance(work, ir.Shell) and not work.requirements
    ):  # which knows what an image runs whose document leaves it open
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
