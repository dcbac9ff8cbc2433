"""What a task asks of its machine, and how often it may fail."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from trainshed.ir.model import Resources, Retry

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)")
_UNITS = {
    "": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "m": 1e-3,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
_GIGA = 1e9
_CORES = re.compile(r"[a-z]\w*-[a-z]+-(\d{1,3})g?")  # n1-standard-8, a2-highgpu-1g


def quantity(text: Any) -> float | None:
    """Read a Kubernetes quantity such as `500m`, `2`, `4Gi`; None where it is none (a placeholder)."""
    match = _QUANTITY.fullmatch(str(text).strip())
    return float(match[1]) * _UNITS[match[2]] if match and match[2] in _UNITS else None


def resources(executor: Mapping[str, Any], *, resolve: Callable[[str], str] = str) -> Resources:
    """Read the resource request of an executor, both spellings of it; `resolve` fills in placeholders."""
    wanted = _resolved(executor.get("container", {}).get("resources", {}), resolve)
    accelerator = wanted.get("accelerator", {})
    memory = _memory(wanted, "Request")
    limit = _memory(wanted, "Limit")
    return Resources(
        cpus=_cpus(wanted, "Request") or _cpus(wanted, "Limit"),
        memory_bytes=memory or limit,
        cpu_limit=_cpus(wanted, "Limit"),
        memory_limit_bytes=limit,
        accelerator_type=str(accelerator.get("resourceType", accelerator.get("type", ""))),
        accelerator_count=int(quantity(accelerator.get("resourceCount", accelerator.get("count", 0))) or 0),
        machine_type=resolve(str(executor.get("machineType", ""))),
    )


def retry(task: Mapping[str, Any]) -> Retry:
    """Read a task's retry policy."""
    policy = task.get("retryPolicy", {})
    return Retry(
        count=int(policy.get("maxRetryCount", 0)),
        backoff_seconds=_seconds(policy.get("backoffDuration"), 0.0),
        factor=float(policy.get("backoffFactor", 2.0)),
        longest_seconds=_seconds(policy.get("backoffMaxDuration"), 3600.0),
    )


def timeout_seconds(executor: Mapping[str, Any], platform: Mapping[str, Any]) -> float | None:
    """Read how long an attempt may take: a pod's active deadline, or a custom job's timeout."""
    job = executor.get("customJob", {}).get("customJob", {}).get("jobSpec", {})
    limits = (
        _seconds(platform.get("activeDeadlineSeconds"), 0.0),
        _seconds(job.get("scheduling", {}).get("timeout"), 0.0),
    )
    return min((limit for limit in limits if limit > 0), default=None)


def custom_job_container(executor: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read a custom job's first worker pool as the container that it is."""
    pools = executor.get("customJob", {}).get("customJob", {}).get("jobSpec", {}).get("workerPoolSpecs", [])
    if not pools:
        return executor
    container = pools[0].get("containerSpec", {})
    machine = pools[0].get("machineSpec", {})
    wanted = {"type": machine.get("acceleratorType", ""), "count": machine.get("acceleratorCount", 0)}
    cores = _CORES.fullmatch(str(machine.get("machineType", "")))
    return {
        "container": {
            "image": container.get("imageUri", ""),
            "command": list(container.get("command", ())),
            "args": list(container.get("args", ())),
            "env": list(container.get("env", ())),
            "resources": {"accelerator": wanted, **({"cpuRequest": float(cores[1])} if cores else {})},
        },
        "machineType": machine.get("machineType", ""),
    }


def _resolved(value: Any, resolve: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolved(each, resolve) for key, each in value.items()}
    return resolve(value) if isinstance(value, str) else value


def _cpus(wanted: Mapping[str, Any], kind: str) -> float | None:
    return quantity(wanted.get(f"resourceCpu{kind}", "")) or wanted.get(f"cpu{kind}")


def _memory(wanted: Mapping[str, Any], kind: str) -> int | None:
    number = quantity(wanted.get(f"resourceMemory{kind}", "")) or wanted.get(f"memory{kind}", 0) * _GIGA
    return int(number) or None


def _seconds(text: Any, default: float) -> float:
    return float(str(text).removesuffix("s")) if text else default
