"""Secrets that tasks get as environment variables (kfp-kubernetes' secretAsEnv), from the local provider.

A value is read when an attempt starts and goes to its process alone: it is in no row, no log and no cache key. The name
of a secret may be a parameter; one that is written in the document is looked for before anything runs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainshed import ir, secret_files
from trainshed.errors import FailedPrecondition, Finding


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One variable that one key of a secret goes to."""

    name: str  # of the secret
    key: str
    variable: str
    is_optional: bool


def findings(root: Path, plan: ir.Plan) -> list[Finding]:
    """Answer every secret that is named in the document, needed, and not here."""
    return [
        Finding(severity="error", path=f"tasks.{path}", message=problem, anchor="refused")
        for path, task in plan.leaves()
        for wanted in _wanted(task.platform)
        if (problem := _problem(root, wanted, path))
    ]


def values(root: Path, task: ir.Task, inputs: ir.TaskInputs) -> dict[str, str]:
    """Answer the variables of a task. Raises FailedPrecondition saying which file to write, or how to protect it."""
    found: dict[str, str] = {}
    for wanted in _wanted(inputs.platform):
        path = secret_files.path_of(root, wanted.name, wanted.key)
        if not wanted.is_optional or (path is not None and path.is_file()):
            found[wanted.variable] = _read(root, wanted, task.name)
    return found


def _wanted(platform: Mapping[str, Any]) -> Iterator[Wanted]:
    """Answer what settings ask for; while parameters are not known, only by names that are written in the document."""
    for secret in platform.get("secretAsEnv", ()):
        name = _name(secret)
        for entry in secret.get("keyToEnv", ()) if name else ():
            yield Wanted(
                name=name,
                key=str(entry.get("secretKey", "")),
                variable=str(entry.get("envVar", "")),
                is_optional=bool(secret.get("optional", False)),
            )


def _name(secret: Mapping[str, Any]) -> str:
    source = secret.get("secretNameParameter", {})
    written = source.get("runtimeValue", {}).get("constant") if isinstance(source, Mapping) else source
    return str(written or secret.get("secretName", ""))


def _problem(root: Path, wanted: Wanted, path: str) -> str:
    if wanted.is_optional:
        return ""
    try:
        _read(root, wanted, path)
    except FailedPrecondition as error:
        return error.message
    return ""


def _read(root: Path, wanted: Wanted, reader: str) -> str:
    who = f"{wanted.variable} of task {reader!r}"
    return secret_files.read(root, wanted.name, wanted.key, field="secretAsEnv", reader=who)
