"""Deploying a function of the first generation on Cloud Functions, as gcloud does; and what functions print."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trainshed.errors import InvalidArgument, NotFound, TrainshedError

if TYPE_CHECKING:
    from trainshed.targets.google import GoogleClient

_MOST_BYTES = 100 * 1024 * 1024
_UPLOAD = {"content-type": "application/zip", "x-goog-content-length-range": f"0,{_MOST_BYTES}"}  # as Google asks
# What Google answers, and does not take.
_OUTPUT = {"status", "updateTime", "versionId", "buildId", "buildName", "sourceToken"}
_NOT_GOOGLES = {"generation", "stageBucket"}  # of the command line
_SOURCES = ("sourceUploadUrl", "sourceArchiveUrl", "sourceRepository")


def upload(client: "GoogleClient", parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, str]:  # noqa: ARG001
    """Put an archive where Google wants it; answer the address that names it."""
    if len(body) > _MOST_BYTES:
        raise InvalidArgument.field("--source", f"is {len(body)} bytes packed; Cloud Functions takes {_MOST_BYTES}")
    url = client.call("POST", f"/v1/{client.place.parent}/functions:generateUploadUrl", {})["uploadUrl"]
    client.put(url, body, _UPLOAD)
    return {"sourceUploadUrl": url}


def deploy(client: "GoogleClient", parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Iterator[str]:  # noqa: ARG001
    """Create or update a function; yield JSON lines, the last one with `function` or `error`."""
    name = f"{parts['parent']}/functions/{parts['function']}"
    document = {key: value for key, value in body.items() if key not in _OUTPUT | _NOT_GOOGLES}
    document["name"] = name
    yield json.dumps({"line": f"Deploying {name}; Cloud Functions takes a minute or two."})
    try:
        current = _current(client, name)
        if current is None:
            client.call("POST", f"/v1/{parts['parent']}/functions", document)
        else:
            changed = [key for key in document if key != "name" and document[key] != current.get(key)]
            client.call("PATCH", f"/v1/{name}", document, query={"updateMask": ",".join(changed)})
        made = client.call("GET", f"/v1/{name}")
    except TrainshedError as error:
        if error.code in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
            raise
        yield json.dumps({"error": {"status": error.code, "reason": error.reason, "message": error.message}})
        return
    yield json.dumps({"function": {key: value for key, value in made.items() if key not in _SOURCES}})


def log(client: "GoogleClient", parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:  # noqa: ARG001
    """Answer the newest log entries, oldest first."""
    wanted = [
        'resource.type="cloud_function"',
        f"resource.labels.function_name={json.dumps(parts['function'])}",
        f"resource.labels.region={json.dumps(parts['region'])}",
    ]
    if query.get("executionId"):
        wanted.append(f"labels.execution_id={json.dumps(query['executionId'])}")
    if query.get("severity"):
        wanted.append(f"severity>={str(query['severity']).upper()}")
    if query.get("since"):
        wanted.append(f"timestamp>={json.dumps(query['since'])}")
    asked = {
        "resourceNames": [f"projects/{parts['project']}"],
        "filter": " AND ".join(wanted),
        "orderBy": "timestamp desc",
        "pageSize": int(query.get("limit") or 20),
    }
    found = client.call("POST", "/v2/entries:list", asked).get("entries", [])
    return {"entries": [_entry(entry) for entry in reversed(found)]}


def _entry(entry: Mapping[str, Any]) -> dict[str, str]:
    text = entry.get("textPayload")
    return {
        "severity": entry.get("severity", "DEFAULT"),
        "executionId": entry.get("labels", {}).get("execution_id", ""),
        "time": entry.get("timestamp", ""),
        "text": text if text is not None else json.dumps(entry.get("jsonPayload", {}), ensure_ascii=False),
    }


def _current(client: "GoogleClient", name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.call("GET", f"/v1/{name}")
    except NotFound:
        return None
    return found
