"""The files of an image: made by carrying out a Dockerfile's recipe in a folder, kept by their content."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from trainshed.builds import ignore
from trainshed.builds.images import dockerfile
from trainshed.environments import read_requirements

Say = Callable[[str], None]
RECORD = "image.json"  # beside the files: the image's entrypoint and command


class Failed(Exception):
    """The user's command cannot be carried out; the message says why."""


def make(recipe: dockerfile.Recipe, context: Path, root: Path, *, base: str, say: Say) -> list[str]:
    """Carry out a recipe in a folder that is not there yet, on top of another snapshot's files; "" for none.

    Answers the requirement lines. Raises Failed.
    """
    if base:
        shutil.copytree(base, root, symlinks=True)
    else:
        root.mkdir()
    return _act(recipe, context, root, say)


def keep(making: Path, root: Path, shelf: Path, record: Mapping[str, Sequence[str]]) -> Path:
    """Move what was made at `root` onto the shelf, by its content; answer where it lies."""
    text = json.dumps(record, sort_keys=True)
    (making / RECORD).write_text(text)
    digest = hashlib.sha256(f"{tree_digest(root)}\n{text}".encode()).hexdigest()[:32]
    kept = shelf / digest
    if not kept.exists():
        copy = shelf / f".kept-{digest}-{os.getpid()}"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        root.replace(copy / "root")
        (making / RECORD).replace(copy / RECORD)
        try:
            copy.rename(kept)
        except OSError:  # somebody else kept the same content at the same time
            shutil.rmtree(copy, ignore_errors=True)
    return kept / "root"


def tree_digest(root: Path) -> str:
    """Hash names, contents and executable bits of a folder."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        if path.is_symlink():
            digest.update(f"l {relative} {path.readlink()}\n".encode())
        elif path.is_dir():
            digest.update(f"d {relative}\n".encode())
        else:
            with path.open("rb") as file:  # it may be larger than memory
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"f {relative} {os.access(path, os.X_OK):d} {content}\n".encode())
    return digest.hexdigest()


def _act(recipe: dockerfile.Recipe, context: Path, root: Path, say: Say) -> list[str]:
    """Carry out the recipe on the snapshot's folder; answer the requirement lines."""
    requirements: list[str] = []
    ignored = context / ".dockerignore"
    rules = ignore.rules(ignored.read_text(), anchored=True) if ignored.is_file() else []
    left_in = sorted(ignore.walk(context, rules)) if rules else None
    for action in recipe.actions:
        match action:
            case dockerfile.Folder():
                _inside(root, action.path).mkdir(parents=True, exist_ok=True)
            case dockerfile.Copy():
                for source in action.sources:
                    _copy(context, source, root, action, left_in)
            case dockerfile.Install():
                requirements += action.requirements
                for file in action.files:
                    path = _inside(root, file)
                    if not path.is_file():
                        raise Failed(f"line {action.line}: there is no {file} in the image; COPY it first")
                    requirements += read_requirements(path)
                say(f"Packages: {', '.join(requirements) or 'none'}")
    return requirements


def _copy(context: Path, source: str, root: Path, action: dockerfile.Copy, left_in: list[Path] | None) -> None:
    found = list(_sources(context, source, left_in))
    if not found:
        raise Failed(f"line {action.line}: COPY {source}: there is no such file in the build context")
    target = _inside(root, action.target)
    for path in found:
        if path.is_dir() and not path.is_symlink():
            _copy_folder(context, path, target, left_in)
        else:
            into = target / path.name if action.target.endswith("/") or target.is_dir() else target
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, into, follow_symlinks=False)


def _copy_folder(context: Path, folder: Path, target: Path, left_in: list[Path] | None) -> None:
    target.mkdir(parents=True, exist_ok=True)
    files = left_in if left_in is not None else sorted(ignore.walk(context, ignore.rules(".git")))
    for relative in files:
        path = context / relative
        if path.is_relative_to(folder):
            into = target / path.relative_to(folder)
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, into, follow_symlinks=False)


def _sources(context: Path, source: str, left_in: list[Path] | None) -> Iterator[Path]:
    pattern = source.removeprefix("./").lstrip("/").rstrip("/") or "."
    if ".." in Path(pattern).parts:
        raise Failed(f"COPY {source} leaves the build context")
    if pattern == ".":
        yield context
        return
    for path in sorted(context.glob(pattern)):
        relative = path.relative_to(context)
        if left_in is None or any(f == relative or f.is_relative_to(relative) for f in left_in):
            yield path


def _inside(root: Path, path: str) -> Path:
    found = root / path.lstrip("/")
    if not Path(os.path.realpath(found)).is_relative_to(os.path.realpath(root)):
        raise Failed(f"{path} leaves the image")
    return found
