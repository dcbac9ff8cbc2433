"""Ignore files (.gcloudignore, .gitignore, .dockerignore): which files of a folder to leave out. Pure but for reading them."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trainshed.builds.globs import matches

_ALWAYS = (".git", ".gcloudignore")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of an ignore file."""

    glob: str
    keeps: bool
    folders_only: bool

    def covers(self, path: str, *, is_folder: bool) -> bool:
        """Whether the rule speaks of this path."""
        return (is_folder or not self.folders_only) and matches(self.glob, path)


def rules(text: str, *, anchored: bool = False) -> list[Rule]:
    """Read the lines of an ignore file; `anchored`: patterns start at the root, as .dockerignore's do."""
    found = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        keeps, line = line.startswith("!"), line.removeprefix("!")
        folders_only, line = line.endswith("/"), line.rstrip("/")
        glob = line.removeprefix("./").lstrip("/") if anchored or "/" in line else f"**/{line}"
        found.append(Rule(glob=glob, keeps=keeps, folders_only=folders_only and not anchored))
    return found


def of_source(root: Path) -> list[Rule]:
    """Answer the rules of a source folder: .gcloudignore with its includes, else .git and .gitignore."""
    own = root / ".gcloudignore"
    if not own.is_file():
        return [*rules("\n".join(_ALWAYS)), *_read(root / ".gitignore")]
    found: list[Rule] = []
    for line in own.read_text(errors="replace").splitlines():
        if match := re.fullmatch(r"#!include:\s*(\S+)\s*", line):
            found += _read(root / match[1])
        else:
            found += rules(line)
    return found


def walk(root: Path, found: list[Rule]) -> Iterator[Path]:
    """Yield the files and links that the rules leave in, relative to `root`, in order."""
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root)
        links = [f for f in folders if (Path(folder) / f).is_symlink()]
        folders[:] = sorted(f for f in folders if f not in links and not _ignored(here / f, found, is_folder=True))
        yield from (here / f for f in sorted([*files, *links]) if not _ignored(here / f, found, is_folder=False))


def _ignored(path: Path, found: list[Rule], *, is_folder: bool) -> bool:
    covering = [rule for rule in found if rule.covers(path.as_posix(), is_folder=is_folder)]
    return bool(covering) and not covering[-1].keeps


def _read(path: Path) -> list[Rule]:
    return rules(path.read_text(errors="replace")) if path.is_file() else []
