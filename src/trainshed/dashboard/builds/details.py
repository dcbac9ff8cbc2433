"""Everything else about a build: what it was given, what it made, how it was told to run. Secrets by name only."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from trainshed.builds import Build
from trainshed.builds.config import DEFAULT_SECONDS
from trainshed.builds.substitutions import BUILT_IN
from trainshed.clock import parse_rfc3339
from trainshed.dashboard import links
from trainshed.dashboard.builds.words import called, command, source, trigger
from trainshed.dashboard.cells import Badge, Cell, Code, Span, Time, span
from trainshed.dashboard.page import Empty, Facts, Part, Table


def parts(build: Build) -> Sequence[Part]:
    """Make the parts of the tab. Each is there for every build, so that a page that changes keeps its shape."""
    return (
        Facts(id="about", heading="Build", pairs=list(_about(build))),
        _table("phases", "Phases", ("Phase", "Started", "Duration"), _phases(build), "None has ended yet."),
        _table("step-details", "Steps", ("#", "Step", "Image", "Command", "Status", "Exit code", "Waits for", "Timeout", "Duration"), _steps(build), "No step."),
        _table("images", "Images", ("Image", "Digest"), _images(build), "None. The field images of the config names those to push."),
        _table("artifacts", "Artifacts", ("What", "Which"), _artifacts(build), "None. The field artifacts of the config names files to keep in a bucket."),
        _table("substitutions", "Substitutions", ("Name", "Value", "Given by"), _substitutions(build), "None."),
        _table("environment", "Environment", ("Step", "Variable", "Value"), list(_environment(build)), "No variable is set in the config."),
        Facts(id="options", heading="Options", pairs=_options(build)),
        _table("warnings", "Warnings", ("Warning",), [(warning,) for warning in build.warnings], "None."),
    )  # fmt: skip


def _table(part_id: str, heading: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], nothing: str) -> Table:
    return Table(id=part_id, heading=heading, columns=columns, rows=rows, nothing=Empty(text=nothing))


def _about(build: Build) -> Iterator[tuple[str, Cell]]:
    yield "Build", Code(text=build.build_id, may_copy=True)
    yield "Resource name", Code(text=build.name)
    yield "Status", Badge(state=build.state, note=build.status_detail)
    if build.failure:
        yield "Kind of failure", Code(text=str(build.failure.get("type", "")))
    yield "Source", source(build)
    yield "Commit", Code(text=build.commit_sha, may_copy=True) if build.commit_sha else None
    yield "Cloned by its steps", "; ".join(f"{c.path}: {c.commit} of {c.repository}" for c in build.clones)
    yield "Trigger", trigger(build) or "by hand"
    yield "Created", _exact(build.create_time)
    yield "Waited", span(build.create_time, build.start_time or build.end_time)
    yield "Started", _exact(build.start_time)
    yield "Ended", _exact(build.end_time)
    yield "Duration", span(build.start_time, build.end_time)
    yield from _approval(build.approval)
    yield "Log object", links.uri(build.log_uri)
    yield "Tags", ", ".join(build.resolved.get("tags", ()))
    yield "Service account", str(build.resolved.get("serviceAccount", ""))


def _approval(approval: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    if not approval:
        return
    result = approval.get("result") or {}
    said = f"by {result.get('approverAccount', '')} {result.get('comment', '')}".strip() if result else ""
    yield "Approval", Badge(state=str(approval.get("state", "")), note=said)


def _exact(when: datetime | None) -> Cell:
    return None if when is None else Time(when=when, is_exact=True)


def _phases(build: Build) -> list[tuple[Cell, ...]]:
    times = [(parse_rfc3339(at["startTime"]), parse_rfc3339(at["endTime"]), name) for name, at in build.timing.items()]
    return [(name, _exact(start), Span(start=start, end=end)) for start, end, name in sorted(times)]


def _steps(build: Build) -> list[tuple[Cell, ...]]:
    given = build.resolved.get("steps", ())
    return [
        (
            step.number,
            called(step),
            step.name,
            Code(text=command(build, step.number)),
            Badge(state=step.state),
            step.exit_code,
            _awaited(given[step.number].get("waitFor")) if step.number else None,
            str(given[step.number].get("timeout", "")),
            span(step.start_time, step.end_time),
        )
        for step in build.steps
    ]


def _awaited(named: Sequence[str] | None) -> str:
    if not named:
        return "the steps before it"
    return "nothing" if list(named) == ["-"] else ", ".join(named)


def _images(build: Build) -> list[tuple[Cell, ...]]:
    digests = {image.get("name", ""): image.get("digest", "") for image in build.results.get("images", ())}
    wanted = [*build.resolved.get("images", ()), *(build.resolved.get("artifacts") or {}).get("images", ())]
    names = list(dict.fromkeys([*wanted, *digests]))
    return [
        (Code(text=name), Code(text=digest, may_copy=True) if (digest := digests.get(name)) else "not pushed")
        for name in names
    ]


def _artifacts(build: Build) -> list[tuple[Cell, ...]]:
    objects = (build.resolved.get("artifacts") or {}).get("objects") or {}
    if not objects:
        return []
    kept = build.results.get("numArtifacts")
    return [
        ("Kept in", links.uri(str(objects.get("location", "")))),
        ("Files", Code(text=" ".join(map(str, objects.get("paths", ()))))),
        ("How many were kept", kept),
        ("List of them", links.uri(str(build.results.get("artifactManifest", "")))),
    ]


def _substitutions(build: Build) -> list[tuple[Cell, ...]]:
    own = build.document.get("substitutions") or {}
    return [
        (Code(text=key), Code(text=value) if value else None, _giver(key, own))
        for key, value in sorted(build.substitutions.items())
    ]


def _giver(key: str, own: Mapping[str, str]) -> str:
    if key in BUILT_IN and key not in own:
        return "Trainshed"
    return "the config" if key in own else "trigger or caller"


def _environment(build: Build) -> Iterator[tuple[Cell, ...]]:
    options = build.resolved.get("options") or {}
    for where, holder in [("all", options), *((str(n), s) for n, s in enumerate(build.resolved.get("steps", ())))]:
        for variable in holder.get("env", ()):
            name, _, value = str(variable).partition("=")
            yield where, Code(text=name), Code(text=value) if value else None
        for name in holder.get("secretEnv", ()):
            yield where, Code(text=str(name)), "from a secret, which is never shown"


def _options(build: Build) -> list[tuple[str, Cell]]:
    unsaid = dict.fromkeys(("timeout", "queueTtl"), f"{DEFAULT_SECONDS:g}s, the default")
    plain = {key: build.resolved.get(key) or unsaid.get(key) for key in ("timeout", "queueTtl", "logsBucket")}
    options = {
        key: value for key, value in (build.resolved.get("options") or {}).items() if key not in {"env", "secretEnv"}
    }
    return [(key, _written(value)) for key, value in {**plain, **options}.items()]


def _written(value: Any) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return (
        Code(text=", ".join(f"{key}={inner}" for key, inner in value.items()))
        if isinstance(value, Mapping)
        else str(value)
    )
