"""Image names and the patterns that match them. Pure.

A pattern is an image name in which `*` stands for any text. Without a tag it matches every tag of the image; with one
(or with a digest) only that. Docker's own short forms are the same image: `python` is `docker.io/library/python`.
"""

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Image:
    """The parts of an image name; tag and digest are empty where they are not given."""

    name: str
    tag: str = ""
    digest: str = ""


def parse(text: str) -> Image:
    """Split a name into image, tag and digest, Docker's default registry left out."""
    rest, _, digest = text.strip().partition("@")
    head, colon, tag = rest.rpartition(":")
    name = head if colon and "/" not in tag else rest
    tag = tag if colon and "/" not in tag else ""
    for prefix in ("index.docker.io/", "docker.io/", "library/"):
        name = name.removeprefix(prefix)
    return Image(name, tag, digest)


def matches(pattern: str, image: str) -> bool:
    """Whether a pattern covers an image; a name without tag means `latest`."""
    wanted, given = parse(pattern), parse(image)
    if wanted.digest:
        return _glob(wanted.name).match(given.name) is not None and wanted.digest == given.digest
    tag = given.tag or ("" if given.digest else "latest")
    return bool(_glob(wanted.name).match(given.name)) and (not wanted.tag or bool(_glob(wanted.tag).match(tag)))


def specificity(pattern: str) -> tuple[bool, int, bool, int]:
    """Order patterns: the one that leaves least open is the greatest."""
    wanted = parse(pattern)
    tag = wanted.digest or wanted.tag
    return ("*" not in wanted.name, _literal(wanted.name), bool(tag) and "*" not in tag, _literal(tag))


def _literal(text: str) -> int:
    return len(text.replace("*", ""))


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))) + r"\Z", re.DOTALL)
