"""The flags of `functions deploy`, turned into Google's document of the function. No I/O."""

import re
from collections.abc import Mapping
from typing import Any

import click

from trainshed.clock import duration

_MEMORY = re.compile(r"(\d+)\s*(MB|MiB|Mi|M|GB|GiB|Gi|G)?", re.IGNORECASE)
_TIMEOUT = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


def document(current: Mapping[str, Any], project: str, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the flags over what is deployed already. Raises click.UsageError naming the flag."""
    made = dict(current)
    _trigger(made, project, flags)
    plain = {
        "entryPoint": flags["entry_point"],
        "runtime": flags["runtime"],
        "serviceAccountEmail": flags["service_account"],
        "stageBucket": flags["stage_bucket"],
        "maxInstances": flags["max_instances"],
        "minInstances": flags["min_instances"],
        "availableMemoryMb": flags["memory"] and _megabytes(flags["memory"]),
        "timeout": flags["timeout"] and _seconds(flags["timeout"]),
        "generation": None if flags["gen2"] is None else 1 + bool(flags["gen2"]),
    }
    made |= {k: v for k, v in plain.items() if v is not None}
    made["environmentVariables"] = _variables(made.get("environmentVariables", {}), flags)
    made["labels"] = dict(made.get("labels", {})) | pairs(flags["update_labels"], "--update-labels")
    return made


def pairs(text: str | None, flag: str) -> dict[str, str]:
    """Read K=V,K=V as gcloud does: `^:^K=V:K=V` names another separator. Raises click.UsageError."""
    if not text:
        return {}
    separator = ","
    if (found := re.match(r"\^([^^]+)\^", text)) is not None:
        separator, text = found[1], text[found.end() :]
    made = {}
    for item in text.split(separator):
        key, equals, value = item.partition("=")
        if not equals:
            raise click.UsageError(
                f"{flag}: {item!r} is not of the form KEY=VALUE; a value with {separator!r} in it needs another "
                f"separator: {flag} '^;^KEY=VALUE;KEY=VALUE'."
            )
        made[key.strip()] = value
    return made


def _trigger(made: dict[str, Any], project: str, flags: Mapping[str, Any]) -> None:
    topic, bucket, http = flags["trigger_topic"], flags["trigger_bucket"], flags["trigger_http"]
    if sum(map(bool, (topic, bucket, http))) > 1:
        raise click.UsageError("Give one of --trigger-topic, --trigger-bucket and --trigger-http.")
    if topic or bucket or http:
        made.pop("eventTrigger", None)
        made.pop("httpsTrigger", None)
    if http:
        made["httpsTrigger"] = {}
    elif topic:
        resource = topic if "/" in topic else f"projects/{project}/topics/{topic}"
        made["eventTrigger"] = {"eventType": "google.pubsub.topic.publish", "resource": resource}
    elif bucket:
        resource = f"projects/_/buckets/{bucket.removeprefix('gs://').rstrip('/')}"
        made["eventTrigger"] = {"eventType": "google.storage.object.finalize", "resource": resource}
    elif "eventTrigger" not in made and "httpsTrigger" not in made:
        raise click.UsageError("Give --trigger-topic, --trigger-bucket or --trigger-http.")
    if flags["retry"] is not None and "eventTrigger" in made:
        trigger = {k: v for k, v in made["eventTrigger"].items() if k != "failurePolicy"}
        made["eventTrigger"] = trigger | ({"failurePolicy": {"retry": {}}} if flags["retry"] else {})


def _variables(current: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, str]:
    if flags["set_env_vars"] is not None or flags["clear_env_vars"]:
        kept = pairs(flags["set_env_vars"], "--set-env-vars")
    else:
        kept = dict(current)
    gone = {name.strip() for name in (flags["remove_env_vars"] or "").split(",")}
    kept = {k: v for k, v in kept.items() if k not in gone}
    return kept | pairs(flags["update_env_vars"], "--update-env-vars")


def _megabytes(text: str) -> int:
    found = _MEMORY.fullmatch(text.strip())
    if found is None:
        raise click.UsageError(f"--memory: {text!r} is not an amount like 256MB or 1Gi.")
    unit = (found[2] or "M").upper()
    return int(found[1]) * (1024 if unit.startswith("G") else 1)


def _seconds(text: str) -> str:
    found = _TIMEOUT.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise click.UsageError(f"--timeout: {text!r} is not a duration like 60s or 5m.")
    hours, minutes, seconds = (float(group or 0) for group in found.groups())
    return duration(3600 * hours + 60 * minutes + seconds)
