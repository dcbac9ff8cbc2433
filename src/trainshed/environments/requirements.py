"""Requirement lines: checked, normalised, and the digest that an environment is known by. Pure but for local paths.

A line is what pip takes: a requirement, a URL, an absolute path, or one of a few options. One addition: a line that
ends in ` --no-deps` is installed without its dependencies, as KFP installs itself into a task's container.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from trainshed.addresses import hide
from trainshed.errors import InvalidArgument

BARE = " --no-deps"
_VALUE_OPTIONS = ("--index-url", "--extra-index-url", "--find-links", "--trusted-host", "--no-binary", "--only-binary")
_FLAGS = ("--pre", "--require-hashes", "--no-index")
_SHORT = {"-i": "--index-url", "-f": "--find-links"}
_IGNORED = ("--quiet", "-q", "--no-cache-dir", "--upgrade", "-U", "--no-warn-script-location", "--prefer-binary")


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """A checked set of lines, each kind sorted and free of doubles."""

    packages: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()  # installed without their dependencies
    options: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The set as lines again, credentials hidden; what is recorded and shown."""
        return tuple(map(hide, (*self.options, *(line + BARE for line in self.bare), *self.packages)))

    @property
    def names(self) -> frozenset[str]:
        """Normalised names of the packages asked for, as far as they are named."""
        found = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line) for line in (*self.packages, *self.bare))
        return frozenset(canonicalize_name(m[0]) for m in found if m)


def parse(lines: Iterable[str]) -> Requirements:
    """Check and normalise lines. Raises InvalidArgument naming the line at fault."""
    packages, bare, options = set(), set(), set()
    for number, line in enumerate(_joined(lines)):
        if line.startswith("-"):
            options |= _option(line, number)
        elif line.endswith(BARE):
            bare.add(_requirement(line.removesuffix(BARE).strip(), number))
        else:
            packages.add(_requirement(line, number))
    return Requirements(packages=tuple(sorted(packages)), bare=tuple(sorted(bare)), options=tuple(sorted(options)))


def digest(requirements: Requirements, *, python: str) -> str:
    """Answer what an environment of these requirements and this interpreter is known by."""
    local = {line: _content(line) for line in (*requirements.packages, *requirements.bare) if line.startswith("/")}
    document = {"version": 1, "python": python, "lines": requirements.lines, "local": local}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


def read_requirements(path: Path) -> list[str]:
    """Read a requirements file, with the files it includes by `-r` put in their place."""
    return _read(path, ())


def _read(path: Path, above: Sequence[Path]) -> list[str]:
    if path in above:
        raise _refused(str(path), f"the file includes itself, through {above[-1]}")
    lines = []
    for line in _joined(path.read_text("utf-8").splitlines()):
        include = re.fullmatch(r"(?:-r|--requirement)[ =]?\s*(\S+)", line)
        lines += _read((path.parent / include[1]).resolve(), (*above, path)) if include else [line]
    return lines


def _joined(lines: Iterable[str]) -> list[str]:
    """Join continued lines, drop comments and empty lines."""
    text = re.sub(r"\\\r?\n", " ", "\n".join(lines))
    stripped = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.splitlines())
    return [line for line in stripped if line]


def _refused(line: str, why: str, number: int = 0) -> InvalidArgument:
    return InvalidArgument.field(f"requirements[{number}]", f"{hide(line)!r}: {why}", reason="REQUIREMENT_INVALID")


def _option(line: str, number: int) -> set[str]:
    name, _, value = re.sub(r"\s+", " ", line.replace("=", " ", 1) if line.startswith("--") else line).partition(" ")
    name = _SHORT.get(name, name)
    if name in _IGNORED:
        return set()
    if name in _FLAGS and not value:
        return {name}
    if name in _VALUE_OPTIONS and value:
        return {f"{name} {value}"}
    allowed = ", ".join((*_VALUE_OPTIONS, *_FLAGS))
    raise _refused(line, f"of pip's options only {allowed} can be given", number)


def _requirement(line: str, number: int) -> str:
    spec, *hashes = re.split(r"\s+--hash[= ]", line)
    return " ".join((_normal(spec.strip(), line, number), *(f"--hash={h.strip()}" for h in sorted(hashes))))


def _normal(spec: str, line: str, number: int) -> str:
    if spec.startswith("/"):
        if not Path(spec).exists():
            raise _refused(line, "there is no such file or folder", number)
        return spec
    if re.match(r"(git\+)?(https?|ssh|file)://\S+$", spec):
        return spec
    if spec.startswith((".", "~")):
        raise _refused(line, "a path must be absolute", number)
    try:
        requirement = Requirement(spec)
    except InvalidRequirement as error:
        why = str(error).splitlines()[0]
        raise _refused(line, f"not a requirement as pip takes it ({why})", number) from error
    requirement.name = canonicalize_name(requirement.name)
    return str(requirement)


def _content(line: str) -> str:
    """Digest what is at a local path, so that changed files make another environment."""
    root = Path(line)
    found = hashlib.sha256()
    for file in sorted(p for p in root.rglob("*") if _is_source(p, root)) if root.is_dir() else [root]:
        found.update(f"{file.relative_to(root)}\0{file.stat().st_size}\0".encode())
        found.update(file.read_bytes())
    return found.hexdigest()


def _is_source(path: Path, root: Path) -> bool:
    """Whether a file belongs to a package, and was not left behind by building it."""
    parts = path.relative_to(root).parts
    made = any(part in ("__pycache__", "build", ".git") or part.endswith(".egg-info") for part in parts)
    return path.is_file() and not made
