"""What a build is of, in words: its steps, its source, what started it."""

from collections.abc import Mapping
from typing import Any

from trainshed.builds import Build, StepRecord
from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell, Code, Link, Several

SECTION = "/builds"
_SHORT = 7  # characters of a commit


def short(build_id: str) -> str:
    """Answer the part of an identifier that people use."""
    return build_id.partition("-")[0]


def label(step: StepRecord) -> str:
    """Name a step as its log does: `Step #1 - "Compile"`."""
    return f'Step #{step.number} - "{step.id}"' if step.id else f"Step #{step.number}"


def called(step: StepRecord) -> str:
    """Name a step for people: its id, or else its image."""
    return step.id or step.name.rpartition("/")[2]


def said_of(step: StepRecord) -> tuple[bytes, frozenset[bytes]]:
    """Answer how the lines of the log begin that a step wrote, and which whole ones are about it."""
    name = label(step)
    return f"{name}: ".encode(), frozenset(f"{word} {name}".encode() for word in ("Starting", "Finished"))


def command(build: Build, number: int) -> str:
    """Write what a step runs: its arguments, or the first line of its script."""
    step = _step(build, number)
    if step.get("script"):
        lines = [line for line in str(step["script"]).strip().split("\n") if not line.startswith("#!")]
        return lines[0] if lines else ""
    return " ".join([step.get("entrypoint", ""), *map(str, step.get("args", ()))]).strip()


def commit(build: Build) -> Cell:
    """Say which commit was built, short; nothing where it is not known."""
    return Code(text=build.commit_sha[:_SHORT]) if build.commit_sha else None


def ref(build: Build) -> str:
    """Say which branch or tag was built."""
    return build.substitutions.get("BRANCH_NAME") or build.substitutions.get("TAG_NAME") or ""


def source(build: Build) -> str:
    """Say where the source came from; empty where there was none."""
    found = build.resolved.get("source") or {}
    if git := found.get("gitSource"):
        return str(git.get("url", ""))
    if repository := found.get("repoSource"):
        return str(repository.get("repoName", ""))
    if stored := found.get("storageSource"):
        return f"gs://{stored.get('bucket', '')}/{stored.get('object', '')}"
    return ""


def trigger(build: Build) -> Cell:
    """Link what started the build; nothing where somebody asked for it."""
    return links.named(build.trigger.rpartition("/")[2], build.trigger) if build.trigger else None


def commit_and_ref(build: Build) -> Cell:
    """Say commit, and branch or tag."""
    cells = [cell for cell in (commit(build), ref(build)) if cell]
    return Several(cells=cells) if cells else None


def link(build: Build) -> Link:
    """Link to its page."""
    return Link(text=short(build.build_id), href=links.href(SECTION, build.build_id))


def _step(build: Build, number: int) -> Mapping[str, Any]:
    steps = build.resolved.get("steps", ())
    return steps[number] if number < len(steps) else {}
