"""The source of a build into its workspace: an archive from a bucket, or a commit of a git repository."""

import lzma
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from trainshed.addresses import hide
from trainshed.builds.ports import Objects
from trainshed.builds.repositories import Repositories
from trainshed.errors import FailedPrecondition, InvalidArgument

_LARGEST = 10 * 1024**3
# What their modules raise on archives that are damaged, locked, or packed in a way that they do not know
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError)


def fetch(
    source: Mapping[str, Any],
    workspace: Path,
    *,
    objects: Objects,
    repositories: Repositories,
    say: Callable[[str], None],
) -> str:
    """Bring the source into the workspace; answer the folder in it that steps start in. Raises errors of all kinds."""
    if storage := source.get("storageSource"):
        _fetch_archive(storage, workspace, objects, say)
        return ""
    git = source.get("gitSource")
    if git:
        _fetch_commit(git["url"], git.get("revision", ""), workspace, repositories, say)
        return str(git.get("dir", "")).strip("/")
    repo = source.get("repoSource")
    if repo:
        revision = repo.get("commitSha") or repo.get("tagName") or repo.get("branchName") or ""
        _fetch_commit(repo["repoName"], revision, workspace, repositories, say)
        return str(repo.get("dir", "")).strip("/")
    if source:
        raise InvalidArgument.field(
            "source", f"{next(iter(source))} is not offered here; use storageSource or gitSource"
        )
    return ""


def fetch_dependency(
    wanted: Mapping[str, Any], workspace: Path, *, repositories: Repositories, say: Callable[[str], None]
) -> None:
    """Bring a repository that a build depends on into its folder of the workspace."""
    url = wanted["repository"]["url"]
    target = workspace / (wanted.get("destPath") or url.rstrip("/").rpartition("/")[2].removesuffix(".git"))
    if target.exists() and any(target.iterdir()):
        raise FailedPrecondition(
            f"dependencies: {target.name} exists in the source; give the dependency another destPath"
        )
    target.mkdir(parents=True, exist_ok=True)
    _fetch_commit(url, wanted.get("revision", ""), target, repositories, say)
    if wanted.get("recurseSubmodules"):
        repositories.add_submodules(target)


def extract(archive: Path, target: Path, *, where: str) -> None:
    """Unpack a tar or zip; nothing lands outside of `target`. Raises FailedPrecondition."""
    try:
        if zipfile.is_zipfile(archive):
            _extract_zip(archive, target)
            return
        with tarfile.open(archive) as tar:
            _check_size(sum(m.size for m in tar))
            links = {posixpath.normpath(member.name) for member in tar if member.issym()}
            for member in tar:
                _check_member(member, links)
            tar.extractall(target)  # noqa: S202  (every member was checked)
    except (*_BROKEN, OSError) as error:
        raise FailedPrecondition(f"source: {where} is not a .tar.gz or .zip archive: {error}") from error


def _check_member(member: tarfile.TarInfo, links: Collection[str]) -> None:
    name = posixpath.normpath(member.name)
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        raise FailedPrecondition(f"source: the entry {member.name!r} is not a file, folder or link")
    target = posixpath.join(posixpath.dirname(name) if member.issym() else "", member.linkname)
    places = [member.name, *([target] if member.linkname else [])]
    is_outside = any(place.startswith("/") or posixpath.normpath(place).split("/", 1)[0] == ".." for place in places)
    # a second name of a link leads from another folder than the first
    if is_outside or any(_climbs(place, links, may_follow=not member.islnk()) for place in places):
        raise FailedPrecondition(f"source: the entry {member.name!r} leaves the workspace")


def _climbs(place: str, links: Collection[str], *, may_follow: bool) -> bool:
    """Tell whether a path goes up behind a link: it then leads from where that link leads to, wherever that is."""
    way: list[str] = []
    is_behind = False
    for part in place.split("/"):
        if is_behind and part == "..":
            return True
        way = way[:-1] if part == ".." else way if part in {"", "."} else [*way, part]
        is_behind = is_behind or "/".join(way) in links
    return is_behind and not may_follow


def _extract_zip(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as bundle:
        _check_size(sum(i.file_size for i in bundle.infolist()))
        for info in bundle.infolist():
            if info.filename.startswith("/") or ".." in Path(info.filename).parts:
                raise FailedPrecondition(f"source: the entry {info.filename!r} leaves the workspace")
        bundle.extractall(target)  # noqa: S202  (likewise)


def _check_size(total: int) -> None:
    if total > _LARGEST:
        raise FailedPrecondition(f"source: the archive unpacks to {total} bytes; {_LARGEST} are allowed")


def _fetch_archive(storage: Mapping[str, Any], workspace: Path, objects: Objects, say: Callable[[str], None]) -> None:
    bucket, name = storage["bucket"], storage.get("object") or ""
    if not name:
        raise InvalidArgument.field("source.storageSource.object", "is missing and required")
    archive = workspace.parent / "source"
    generation = int(storage["generation"]) if storage.get("generation") else None
    found = objects.fetch(bucket, name, generation, archive)
    say(f"Fetching storage object: gs://{bucket}/{name}#{found}")
    extract(archive, workspace, where=f"gs://{bucket}/{name}")
    archive.unlink()


def _fetch_commit(
    url: str, revision: str, workspace: Path, repositories: Repositories, say: Callable[[str], None]
) -> None:
    say(f"Fetching {hide(url)} at {revision or 'HEAD'}")
    sha = repositories.resolve(url, revision)
    repositories.check_out(url, sha, workspace)
    say(f"HEAD is now at {sha}")
