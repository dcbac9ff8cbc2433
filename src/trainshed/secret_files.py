"""The local secret provider: one file per secret in `home/secrets/`, readable by its owner alone.

A secret of several values (the versions of Secret Manager, the keys of Kubernetes) is a folder with a file for each.
"""

import re
from pathlib import Path

from trainshed.errors import FailedPrecondition

_LONGEST = 64 * 1024
_NAME = re.compile(r"[\w-][\w.-]*")


def path_of(root: Path, name: str, entry: str = "") -> Path | None:
    """Answer where a secret, or one entry of it, is or has to be; None for a name that cannot be a file's."""
    if not _NAME.fullmatch(name) or (entry and not _NAME.fullmatch(entry)):
        return None
    return root / name / entry if entry and not (root / name).is_file() else root / name


def read(root: Path, name: str, entry: str = "", *, field: str, reader: str) -> str:
    """Answer a secret's value for `reader`.

    Raises FailedPrecondition, naming `field`, that says which file to write, or how to protect it.
    """
    path = path_of(root, name, entry)
    if path is None:
        raise FailedPrecondition(f"{field}: {name!r} cannot be the name of a secret here; use letters, digits, -, _, .")
    if not path.is_file():
        raise FailedPrecondition(
            f"{field}: the secret {name!r} for {reader} is not here; write its value into {path} and protect it: "
            f"chmod 600 {path}",
            reason="SECRET_MISSING",
        )
    if path.stat().st_mode & 0o077:
        raise FailedPrecondition(
            f"{field}: others may read {path}; protect it: chmod 600 {path}", reason="SECRET_EXPOSED"
        )
    value = path.read_bytes()
    if len(value) > _LONGEST:
        raise FailedPrecondition(f"{field}: {path} is larger than {_LONGEST} bytes")
    return value.decode("utf-8", "replace").removesuffix("\n")
