"""From a compiled pipeline and what somebody wants of it to the PipelineJob that Vertex AI is sent.

Everything that would fail in the cloud after minutes and money is refused here: files of this machine as inputs, images
that no registry there has, a run without a root.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from trainshed import ir
from trainshed.errors import Finding, InvalidArgument
from trainshed.ir.parameters import LEGACY_TYPES

_LEGACY_VALUES = {"INT": "intValue", "DOUBLE": "doubleValue", "STRING": "stringValue"}
_LOCAL_PROJECT = "local-project"  # of image names that were made here
_REFERENCE = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:\d+)?(/[a-z0-9._-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?")
_PLACEHOLDER = "{{$"
_PYTHON = "python"  # Docker Hub has it


def pipeline_job(text: str | bytes, wanted: Mapping[str, Any], *, bound: Mapping[str, str]) -> dict[str, Any]:
    """Make the PipelineJob. Raises InvalidArgument with everything that would go wrong there.

    `bound` are the image names that stand for environments of this machine, and what they stand for.
    """
    document = ir.load(text)
    findings = [f for f in ir.check(document) if f.severity == "error" and f.anchor != "refused"]
    if findings:
        raise InvalidArgument.findings(findings, reason="SPEC_INVALID")
    spec = copy.deepcopy(dict(document.given))
    given = {**_wrapped(document.runtime), **wanted.get("parameters", {})}
    root = wanted.get("root") or document.runtime.get("gcsOutputDirectory") or spec.get("defaultPipelineRoot", "")
    findings = [*_platform(document), *_root(root), *_images(spec, bound), *_local_data(_values(spec, given))]
    if findings:
        raise InvalidArgument.findings(findings, reason="NOT_FOR_GOOGLE_CLOUD")
    if wanted.get("caching") is not None:
        _set_caching(spec, is_on=bool(wanted["caching"]))
    config: dict[str, Any] = {"gcsOutputDirectory": root.rstrip("/"), **_parameters(spec, given)}
    policy = wanted.get("failurePolicy") or str(document.runtime.get("failurePolicy", ""))
    if policy:
        config["failurePolicy"] = f"PIPELINE_FAILURE_POLICY_{policy.removeprefix('PIPELINE_FAILURE_POLICY_')}"
    made = {
        "displayName": wanted.get("displayName") or document.display_name or name_of(spec),
        "labels": {**document.labels, **wanted.get("labels", {})},
        "pipelineSpec": spec,
        "runtimeConfig": config,
        "templateUri": wanted.get("uri", "") if str(wanted.get("uri", "")).startswith("https://") else "",
    }
    return {key: value for key, value in made.items() if value}


def name_of(spec: Mapping[str, Any]) -> str:
    """Answer a pipeline's name."""
    return str(spec.get("pipelineInfo", {}).get("name", "pipeline"))


def images_of(spec: Mapping[str, Any]) -> dict[str, str]:
    """Answer executor → image."""
    executors = spec.get("deploymentSpec", {}).get("executors", {})
    found = {name: executor.get("container", {}).get("image", "") for name, executor in executors.items()}
    return {name: str(image) for name, image in found.items() if image}


def _wrapped(runtime: Mapping[str, Any]) -> dict[str, Any]:
    legacy = {k: next(iter(v.values()), None) for k, v in (runtime.get("parameters") or {}).items()}
    return {**legacy, **(runtime.get("parameterValues") or {})}


def _platform(document: ir.Document) -> Iterator[Finding]:
    if document.platform:
        yield _finding("platformSpec", "Vertex AI takes no second document; it is for Kubernetes. Compile without it")


def _root(root: str) -> Iterator[Finding]:
    if not root.startswith("gs://"):
        shown = f"{root!r} is not a gs:// location" if root else "is missing"
        yield _finding("--pipeline-root", f"{shown}: give gs://BUCKET/FOLDER, below which tasks keep what they make")


def _images(spec: Mapping[str, Any], bound: Mapping[str, str]) -> Iterator[Finding]:
    for executor, image in images_of(spec).items():
        if (why := _why_not_an_image(image, bound)) and _PLACEHOLDER not in image:
            fix = "push it to Artifact Registry (builds submit --target gcp does) and compile with that name"
            yield _finding(f"deploymentSpec.executors.{executor}.container.image", f"{image!r} {why}; {fix}")


def _why_not_an_image(image: str, bound: Mapping[str, str]) -> str:
    host = image.partition("/")[0] if "/" in image else ""
    if not _REFERENCE.fullmatch(image):
        return "is no name of an image in a registry"
    if host.partition(":")[0] in {"localhost", "127.0.0.1"} or host.endswith((".local", ".localhost")):
        return "is in a registry of this machine, which Vertex AI cannot reach"
    if _LOCAL_PROJECT in image.split("/"):
        return f"belongs to {_LOCAL_PROJECT}, which is a name of this machine"
    known = next((environment for name, environment in bound.items() if fnmatchcase(image, name)), None)
    if known is not None and "." not in host and image.partition(":")[0] != _PYTHON:
        return f"stands for environment {known[:12]} of this machine, and no registry has it under that name"
    return ""


def _values(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Answer what may be an address of data: parameters with their defaults, and what importers register."""
    declared = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    found = {f"parameters.{name}": definition.get("defaultValue") for name, definition in declared.items()}
    found |= {f"parameters.{name}": value for name, value in given.items()}
    for name, executor in spec.get("deploymentSpec", {}).get("executors", {}).items():
        uri = executor.get("importer", {}).get("artifactUri", {})
        found[f"deploymentSpec.executors.{name}.importer"] = uri.get("constant") or uri.get("constantValue")
    return found


def _local_data(given: Mapping[str, Any]) -> Iterator[Finding]:
    for path, value in given.items():
        if isinstance(value, str) and (value.startswith(("/", "./", "../", "~", "file:")) or _is_path(value)):
            way = f"trainshed storage cp -r {value} gs://BUCKET/{Path(value).name} --target gcp"
            message = (
                f"{value!r} is on this machine, where no task of Vertex AI sees it; copy it ({way}) and give gs://…"
            )
            yield _finding(path, message)


def _is_path(value: str) -> bool:
    """Whether a text names something that exists here; a name without a separator is taken for a name."""
    return "/" in value and "://" not in value and len(value) < 1000 and Path(value).exists()  # noqa: PLR2004


def _parameters(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Type the parameters as the pipeline declares them, in the field that its schema has them in."""
    declared = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    legacy = str(spec.get("schemaVersion", "")).startswith("2.0")
    findings, values = [], {}
    for name, value in given.items():
        if name not in declared:
            known = ", ".join(declared) or "none"
            findings.append(_finding(f"parameters.{name}", f"the pipeline has no such parameter; it has {known}"))
            continue
        kind = str(declared[name].get("parameterType") or declared[name].get("type", ""))
        try:
            typed = ir.convert(value, LEGACY_TYPES.get(kind, kind))
        except ValueError as error:
            findings.append(_finding(f"parameters.{name}", str(error)))
            continue
        values[name] = {_LEGACY_VALUES.get(kind, "stringValue"): typed} if legacy else typed
    if not legacy:  # which has no place for defaults
        optional = {n for n, d in declared.items() if d.get("isOptional") or "defaultValue" in d}
        missing = [name for name in declared if name not in given and name not in optional]
        findings += [_finding(f"parameters.{name}", "the pipeline needs it and it is missing") for name in missing]
    if findings:
        raise InvalidArgument.findings(findings, reason="PARAMETERS_INVALID")
    return {"parameters" if legacy else "parameterValues": values} if values else {}


def _set_caching(spec: dict[str, Any], *, is_on: bool) -> None:
    """Say of every task whether it may be reused: Vertex AI has no switch for the run."""
    dags = [spec.get("root", {}), *spec.get("components", {}).values()]
    for task in (task for part in dags for task in part.get("dag", {}).get("tasks", {}).values()):
        task["cachingOptions"] = {**task.get("cachingOptions", {}), "enableCache": is_on}


def _finding(path: str, message: str) -> Finding:
    return Finding(severity="error", path=path, message=message)
