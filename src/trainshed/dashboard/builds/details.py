"""Everything else about a build: what it was given, what it made, how it was told to run. Secrets by name only."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainshed.builds import Build
from trainshed.builds.substitutions import BUILT_IN
from trainshed.clock import parse_rfc3339
from trainshed.dashboard.builds.words import called, command, source
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, Span, span, time
from trainshed.dashboard.links import href
from trainshed.dashboard.page import Empty, Facts, Part, Table


def parts(build: Build) -> Sequence[Part]:
    """Make the parts of the tab. Each is there for every build, so that a page that changes keeps its shape."""
    return (
        Facts(id="about", heading="Build", pairs=list(_about(build))),
        Facts(id="phases", heading="Phases", pairs=_phases(build)),
        _table("step-details", "Steps", ("#", "Step", "Image", "Command", "Status", "Exit code", "Waits for", "Timeout", "Duration"), _steps(build), "No step."),
        _table("images", "Images", ("Image", "Digest"), _images(build), "No image: `images` in the config names those to push."),
        Facts(id="artifacts", heading="Artifacts", pairs=list(_artifacts(build))),
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
        yield "Failure", f"{build.failure.get('type', '')}: {build.failure.get('detail', '')}"
    yield "Source", source(build)
    yield "Commit", Code(text=build.commit_sha, may_copy=True) if build.commit_sha else None
    yield "Trigger", Code(text=build.trigger) if build.trigger else None
    yield "Created", time(build.create_time)
    yield "Waited", span(build.create_time, build.start_time or build.end_time)
    yield "Started", time(build.start_time)
    yield "Ended", time(build.end_time)
    yield "Duration", span(build.start_time, build.end_time)
    yield from _approval(build.approval)
    yield "Log object", _object(build.log_uri)
    yield "Tags", ", ".join(build.resolved.get("tags", ()))
    yield "Service account", str(build.resolved.get("serviceAccount", ""))


def _approval(approval: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    if not approval:
        return
    result = approval.get("result") or {}
    said = f"by {result.get('approverAccount', '')} {result.get('comment', '')}".strip() if result else ""
    yield "Approval", Badge(state=str(approval.get("state", "")), note=said)


def _object(uri: str) -> Cell:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return Link(text=uri, href=href("/buckets", bucket)) if name else uri


def _phases(build: Build) -> list[tuple[str, Cell]]:
    return [
        (name, Span(start=parse_rfc3339(times["startTime"]), end=parse_rfc3339(times["endTime"])))
        for name, times in build.timing.items()
    ]


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
            ", ".join(given[step.number].get("waitFor", ())),
            str(given[step.number].get("timeout", "")),
            span(step.start_time, step.end_time),
        )
        for step in build.steps
    ]


def _images(build: Build) -> list[tuple[Cell, ...]]:
    digests = {image.get("name", ""): image.get("digest", "") for image in build.results.get("images", ())}
    wanted = [*build.resolved.get("images", ()), *(build.resolved.get("artifacts") or {}).get("images", ())]
    names = list(dict.fromkeys([*wanted, *digests]))
    return [
        (Code(text=name), Code(text=digest, may_copy=True) if (digest := digests.get(name)) else "not pushed")
        for name in names
    ]


def _artifacts(build: Build) -> Iterator[tuple[str, Cell]]:
    objects = (build.resolved.get("artifacts") or {}).get("objects") or {}
    yield "Location", _object(str(objects.get("location", "")))
    yield "Paths", Several(cells=[Code(text=str(path)) for path in objects.get("paths", ())]) if objects else None
    yield "Manifest", _object(str(build.results.get("artifactManifest", "")))
    yield "Objects", build.results.get("numArtifacts")


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
    plain = {key: build.resolved.get(key) for key in ("timeout", "queueTtl", "logsBucket")}
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
