"""The secrets that a build names, as Secret Manager and KMS name them, from the local provider."""

import re
from pathlib import Path

from trainshed import secret_files
from trainshed.builds.model import Secret
from trainshed.errors import FailedPrecondition

_FIELD = "availableSecrets"
_VERSION = re.compile(r"projects/[^/]+/secrets/([\w-]+)(?:/versions/([\w-]+))?")


def read(root: Path, secret: Secret) -> str:
    """Answer a secret's value. Raises FailedPrecondition saying which file to write, or how to protect it.

    `projects/P/secrets/NAME/versions/V` is `secrets/NAME/V` if `secrets/NAME` is a folder, else `secrets/NAME`; a KMS
    secret is the file of its variable's name.
    """
    match = _VERSION.fullmatch(secret.version)
    name, version = (match[1], match[2] or "latest") if match else (secret.version, "")
    if not re.fullmatch(r"[\w-]+", name):
        raise FailedPrecondition(f"{_FIELD}: {secret.version!r} is not of the form projects/P/secrets/NAME/versions/V")
    entry = version if (root / name).is_dir() else ""
    return secret_files.read(root, name, entry, field=_FIELD, reader=secret.variable)
