"""What the names in a serving directory mean. Pure.

Servers of models watch a directory for the highest number; some directories have beside the numbers a document that
names the version to serve, and then it decides.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from trainshed import floats

POINTER = "LATEST.json"
_SCHEME = "gs://"
_LAST = "saved_model.pb"  # whoever watches the folder itself takes a version for whole once it has this


def split(destination: str) -> tuple[str, str]:
    """Answer the serving directory and the version of a destination."""
    directory, _, version = destination.rstrip("/").rpartition("/")
    return directory, version


def key_of(directory: str) -> str:
    """Answer what a model is called in addresses of ours."""
    return directory.removeprefix(_SCHEME)


def address(key: str) -> str:
    """Answer the serving directory that a key, or somebody's own words, mean."""
    plain = key.rstrip("/")
    return plain if plain.startswith((_SCHEME, "/")) else _SCHEME + plain


def is_number(version: str) -> bool:
    """Whether a version is one that servers of models look at."""
    return version.isascii() and version.isdigit()


def live(folders: Iterable[str], pointer: str | None) -> str:
    """Answer the version that is served: the one that the pointer names, or the highest number; empty for none."""
    present = set(folders)
    named = str(read_pointer(pointer).get("version", "")) if pointer is not None else ""
    if named in present:
        return named
    return max(filter(is_number, present), key=int, default="")


def following(versions: Iterable[str]) -> str:
    """Answer the number after the highest one.

    No clock is read: whether a directory counts in seconds or in milliseconds, its next push has a higher number still.
    """
    return str(max(map(int, filter(is_number, versions)), default=0) + 1)


def read_pointer(text: str | None) -> dict[str, Any]:
    """Read the document that names the version to serve; empty for anything else."""
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def new_pointer(text: str, directory: str, version: str, metrics: Mapping[str, float]) -> str:
    """Write the same document for another version; what else it says stays."""
    known = read_pointer(text)
    number = int(version) if isinstance(known.get("version"), int) else version
    changes = {"version": number, "destination": f"{directory}/{version}", "metrics": dict(metrics)}
    document = known | {key: value for key, value in changes.items() if key in known or key == "version"}
    return json.dumps(floats.writable(document), indent=2)


def in_order(names: Iterable[str]) -> list[str]:
    """Answer the files of a version in the order in which they are put into place: what makes it whole comes last."""
    return sorted(names, key=lambda name: (name == _LAST, -name.count("/"), name))
