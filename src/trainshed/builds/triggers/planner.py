"""The cheapest way to bring a change into the pipeline: nothing, upload modules, compile, or rebuild the image. Pure.

A declaration says which paths are what; the first kind that matches a file, from the dearest to the cheapest,
decides. A file that no declaration covers is treated as the dearest kind, and said so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trainshed.builds.globs import matches
from trainshed.errors import InvalidArgument


class Way(StrEnum):
    """What has to be done, dearest first."""

    REBUILD_IMAGE = "REBUILD_IMAGE"  # then compile and upload everything
    COMPILE = "COMPILE"  # the pipeline's code changed: compile, upload spec and modules
    UPLOAD_MODULES = "UPLOAD_MODULES"  # only files that tasks read from the module root
    NOTHING = "NOTHING"

    @property
    def word(self) -> str:
        """The value of `$_PLAN`."""
        return _WORDS[self]


_WORDS = {Way.REBUILD_IMAGE: "image", Way.COMPILE: "compile", Way.UPLOAD_MODULES: "modules", Way.NOTHING: "nothing"}
_COST = tuple(Way)


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Which paths are what, as globs with `**`."""

    image: tuple[str, ...] = ("**/Dockerfile", "**/requirements*.txt", "**/*.lock", "**/pyproject.toml")
    code: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ("**/*.md", "docs/**", ".gitignore")

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Declaration":
        """Read `{image: […], code: […], modules: […], ignored: […]}`. Raises InvalidArgument."""
        if not isinstance(document, Mapping):
            raise InvalidArgument.field(
                "changes", f"is not a mapping of {', '.join(cls.__dataclass_fields__)} to globs"
            )
        fields = {}
        for key, value in document.items():
            if key not in cls.__dataclass_fields__:
                known = ", ".join(cls.__dataclass_fields__)
                raise InvalidArgument.field(f"changes.{key}", f"there is no such kind of path; there are {known}")
            if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                raise InvalidArgument.field(f"changes.{key}", "is not a list of globs")
            fields[key] = tuple(value)
        return cls(**fields)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The way to take and why, with the files that led to it."""

    way: Way
    reason: str
    files: Mapping[str, Way]

    @property
    def because(self) -> tuple[str, ...]:
        """The files that make this way necessary."""
        return tuple(f for f, way in self.files.items() if way is self.way)


def choose(changed: Sequence[str], declaration: Declaration) -> Plan:
    """Decide for a set of changed files."""
    files = {path: _way(path, declaration) for path in sorted(changed)}
    if not files:
        return Plan(way=Way.NOTHING, reason="no file changed", files=files)
    way = min(files.values(), key=_COST.index)
    because = [path for path, its in files.items() if its is way]
    first = because[0] + (f" and {len(because) - 1} more" if len(because) > 1 else "")
    return Plan(way=way, reason=_reason(way, first, is_declared=_is_declared(because[0], declaration)), files=files)


def _reason(way: Way, first: str, *, is_declared: bool) -> str:
    if not is_declared:
        return f"{first} is not declared as image, code, module or ignored, so the image is rebuilt to be safe"
    match way:
        case Way.REBUILD_IMAGE:
            return f"{first} goes into the image, so the image is rebuilt and the pipeline compiled"
        case Way.COMPILE:
            return f"{first} is pipeline code, so the pipeline is compiled again; the image stays"
        case Way.UPLOAD_MODULES:
            return f"{first} is only read from the module root, so it is uploaded; image and spec stay"
        case Way.NOTHING:
            return f"{first} has no part in the pipeline, so there is nothing to do"


def _way(path: str, declaration: Declaration) -> Way:
    kinds = (
        (declaration.ignored, Way.NOTHING),
        (declaration.image, Way.REBUILD_IMAGE),
        (declaration.modules, Way.UPLOAD_MODULES),
        (declaration.code, Way.COMPILE),
    )
    return next((way for globs, way in kinds if any(matches(g, path) for g in globs)), Way.REBUILD_IMAGE)


def _is_declared(path: str, declaration: Declaration) -> bool:
    globs = (*declaration.ignored, *declaration.image, *declaration.modules, *declaration.code)
    return any(matches(g, path) for g in globs)
