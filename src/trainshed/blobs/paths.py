"""Names of buckets and objects, and where an object's file lies. Pure.

An object lies at its own name inside the bucket's folder wherever a file system can hold that name; otherwise, and
when a file is in the way of a folder or a folder in the way of a file, under the digest of its name beside the buckets.
"""

import hashlib
import re

from trainshed.errors import InvalidArgument

STAGING = ".staging"
GENERATIONS = ".generations"
ESCAPED = ".escaped"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_LONGEST_NAME = 1024  # bytes of UTF-8, as Cloud Storage
_LONGEST_COMPONENT = 255  # bytes, of every usual file system
_LONGEST_PLAIN = 900  # bytes of a whole path below the bucket; leaves room for the home directory within PATH_MAX


def is_bucket(name: str) -> bool:
    """Whether a bucket can have this name."""
    return bool(_BUCKET.fullmatch(name)) and ".." not in name


def check_bucket(name: str, *, field: str = "bucket") -> str:
    """Answer the name if a bucket can have it. Raises InvalidArgument."""
    if not is_bucket(name):
        raise InvalidArgument.field(
            field,
            f"{name!r} is not a bucket name: use 3 to 222 lower-case letters, digits, '-', '_' and '.', "
            "beginning and ending with a letter or a digit.",
            reason="BUCKET_NAME",
        )
    return name


def check_object(name: str, *, field: str = "name") -> str:
    """Answer the name if an object can have it (Cloud Storage's rules). Raises InvalidArgument."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise InvalidArgument.field(field, "the object name is not valid Unicode.", reason="OBJECT_NAME") from error
    if not 1 <= size <= _LONGEST_NAME:
        raise InvalidArgument.field(
            field, f"an object name has 1 to {_LONGEST_NAME} bytes of UTF-8, this one has {size}.", reason="OBJECT_NAME"
        )
    if "\r" in name or "\n" in name or name in {".", ".."}:
        raise InvalidArgument.field(
            field, f"{name!r} is not an object name: leave out line breaks, '.' and '..'.", reason="OBJECT_NAME"
        )
    if _leaves_bucket(name):
        raise InvalidArgument.field(
            field, f"{name!r} would lie outside of its bucket: leave out the leading '..'.", reason="OBJECT_NAME"
        )
    return name


def is_plain(name: str) -> bool:
    """Whether a file below the bucket's folder can have this name."""
    components = name.split("/")
    return (
        "\0" not in name
        and len(name.encode()) <= _LONGEST_PLAIN
        and all(c not in {"", ".", ".."} and len(c.encode()) <= _LONGEST_COMPONENT for c in components)
    )


def _leaves_bucket(name: str) -> bool:
    """Whether a name, read as a path, climbs above the bucket's folder."""
    depth = 0
    for component in name.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(component, 1)
        if depth < 0:
            return True
    return False


def plain(bucket: str, name: str) -> str:
    """Answer the path of an object at its own name."""
    return f"{bucket}/{name}"


def escaped(bucket: str, name: str) -> str:
    """Answer the path of an object that cannot lie at its own name."""
    return f"{ESCAPED}/{bucket}/{hashlib.sha256(name.encode()).hexdigest()}"


def kept(bucket: str, generation: int) -> str:
    """Answer the path of a generation that was replaced or deleted."""
    return f"{GENERATIONS}/{bucket}/{generation}"


def parents(path: str) -> list[str]:
    """Answer the folders of a path below the bucket's, outermost first: `b/x/y/z` gives `b/x`, `b/x/y`."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(2, len(parts))]


def parse_uri(uri: str, *, field: str = "uri") -> tuple[str, str]:
    """Split `gs://bucket/name`; the name may be empty. Raises InvalidArgument."""
    match = re.fullmatch(r"gs://([^/]+)(?:/(.*))?", uri, re.DOTALL)
    if match is None:
        raise InvalidArgument.field(field, f"{uri!r} is not of the form 'gs://BUCKET/NAME'.", reason="URI_FORMAT")
    return check_bucket(match[1], field=field), match[2] or ""
