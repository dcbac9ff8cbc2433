"""Defects in deployments, messages and pins. Pure."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from trainshed.doctor.model import Defect, defect
from trainshed.doctor.project import Project, Text, Unit

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_RETIRED_RUNTIMES = {"python37", "python38"}
_DEPLOY = re.compile(r"\b(?:gcloud|trainshed)\b.*\bfunctions deploy\b")
_PROJECT_IMAGE = re.compile(r"\b(?:\w+\.)?gcr\.io/(?:\{|\$)")
_OLD_PINS = (
    (re.compile(r"^kfp\s*(?:==|~=|<=?)\s*1\."), "kfp 1.x has no maintained client for Vertex", "kfp>=2"),
    (re.compile(r"^tfx\s*(?:==|~=)\s*(?:0|1\.[0-9](?!\d))"), "this TFX installs on no maintained Python", "tfx>=1.16"),
)


def deployed_without_retry(project: Project) -> Iterator[Defect]:
    """D3: a function of a topic is deployed without --retry."""
    for command in project.commands if not project.is_guarded else ():
        text = command.text
        if _DEPLOY.search(text) and "--trigger-topic" in text and "--retry" not in text:
            yield defect(
                "D3", command.path, command.line,
                "the function of a topic is deployed without --retry",
                "add --retry, and a dead-letter topic for what never works",
            )  # fmt: skip


def numbers_as_strings(project: Project) -> Iterator[Defect]:
    """D6: a JSON message, or a dict that is dumped, whose values are numbers in quotes."""
    if project.is_guarded:
        return
    for unit in project.units:
        for node in ast.walk(unit.tree):
            yield from _message(unit, node)
    for command in project.commands:
        match = re.search(r"--message(?:-body)?[ =]'?(\{.*?\})'?(?:\s|$)", command.text)
        if match and (names := _quoted_numbers(_json(match[1]))):
            yield _as_strings(command.path, command.line, names)


def retired_in_configs(project: Project) -> Iterator[Defect]:
    """D9: old pins, images and runtimes."""
    for requirement in project.requirements:
        for pattern, what, instead in _OLD_PINS:
            if pattern.match(requirement.text):
                yield _retired(requirement, f"{requirement.text}: {what}", f"pin {instead}")
    for image in project.images:
        if re.search(r"/tfx:(?:0\.|1\.[0-9](?:\.|$))", image.text):
            yield _retired(
                image, f"the base image {image.text} is from 2021", "build on python:3.11 or a current TFX image"
            )
    for command in project.commands:
        match = re.search(r"--runtime[ =](\S+)", command.text)
        if match and match[1] in _RETIRED_RUNTIMES:
            yield _retired(command, f"the runtime {match[1]} is retired", "use --runtime=python311")
    for unit in project.units:
        yield from _registry(unit)


CONFIG_CHECKS: tuple[Callable[[Project], Iterator[Defect]], ...] = (
    deployed_without_retry,
    numbers_as_strings,
    retired_in_configs,
)


def _message(unit: Unit, node: ast.AST) -> Iterator[Defect]:
    names: list[str] = []
    if isinstance(node, ast.Assign):
        value = node.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.lstrip().startswith("{"):
            names = _quoted_numbers(_json(value.value))
        elif isinstance(value, ast.Dict) and _is_dumped(unit, node):
            names = _quoted_numbers(_literal(value))
    if names:
        yield _as_strings(unit.path, unit.line(node), names)


def _is_dumped(unit: Unit, node: ast.Assign) -> bool:
    """Whether a dict is turned into JSON further on."""
    target = node.targets[0]
    return isinstance(target, ast.Name) and bool(
        re.search(rf"json\.dumps\(\s*{re.escape(target.id)}\b", ast.unparse(unit.tree))
    )


def _registry(unit: Unit) -> Iterator[Defect]:
    for node in ast.walk(unit.tree):
        if isinstance(node, ast.JoinedStr) and _PROJECT_IMAGE.search(ast.unparse(node)):
            yield defect(
                "D9", unit.path, unit.line(node),
                "Container Registry (gcr.io/PROJECT) is shut down",
                "use Artifact Registry: REGION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE",
            )  # fmt: skip


def _as_strings(path: str, line: int, names: list[str]) -> Defect:
    return defect(
        "D6", path, line,
        f"{', '.join(names)} {'is a number' if len(names) == 1 else 'are numbers'} in quotes",
        "publish numbers as numbers: {" + ", ".join(f'"{n}": …' for n in names) + "} without quotes around the values",
    )  # fmt: skip


def _quoted_numbers(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return []
    return [str(k) for k, v in document.items() if isinstance(v, str) and _NUMBER.fullmatch(v.strip())]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _literal(node: ast.Dict) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _retired(text: Text, what: str, fix: str) -> Defect:
    return defect("D9", text.path, text.line, what, fix)
