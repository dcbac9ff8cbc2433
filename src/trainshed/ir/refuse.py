"""What a document asks for and this engine does not execute: refused before anything runs, by feature and task."""

from collections.abc import Iterator, Mapping
from typing import Any

from trainshed.errors import Finding
from trainshed.ir.load import Document

# settings of a Kubernetes pod that change nothing about what a task computes
_HARMLESS = {
    "imagePullPolicy",
    "podMetadata",
    "nodeSelector",
    "tolerations",
    "imagePullSecret",
    "nodeAffinity",
    "podAffinity",
}
_WAY_OUT = "is not executed by this version"


def refusals(document: Document) -> Iterator[Finding]:
    """Answer one finding per feature and task."""
    spec = document.spec
    for path, component in (("root", spec["root"]), *spec.get("components", {}).items()):
        prefix = "root.dag" if path == "root" else f"components.{path}.dag"
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            for feature in _of_task(task):
                yield _refuse(f"{prefix}.tasks.{name}", name, feature)
        for name, feature in _of_outputs(component):
            yield _refuse(f"{prefix}.outputs.{name}", name, feature, noun="output")
    for label, executor in document.executors.items():
        for feature in _of_executor(executor):
            yield _refuse(f"deploymentSpec.executors.{label}", label.removeprefix("exec-"), feature)
    for name, definition in spec["root"].get("inputDefinitions", {}).get("artifacts", {}).items():
        if not definition.get("isOptional"):
            yield _refuse(f"root.inputDefinitions.artifacts.{name}", name, "an artifact given to the run", noun="input")
    yield from _of_platform(document.platform)


def _refuse(path: str, name: str, feature: str, *, noun: str = "task") -> Finding:
    return Finding(
        severity="error", path=path, message=f"{noun} {name!r} needs {feature}, which {_WAY_OUT}", anchor="refused"
    )


def _of_task(task: Mapping[str, Any]) -> Iterator[str]:
    if "parameterIterator" in task or "artifactIterator" in task:
        yield "a loop (ParallelFor)"
    policy = task.get("triggerPolicy", {})
    if policy.get("condition"):
        yield "a condition (If, Elif, Else)"
    if policy.get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED":
        yield "running after failed tasks (an exit handler, or ignore_upstream_failure)"
    sources = task.get("inputs", {}).get("parameters", {}).values()
    if any("taskFinalStatus" in s for s in sources):
        yield "the final status of other tasks (an exit handler)"
    if any(s.get("parameterExpressionSelector") for s in sources):
        yield "a part of a value (parameterExpressionSelector)"


def _of_outputs(component: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    outputs = component.get("dag", {}).get("outputs", {})
    for name, output in outputs.get("parameters", {}).items():
        if "valueFromOneof" in output:
            yield name, "OneOf"
    for name, output in outputs.get("artifacts", {}).items():
        if len(output.get("artifactSelectors", ())) > 1:
            yield name, "OneOf"


def _of_executor(executor: Mapping[str, Any]) -> Iterator[str]:
    if "resolver" in executor:
        yield "a resolver"
    if "preCacheCheck" in executor.get("container", {}).get("lifecycle", {}):
        yield "a driver before the cache is asked (lifecycle.preCacheCheck, as TFX uses it)"
    if executor.get("importer", {}).get("downloadToWorkspace"):
        yield "a workspace"


def _of_platform(platform: Any) -> Iterator[Finding]:
    platforms = platform.get("platforms", {}) if isinstance(platform, Mapping) else {}
    kubernetes = platforms.get("kubernetes", {}) if isinstance(platforms, Mapping) else {}
    deployment = kubernetes.get("deploymentSpec", {}) if isinstance(kubernetes, Mapping) else {}
    executors = deployment.get("executors", {}) if isinstance(deployment, Mapping) else {}
    for label, wanted in executors.items() if isinstance(executors, Mapping) else ():
        for feature in sorted(set(wanted) - _HARMLESS) if isinstance(wanted, Mapping) else ():
            path = f"platforms.kubernetes.deploymentSpec.executors.{label}.{feature}"
            yield _refuse(path, label.removeprefix("exec-"), f"Kubernetes ({feature})")
    config = kubernetes.get("pipelineConfig", {}) if isinstance(kubernetes, Mapping) else {}
    if isinstance(config, Mapping) and "workspace" in config:
        yield _refuse("platforms.kubernetes.pipelineConfig.workspace", "workspace", "a workspace", noun="pipeline")
