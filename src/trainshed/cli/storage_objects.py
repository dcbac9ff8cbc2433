"""Objects over the client: find, copy, remove. What `storage cp`, `ls`, `cat` and `rm` are made of."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import Any, BinaryIO

from trainshed.cli.storage_paths import Address, address, check_relative, fixed_part, is_remote, matcher, target_name
from trainshed.client import Client, segment
from trainshed.errors import InvalidArgument, NotFound

_OCTETS = "application/octet-stream"
STANDARD = "-"  # standard input or output


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One file or object to copy."""

    source: Path | Address | None  # None: standard input
    target: Path | Address
    size: int


class Objects:
    """The objects that a client reaches."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def below(self, bucket: str, prefix: str = "", **query: Any) -> Iterator[dict[str, Any]]:
        """Read objects below a prefix."""
        wanted = {"prefix": prefix or None, **query}
        return self._client.pages(f"/storage/v1/b/{segment(bucket)}/o", "items", query=wanted)

    def children(self, place: Address) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Answer (name, object) of what lies in a folder; sub-folders come first, without an object."""
        query: dict[str, Any] = {"prefix": place.below or None, "delimiter": "/"}
        pages = list(self._pages(place.bucket, query))
        yield from ((prefix, None) for page in pages for prefix in page.get("prefixes", ()))
        yield from ((item["name"], item) for page in pages for item in page.get("items", ()))

    def find(self, place: Address) -> dict[str, Any] | None:
        """Read one object; None when there is none."""
        if place.is_folder:
            return None
        try:
            found: dict[str, Any] = self._client.call("GET", _path(place))
        except NotFound:
            self._client.call("GET", f"/storage/v1/b/{segment(place.bucket)}")
            return None
        return found

    def matching(self, place: Address, *, recursive: bool) -> Iterator[tuple[str, dict[str, Any]]]:
        """Answer (name relative to what was asked for, object). Raises NotFound when nothing matches."""
        found = list(self._matching(place, recursive=recursive))
        if not found:
            may_be_folder = not (recursive or place.is_wild)
            advice = " Of a folder, add /* to the address, or -r to a command that has it." if may_be_folder else ""
            raise NotFound(f"No object matches {place}.{advice}")
        yield from found

    def upload(self, data: BinaryIO, target: Address) -> dict[str, Any]:
        """Store bytes as an object."""
        path = f"/upload/storage/v1/b/{segment(target.bucket)}/o"
        content_type = guess_type(target.name)[0] or _OCTETS
        query = {"uploadType": "media", "name": target.name}
        made: dict[str, Any] = self._client.upload(path, data, content_type=content_type, query=query)
        return made

    def copy(self, source: Address, target: Address) -> None:
        """Copy an object into another."""
        path = f"{_path(source)}/rewriteTo/b/{segment(target.bucket)}/o/{segment(target.name)}"
        token: str | None = None
        while True:  # a large object is copied in several calls
            answer = self._client.call("POST", path, {}, query={"rewriteToken": token})
            token = answer.get("rewriteToken")
            if answer.get("done", True) or not token:
                return

    def read_into(self, source: Address, out: BinaryIO) -> None:
        """Write an object's content to a stream."""
        with self._client.download(f"/download{_path(source)}", query={"alt": "media"}) as response:
            shutil.copyfileobj(response, out)

    def save(self, source: Address, target: Path) -> None:
        """Write an object's content to a local file: the whole of it or nothing."""
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name[:200]}.part")
        try:
            with partial.open("wb") as out:
                self.read_into(source, out)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def remove(self, place: Address) -> None:
        """Remove an object."""
        self._client.call("DELETE", _path(place))

    def perform(self, copy: Copy) -> None:
        """Do one copy."""
        if isinstance(copy.target, Path):
            assert isinstance(copy.source, Address)
            self.save(copy.source, copy.target)
        elif isinstance(copy.source, Address):
            self.copy(copy.source, copy.target)
        elif copy.source is None:
            self.upload(sys.stdin.buffer, copy.target)
        else:
            with copy.source.open("rb") as data:
                self.upload(data, copy.target)

    def plan(self, sources: tuple[str, ...], target: str, *, recursive: bool) -> list[Copy]:
        """Work out what a `cp` copies where. Raises InvalidArgument, NotFound."""
        into = self._is_folder(target) or len(_expanded(sources)) > 1
        if is_remote(target):
            return [
                copy
                for source in _expanded(sources)
                for copy in self._to_remote(source, address(target), is_into=into, recursive=recursive)
            ]
        return [
            copy
            for source in sources
            for copy in self._to_local(source, Path(target), is_into=into, recursive=recursive)
        ]

    def _to_remote(self, source: str, target: Address, *, is_into: bool, recursive: bool) -> Iterator[Copy]:
        if source == STANDARD:
            yield Copy(source=None, target=target, size=0)
        elif is_remote(source):
            place = address(source)
            for name, found in self.matching(place, recursive=recursive):
                inside = is_into or place.is_wild
                top = target_name(place.name or place.bucket, target.name, is_into=inside) if not place.is_wild else ""
                whole = _joined(top, name) if top else _joined(target.name.rstrip("/"), name)
                origin = Address(bucket=found["bucket"], name=found["name"])
                yield Copy(source=origin, target=Address(bucket=target.bucket, name=whole), size=int(found["size"]))
        else:
            top = target_name(Path(source).absolute().name or "root", target.name, is_into=is_into)
            for path, name in _local_files(source, recursive=recursive):
                place = Address(bucket=target.bucket, name=_joined(top, name))
                yield Copy(source=path, target=place, size=path.stat().st_size)

    def _to_local(self, source: str, target: Path, *, is_into: bool, recursive: bool) -> Iterator[Copy]:
        if not is_remote(source):
            raise InvalidArgument.field(
                "SRC", f"neither {source!r} nor DST ({str(target)!r}) is a gs:// address; use cp for local files."
            )
        place = address(source)
        for name, found in self.matching(place, recursive=recursive):
            top = (place.name or place.bucket).rstrip("/").rsplit("/", 1)[-1]
            relative = name if place.is_wild else _joined(top, name) if is_into else name
            path = target / check_relative(relative) if relative else target
            origin = Address(bucket=found["bucket"], name=found["name"])
            yield Copy(source=origin, target=path, size=int(found["size"]))

    def _matching(self, place: Address, *, recursive: bool) -> Iterator[tuple[str, dict[str, Any]]]:
        if place.is_wild:
            wanted = matcher(place.name)
            for item in self.below(place.bucket, fixed_part(place.name)):
                if wanted.fullmatch(item["name"]):
                    yield item["name"].rsplit("/", 1)[-1], item
            return
        single = self.find(place)
        if single is not None:
            yield "", single
        if recursive:
            for item in self.below(place.bucket, place.below):
                yield item["name"].removeprefix(place.below), item

    def _is_folder(self, target: str) -> bool:
        if not is_remote(target):
            return target.endswith(os.sep) or Path(target).is_dir()
        place = address(target)
        return place.is_folder or any(self._pages(place.bucket, {"prefix": place.below, "maxResults": 1}, first=True))

    def _pages(self, bucket: str, query: dict[str, Any], *, first: bool = False) -> Iterator[dict[str, Any]]:
        wanted = dict(query)
        while True:
            page = self._client.call("GET", f"/storage/v1/b/{segment(bucket)}/o", query=wanted)
            if page.get("items") or page.get("prefixes"):
                yield page
            if first or not page.get("nextPageToken"):
                return
            wanted["pageToken"] = page["nextPageToken"]


def _expanded(sources: tuple[str, ...]) -> list[str]:
    """Expand local wildcards as a shell does, for those who call without one."""
    found: list[str] = []
    for source in sources:
        wild = not is_remote(source) and source != STANDARD and not Path(source).exists()
        found += (sorted(map(str, Path(source).parent.glob(Path(source).name))) or [source]) if wild else [source]
    return found


def _local_files(source: str, *, recursive: bool) -> Iterator[tuple[Path, str]]:
    path = Path(source)
    if path.is_file():
        yield path, ""
    elif path.is_dir():
        if not recursive:
            raise InvalidArgument.field("SRC", f"{source} is a folder; add -r to copy what is in it.")
        for found in sorted(path.rglob("*")):
            if found.is_file() and not found.is_symlink():
                yield found, found.relative_to(path).as_posix()
    else:
        raise InvalidArgument.field("SRC", f"there is no file {source}.")


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name


def _path(place: Address) -> str:
    return f"/storage/v1/b/{segment(place.bucket)}/o/{segment(place.name)}"
