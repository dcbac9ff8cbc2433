"""The local secret provider: one file per secret in `home/secrets/`, readable by its owner alone."""

import re
from pathlib import Path

from trainshed.builds.model import Secret
from trainshed.errors import FailedPrecondition

_LONGEST = 64 * 1024
_VERSION = re.compile(r"projects/[^/]+/secrets/([\w-]+)(?:/versions/([\w-]+))?")


def read(root: Path, secret: Secret) -> str:
    """Answer a secret's value. Raises FailedPrecondition saying which file to write, or how to protect it.

    `projects/P/secrets/NAME/versions/V` is `secrets/NAME/V` if that is there, else `secrets/NAME`; a KMS secret is the
    file of its variable's name.
    """
    match = _VERSION.fullmatch(secret.version)
    name, version = (match[1], match[2] or "latest") if match else (secret.version, "")
    if not re.fullmatch(r"[\w-]+", name):
        raise FailedPrecondition(
            f"availableSecrets: {secret.version!r} is not of the form projects/P/secrets/NAME/versions/V"
        )
    path = root / name / version if version and (root / name).is_dir() else root / name
    if not path.is_file():
        raise FailedPrecondition(
            f"availableSecrets: the secret {name!r} for {secret.variable} is not here; "
            f"write its value into {path} and protect it: chmod 600 {path}",
            reason="SECRET_MISSING",
        )
    if path.stat().st_mode & 0o077:
        raise FailedPrecondition(
            f"availableSecrets: others may read {path}; protect it: chmod 600 {path}", reason="SECRET_EXPOSED"
        )
    value = path.read_bytes()
    if len(value) > _LONGEST:
        raise FailedPrecondition(f"availableSecrets: {path} is larger than {_LONGEST} bytes")
    return value.decode("utf-8", "replace").removesuffix("\n")
