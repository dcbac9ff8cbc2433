"""What the steps of a build cloned: read off the clones that lie in its workspace, whoever made them and how."""

from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from trainshed.builds.model import Clone

_REF = "ref: "
_LARGEST = 1 << 20  # bytes of a file of git that is read
_SHA = 40


def found(workspace: Path) -> list[Clone]:
    """Find clones in a workspace and right below it, with the commit that each stands at."""
    folders = [workspace, *sorted(path for path in workspace.iterdir() if path.is_dir() and not path.is_symlink())]
    return [clone for folder in folders for clone in _clone(workspace, folder)]


def _clone(workspace: Path, folder: Path) -> Iterator[Clone]:
    git = folder / ".git"
    try:
        commit, repository = _head(git), _origin(git)
    except (OSError, ConfigError, UnicodeDecodeError):
        return
    if commit:
        yield Clone(path=str(folder.relative_to(workspace)), repository=repository, commit=commit)


def _head(git: Path) -> str:
    head = _text(git / "HEAD").strip()
    if head.startswith(_REF):
        head = _ref(git, head.removeprefix(_REF))
    is_commit = len(head) >= _SHA and all(letter in "0123456789abcdef" for letter in head)
    return head if is_commit else ""


def _ref(git: Path, name: str) -> str:
    place = git / name
    if place.is_file() and place.resolve().is_relative_to(git.resolve()):
        return _text(place).strip()
    packed = git / "packed-refs"
    lines = _text(packed).splitlines() if packed.exists() else []
    return next((line.partition(" ")[0] for line in lines if line.endswith(f" {name}")), "")


def _origin(git: Path) -> str:
    config = ConfigParser(strict=False, interpolation=None)
    config.read_string(_text(git / "config"))
    return _public(config.get('remote "origin"', "url", fallback=""))


def _public(url: str) -> str:
    """Take who asked out of an address: a token may stand there."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.scheme else url


def _text(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(_LARGEST)
