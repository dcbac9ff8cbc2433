"""From a custom job's specification to a pipeline of one task. Pure.

What Vertex AI sets in a worker's environment is set here as well. A Python package is installed on top of the image's
environment, as Vertex AI's executor images do it before they run the module.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainshed import ir
from trainshed.errors import Finding, InvalidArgument
from trainshed.runs.custom_jobs.model import Facts

WORKER = "workerpool0"
_POOLS = "jobSpec.workerPoolSpecs"
_FOLDERS = {"AIP_MODEL_DIR": "model", "AIP_CHECKPOINT_DIR": "checkpoints", "AIP_TENSORBOARD_LOG_DIR": "logs"}
_GCS = re.compile(r"/gcs/(?=[a-z0-9])")
_ADDRESS = "localhost:2222"
_ARTIFACT = {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}


def packages_of(spec: Mapping[str, Any]) -> list[str]:
    """Answer the Python packages that a job installs, by address."""
    return [str(uri) for pool in _pools(spec) for uri in pool.get("pythonPackageSpec", {}).get("packageUris", ())]


def image_of(spec: Mapping[str, Any]) -> str:
    """Answer the image of a job's worker."""
    pool = next(_pools(spec), {})
    package = pool.get("pythonPackageSpec", {})
    return str(package.get("executorImageUri") or pool.get("containerSpec", {}).get("imageUri", ""))


def check(spec: Mapping[str, Any]) -> None:
    """Refuse what is not complete, or is for more machines than one. Raises InvalidArgument with every finding."""
    if found := list(_problems(spec)):
        raise InvalidArgument.findings(found, reason="CUSTOM_JOB_INVALID")


def translate(spec: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Answer the PipelineSpec of a job that `check` found nothing in."""
    pool = next(_pools(spec))
    package = pool.get("pythonPackageSpec")
    container = _of_package(package, facts) if package else _of_container(pool["containerSpec"], facts)
    given = {entry["name"]: entry.get("value", "") for entry in (package or pool["containerSpec"]).get("env", ())}
    env = _variables(facts) | {name: _local(value, facts) for name, value in given.items()}
    container["env"] = [{"name": name, "value": value} for name, value in env.items()]
    job: dict[str, Any] = {
        "workerPoolSpecs": [{"containerSpec": container, "machineSpec": pool.get("machineSpec", {})}]
    }
    if timeout := spec.get("scheduling", {}).get("timeout"):
        job["scheduling"] = {"timeout": timeout}
    return _pipeline(job, [uri for uri in facts.packages if package])


def _pools(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Answer the worker pools that ask for anything; the SDK leaves empty ones between."""
    return (pool for pool in spec.get("workerPoolSpecs", ()) if pool)


def _problems(spec: Mapping[str, Any]) -> Iterator[Finding]:
    pools = list(_pools(spec))
    workers = sum(int(pool.get("replicaCount", 1)) for pool in pools)
    if not pools:
        yield _finding(_POOLS, "is missing; give the worker pool to run")
    elif workers > 1:
        way_out = "ask for one replica in one pool, or run the job on a target that has clusters"
        yield _finding(_POOLS, f"asks for {workers} workers at once, and this is one machine: {way_out}")
    for index, pool in enumerate(spec.get("workerPoolSpecs", ())):
        yield from _problems_of(pool, f"{_POOLS}[{index}]") if pool else ()
    if spec.get("persistentResourceId"):
        yield _finding("jobSpec.persistentResourceId", "leave it out; machines here are always there")
    output = spec.get("baseOutputDirectory", {}).get("outputUriPrefix", "")
    if output and not output.startswith("gs://"):
        yield _finding("jobSpec.baseOutputDirectory.outputUriPrefix", f"{output!r} is not a gs:// location")


def _problems_of(pool: Mapping[str, Any], here: str) -> Iterator[Finding]:
    if ("containerSpec" in pool) == ("pythonPackageSpec" in pool):
        yield _finding(here, "give either a containerSpec or a pythonPackageSpec")
        return
    kind = "pythonPackageSpec" if "pythonPackageSpec" in pool else "containerSpec"
    given = pool[kind]
    needed = {"executorImageUri": "an image", "packageUris": "a package", "pythonModule": "the module to run"}
    if kind == "containerSpec":
        needed = {"imageUri": "an image"}
    for name, what in needed.items():
        if not given.get(name):
            yield _finding(f"{here}.{kind}.{name}", f"is missing; name {what}")
    for uri in given.get("packageUris", ()):
        if not str(uri).startswith("gs://"):
            yield _finding(f"{here}.{kind}.packageUris", f"{uri!r} is not a gs:// location")
    for index, variable in enumerate(given.get("env", ())):
        if not variable.get("name") or "=" in variable["name"]:
            yield _finding(f"{here}.{kind}.env[{index}].name", "cannot name an environment variable")


def _finding(path: str, message: str) -> Finding:
    return Finding(severity="error", path=path, message=message)


def _of_container(given: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    words = {key: [_local(word, facts) for word in given.get(key, ())] for key in ("command", "args")}
    return {"imageUri": given["imageUri"], **words}


def _of_package(given: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    arguments = [_local(word, facts) for word in given.get("args", ())]
    command = ir.package_command(list(facts.packages.values()), given["pythonModule"])
    return {"imageUri": given["executorImageUri"], "command": list(command), "args": arguments}


def _local(text: str, facts: Facts) -> str:
    """Let a path below /gcs be one below the folder of all buckets, where no container has such a folder."""
    return text if facts.is_container else _GCS.sub(lambda _: f"{facts.buckets}/", text)


def _variables(facts: Facts) -> dict[str, str]:
    cluster = {"cluster": {WORKER: [_ADDRESS]}, "environment": "cloud", "task": {"type": WORKER, "index": 0}}
    chief = {"cluster": {"chief": [_ADDRESS]}, "environment": "cloud", "task": {"type": "chief", "index": 0}}
    found = {
        "CLOUD_ML_JOB_ID": "{{$.pipeline_job_uuid}}",
        "CLOUD_ML_PROJECT_ID": facts.project,
        "CLUSTER_SPEC": json.dumps(cluster),
        "TF_CONFIG": json.dumps(chief),
    }
    if facts.output:
        below = facts.output.rstrip("/")
        found |= {name: f"{below}/{folder}/" for name, folder in _FOLDERS.items()}
    return found


def _pipeline(job: Mapping[str, Any], packages: Sequence[str]) -> dict[str, Any]:
    importers = {f"package-{index}": uri for index, uri in enumerate(packages)}
    artifact = {"artifactType": _ARTIFACT}
    inputs = {key: {"taskOutputArtifact": {"producerTask": key, "outputArtifactKey": "artifact"}} for key in importers}
    return {
        "schemaVersion": "2.1.0",
        "pipelineInfo": {"name": "custom-job"},
        "root": {"dag": {"tasks": _tasks(importers, inputs)}},
        "components": {
            f"comp-{WORKER}": {
                "executorLabel": f"exec-{WORKER}",
                "inputDefinitions": {"artifacts": dict.fromkeys(importers, artifact)},
            },
            **{
                f"comp-{key}": {
                    "executorLabel": f"exec-{key}",
                    "outputDefinitions": {"artifacts": {"artifact": artifact}},
                }
                for key in importers
            },
        },
        "deploymentSpec": {
            "executors": {
                f"exec-{WORKER}": {"customJob": {"customJob": {"jobSpec": job}}},
                **{
                    f"exec-{key}": {"importer": {"artifactUri": {"constant": uri}, "typeSchema": _ARTIFACT}}
                    for key, uri in importers.items()
                },
            }
        },
    }


def _tasks(importers: Mapping[str, str], inputs: Mapping[str, Any]) -> dict[str, Any]:
    worker = {
        "taskInfo": {"name": WORKER},
        "componentRef": {"name": f"comp-{WORKER}"},
        "inputs": {"artifacts": dict(inputs)},
        "dependentTasks": list(importers),
    }
    others = {key: {"taskInfo": {"name": key}, "componentRef": {"name": f"comp-{key}"}} for key in importers}
    return {WORKER: worker, **others}
