"""What a document asks for and no machine without Kubernetes has: refused before anything runs, by feature and task.

An image that stands for nothing is refused elsewhere, where environments are known.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from trainshed.errors import Finding
from trainshed.ir.findings import path_of, quoted, trail_of
from trainshed.ir.load import Document
from trainshed.ir.structure import component_of, components, tasks_of

_LONG = 10  # digits
_SHOWN = 10  # tasks that need the same
_ELSEWHERE = "or run the pipeline on a target that is a Kubernetes cluster"
_HAND_ON = f"hand the files on as an artifact or under gs://, {_ELSEWHERE}"
_ONE_WORKER = "ask for one worker, or run the pipeline on a target that has clusters"
_LOCAL_FILES = f"write to a temporary folder of the task instead, {_ELSEWHERE}"
# setting of a pod -> what it is, and the way out. Settings that are not here change nothing about what a task computes,
# or are kept by other means: secrets as environment variables, the active deadline.
_SETTINGS = {
    "pvcMount": ("a persistent volume (pvcMount)", _HAND_ON),
    "genericEphemeralVolume": ("a volume of a cluster (genericEphemeralVolume)", _LOCAL_FILES),
    "emptyDirMounts": ("a volume at a path of its own (emptyDirMounts)", _LOCAL_FILES),
    "secretAsVolume": (
        "a secret as files (secretAsVolume)",
        f"take the secret as an environment variable (secretAsEnv), {_ELSEWHERE}",
    ),
    "configMapAsEnv": (
        "a cluster's ConfigMap (configMapAsEnv)",
        f"give the values as parameters or as env of the component, {_ELSEWHERE}",
    ),
    "configMapAsVolume": (
        "a cluster's ConfigMap as files (configMapAsVolume)",
        f"give the files as an artifact or under gs://, {_ELSEWHERE}",
    ),
    "fieldPathAsEnv": (
        "facts about its pod (fieldPathAsEnv)",
        "take facts about the run by placeholders such as {{$.pipeline_task_name}}, " + _ELSEWHERE,
    ),
    "initContainers": ("containers beside it (initContainers)", f"make them tasks that it waits for, {_ELSEWHERE}"),
    "podResourceClaims": (
        "a cluster's devices (podResourceClaims)",
        f"ask for an accelerator by its type and number, {_ELSEWHERE}",
    ),
}
_CLUSTER_IMAGES = {
    "argostub/createpvc": "a cluster that makes persistent volumes (CreatePVC)",
    "argostub/deletepvc": "a cluster that deletes persistent volumes (DeletePVC)",
}


def refusals(document: Document) -> Iterator[Finding]:
    """Answer one finding per feature and task."""
    users = _users(document.spec)
    yield from _of_components(document.spec)
    for label, executor in document.executors.items():
        image = executor.get("container", {}).get("image", "")
        feature = _CLUSTER_IMAGES.get(image.partition(":")[0].removeprefix("docker.io/"))
        if feature and label in users:
            path = path_of(trail_of("deploymentSpec", "executors", label, "container", "image"))
            yield _of_task(path, users[label], feature, _HAND_ON)
        if label in users and _workers(executor) > 1:
            path = path_of(trail_of("deploymentSpec", "executors", label, "customJob", "customJob", "jobSpec"))
            yield _of_task(path, users[label], "several workers at once (workerPoolSpecs)", _ONE_WORKER)
    kubernetes = document.platform.get("platforms", {}).get("kubernetes", {})
    for label, settings in kubernetes.get("deploymentSpec", {}).get("executors", {}).items():
        for name in (name for name in _SETTINGS if label in users and _is_needed(settings.get(name))):
            path = path_of(trail_of("platforms", "kubernetes", "deploymentSpec", "executors", label, name))
            yield _of_task(path, users[label], *_SETTINGS[name])
    for name in document.platform.get("platforms", {}).keys() - {"kubernetes"}:
        path = path_of(trail_of("platforms", name))
        message = f"settings for the platform {quoted(name)} say nothing to this machine and are left aside"
        yield Finding(severity="warning", path=path, message=message)


def _workers(executor: Mapping[str, Any]) -> int:
    job = executor.get("customJob", {}).get("customJob", {})
    specification = job.get("jobSpec", {}) if isinstance(job, Mapping) else {}
    pools = specification.get("workerPoolSpecs") if isinstance(specification, Mapping) else ()
    listed = pools if isinstance(pools, list) else ()
    counts = [str(pool.get("replicaCount", 1)) for pool in listed if isinstance(pool, Mapping)]
    return sum(int(count) if count.isdecimal() and len(count) < _LONG else 1 for count in counts)


def _users(spec: Mapping[str, Any]) -> dict[str, list[str]]:
    """Answer the tasks that run each executor, by its label."""
    users: dict[str, list[str]] = {}
    for _, component in components(spec):
        for name, task in tasks_of(component).items():
            label = component_of(spec, task).get("executorLabel", "")
            users.setdefault(label, []).append(name)
    return users


def _of_components(spec: Mapping[str, Any]) -> Iterator[Finding]:
    for path, component in components(spec):
        for name, definition in component.get("inputDefinitions", {}).get("parameters", {}).items():
            if definition.get("parameterType") == "TASK_CONFIG" and not definition.get("isOptional"):
                where = path_of(trail_of(*path, "inputDefinitions", "parameters", name))
                what = f"the component {quoted(path[-1])} needs the settings of its pod as the input {quoted(name)} (TaskConfig)"
                yield _refusal(where, f"{what}, and here is no pod: make the input optional, {_ELSEWHERE}")


def _is_needed(setting: Any) -> bool:
    """Tell whether a setting asks for anything that must be there: `optional` says that the task can do without."""
    if isinstance(setting, list):
        return any(_is_needed(entry) for entry in setting)
    return isinstance(setting, Mapping) and not setting.get("optional")


def _of_task(path: str, tasks: list[str], feature: str, way_out: str) -> Finding:
    names = [quoted(name) for name in sorted(tasks)[:_SHOWN]] + ["…"] * (len(tasks) > _SHOWN)
    one = f"task {names[0]} needs" if len(tasks) == 1 else f"tasks {', '.join(names)} need"
    return _refusal(path, f"{one} {feature}, which this machine does not have: {way_out}")


def _refusal(path: str, message: str) -> Finding:
    return Finding(severity="error", path=path, message=message, anchor="refused")
