"""The serving directory: one folder per pushed version, and `LATEST.json`, which names the one to serve.

A version is written whole before `LATEST.json` is replaced by one write, so a reader sees the old model or the new
one, never half of one. The directory is `gs://bucket/folder`, or a folder of this machine.
"""

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

LATEST = "LATEST.json"


def latest(directory: str) -> dict[str, Any] | None:
    """Answer what is served now: version, folder, metrics; None before the first push."""
    text = _read(f"{directory.rstrip('/')}/{LATEST}")
    return json.loads(text) if text is not None else None


def fetch_latest(directory: str, target: str | Path) -> dict[str, Any] | None:
    """Copy the served version to `target`; answer what it is, or None."""
    pushed = latest(directory)
    if pushed is None:
        return None
    _download(f"{directory.rstrip('/')}/{pushed['version']}", Path(target))
    return pushed


def local_latest(folder: str | Path) -> Path:
    """Answer the served version's folder in a copy of a serving directory."""
    file = Path(folder) / LATEST
    if not file.is_file():
        raise FileNotFoundError("No model has been pushed to the serving directory yet.")
    return Path(folder) / str(json.loads(file.read_text())["version"])


def push(model: str | Path, directory: str, metrics: dict[str, float]) -> dict[str, Any]:
    """Copy a model to a new version of the serving directory, then make that the one to serve."""
    root = directory.rstrip("/")
    version = time.time_ns() // 1_000_000
    pushed = {"version": version, "destination": f"{root}/{version}", "metrics": metrics}
    upload(Path(model), pushed["destination"])
    with tempfile.TemporaryDirectory() as folder:
        pointer = Path(folder) / LATEST
        pointer.write_text(json.dumps(pushed, indent=2))
        upload(pointer, f"{root}/{LATEST}")
    return pushed


def upload(source: Path, location: str) -> None:
    """Copy a file or a folder with everything in it to a bucket, or to a folder of this machine."""
    files = [source] if source.is_file() else sorted(f for f in source.rglob("*") if f.is_file())
    bucket, prefix = _bucket(location) if _is_bucket(location) else (None, "")
    for file in files:
        below = "" if source.is_file() else f"/{file.relative_to(source)}"
        if bucket is not None:
            bucket.blob(f"{prefix}{below}").upload_from_filename(file)
        else:
            target = Path(f"{location}{below}")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target.with_name(f"{target.name}.part"))
            target.with_name(f"{target.name}.part").replace(target)


def _is_bucket(location: str) -> bool:
    return location.startswith("gs://")


def _bucket(location: str) -> tuple[Any, str]:
    from google.cloud import storage

    bucket, _, name = location.removeprefix("gs://").partition("/")
    return storage.Client().bucket(bucket), name


def _read(location: str) -> str | None:
    if not _is_bucket(location):
        return Path(location).read_text() if Path(location).is_file() else None
    bucket, name = _bucket(location)
    blob = bucket.get_blob(name)
    return blob.download_as_text() if blob else None


def _download(location: str, target: Path) -> None:
    if not _is_bucket(location):
        shutil.copytree(location, target, dirs_exist_ok=True)
        return
    bucket, prefix = _bucket(location)
    for blob in bucket.list_blobs(prefix=f"{prefix}/"):
        if blob.name.endswith("/"):
            continue
        file = target / blob.name.removeprefix(f"{prefix}/")
        file.parent.mkdir(parents=True, exist_ok=True)
        blob.download_to_filename(file)
