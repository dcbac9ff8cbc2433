"""The files of a deployed version: their names, and what is in the one that is looked at."""

from collections.abc import Sequence
from pathlib import Path

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Cell, Link, Size
from trainshed.dashboard.page import Empty, Notice, Part, Table, Text
from trainshed.errors import NotFound

_MOST_FILES = 500
_MOST_BYTES = 256 << 10
_FIRST = ("main.py", "requirements.txt")


def parts(folder: Path | None, asked: Asked) -> list[Part]:
    """List the files and show one. Raises NotFound for a name that is no file's."""
    if folder is None or not folder.is_dir():
        return [Notice(id="no-source", text="No version was deployed well yet, so there is no source to show.")]
    files = _files(folder)
    wanted = asked.word("file", files[0] if files else "")
    if wanted not in files:  # only what was listed is ever opened
        raise NotFound(f"The source of this version has no file {wanted!r}.")
    rows: list[Sequence[Cell]] = [
        (
            wanted if name == wanted else Link(text=name, href=asked.href(tab="source", file=name)),
            Size(count=(folder / name).stat().st_size),
        )
        for name in files[:_MOST_FILES]
    ]
    listed = Table(
        id="files", heading="Files", beside=True, columns=("File", "Size"), rows=rows, nothing=Empty(text="No file.")
    )
    return [listed, *_shown(folder / wanted, wanted)]


def _files(folder: Path) -> list[str]:
    """Answer the names of regular files in it: what one looks for first, then by folder."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    relative = [path.relative_to(folder) for path in found if "__pycache__" not in path.parts]
    ordered = sorted(relative, key=lambda path: (path.as_posix() not in _FIRST, len(path.parts) > 1, path.as_posix()))
    return [path.as_posix() for path in ordered]


def _shown(path: Path, name: str) -> list[Part]:
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if b"\0" in data:
        return [Notice(id="binary", text=f"{name} is not text.")]
    text = data[:_MOST_BYTES].decode("utf-8", "replace")
    shown = Text(id="file", heading=name, text=text or "(an empty file)", wraps=False)
    if len(data) <= _MOST_BYTES:
        return [shown]
    return [Notice(id="cut", text=f"Only the first {_MOST_BYTES >> 10} KiB of {name} are shown."), shown]
