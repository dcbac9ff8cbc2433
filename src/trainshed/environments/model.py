"""Records of environments and image bindings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A Python environment that is complete on disk."""

    digest: str  # what it was asked to be: requirements and interpreter
    path: Path  # the environment's folder
    python: Path  # its interpreter
    requirements: tuple[str, ...]
    python_version: str = ""
    floor: str = ""  # digest of the adopted environment whose packages it sees below its own
    installed: Mapping[str, str] = field(default_factory=dict)  # what is really in it: name → version
    installed_digest: str = ""  # digest of `installed` and the interpreter, for cache keys


@dataclass(frozen=True, kw_only=True)
class Binding:
    """An image name, or a pattern of names, and the environment that stands for it without a container engine."""

    pattern: str
    environment: str  # digest
    snapshot: str = ""  # folder with the image's own files; empty: none
    variables: Mapping[str, str] = field(default_factory=dict)
    workdir: str = ""
    source: str = ""  # who bound it: "build …", "user"
    update_time: datetime
