"""A build document → a checked `Config`, with everything that is wrong said at once. Pure.

Order: shape (`schema`), substitutions, then meaning: ids and waitFor, env, secrets, volumes, artifacts, timeouts.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trainshed.builds import plan, schema, substitutions
from trainshed.builds.model import Config, Secret, Step, Volume
from trainshed.errors import Finding, InvalidArgument

DEFAULT_SECONDS = 3600.0
_MOST_DISK_GB = 4000
_RESERVED_VOLUMES = frozenset({"/workspace", "/builder/home", "/var/run/docker.sock"})
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_TAG = re.compile(r"[\w][\w.-]{0,127}")
_IMAGE = re.compile(r"[a-z0-9]+(?:[._:/-]+[a-zA-Z0-9_-]+)*(?:@sha256:[0-9a-f]{64})?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A document that can run."""

    config: Config
    document: Mapping[str, Any]  # as asked for, field names in camel case
    resolved: Mapping[str, Any]  # substitutions applied
    values: Mapping[str, str]  # every substitution in force
    warnings: tuple[Finding, ...]


def check(
    document: Mapping[str, Any],
    *,
    built_in: Mapping[str, str],
    given: Mapping[str, str] | None = None,
    is_triggered: bool = False,
) -> Checked:
    """Check a build document and apply its substitutions. Raises InvalidArgument with all findings."""
    shaped = shape(document)
    applied = substitutions.apply(shaped, built_in, given=given or {}, is_triggered=is_triggered)
    problems = [*applied.findings, *_meaning(applied.document)]
    if errors := [f for f in problems if f.severity == "error"]:
        if is_triggered and applied.lacking:  # it may be why: no value is an empty one in a triggered build
            errors.append(_error("substitutions", lack(applied.lacking)))
        raise InvalidArgument.findings(errors, reason="BUILD_INVALID")
    return Checked(
        config=read(applied.document, values=applied.values),
        document=shaped,
        resolved=applied.document,
        values=applied.values,
        warnings=tuple(problems),
    )


def lack(keys: Iterable[str]) -> str:
    """Say which substitutions of a trigger nothing gives a value."""
    names = sorted(keys)
    given = f"{names[0]}=…" + (",…" if len(names) > 1 else "")
    return f"nothing gives {', '.join(names)} a value; give the trigger --substitutions {given}"


def shape(document: Mapping[str, Any]) -> dict[str, Any]:
    """Check what can be judged without substitutions: fields, types, ids. Raises InvalidArgument with all findings."""
    shaped, findings = schema.check(document)
    if findings := [*findings, *plan.after(_steps(shaped))[1]]:
        raise InvalidArgument.findings(findings, reason="BUILD_INVALID")
    return shaped


def read(resolved: Mapping[str, Any], *, values: Mapping[str, str]) -> Config:
    """Make the records of a document that has been checked."""
    options = resolved.get("options") or {}
    artifacts = resolved.get("artifacts") or {}
    objects = artifacts.get("objects") or {}
    waits, _ = plan.after(resolved["steps"])
    location = objects.get("location", "")
    return Config(
        steps=tuple(_step(n, s, waits[n], options, values) for n, s in enumerate(resolved["steps"])),
        timeout_seconds=_seconds(resolved.get("timeout")) or DEFAULT_SECONDS,
        queue_ttl_seconds=_seconds(resolved.get("queueTtl")) or DEFAULT_SECONDS,
        images=tuple(dict.fromkeys([*(resolved.get("images") or []), *(artifacts.get("images") or [])])),
        objects_location=location if not location or location.endswith("/") else location + "/",
        objects_paths=tuple(objects.get("paths") or ()),
        logs_bucket=resolved.get("logsBucket", ""),
        logging=options.get("logging", ""),
        machine_type=options.get("machineType", ""),
        tags=tuple(dict.fromkeys(t for t in resolved.get("tags") or [] if t)),
        secrets=tuple(_secrets(resolved)),
        source=_source(resolved),
        dependencies=tuple(d["gitSource"] for d in resolved.get("dependencies") or [] if d.get("gitSource")),
    )


def _source(resolved: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer the source to fetch; a dependency that is `empty` wants none."""
    if any(d.get("empty") for d in resolved.get("dependencies") or []):
        return {}
    return resolved.get("source") or {}


def _step(
    number: int, step: Mapping[str, Any], after: tuple[int, ...], options: Mapping[str, Any], values: Mapping[str, str]
) -> Step:
    automap = bool(step.get("automapSubstitutions", options.get("automapSubstitutions", False)))
    mapped = [f"{k}={v}" for k, v in values.items()] if automap else []
    volumes = {v["path"]: v for v in [*(options.get("volumes") or []), *(step.get("volumes") or [])]}
    return Step(
        number=number,
        name=step["name"],
        id=step.get("id", ""),
        args=tuple(step.get("args") or ()),
        env=(*mapped, *(options.get("env") or ()), *(step.get("env") or ())),
        dir=step.get("dir", ""),
        entrypoint=step.get("entrypoint", ""),
        script=step.get("script", ""),
        secret_env=tuple(dict.fromkeys([*(options.get("secretEnv") or ()), *(step.get("secretEnv") or ())])),
        volumes=tuple(Volume(name=v["name"], path=posixpath.normpath(v["path"])) for v in volumes.values()),
        timeout_seconds=_seconds(step.get("timeout")) or None,
        allow_failure=bool(step.get("allowFailure")),
        allow_exit_codes=tuple(step.get("allowExitCodes") or ()),
        automap=automap,
        after=after,
    )


def _meaning(document: Mapping[str, Any]) -> Iterator[Finding]:
    yield from plan.after(document["steps"])[1]
    yield from _steps_meaning(document)
    yield from _env_meaning(document)
    yield from _secrets_meaning(document)
    yield from _volumes_meaning(document)
    yield from _artifacts_meaning(document)
    yield from _options_meaning(document)
    yield from _source_meaning(document)


_NO_CONNECTION = "needs a connection, which there is none of here; give the address of the repository"


def _source_meaning(document: Mapping[str, Any]) -> Iterator[Finding]:
    source = document.get("source") or {}
    if source.get("connectedRepository"):
        yield _error("source.connectedRepository", f"{_NO_CONNECTION} as source.gitSource.url")
    if source.get("storageSourceManifest"):
        yield _error(
            "source.storageSourceManifest", "is not offered here; upload an archive and name it in storageSource"
        )
    if document.get("gitConfig"):
        yield _error("gitConfig", "is not offered here; git of this machine is used with its own configuration")
    for n, dependency in enumerate(document.get("dependencies") or []):
        git, path = dependency.get("gitSource") or {}, f"dependencies[{n}].gitSource"
        repository = git.get("repository") or {}
        if not dependency.get("empty") and not repository.get("url"):
            kind = "developerConnect" if repository.get("developerConnect") else "url"
            yield _error(f"{path}.repository.{kind}", f"{_NO_CONNECTION} as url")
        target = git.get("destPath", "")
        if target.startswith("/") or ".." in target.split("/"):
            yield _error(f"{path}.destPath", f"{target!r} leaves the workspace; give a path below it")


def _options_meaning(document: Mapping[str, Any]) -> Iterator[Finding]:
    options = document.get("options") or {}
    if not 0 <= options.get("diskSizeGb", 0) <= _MOST_DISK_GB:
        yield _error("options.diskSizeGb", f"{options['diskSizeGb']} is outside 0..{_MOST_DISK_GB}")
    if pool := (options.get("pool") or {}).get("name") or options.get("workerPool"):
        yield _warning(
            "options.pool", f"{pool} is ignored: there are no private pools here, builds run on this machine"
        )
    keeps_logs = (
        document.get("logsBucket")
        or options.get("defaultLogsBucketBehavior") == "REGIONAL_USER_OWNED_BUCKET"
        or options.get("logging") in {"CLOUD_LOGGING_ONLY", "NONE"}
    )
    if document.get("serviceAccount") and not keeps_logs:
        yield _warning(
            "serviceAccount",
            "Google Cloud refuses it without logsBucket, options.defaultLogsBucketBehavior: REGIONAL_USER_OWNED_BUCKET, "
            "or options.logging: CLOUD_LOGGING_ONLY or NONE",
        )


def _steps_meaning(document: Mapping[str, Any]) -> Iterator[Finding]:
    limit = _seconds(document.get("timeout")) or schema.MAX_SECONDS
    for n, step in enumerate(document["steps"]):
        yield from _step_meaning(f"steps[{n}]", step, limit)
    for i, tag in enumerate(document.get("tags") or []):
        if tag and not _TAG.fullmatch(tag):
            yield _error(f"tags[{i}]", f"{tag!r} is not a tag: letters, digits, '_', '.', '-', 128 at most")


def _step_meaning(path: str, step: Mapping[str, Any], limit: float) -> Iterator[Finding]:
    if not step["name"].strip():
        yield _error(f"{path}.name", "is empty once substitutions are applied; give the substitution a value")
    elif not _IMAGE.fullmatch(step["name"]):
        yield _error(f"{path}.name", f"{step['name']!r} is not the name of an image")
    for other in ("args", "entrypoint"):
        if step.get("script") and step.get(other):
            yield _error(f"{path}.{other}", f"a step has either script or {other}; remove one")
    if (_seconds(step.get("timeout")) or 0) > limit:
        yield _error(f"{path}.timeout", f"{step['timeout']} is longer than the build's own timeout ({limit:g}s)")
    for code in step.get("allowExitCodes") or []:
        if not 0 <= code <= 255:  # noqa: PLR2004  (what a process can exit with)
            yield _error(f"{path}.allowExitCodes", f"{code} is not an exit code (0 to 255)")


def _env_meaning(document: Mapping[str, Any]) -> Iterator[Finding]:
    places = [("options.env", (document.get("options") or {}).get("env") or [])]
    places += [(f"steps[{n}].env", s.get("env") or []) for n, s in enumerate(document["steps"])]
    for path, entries in places:
        for i, entry in enumerate(entries):
            if not re.match(r"[^=\s]+=", entry):
                yield _error(f"{path}[{i}]", f"{entry!r} is not of the form KEY=VALUE")


def _secrets_meaning(document: Mapping[str, Any]) -> Iterator[Finding]:
    options = document.get("options") or {}
    defined = Counter(s.variable for s in _secrets(document))
    used = set(options.get("secretEnv") or ())
    missing = "is not defined; add it to availableSecrets.secretManager"
    yield from (_error("options.secretEnv", f"{name!r} {missing}") for name in sorted(used - set(defined)))
    for n, step in enumerate(document["steps"]):
        path, wanted = f"steps[{n}].secretEnv", step.get("secretEnv") or []
        yield from (_error(path, f"{name!r} {missing}") for name in wanted if name not in defined)
        yield from _secret_use(path, step, options)
        used.update(wanted)
    for name, count in defined.items():
        if count > 1:
            yield _error("availableSecrets", f"the variable {name!r} is defined {count} times; define it once")
        if name not in used:
            yield _error("availableSecrets", f"the variable {name!r} is used by no step; name it in secretEnv")
        if not _VARIABLE.fullmatch(name):
            yield _error("availableSecrets", f"{name!r} is not the name of an environment variable")


def _secret_use(path: str, step: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Finding]:
    shared = options.get("secretEnv") or []
    wanted = step.get("secretEnv") or []
    plain = {e.split("=", 1)[0] for e in [*(options.get("env") or []), *(step.get("env") or [])]}
    for name, count in Counter(wanted).items():
        if count > 1 or name in shared:
            yield _error(path, f"{name!r} is named more than once (options.secretEnv counts); name it once")
    for name in dict.fromkeys([*shared, *wanted]):
        if name in plain:
            yield _error(path, f"{name!r} is also in env; remove one of the two")


def _volumes_meaning(document: Mapping[str, Any]) -> Iterator[Finding]:
    shared = (document.get("options") or {}).get("volumes") or []
    users: Counter[str] = Counter()
    if shared and len(document["steps"]) < 2:  # noqa: PLR2004  (a volume of one step shares nothing)
        yield _error("options.volumes", "a volume is shared by at least two steps; there is one step")
    places = [("options.volumes", shared)]
    places += [(f"steps[{n}].volumes", s.get("volumes") or []) for n, s in enumerate(document["steps"])]
    for place, volumes in places:
        yield from _volume_list(place, volumes)
        if place != "options.volumes":
            users.update({v["name"] for v in volumes})
    for name, count in users.items():
        if count < 2 and name not in {v["name"] for v in shared}:  # noqa: PLR2004
            yield _error("steps", f"the volume {name!r} is used by one step only; two are needed, or remove it")


def _volume_list(place: str, volumes: list[Mapping[str, str]]) -> Iterator[Finding]:
    names = Counter(v["name"] for v in volumes)
    paths = Counter(posixpath.normpath(v["path"]) for v in volumes)
    for i, volume in enumerate(volumes):
        path = posixpath.normpath(volume["path"])
        if not _VOLUME_NAME.fullmatch(volume["name"]):
            yield _error(f"{place}[{i}].name", f"{volume['name']!r} is not a volume's name: letters, digits, '_.-'")
        if not path.startswith("/"):
            yield _error(f"{place}[{i}].path", f"{volume['path']!r} is not absolute; start it with /")
        if path in _RESERVED_VOLUMES or path.startswith("/cloudbuild/"):
            yield _error(f"{place}[{i}].path", f"{path} is reserved; choose another path")
        if names[volume["name"]] > 1 or paths[path] > 1:
            yield _error(f"{place}[{i}]", "the name or the path is given twice in this list; keep one")


def _artifacts_meaning(document: Mapping[str, Any]) -> Iterator[Finding]:
    artifacts = document.get("artifacts") or {}
    yield from _images_meaning(document.get("images") or [], artifacts.get("images") or [])
    for kind in ("pythonPackages", "mavenArtifacts", "npmPackages", "goModules"):
        if artifacts.get(kind):
            yield _error(f"artifacts.{kind}", "is not offered here; upload with a step, or use artifacts.objects")
    if objects := artifacts.get("objects"):
        yield from _objects_meaning(objects)
    bucket = document.get("logsBucket")
    if bucket and not re.match(r"(gs://)?[a-z0-9][a-z0-9._-]+", bucket):
        yield _error("logsBucket", f"{bucket!r} is not gs://BUCKET")


def _images_meaning(top: list[str], inner: list[str]) -> Iterator[Finding]:
    if top and inner and top != inner:
        yield _error("artifacts.images", "differs from images; give the images in one place")
    for place, images in (("images", top), ("artifacts.images", inner)):
        for i, image in enumerate(images):
            if not _IMAGE.fullmatch(image):
                upper = " (upper-case letters are not allowed)" if _IMAGE.fullmatch(image.lower()) else ""
                yield _error(f"{place}[{i}]", f"{image!r} is not the name of an image{upper}")


def _objects_meaning(objects: Mapping[str, Any]) -> Iterator[Finding]:
    if not re.match(r"gs://[^/]+", objects["location"]):
        yield _error("artifacts.objects.location", f"{objects['location']!r} does not start with gs://BUCKET")
    for path, count in Counter(objects["paths"]).items():
        if count > 1:
            yield _error("artifacts.objects.paths", f"{path!r} is given {count} times; keep one")
        if re.search(r"\s", path):
            yield _error("artifacts.objects.paths", f"{path!r} contains white space")
        if path.startswith("/") or ".." in path.split("/"):
            yield _error("artifacts.objects.paths", f"{path!r} leaves the workspace; give a path below it")


def _secrets(document: Mapping[str, Any]) -> Iterator[Secret]:
    available = document.get("availableSecrets") or {}
    for entry in available.get("secretManager") or []:
        yield Secret(variable=entry["env"], version=entry["versionName"])
    for entry in available.get("inline") or []:
        for variable in entry.get("envMap") or {}:
            yield Secret(variable=variable, version=variable)
    for entry in document.get("secrets") or []:
        for variable in entry.get("secretEnv") or {}:
            yield Secret(variable=variable, version=variable)


def _steps(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [s for s in document.get("steps") or [] if isinstance(s, dict)]


def _seconds(text: str | None) -> float:
    return schema.seconds(text) if text else 0.0


def _error(path: str, message: str) -> Finding:
    return Finding(severity="error", path=path, message=message, anchor="build-config")


def _warning(path: str, message: str) -> Finding:
    return Finding(severity="warning", path=path, message=message, anchor="build-config")
