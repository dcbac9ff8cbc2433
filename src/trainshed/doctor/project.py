"""A project's files as the checks need them. Reads files; a file that cannot be read or parsed is left out."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_LARGEST = 5_000_000  # bytes; a larger file is data
_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".ipynb_checkpoints", "build.egg-info", "tests"}
_SHELL = ("!", "%")


@dataclass(frozen=True)
class Unit:
    """Python code: a file, or one cell of a notebook."""

    path: str
    tree: ast.Module
    lines: tuple[int, ...]  # line of the file for each line of the code

    def line(self, node: ast.AST) -> int:
        """Answer the line of a node in its file."""
        return self.lines[getattr(node, "lineno", 1) - 1]


@dataclass(frozen=True)
class Text:
    """One logical line: a shell command, a requirement, an image."""

    path: str
    line: int
    text: str


@dataclass
class Project:
    """Everything of a folder that the checks look at."""

    units: list[Unit] = field(default_factory=list)
    commands: list[Text] = field(default_factory=list)
    requirements: list[Text] = field(default_factory=list)
    images: list[Text] = field(default_factory=list)  # FROM lines
    documents: list[tuple[str, Any]] = field(default_factory=list)  # YAML, by path
    builds_image: bool = False
    is_guarded: bool = False  # run by Trainshed, whose receipts, run keys, typing and no-op checks guard it


def read(folder: Path) -> Project:
    """Read a project folder."""
    project = Project()
    for path in sorted(_files(folder)):
        name = path.relative_to(folder).as_posix()
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError):
            continue
        _take(project, name, path, text)
    return project


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink() or path.name in _SKIPPED:
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.stat().st_size <= _LARGEST:
            yield path


def _take(project: Project, name: str, path: Path, text: str) -> None:
    if path.suffix == ".py":
        project.units += _unit(name, text.splitlines(), range(1, text.count("\n") + 2))
    elif path.suffix == ".ipynb":
        _take_notebook(project, name, text)
    elif path.suffix == ".sh":
        project.commands += _joined(name, list(enumerate(text.splitlines(), 1)))
    elif path.suffix in {".yaml", ".yml"}:
        _take_yaml(project, name, text)
    elif path.name.startswith("requirements") and path.suffix == ".txt":
        project.requirements += [Text(name, n, line.strip()) for n, line in enumerate(text.splitlines(), 1)]
    elif path.name == "Dockerfile" or path.suffix == ".Dockerfile":
        project.builds_image = True
        lines = enumerate(text.splitlines(), 1)
        project.images += [Text(name, n, line.split()[1]) for n, line in lines if re.match(r"(?i)FROM\s+\S", line)]


def _take_notebook(project: Project, name: str, text: str) -> None:
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError):
        return
    at, raw = 0, text.splitlines()
    for cell in cells:
        source = cell.get("source") or []
        source = source.splitlines(keepends=True) if isinstance(source, str) else source
        numbered = []
        for line in source:
            at = _place(raw, line, at)
            numbered.append((at, line.rstrip("\n")))
        if cell.get("cell_type") == "code":
            _take_cell(project, name, numbered)


def _place(raw: list[str], line: str, after: int) -> int:
    """Answer the file's line that holds a source line, searching forward; the last one when it is not found."""
    for ascii_only in (True, False):
        wanted = json.dumps(line, ensure_ascii=ascii_only)
        for number in range(after, len(raw)):
            if raw[number].strip().rstrip(",") == wanted:
                return number + 1
    return after or 1


def _take_cell(project: Project, name: str, numbered: list[tuple[int, str]]) -> None:
    code, shell, goes_on = [], [], False
    for number, line in numbered:
        is_shell = goes_on or line.lstrip().startswith(_SHELL)
        goes_on = is_shell and line.rstrip().endswith("\\")
        if is_shell:
            shell.append((number, line.lstrip().lstrip("!%")))
        code.append("" if is_shell else line)
    project.commands += _joined(name, shell)
    project.units += _unit(name, code, [n for n, _ in numbered])


def _unit(name: str, code: list[str], lines: Any) -> list[Unit]:
    try:
        return [Unit(name, ast.parse("\n".join(code)), (*lines, 0))]
    except (SyntaxError, ValueError, RecursionError):
        return []


def _joined(name: str, lines: list[tuple[int, str]]) -> list[Text]:
    """Join lines that end in a backslash."""
    found: list[Text] = []
    start, text = 0, ""
    for number, line in lines:
        start = start if text else number
        text += line.rstrip().removesuffix("\\") + " "
        if not line.rstrip().endswith("\\"):
            found.append(Text(name, start, text.strip()))
            text = ""
    return found + ([Text(name, start, text.strip())] if text.strip() else [])


def _take_yaml(project: Project, name: str, text: str) -> None:
    try:
        document = yaml.safe_load(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    project.documents.append((name, document))
    if name == "trainshed.yaml":
        project.is_guarded = True
    steps = document.get("steps") if isinstance(document, dict) else None
    for step, line in zip(steps if isinstance(steps, list) else (), _step_lines(root), strict=False):
        if not isinstance(step, dict):
            continue
        words = [
            str(step.get("name", "")).rsplit("/", 1)[-1],
            *_words(step.get("entrypoint")),
            *_words(step.get("args")),
        ]
        project.commands.append(Text(name, line, " ".join(words)))
        project.builds_image = project.builds_image or words[:2] == ["docker", "build"]


def _words(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [str(value)] if value else []


def _step_lines(root: Any) -> list[int]:
    for key, value in getattr(root, "value", ()):
        if getattr(key, "value", None) == "steps" and isinstance(value, yaml.SequenceNode):
            return [item.start_mark.line + 1 for item in value.value]
    return []
