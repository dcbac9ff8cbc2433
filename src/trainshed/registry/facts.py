"""What lineage says of a version. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainshed.lineage import Artifact, Execution
from trainshed.registry.directory import split
from trainshed.registry.model import PUSH, ROLLBACK, Version

RESTORED = "restored_version"  # of what a rollback made
_JUDGING = {"Metrics", "ClassificationMetrics", "SlicedClassificationMetrics", "ModelEvaluation", "ModelBlessing"}


def version(pushed: Artifact, maker: Execution | None, inputs: Sequence[Artifact]) -> Version:
    """Read a version from what was pushed, what pushed it, and what that was given."""
    directory, number = split(str(pushed.metadata["pushed_destination"]))
    said = (maker.properties.get("inputs") or {}) if maker else {}
    model = next((a for a in inputs if _kind(a) == "Model"), None)
    judging = [a for a in inputs if _kind(a) in _JUDGING]
    restores = str(pushed.metadata.get(RESTORED, ""))
    return Version(
        directory=directory,
        version=number,
        artifact_id=pushed.artifact_id,
        kind=ROLLBACK if restores else PUSH,
        create_time=pushed.create_time,
        run=maker.run if maker else "",
        task=maker.task if maker else "",
        model_id=model.artifact_id if model else None,
        model_uri=model.uri if model else "",
        metrics={
            f"{a.name or _kind(a)}.{k}": v
            for a in (*judging, *([model] if model else ()))
            for k, v in _numbers(a.metadata)
        },
        judged={k: v for a in judging for k, v in _numbers(a.metadata)},
        verdict=next((str(a.metadata["verdict"]) for a in judging if a.metadata.get("verdict")), ""),
        is_blessed=_blessed(judging),
        restores=restores,
        author=str(said.get("author", "")) if restores else "",
        reason=str(said.get("reason", "")) if restores else "",
    )


def _blessed(judging: Iterable[Artifact]) -> bool | None:
    """Tell what the gate said: in its own field, or by having let the model pass with a verdict."""
    for artifact in judging:
        if "blessed" in artifact.metadata:
            return bool(artifact.metadata["blessed"])
        if artifact.metadata.get("verdict"):
            return True
    return None


def _kind(artifact: Artifact) -> str:
    return artifact.schema_title.rpartition(".")[2]


def _numbers(metadata: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [(k, v) for k, v in metadata.items() if isinstance(v, int | float) and not isinstance(v, bool)]
