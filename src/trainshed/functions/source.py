"""A function's source as a content-addressed snapshot, and the packages that it asks for."""

import errno
import hashlib
import io
import lzma
import re
import secrets
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from trainshed.environments import read_requirements
from trainshed.errors import InvalidArgument, NotFound

MAIN, REQUIREMENTS = "main.py", "requirements.txt"
FRAMEWORK = "functions-framework>=3.5,<4"
_IGNORED = {".git", "__pycache__", ".venv", ".gcloudignore", ".ipynb_checkpoints"}
LARGEST_ARCHIVE = 100 << 20
_LARGEST_BYTES = 512 << 20
_MOST_UPLOADS = 64
_TOKEN = re.compile(r"[0-9a-f]{32}")
_MOST_FILES = 20_000
# What their modules raise on archives that are damaged, locked, or packed in a way that they do not know
_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError)
_NAMES = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)  # of entries, that no folder can hold


def pack(folder: Path) -> bytes:
    """Zip a folder for the way to the server, as gcloud does. Raises InvalidArgument when it is no function's."""
    if not (folder / MAIN).is_file():
        raise InvalidArgument.field("source", f"{folder} has no {MAIN}; --source names the folder with it")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_file() and not _IGNORED.intersection(relative.parts):
                archive.write(path, relative.as_posix())
    return buffer.getvalue()


class Sources:
    """Snapshots under one folder, named by the digest of what is in them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._uploads = root / ".uploads"

    def folder(self, digest: str) -> Path:
        """Answer where a snapshot lies."""
        return self._root / digest

    def reserve(self) -> str:
        """Make a place for an upload; answer the token that names it. Only who has the token can put anything there."""
        token = secrets.token_hex(16)
        self._uploads.mkdir(parents=True, exist_ok=True)
        (self._uploads / token).touch()
        for path in sorted(self._uploads.iterdir(), key=_age)[:-_MOST_UPLOADS]:
            path.unlink(missing_ok=True)
        return token

    def hold(self, archive: bytes, token: str = "") -> str:
        """Keep an upload until it is deployed; answer its token. Raises InvalidArgument, NotFound."""
        token = token or self.reserve()
        path = self._place(token)
        if not path.is_file():
            raise NotFound("Nothing may be uploaded to this address; ask for a new one with generateUploadUrl.")
        if len(archive) > LARGEST_ARCHIVE:
            raise InvalidArgument.field("source", f"the archive is larger than {LARGEST_ARCHIVE >> 20} MiB")
        path.write_bytes(archive)
        return token

    def held(self, url: str) -> bytes:
        """Answer an upload by its token, or by the address that ends in it. Raises InvalidArgument."""
        token = url.rpartition("/")[2].removesuffix(".zip")
        path = self._uploads / token
        archive = path.read_bytes() if _TOKEN.fullmatch(token) and path.is_file() else b""
        if not archive:
            raise InvalidArgument.field("sourceUploadUrl", "nothing was uploaded there; upload the archive first")
        return archive

    def archive(self, digest: str) -> bytes:
        """Zip a snapshot. Raises NotFound."""
        if not re.fullmatch(r"[0-9a-f]{64}", digest) or not self.folder(digest).is_dir():
            raise NotFound("There is no source of that digest.")
        return pack(self.folder(digest))

    def _place(self, token: str) -> Path:
        if not _TOKEN.fullmatch(token):
            raise InvalidArgument.field("upload", f"{token!r} is not a token that this server gave")
        return self._uploads / token

    def add(self, archive: bytes) -> str:
        """Unpack a zip archive; answer the digest of its content. Raises InvalidArgument for a bad one."""
        self._root.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=self._root, prefix=".new-"))
        try:
            _unpack(archive, staging)
            if not (staging / MAIN).is_file():
                raise InvalidArgument.field("source", f"the source has no {MAIN} at its top", reason="SOURCE_MAIN")
            digest = _digest(staging)
            if not self.folder(digest).exists():
                staging.rename(self.folder(digest))
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return digest


def requirements(folder: Path) -> list[str]:
    """Read requirements.txt, with what it includes, and add the framework. Raises InvalidArgument for a bad file."""
    path = folder / REQUIREMENTS
    try:
        found = read_requirements(path) if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument.field(REQUIREMENTS, f"cannot be read: {error}") from error
    lines = [str(_inside(folder, line)) if line.startswith(".") else line for line in found]
    has_framework = any(re.match(r"functions[-_.]framework\b", line, re.IGNORECASE) for line in lines)
    return lines if has_framework else [*lines, FRAMEWORK]


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # deployed meanwhile
        return 0.0


def _inside(root: Path, name: str) -> Path:
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise InvalidArgument.field(REQUIREMENTS, f"{name!r} lies outside of the source folder")
    return path


def _unpack(archive: bytes, target: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entries = [e for e in opened.infolist() if not e.is_dir()]
            _check_entries(entries)
            for entry in entries:
                path = target / PurePosixPath(entry.filename)
                path.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(entry) as source, path.open("wb") as file:
                    shutil.copyfileobj(source, file)
                path.chmod(0o555 if (entry.external_attr >> 16) & stat.S_IXUSR else 0o444)
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NAMES:
            raise
        raise InvalidArgument.field("source", f"not a zip archive that can be read: {_why(error)}") from error


def _why(error: Exception) -> str:
    """Say what is wrong without a path of this machine."""
    return f"{error.strerror}: an entry's name" if isinstance(error, OSError) else str(error)


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > _MOST_FILES or sum(e.file_size for e in entries) > _LARGEST_BYTES:
        raise InvalidArgument.field(
            "source", f"larger than {_LARGEST_BYTES >> 20} MiB or {_MOST_FILES} files; point --source at the function"
        )
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or "\0" in entry.filename:
            raise InvalidArgument.field("source", f"the archive has an entry outside of itself: {entry.filename!r}")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise InvalidArgument.field("source", f"the archive has a link, which is not allowed: {entry.filename!r}")


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_mode & 0o111}\0{content}\n".encode())
    return total.hexdigest()
