"""What `storage cp`, `ls` and `rm` mean by their arguments: wildcards, folders, targets. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trainshed.errors import InvalidArgument

_WILD = re.compile(r"[*?\[]")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024


@dataclass(frozen=True, kw_only=True)
class Address:
    """A `gs://` address; the name may be empty or hold wildcards."""

    bucket: str
    name: str

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.name}" if self.name else f"gs://{self.bucket}/"

    @property
    def is_wild(self) -> bool:
        """Whether the name is a pattern."""
        return bool(_WILD.search(self.name))

    @property
    def is_folder(self) -> bool:
        """Whether it can only mean a folder."""
        return not self.name or self.name.endswith("/")

    @property
    def below(self) -> str:
        """What the names of everything in this folder begin with."""
        return f"{self.name.rstrip('/')}/" if self.name else ""


def is_remote(text: str) -> bool:
    """Whether an argument is a `gs://` address."""
    return text.startswith("gs://")


def address(text: str, *, field: str = "url") -> Address:
    """Read `gs://BUCKET/NAME`. Raises InvalidArgument."""
    match = re.fullmatch(r"gs://([^/*?\[\]]+)(?:/(.*))?", text, re.DOTALL)
    if match is None:
        raise InvalidArgument.field(field, f"{text!r} is not of the form 'gs://BUCKET/NAME'.")
    return Address(bucket=match[1], name=match[2] or "")


def fixed_part(pattern: str) -> str:
    """Answer what every name that fits a pattern begins with."""
    match = _WILD.search(pattern)
    return pattern[: match.start()] if match else pattern


def matcher(pattern: str) -> "re.Pattern[str]":
    """Compile a pattern as gsutil reads it: `*` and `?` stay within one folder, `**` does not."""
    out, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**", at):
            out, at = out + ".*", at + 2
        elif pattern[at] == "[" and "]" in pattern[at:]:
            end = pattern.index("]", at)
            out, at = f"{out}[{re.escape(pattern[at + 1 : end]).replace(chr(92) + '-', '-')}]", end + 1
        else:
            out, at = out + {"*": "[^/]*", "?": "[^/]"}.get(pattern[at], re.escape(pattern[at])), at + 1
    return re.compile(out, re.DOTALL)


def target_name(source: str, target: str, *, is_into: bool) -> str:
    """Answer the name of a copy: `source`'s last part inside `target` taken as a folder, or `target` itself."""
    if not is_into:
        return target
    folder = f"{target.rstrip('/')}/" if target else ""
    return folder + source.rstrip("/").rsplit("/", 1)[-1]


def check_relative(name: str) -> str:
    """Answer a name that is safe as a path below a local folder. Raises InvalidArgument."""
    parts = name.split("/")
    if name.startswith("/") or "\0" in name or any(part in {"", ".", ".."} for part in parts):
        raise InvalidArgument.field("name", f"{name!r} would not lie inside the target folder; copy it by itself.")
    return name


def size_text(size: int) -> str:
    """Write a size as gsutil does: 12.34 KiB."""
    value = float(size)
    for unit in _UNITS:
        if value < _STEP or unit == _UNITS[-1]:
            return f"{size} B" if unit == "B" else f"{value:.2f}".rstrip("0").rstrip(".") + f" {unit}"
        value /= _STEP
    raise AssertionError(size)


def long_lines(rows: Sequence[tuple[int, str, str]], *, is_human: bool) -> list[str]:
    """Write objects as `gsutil ls -l` does: size, time, address, and the total."""
    lines = [
        f"{size_text(size) if is_human else size:>10}  {time}  {url}" if time else f"{'':33}{url}"
        for size, time, url in rows
    ]
    objects = [size for size, time, _ in rows if time]
    total = sum(objects)
    return [*lines, f"TOTAL: {len(objects)} objects, {total} bytes ({size_text(total)})"]
