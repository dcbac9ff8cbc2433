"""What a function prints, as entries of Cloud Logging. Nothing here does I/O."""

import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from trainshed import names
from trainshed.functions import addresses
from trainshed.functions.model import Function


def frame(function: Function) -> dict[str, Any]:
    """Answer what the entries of a function have in common: their log, their resource."""
    parts = names.parse(addresses.NAME, function.name)
    project, location = parts["project"], parts["location"]
    if function.generation == 1:
        labels = {"function_name": parts["function"], "region": location, "project_id": project}
        log, kind = "cloudfunctions.googleapis.com/cloud-functions", "cloud_function"
    else:
        service = addresses.service(function.name)
        labels = {"service_name": service, "configuration_name": service, "location": location, "project_id": project}
        log, kind = "run.googleapis.com/stdout", "cloud_run_revision"
    return {
        "logName": f"projects/{project}/logs/{quote(log, safe='')}",
        "resource": {"type": kind, "labels": labels},
    }


def entry(function: Function, common: Mapping[str, Any], line: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Make an entry of the `number`-th line of a function's log."""
    labels = {"execution_id": line["executionId"]} if line["executionId"] else {}
    resource = dict(common["resource"])
    log = common["logName"]
    if function.generation > 1:
        labels["goog-managed-by"] = "cloudfunctions"
        revision = f"{resource['labels']['service_name']}-{line['version']:05d}"
        resource["labels"] = {**resource["labels"], "revision_name": revision}
        if line["severity"] == "ERROR":
            log = log.replace("stdout", "stderr")
    return {
        "logName": log,
        "resource": resource,
        "timestamp": line["time"],
        "receiveTimestamp": line["time"],
        "severity": line["severity"],
        "insertId": f"{zlib.crc32(function.name.encode()):08x}{number:09d}",
        "labels": labels,
        "textPayload": line["text"],
    }
