"""Artifacts that a run is given by their ids, as Vertex's `inputArtifacts` names them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from trainshed import ir, lineage, names
from trainshed.errors import Finding, InvalidArgument, NotFound
from trainshed.runs import outputs

_FIELD = "runtimeConfig.inputArtifacts"
FindArtifact = Callable[[str], lineage.Artifact]  # by the last part of its resource name; raises NotFound


def find(plan: ir.Plan, wanted: Mapping[str, str], parent: str, find_artifact: FindArtifact) -> dict[str, Any]:
    """Answer what each input is given, as tasks see it. Raises InvalidArgument with everything that is wrong."""
    found: dict[str, Any] = {}
    wrong: list[Finding] = []
    for name, given in wanted.items():
        if name not in plan.artifacts:
            known = ", ".join(sorted(plan.artifacts)) or "none"
            wrong.append(_finding(name, f"the pipeline takes no artifact of this name; it takes {known}"))
            continue
        try:
            found[name] = asdict(outputs.value_of(find_artifact(names.short(given)), parent))
        except NotFound:
            wrong.append(_finding(name, f"there is no artifact {given!r}; give the id of one that is recorded"))
    for name, definition in plan.artifacts.items():
        if name not in wanted and not definition.is_optional:
            why = "the pipeline needs this artifact: give the id of one that is recorded, or begin the pipeline with an"
            wrong.append(_finding(name, f"{why} importer that names its URI"))
    if wrong:
        raise InvalidArgument.findings(wrong, reason="INPUT_ARTIFACT")
    return found


def _finding(name: str, message: str) -> Finding:
    return Finding(severity="error", path=f"{_FIELD}.{name}", message=message)
