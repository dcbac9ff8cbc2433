"""What an executor must keep to: one kind, and amounts, environment variables and custom jobs that can be read."""

from collections.abc import Mapping
from typing import Any

from trainshed.ir.findings import Findings, Trail, quoted, trail_of
from trainshed.ir.load import Document
from trainshed.ir.proto import noun, read_duration
from trainshed.ir.resources import quantity
from trainshed.ir.structure import components
from trainshed.ir.task_rules import check_value

_KINDS = ("container", "importer", "resolver", "customJob")
_AMOUNTS = (
    "resourceCpuLimit", "resourceMemoryLimit", "resourceCpuRequest", "resourceMemoryRequest",
)  # fmt: skip
_NUMBERS = ("cpuLimit", "memoryLimit", "cpuRequest", "memoryRequest")
_LARGEST = 10.0**15
_LONG = 40  # characters


def _check_deadlines(kubernetes: Mapping[str, Any], findings: Findings) -> None:
    pods = kubernetes.get("deploymentSpec", {}).get("executors", {})
    named: dict[tuple[str, ...], Mapping[str, Any]] = {("pipelineConfig",): kubernetes.get("pipelineConfig", {})}
    named |= {("deploymentSpec", "executors", label): pod for label, pod in pods.items()}
    for place, said in named.items():
        if said.get("activeDeadlineSeconds", 0) < 0:
            where = trail_of("platforms", "kubernetes", *place, "activeDeadlineSeconds")
            findings.add(where, "it is negative; give a number from 1 on")


def check_executors(document: Document, findings: Findings) -> None:
    """Say everything that is wrong with the executors."""
    _check_importers(document, findings)
    _check_deadlines(document.platform.get("platforms", {}).get("kubernetes", {}), findings)
    for label, executor in document.executors.items():
        here = trail_of("deploymentSpec", "executors", label)
        if not any(kind in executor for kind in _KINDS):
            findings.add(here, f"the executor says not how to run; give it one of {', '.join(_KINDS)}")
        container = executor.get("container", {})
        _check_resources((here, "container"), container.get("resources", {}), findings)
        for index, variable in enumerate(container.get("env", ())):
            name = variable.get("name", "")
            if not name or "=" in name:
                where = ((((here, "container"), "env"), index), "name")
                findings.add(where, f"{quoted(name)} cannot name an environment variable; give it a name without `=`")
        for key, query in executor.get("resolver", {}).get("outputArtifactQueries", {}).items():
            if query.get("limit", 0) < 0:
                where = ((((here, "resolver"), "outputArtifactQueries"), key), "limit")
                findings.add(where, "it is negative; give a number from 1 on")
        if "customJob" in executor:
            _check_custom_job((here, "customJob"), executor["customJob"], findings)


def _check_importers(document: Document, findings: Findings) -> None:
    """Check that an importer's URI is there; a parameter that it names is one of the component's."""
    for _, component in components(document.spec):
        label = component.get("executorLabel", "")
        importer = document.executors.get(label, {}).get("importer")
        if importer is None:
            continue
        here = ((trail_of("deploymentSpec", "executors", label), "importer"), "artifactUri")
        uri = importer.get("artifactUri", {})
        name = uri.get("runtimeParameter")
        if name is None:
            check_value(document.spec, here, uri, findings)
        elif name not in component.get("inputDefinitions", {}).get("parameters", {}):
            findings.add((here, "runtimeParameter"), f"the component has no input parameter {quoted(name)}; declare it")
        if not component.get("outputDefinitions", {}).get("artifacts"):
            findings.add((here[0], "typeSchema"), "the importer's component has no output artifact; declare one")


def _check_resources(trail: Trail, wanted: Mapping[str, Any], findings: Findings) -> None:
    here = (trail, "resources")
    for name in _AMOUNTS:
        if name in wanted:
            _check_amount((here, name), wanted[name], findings)
    for name in _NUMBERS:
        if not 0 <= wanted.get(name, 0) <= _LARGEST:
            findings.add((here, name), "it is negative, or more than any machine has; give a number from 0 on")
    accelerator = wanted.get("accelerator", {})
    for name in ("resourceCount", "count"):
        if name in accelerator:
            _check_amount(((here, "accelerator"), name), accelerator[name], findings)


def _check_amount(trail: Trail, text: str, findings: Findings) -> None:
    amount = quantity(text) if len(text) < _LONG else None
    if amount is None and "{{" not in text:
        findings.add(trail, f"{quoted(text)} is not an amount; write a number, or one such as 500m or 4Gi")
    elif amount is not None and amount > _LARGEST:
        findings.add(trail, f"{quoted(text)} is more than any machine has; give less")


def _check_custom_job(trail: Trail, job: Any, findings: Findings) -> None:
    """Read the free part of a custom job as strictly as the rest: mapping for mapping, text for text."""
    specification = _part(job, trail, ("customJob", "jobSpec"), findings)
    if specification is None:
        return
    here = ((trail, "customJob"), "jobSpec")
    pools = specification.get("workerPoolSpecs")
    if not isinstance(pools, list) or not pools or not isinstance(pools[0], Mapping):
        findings.add((here, "workerPoolSpecs"), "a list with the worker pool to run belongs here")
        return
    pool: Trail = ((here, "workerPoolSpecs"), 0)
    container = _part(pools[0], pool, ("containerSpec",), findings)
    if container is not None:
        _check_custom_container((pool, "containerSpec"), container, findings)
    if "machineSpec" in pools[0]:
        machine = _part(pools[0], pool, ("machineSpec",), findings) or {}
        count = machine.get("acceleratorCount", 0)
        if isinstance(count, (str, int, float)):
            _check_amount(((pool, "machineSpec"), "acceleratorCount"), str(count), findings)
        else:
            findings.add(((pool, "machineSpec"), "acceleratorCount"), f"a number belongs here, not {noun(count)}")
    if "scheduling" in specification:
        timeout = (_part(specification, here, ("scheduling",), findings) or {}).get("timeout", "0s")
        read_duration(timeout, ((here, "scheduling"), "timeout"), findings)


def _check_custom_container(trail: Trail, container: Mapping[str, Any], findings: Findings) -> None:
    if not isinstance(container.get("imageUri"), str):
        findings.add((trail, "imageUri"), "text belongs here; name the image")
    for name in ("command", "args"):
        words = container.get(name, [])
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            findings.add((trail, name), "a list of texts belongs here")
    variables = container.get("env", [])
    if not isinstance(variables, list) or not all(_is_variable(variable) for variable in variables):
        findings.add((trail, "env"), "a list of mappings with name and value belongs here")


def _is_variable(variable: Any) -> bool:
    return (
        isinstance(variable, Mapping)
        and isinstance(variable.get("name"), str)
        and bool(variable["name"])
        and "=" not in variable["name"]
        and isinstance(variable.get("value", ""), str)
    )


def _part(document: Any, trail: Trail, names: tuple[str, ...], findings: Findings) -> Mapping[str, Any] | None:
    """Go down by names; say where that is not possible."""
    found = document
    here: Trail = trail
    for name in names:
        found, here = found.get(name), (here, name)
        if not isinstance(found, Mapping):
            findings.add(here, f"a mapping belongs here, not {noun(found)}")
            return None
    return found  # type: ignore[no-any-return]
