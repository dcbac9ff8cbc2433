"""How each kind of resource is read, made and changed: the same calls as the command groups make."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainshed.cli.apply_plan import POLICIES, Change, Resource, compare
from trainshed.cli.storage_objects import Objects
from trainshed.cli.storage_paths import Address
from trainshed.client import Client, segment
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound

_EXECUTABLE = 0o100 << 16


class Kinds:
    """Looks at and changes what a client reaches; `folder` is where the file's relative paths begin."""

    def __init__(self, client: Client, folder: Path, say: Callable[[str], None]) -> None:
        self._client = client
        self._folder = folder
        self._say = say

    def check(self, wanted: Sequence[Resource]) -> None:
        """Refuse what cannot be had where this works; here that is nothing."""

    def look(self, resource: Resource) -> Iterator[Change]:
        """Answer what is to be done; a `file` may be a folder of many."""
        if resource.kind == "file":
            yield from self._look_at_files(resource)
        elif resource.kind == "notification":
            yield self._look_at_notification(resource)
        elif resource.kind == "function":
            yield self._look_at_function(resource)
        else:
            if resource.kind == "build trigger":
                resource = self._with_absolute_repository(resource)
            yield compare(resource, self._current(resource))

    def carry_out(self, change: Change) -> None:
        """Do it."""
        resource = change.resource
        {
            "topic": self._write_topic,
            "bucket": self._write_bucket,
            "file": self._write_file,
            "notification": self._write_notification,
            "function": self._write_function,
            "schedule": self._write_schedule,
            "build trigger": self._write_build_trigger,
            "trigger": self._write_trigger,
        }[resource.kind](resource, change.action == "create")

    # What is there

    def _current(self, resource: Resource) -> dict[str, Any] | None:
        if resource.kind == "trigger":
            found = self._client.call("GET", "/trainshed/v1/runTriggers")["triggers"]
            return next((t for t in found if t["name"] == resource.name), None)
        if resource.kind == "schedule":
            job = self._get(f"/v1/{resource.name}")
            return None if job is None else job | self._client.call("GET", f"/trainshed/v1/{resource.name}")
        if resource.kind == "build trigger":
            return self._get(f"{_triggers(resource.extra)}/{segment(resource.name)}")
        if resource.kind == "bucket":
            return self._get(f"/storage/v1/b/{segment(resource.name)}")
        return self._get(f"/v1/{resource.name}")

    def _get(self, path: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._client.call("GET", path)
        except NotFound:
            return None
        return found

    def _look_at_files(self, resource: Resource) -> Iterator[Change]:
        from trainshed.blobs import Checksums

        source = self._folder / resource.extra["source"]
        if not source.exists():
            raise InvalidArgument.field("buckets.files.source", f"there is no file or folder {source}")
        objects, bucket = Objects(self._client), resource.name.removeprefix("gs://").split("/", 1)[0]
        has_bucket = self._get(f"/storage/v1/b/{segment(bucket)}") is not None
        for path, name in _files(source, resource.extra.get("to", "")):
            checksums = Checksums()
            checksums.update(path.read_bytes())
            found = objects.find(Address(bucket=bucket, name=name)) if has_bucket else None
            wanted = Resource(
                kind="file", name=f"gs://{bucket}/{name}", document={"crc32c": checksums.crc32c}, extra={"path": path}
            )
            yield compare(wanted, found)

    def _look_at_notification(self, resource: Resource) -> Change:
        found = self._get(f"/storage/v1/b/{segment(resource.extra['bucket'])}/notificationConfigs") or {}
        wanted = resource.document
        same = [
            config
            for config in found.get("items", ())
            if config["topic"] == wanted["topic"]
            and config.get("event_types", []) == wanted["event_types"]
            and config.get("object_name_prefix", "") == wanted["object_name_prefix"]
        ]
        return compare(resource, same[0] if same else None)

    def _look_at_function(self, resource: Resource) -> Change:
        from trainshed.functions.source import pack

        archive = pack(self._folder / resource.extra["source"])
        current = self._get(f"/v1/{resource.name}")
        document = {**resource.document, "source": digest(archive)}
        extra = {**resource.extra, "archive": archive}
        wanted = Resource(kind="function", name=resource.name, document=document, extra=extra)
        if current is None or not current.get("versionId"):
            return compare(wanted, None)
        versions = self._client.call("GET", f"/trainshed/v1/{resource.name}/versions")["versions"]
        newest = max(versions, key=lambda v: int(v["version"]), default={"source": ""})
        return compare(wanted, {**current, "source": newest["source"]})

    def _with_absolute_repository(self, resource: Resource) -> Resource:
        template = dict(resource.document["triggerTemplate"])
        local = self._folder / template["repoName"]
        if local.exists():
            template["repoName"] = str(local.absolute())
        document = {**resource.document, "triggerTemplate": template}
        return Resource(kind=resource.kind, name=resource.name, document=document, extra=resource.extra)

    # Changes

    def _write_topic(self, resource: Resource, is_new: bool) -> None:
        if is_new:
            self._client.call("PUT", f"/v1/{resource.name}", dict(resource.document))
        else:
            body = {"topic": {"name": resource.name, **resource.document}, "updateMask": _mask(resource.document)}
            self._client.call("PATCH", f"/v1/{resource.name}", body)

    def _write_bucket(self, resource: Resource, is_new: bool) -> None:
        if is_new:
            body = {"name": resource.name, **resource.document}
            self._client.call("POST", "/storage/v1/b", body, query={"project": resource.extra.get("project")})
        else:
            self._client.call("PATCH", f"/storage/v1/b/{segment(resource.name)}", dict(resource.document))

    def _write_file(self, resource: Resource, is_new: bool) -> None:  # noqa: ARG002  (an upload replaces)
        bucket, _, name = resource.name.removeprefix("gs://").partition("/")
        with resource.extra["path"].open("rb") as data:
            Objects(self._client).upload(data, Address(bucket=bucket, name=name))

    def _write_notification(self, resource: Resource, is_new: bool) -> None:  # noqa: ARG002  (there is no update)
        path = f"/storage/v1/b/{segment(resource.extra['bucket'])}/notificationConfigs"
        self._client.call("POST", path, dict(resource.document))

    def _write_function(self, resource: Resource, is_new: bool) -> None:
        wanted = {k: v for k, v in resource.document.items() if k != "source"}
        if resource.extra.get("triggerHttp"):
            wanted["httpsTrigger"] = {}
        current = {} if is_new else self._get(f"/v1/{resource.name}") or {}
        current.pop("sourceUploadUrl", None)
        upload = self._client.upload("/trainshed/v1/functions/uploads", resource.extra["archive"])
        document = {**current, **wanted, "sourceUploadUrl": upload["sourceUploadUrl"]}
        last: dict[str, Any] = {}
        for line in self._client.lines(f"/trainshed/v1/{resource.name}:deploy", method="POST", body=document):
            last = json.loads(line)
            if "line" in last:
                self._say(f"  {last['line']}")
        if "error" in last:
            raise FunctionFailed(f"function {resource.name}: {last['error']['message']}")

    def _write_schedule(self, resource: Resource, is_new: bool) -> None:
        policies = {k: v for k, v in resource.document.items() if k in POLICIES}
        job = {k: v for k, v in resource.document.items() if k not in POLICIES}
        if is_new:
            parent = resource.name.rpartition("/jobs/")[0]
            self._client.call("POST", f"/v1/{parent}/jobs", {"name": resource.name, **job})
        else:
            self._client.call("PATCH", f"/v1/{resource.name}", job, query={"updateMask": _mask(job)})
        if policies:
            self._client.call("PATCH", f"/trainshed/v1/{resource.name}", policies)

    def _write_build_trigger(self, resource: Resource, is_new: bool) -> None:
        path, document = _triggers(resource.extra), dict(resource.document)
        if is_new:
            self._client.call("POST", path, document)
            return
        if "changes" in document:  # Google's trigger has no place for them
            self._client.call("PATCH", f"{path}/{segment(resource.name)}", {"changes": document.pop("changes")})
        self._client.call(
            "PATCH", f"/v1/projects/{resource.extra['project']}/triggers/{segment(resource.name)}", document
        )

    def _write_trigger(self, resource: Resource, is_new: bool) -> None:
        if is_new:
            path = f"/trainshed/v1/{resource.extra['parent']}/runTriggers"
            self._client.call("POST", path, {"name": resource.name, **resource.document})
        else:
            self._client.call("PATCH", f"/trainshed/v1/runTriggers/{segment(resource.name)}", dict(resource.document))


class FunctionFailed(FailedPrecondition):
    """The user's function did not install or start."""


def _triggers(place: Mapping[str, Any]) -> str:
    return f"/trainshed/v1/projects/{place['project']}/locations/{place['region']}/triggers"


def _files(source: Path, target: str) -> Iterator[tuple[Path, str]]:
    if source.is_file():
        yield source, target + source.name if not target or target.endswith("/") else target
        return
    above = f"{target.rstrip('/')}/" if target else ""
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path, above + path.relative_to(source).as_posix()


def digest(archive: bytes) -> str:
    """Answer the digest by which the server knows this source: names, execute bits and contents."""
    total = hashlib.sha256()
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        entries = {Path(e.filename): e for e in opened.infolist() if not e.is_dir()}
        for path in sorted(entries):
            content = hashlib.sha256(opened.read(entries[path])).hexdigest()
            bits = 0o111 if entries[path].external_attr & _EXECUTABLE else 0
            total.update(f"{path.as_posix()}\0{bits}\0{content}\n".encode())
    return total.hexdigest()


def _mask(document: Mapping[str, Any]) -> str:
    return ",".join(document)
