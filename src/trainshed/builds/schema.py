"""The fields of a build document: names, types, limits; unknown ones are named with the nearest known one. Pure."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainshed.errors import Finding

_DURATION = re.compile(r"(\d+(?:\.\d{1,9})?)s")
MAX_SECONDS = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a value must be."""

    type: str  # text, duration, integer, flag, list, record, map, free
    longest: int = 0  # characters of a text, items of a list
    item: "Kind | None" = None
    fields: "Mapping[str, Kind]" = field(default_factory=dict)
    values: tuple[str, ...] = ()  # the only texts allowed
    required: bool = False


def _text(longest: int = 0, *, required: bool = False) -> Kind:
    return Kind(type="text", longest=longest, required=required)


def _list(item: Kind, longest: int = 0, *, required: bool = False) -> Kind:
    return Kind(type="list", item=item, longest=longest, required=required)


def _record(*, required: bool = False, **fields: Kind) -> Kind:
    return Kind(type="record", fields=fields, required=required)


def _choice(*values: str) -> Kind:
    return Kind(type="text", values=values)


_FLAG, _INTEGER, _FREE = Kind(type="flag"), Kind(type="integer"), Kind(type="free")
_DURATION_KIND, _MAP = Kind(type="duration"), Kind(type="map")
_ENV = _list(_text(4000), 100)
_VOLUMES = _list(_record(name=_text(required=True), path=_text(required=True)))

_STEP = _record(
    name=_text(1000, required=True),
    args=_list(_text(10_000), 100),
    env=_ENV,
    dir=_text(1000),
    id=_text(1000),
    waitFor=_list(_text()),
    entrypoint=_text(1000),
    script=_text(100_000),
    secretEnv=_list(_text()),
    volumes=_VOLUMES,
    timeout=_DURATION_KIND,
    allowFailure=_FLAG,
    allowExitCodes=_list(_INTEGER),
    automapSubstitutions=_FLAG,
    results=_FREE,
    remoteConfig=_text(),
    pullTiming=_FREE,
    timing=_FREE,
    status=_FREE,
    exitCode=_FREE,
)
_OPTIONS = _record(
    sourceProvenanceHash=_list(_text()),
    requestedVerifyOption=_choice("NOT_VERIFIED", "VERIFIED"),
    machineType=_choice(
        "UNSPECIFIED", "N1_HIGHCPU_8", "N1_HIGHCPU_32", "E2_HIGHCPU_8", "E2_HIGHCPU_32", "E2_MEDIUM", "E2_STANDARD_2"
    ),
    diskSizeGb=_INTEGER,
    substitutionOption=_choice("MUST_MATCH", "ALLOW_LOOSE"),
    dynamicSubstitutions=_FLAG,
    automapSubstitutions=_FLAG,
    logStreamingOption=_choice("STREAM_DEFAULT", "STREAM_ON", "STREAM_OFF"),
    logging=_choice("LOGGING_UNSPECIFIED", "LEGACY", "GCS_ONLY", "STACKDRIVER_ONLY", "CLOUD_LOGGING_ONLY", "NONE"),
    defaultLogsBucketBehavior=_choice(
        "DEFAULT_LOGS_BUCKET_BEHAVIOR_UNSPECIFIED", "REGIONAL_USER_OWNED_BUCKET", "LEGACY_BUCKET"
    ),
    pool=_record(name=_text()),
    workerPool=_text(),
    env=_ENV,
    secretEnv=_list(_text()),
    volumes=_VOLUMES,
    enableStructuredLogging=_FLAG,
    pubsubTopic=_text(),
)
_ARTIFACTS = _record(
    images=_list(_text(1000), 100),
    objects=_record(location=_text(required=True), paths=_list(_text(), 100, required=True), timing=_FREE),
    pythonPackages=_FREE,
    mavenArtifacts=_FREE,
    npmPackages=_FREE,
    goModules=_FREE,
)
_SOURCE = _record(
    storageSource=_record(bucket=_text(required=True), object=_text(), generation=_INTEGER, sourceFetcher=_FREE),
    repoSource=_record(
        projectId=_text(),
        repoName=_text(required=True),
        branchName=_text(),
        tagName=_text(),
        commitSha=_text(),
        dir=_text(),
        invertRegex=_FLAG,
        substitutions=_MAP,
    ),
    gitSource=_record(url=_text(required=True), dir=_text(), revision=_text()),
    connectedRepository=_FREE,
    storageSourceManifest=_FREE,
)
_DEPENDENCY = _record(
    empty=_FLAG,
    gitSource=_record(
        repository=_record(url=_text(1000), developerConnect=_text(), required=True),
        revision=_text(1000),
        recurseSubmodules=_FLAG,
        depth=_INTEGER,
        destPath=_text(1000),
        fetchTags=_FLAG,
    ),
)
_BUILD = _record(
    steps=_list(_STEP, 100, required=True),
    timeout=_DURATION_KIND,
    queueTtl=_DURATION_KIND,
    logsBucket=_text(),
    options=_OPTIONS,
    substitutions=_MAP,
    tags=_list(_text(128), 64),
    serviceAccount=_text(),
    secrets=_list(_record(kmsKeyName=_text(), secretEnv=_MAP), 100),
    availableSecrets=_record(
        secretManager=_list(_record(versionName=_text(required=True), env=_text(required=True)), 100),
        inline=_list(_record(kmsKeyName=_text(), envMap=_MAP), 100),
    ),
    images=_list(_text(1000), 100),
    artifacts=_ARTIFACTS,
    source=_SOURCE,
    dependencies=_list(_DEPENDENCY, 20),
    gitConfig=_FREE,
)


# Output only: taken in a request and ignored, as Google does.
_OUTPUTS = (
    *("name", "id", "projectId", "status", "statusDetail", "results", "createTime", "startTime", "finishTime"),
    *("sourceProvenance", "buildTriggerId", "logUrl", "timing", "approval", "warnings", "failureInfo"),
)
BUILD = Kind(type="record", fields={**_BUILD.fields, **dict.fromkeys(_OUTPUTS, _FREE)})


def check(document: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """Answer the document with camel-case names and plain types, and everything that is wrong with its shape."""
    findings: list[Finding] = []
    checked = _check(dict(document), BUILD, "", findings)
    return checked if isinstance(checked, dict) else {}, findings


def seconds(text: str) -> float:
    """Read a duration of the checked form `600s`."""
    return float(text.removesuffix("s"))


def _check(  # noqa: PLR0911  (one return per kind)
    value: Any, kind: Kind, path: str, findings: list[Finding]
) -> Any:
    match kind.type:
        case "record":
            return _check_record(value, kind, path, findings)
        case "list":
            return _check_list(value, kind, path, findings)
        case "map":
            return _check_map(value, path, findings)
        case "text":
            return _check_text(value, kind, path, findings)
        case "duration":
            return _check_duration(value, path, findings)
        case "integer":
            return _check_integer(value, path, findings)
        case "flag":
            if not isinstance(value, bool):
                _say(findings, path, f"is {_show(value)}; write true or false")
            return value
    return value


def _check_record(value: Any, kind: Kind, path: str, findings: list[Finding]) -> Any:
    if not isinstance(value, dict):
        _say(findings, path, f"is {_show(value)}; it takes fields: {', '.join(list(kind.fields)[:6])}, …")
        return {}
    result: dict[str, Any] = {}
    for key, inner in value.items():
        name = _field_name(key, kind.fields)
        below = f"{path}.{key}" if path else str(key)
        if name is None:
            _say(findings, below, _unknown(str(key), kind.fields))
        elif name in result:
            _say(findings, below, f"is given twice, as {name} and in snake case; keep one")
        elif inner is not None:
            result[name] = _check(inner, kind.fields[name], below, findings)
    for name, inner_kind in kind.fields.items():
        if inner_kind.required and result.get(name) in (None, "", []):
            reported = any(f.path == (f"{path}.{name}" if path else name) for f in findings)
            if not reported:
                _say(findings, f"{path}.{name}" if path else name, "is missing and required")
    return result


def _field_name(key: Any, fields: Mapping[str, Kind]) -> str | None:
    if key in fields:
        return str(key)
    if isinstance(key, str) and "_" in key:  # gcloud takes snake case as well
        camel = re.sub(r"_([a-z])", lambda m: m[1].upper(), key)
        return camel if camel in fields else None
    return None


def _unknown(key: str, fields: Mapping[str, Kind]) -> str:
    lower = {name.lower(): name for name in fields}
    near = difflib.get_close_matches(key.replace("_", "").lower(), lower, n=1, cutoff=0.6)
    return "there is no such field" + (f"; did you mean {lower[near[0]]}?" if near else "; remove it")


def _check_list(value: Any, kind: Kind, path: str, findings: list[Finding]) -> Any:
    if not isinstance(value, list):
        example = f"[{value}]" if isinstance(value, str) else "a list"
        _say(findings, path, f"is {_show(value)}; write {example}")
        return []
    if kind.longest and len(value) > kind.longest:
        _say(findings, path, f"has {len(value)} entries; {kind.longest} are allowed")
    assert kind.item is not None
    return [_check(item, kind.item, f"{path}[{i}]", findings) for i, item in enumerate(value)]


def _check_map(value: Any, path: str, findings: list[Finding]) -> Any:
    if not isinstance(value, dict):
        _say(findings, path, f"is {_show(value)}; write it as key: value")
        return {}
    for key, inner in value.items():
        if not isinstance(inner, str):
            _say(findings, f"{path}.{key}", f'is {_show(inner)}; substitutions are text: write it in quotes, "{inner}"')
    return {str(k): v if isinstance(v, str) else "" for k, v in value.items()}


def _check_text(value: Any, kind: Kind, path: str, findings: list[Finding]) -> Any:
    if not isinstance(value, str):
        hint = f'; write it in quotes, "{value}"' if isinstance(value, (bool, int, float)) else ""
        _say(findings, path, f"is {_show(value)}, not text{hint}")
        return ""
    if "\x00" in value:
        _say(findings, path, "contains a NUL character; remove it")
    if kind.longest and len(value) > kind.longest:
        _say(findings, path, f"has {len(value)} characters; {kind.longest} are allowed")
    if kind.values and value not in kind.values:
        near = difflib.get_close_matches(value.upper(), kind.values, n=1, cutoff=0.5)
        _say(findings, path, f"{value!r} is not one of {', '.join(kind.values)}" + (f"; use {near[0]}" if near else ""))
    return value


def _check_duration(value: Any, path: str, findings: list[Finding]) -> Any:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        _say(findings, path, f"{value!r} is not a duration; write seconds with an s, such as 600s")
        return "0s"
    if not 0 <= float(match[1]) <= MAX_SECONDS:
        _say(findings, path, f"{value} is longer than 24 hours (86400s)")
    return value


def _check_integer(value: Any, path: str, findings: list[Finding]) -> Any:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        _say(findings, path, f"is {_show(value)}; write a whole number")
        return 0
    return value


def _show(value: Any) -> str:
    match value:
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case None:
            return "empty"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004  (what fits in a sentence)


def _say(findings: list[Finding], path: str, message: str) -> None:
    findings.append(Finding(severity="error", path=path, message=message, anchor="build-config"))


def paths(findings: Sequence[Finding]) -> list[str]:
    """Answer where the findings are."""
    return [f.path for f in findings]
