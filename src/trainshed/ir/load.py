"""From text to a document: YAML or JSON, bare PipelineSpec or PipelineJob, within limits.

Nothing is believed: size, depth, aliases, duplicate keys, unknown fields, types and number ranges are looked at before
a field is used. What can still be read is kept, so that `check` can say everything that is wrong at once, by path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainshed.errors import Finding
from trainshed.ir import kubernetes, proto, tfx
from trainshed.ir.findings import Findings, Trail
from trainshed.ir.notation import measure, parse, refusal

DEFAULT_LIMIT_BYTES = 10_000_000
_TEXTS = {
    "name", "displayName", "templateUri", "serviceAccount", "network", "createTime", "startTime", "endTime",
    "updateTime", "state", "scheduleName",
}  # fmt: skip
# what Vertex answers with, and what says nothing about how the run goes here
_IGNORED = {
    "jobDetail", "error", "encryptionSpec", "templateMetadata", "reservedIpRanges", "pscInterfaceConfig",
    "preflightValidations",
}  # fmt: skip
_RUN_FIELDS = {"failurePolicy", "inputArtifacts", "defaultRuntime"}  # Vertex has them, the published messages do not


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document with its published field names, what a PipelineJob wrapper said about the run, and what is wrong."""

    given: Mapping[str, Any]  # the spec as it was written
    spec: Mapping[str, Any]
    executors: Mapping[str, Any]
    platform: Mapping[str, Any] = field(default_factory=dict)
    runtime: Mapping[str, Any] = field(default_factory=dict)
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""  # where the spec is in what was written
    platform_prefix: str = ""
    findings: tuple[Finding, ...] = ()  # of reading; `check` answers them with its own
    is_torn: bool = False  # parts that others refer to could not be read


def load(text: bytes | str, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> Document:
    """Read a compiled pipeline. Raises InvalidArgument when it is no document at all; `check` says what is wrong in it."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > limit_bytes:
        raise refusal(f"the spec is {len(data)} bytes; the limit is {limit_bytes} (setting spec_bytes)")
    try:
        documents = parse(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise refusal(f"the spec is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    spec, *more = documents
    if more and _is_platform(spec) and not _is_platform(more[0]):
        return load_dict(more[0], platform=spec)
    return load_dict(spec, platform=more[0] if more else None)


def load_dict(document: Any, *, platform: Any = None) -> Document:
    """Read a compiled pipeline that is already plain data. Raises InvalidArgument when it is no document at all."""
    if not isinstance(document, Mapping):
        raise refusal(f"a pipeline spec is a mapping; this is {proto.noun(document)}")
    findings = Findings()
    measure(document, None, findings)
    measure(platform, None, findings)
    job = {_camel(key): key for key in document if isinstance(key, str)}
    if "pipelineSpec" not in job:
        return _Reading(findings, None).document(document, platform, {})
    wrapped = {name: document[key] for name, key in job.items()}
    _check_job(wrapped, job, findings)
    return _Reading(findings, (None, job["pipelineSpec"])).document(
        wrapped["pipelineSpec"], platform, wrapped, platform_key=job.get("platformSpec", "")
    )


class _Reading:
    """One document being read."""

    def __init__(self, findings: Findings, trail: Trail | None) -> None:
        self._findings = findings
        self._trail = trail

    def document(self, given: Any, platform: Any, job: Mapping[str, Any], *, platform_key: str = "") -> Document:
        """Read the spec, the executors inside it and what is around it."""
        findings = self._findings
        spec, executors = self._spec(given)
        runtime = _runtime(job.get("runtimeConfig"), findings)
        labels = job.get("labels")
        inside = platform is None and job.get("platformSpec") is not None
        platform, around = (job["platformSpec"], (None, platform_key)) if inside else (platform, None)
        return Document(
            given=given if isinstance(given, Mapping) else {},
            spec=tfx.completed(spec),
            executors=executors,
            platform=kubernetes.read(platform, around, findings) if platform is not None else {},
            runtime=runtime,
            display_name=_text(job.get("displayName")),
            labels=labels if isinstance(labels, Mapping) else {},
            prefix=f"{self._trail[1]}." if self._trail else "",
            platform_prefix=f"{platform_key}." if inside else "",
            findings=findings.listed(),
            is_torn=findings.is_torn,
        )

    def _spec(self, given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        fields = dict(given) if isinstance(given, Mapping) else given
        run_parameters = None
        if isinstance(fields, dict):  # schema 2.0.0 had them; the published messages keep only their type
            key = "runtimeParameters" if "runtimeParameters" in fields else "runtime_parameters"
            run_parameters = fields.pop(key, None)
        spec = proto.read(fields, "PipelineSpec", self._trail, self._findings)
        if run_parameters is not None:
            spec["runtimeParameters"] = proto.read_each(
                run_parameters, "PipelineSpec.RuntimeParameter", (self._trail, "runtimeParameters"), self._findings
            )
        trail = (self._trail, "deploymentSpec")
        deployment = proto.read(spec.get("deploymentSpec", {}), "PipelineDeploymentConfig", trail, self._findings)
        return spec, deployment.get("executors", {})


def _check_job(job: Mapping[str, Any], spelled: Mapping[str, str], findings: Findings) -> None:
    known = _TEXTS | _IGNORED | {"pipelineSpec", "runtimeConfig", "labels", "platformSpec"}
    for name, value in job.items():
        here = (None, spelled[name])
        if name not in known:
            findings.add(here, "unknown field of a PipelineJob; remove it")
        elif name in _TEXTS and value is not None and not isinstance(value, str):
            findings.add(here, f"text belongs here, not {proto.noun(value)}; put it in quotes")
    proto.read({"labels": job.get("labels")}, "PipelineJob", None, findings)


def _runtime(config: Any, findings: Findings) -> dict[str, Any]:
    trail: Trail = (None, "runtimeConfig")
    if config is None:
        return {}
    own: dict[str, Any] = {}
    if isinstance(config, Mapping):
        own = {_camel(k): v for k, v in config.items() if _camel(k) in _RUN_FIELDS}
        config = {k: v for k, v in config.items() if _camel(k) not in _RUN_FIELDS}
    given = own.get("inputArtifacts") or {}
    artifacts = _input_artifacts(given)
    if artifacts is None:
        findings.add((trail, "inputArtifacts"), 'a mapping of names to {"artifactId": "ID"} belongs here')
    if not isinstance(own.get("failurePolicy", ""), str):
        findings.add((trail, "failurePolicy"), "text belongs here, such as PIPELINE_FAILURE_POLICY_FAIL_FAST")
    read = proto.read(config, "PipelineJob.RuntimeConfig", trail, findings)
    kept = {k: v for k, v in own.items() if k == "failurePolicy"}
    return read | kept | ({"inputArtifacts": artifacts} if artifacts else {})


def _input_artifacts(given: Any) -> dict[str, str] | None:
    """Read which artifacts a run is given, by id; None for what is no such mapping."""
    if not isinstance(given, Mapping):
        return None
    found: dict[str, str] = {}
    for name, chosen in given.items():
        number = chosen.get("artifactId", chosen.get("artifact_id")) if isinstance(chosen, Mapping) else None
        if not isinstance(number, str) or not number:
            return None
        found[str(name)] = number
    return found


def _is_platform(document: Any) -> bool:
    return isinstance(document, Mapping) and "platforms" in document


def _camel(name: Any) -> str:
    first, *more = str(name).split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in more)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
