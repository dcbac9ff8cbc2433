"""What a finished attempt left: parameters read, artifacts staged with their digests; recorded in one transaction."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import ir, lineage
from trainshed.blobs import Blobs, Staged, check_object, parse_uri
from trainshed.errors import TrainshedError
from trainshed.runners.contract import OutputMissing

_SCHEME = "gs://"
_LARGEST_PARAMETER = 4_000_000


@dataclass(frozen=True, kw_only=True)
class MadeArtifact:
    """An artifact on its way into lineage; `files` are staged, by name below its URI ("": the URI itself)."""

    name: str
    uri: str
    type: Mapping[str, str]
    metadata: Mapping[str, Any]
    files: Sequence[tuple[str, Staged]] = ()
    custom_path: str = ""  # where the component wrote it instead


@dataclass(frozen=True, kw_only=True)
class Collected:
    """Everything a successful attempt gave."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Sequence[MadeArtifact]] = field(default_factory=dict)

    def discard(self) -> None:
        """Forget what was staged."""
        for made in self.artifacts.values():
            for artifact in made:
                for _, staged in artifact.files:
                    staged.discard()


class Collector:
    """Reads an attempt's folder."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def collect(
        self, task: ir.Task, output: str, places: ir.Places, mount: Path, *, is_python: bool
    ) -> Collected | OutputMissing:
        """Read and stage what a task declares, outside of any transaction; an output that is not there is named."""
        written = ir.read_output(output)
        if task.drives:
            return Collected(parameters=ir.outputs_of_driver(written))
        parameters: dict[str, Any] = {}
        for key, declared in task.output_parameters.items():
            value = _whole(written.parameters.get(key, ir.ABSENT), declared)
            if value is ir.ABSENT:
                value = _from_file(Path(places.parameter_files[key]), declared)
            if value is not ir.ABSENT:
                parameters[key] = value
            elif not is_python:  # kfp's executor leaves out what a function never set
                return OutputMissing(name=key)
        artifacts = {
            key: [self._stage(made, mount) for made in _made(key, out, written.artifacts.get(key), places)]
            for key, out in task.output_artifacts.items()
        }
        return Collected(parameters=parameters, artifacts=artifacts)

    def _stage(self, made: MadeArtifact, mount: Path) -> MadeArtifact:
        if not made.uri.startswith(_SCHEME):
            return made
        path = Path(made.custom_path) if made.custom_path else mount / made.uri.removeprefix(_SCHEME)
        files: list[tuple[str, Staged]] = []
        if not made.custom_path and (".." in path.parts or _is_link(path, mount)):
            files = []  # somebody else's data, handed on
        elif path.is_dir():
            files = self._blobs.stage_tree(path)
        elif path.is_file():
            files = [("", self._blobs.stage_file(path))]
        return replace(made, files=files)


def refusal(conn: Connection, blobs: Blobs, collected: Collected) -> str:
    """Say why outputs cannot be committed where their task put them; empty when they can."""
    try:
        for artifact in (artifact for made in collected.artifacts.values() for artifact in made if artifact.files):
            bucket, name = parse_uri(artifact.uri)
            blobs.get_bucket(conn, bucket)
            for below, _ in artifact.files:
                check_object(_object(name, below), field=f"file {below or name!a}")
    except TrainshedError as error:
        return error.message
    return ""


def record(
    conn: Connection, blobs: Blobs, collected: Collected, *, parent: str, now: datetime, receipt_id: str = ""
) -> ir.Outputs:
    """Commit staged files and record the artifacts, in the caller's transaction; after an error it may come again."""
    artifacts: dict[str, list[ir.ArtifactValue]] = {}
    for key, made in collected.artifacts.items():
        artifacts[key] = [_record(conn, blobs, one, parent=parent, now=now, receipt_id=receipt_id) for one in made]
    return ir.Outputs(parameters=collected.parameters, artifacts=artifacts)


def content_digest(conn: Connection, blobs: Blobs, uri: str) -> str:
    """Digest what an object, or everything below a prefix, contains now; empty for what is not held here."""
    try:
        bucket, name = parse_uri(uri)
        found = blobs.present(conn, bucket, name)
    except TrainshedError:
        return ""
    return _digest((_below(o.name, name), o.size, o.md5 or o.crc32c) for o in found)


def as_row(outputs: ir.Outputs) -> dict[str, Any]:
    """Write outputs as a task's row keeps them: artifacts by id."""
    ids = {key: [artifact_id(a) for a in found] for key, found in outputs.artifacts.items()}
    return {"parameters": dict(outputs.parameters), "artifacts": ids}


def from_row(conn: Connection, row: Mapping[str, Any], parent: str) -> ir.Outputs:
    """Read outputs back, with their artifacts."""
    wanted = [i for ids in row["artifacts"].values() for i in ids]
    found = lineage.read_artifacts(conn, wanted)
    return ir.Outputs(
        parameters=row["parameters"],
        artifacts={key: [value_of(found[i], parent) for i in ids] for key, ids in row["artifacts"].items()},
    )


def value_of(artifact: lineage.Artifact, parent: str) -> ir.ArtifactValue:
    """Show a recorded artifact to tasks."""
    return ir.ArtifactValue(
        name=f"{parent}/metadataStores/default/artifacts/{artifact.artifact_id}",
        uri=artifact.uri,
        type=artifact.type,
        metadata=artifact.metadata,
        digest=artifact.digest,
        title=artifact.name,
    )


def artifact_id(value: ir.ArtifactValue) -> int:
    """Answer the identifier in an artifact's resource name."""
    return int(value.name.rsplit("/", 1)[-1])


def _record(
    conn: Connection, blobs: Blobs, made: MadeArtifact, *, parent: str, now: datetime, receipt_id: str
) -> ir.ArtifactValue:
    if made.files:
        bucket, name = parse_uri(made.uri)
        for below, staged in made.files:
            place = _object(name, below)
            blobs.commit(conn, staged, bucket, place, parent_receipt_id=receipt_id, may_come_again=True)
        digest = _digest((n, s.checksums.size, s.checksums.md5) for n, s in made.files)
    else:
        digest = content_digest(conn, blobs, made.uri)
    key = lineage.add_artifact(
        conn, type=made.type, uri=made.uri, metadata=made.metadata, digest=digest, now=now, name=made.name
    )
    return ir.ArtifactValue(
        name=f"{parent}/metadataStores/default/artifacts/{key}",
        uri=made.uri,
        type=made.type,
        metadata=made.metadata,
        digest=digest,
        title=made.name,
    )


def _object(name: str, below: str) -> str:
    return f"{name.rstrip('/')}/{below}" if below else name


def _below(name: str, prefix: str) -> str:
    return name[len(prefix) :].lstrip("/") if name != prefix else ""


def _digest(files: Iterable[tuple[str, int, str]]) -> str:
    lines = "\n".join(f"{name}\t{size}\t{content}" for name, size, content in sorted(files))
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()


def _whole(value: Any, declared: str) -> Any:
    """Make an integer of what TFX writes as 1.0, because protobuf's numbers are doubles."""
    is_whole = isinstance(value, float) and value.is_integer() and declared == "NUMBER_INTEGER"
    return int(value) if is_whole else value


def _from_file(path: Path, declared: str) -> Any:
    try:
        if path.stat().st_size > _LARGEST_PARAMETER:
            return ir.ABSENT
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ir.ABSENT
    try:
        return ir.writable(ir.convert(text if declared == "STRING" else text.strip(), declared), text)
    except ValueError:  # declared types lie
        return text


def _made(
    key: str, output: ir.ArtifactOutput, written: Sequence[ir.WrittenArtifact] | None, places: ir.Places
) -> list[MadeArtifact]:
    is_said = written or (written is not None and output.is_list)
    entries = written if written is not None and is_said else (ir.WrittenArtifact(),)
    return [
        MadeArtifact(
            name=entry.name or key,
            uri=entry.uri or places.artifact_uris[key],
            custom_path=entry.custom_path,
            type=output.schema,
            metadata={**output.metadata, **entry.metadata},
        )
        for entry in entries
    ]


def _is_link(path: Path, mount: Path) -> bool:
    return any(p.is_symlink() for p in (path, *path.parents) if p != mount and p.is_relative_to(mount))
