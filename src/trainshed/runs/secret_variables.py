"""Secrets that tasks get as environment variables (kfp-kubernetes' secretAsEnv), from the local provider.

A value is read when an attempt starts and goes to its process alone: it is in no row, no log and no cache key. The name
of a secret may be a parameter; one that the document or the run's parameters tell is looked for before anything runs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from trainshed import ir, secret_files
from trainshed.errors import FailedPrecondition, Finding


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One variable that one key of a secret goes to."""

    name: str | None  # of the secret; None while only the run will tell
    key: str
    variable: str
    is_optional: bool


def findings(root: Path, plan: ir.Plan, parameters: Mapping[str, Any]) -> list[Finding]:
    """Answer every secret that is needed and not here, as far as document and parameters name it.

    Of one that a task of the run will name it is known at least whether any secret here could be meant.
    """
    return [
        Finding(severity="error", path=f"tasks.{path}", message=problem, anchor="refused")
        for path, task in plan.leaves()
        for wanted in _wanted(task.platform, partial(_around, plan, path, parameters))
        if (problem := _problem(root, wanted, path))
    ]


def values(root: Path, task: ir.Task, inputs: ir.TaskInputs) -> dict[str, str]:
    """Answer the variables of a task. Raises FailedPrecondition saying which file to write, or how to protect it."""
    found: dict[str, str] = {}
    for wanted in _wanted(inputs.platform):
        assert wanted.name is not None, wanted
        path = secret_files.path_of(root, wanted.name, wanted.key)
        if not wanted.is_optional or (path is not None and path.is_file()):
            found[wanted.variable] = _read(root, wanted, task.name)
    return found


def _wanted(platform: Mapping[str, Any], value_of: Callable[[str], str | None] = lambda _: "") -> Iterator[Wanted]:
    """Answer what settings ask for; `value_of` tells the inputs around a task before the run has settled them."""
    for secret in platform.get("secretAsEnv", ()):
        name = _name(secret, value_of)
        for entry in secret.get("keyToEnv", ()) if name != "" else ():
            yield Wanted(
                name=name,
                key=str(entry.get("secretKey", "")),
                variable=str(entry.get("envVar", "")),
                is_optional=bool(secret.get("optional", False)),
            )


def _name(secret: Mapping[str, Any], value_of: Callable[[str], str | None]) -> str | None:
    source = secret.get("secretNameParameter", {})
    if not isinstance(source, Mapping):
        return str(source)
    written = source.get("runtimeValue", {}).get("constant") or secret.get("secretName", "")
    if "taskOutputParameter" in source:
        return None
    return str(written) if written else value_of(source.get("componentInputParameter", ""))


def _around(plan: ir.Plan, path: str, parameters: Mapping[str, Any], name: str) -> str | None:
    """Follow an input of the DAG around a task to the run's parameters; None where only the run itself will tell."""
    above = path.rpartition(".")[0]
    if not above:
        return str(parameters.get(name) or _default(plan.parameters, name))
    task = plan.find(above)
    wanted = task.given_parameters.get(name)
    if wanted is None:
        return None if task.loop is not None and task.loop.item == name else _default(task.parameters, name)
    match wanted.source:
        case ir.InputParameter(name=outer) if not wanted.selector:
            return _around(plan, above, parameters, outer)
        case ir.Constant(value=str(text)) if "{{$" not in text and not wanted.selector:
            return text
    return None


def _default(definitions: Mapping[str, ir.ParameterDefinition], name: str) -> str:
    default = definitions[name].default if name in definitions else None
    return default if isinstance(default, str) else ""


def _problem(root: Path, wanted: Wanted, path: str) -> str:
    if wanted.is_optional:
        return ""
    if wanted.name is None:
        return "" if _has_any(root, wanted.key) else _of_none(root, wanted, path)
    try:
        _read(root, wanted, path)
    except FailedPrecondition as error:
        return error.message
    return ""


def _has_any(root: Path, key: str) -> bool:
    return any(found.is_file() or (found / key).is_file() for found in root.glob("*"))


def _of_none(root: Path, wanted: Wanted, path: str) -> str:
    return (
        f"secretAsEnv: {wanted.variable} of task {path!r} comes from {wanted.key!r} of a secret that the run will name, and "
        f"none here has that; write one into {root / 'NAME' / wanted.key} and protect it: chmod 600"
    )


def _read(root: Path, wanted: Wanted, reader: str) -> str:
    who = f"{wanted.variable} of task {reader!r}"
    assert wanted.name is not None, wanted
    return secret_files.read(root, wanted.name, wanted.key, field="secretAsEnv", reader=who)
