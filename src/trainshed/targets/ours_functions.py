"""Functions of both generations on Cloud Functions, in the form of our own routes: deployed as gcloud does it.

The second API lists and shows all functions; each is changed by the API of its generation.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from trainshed.client import segment
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound, TrainshedError
from trainshed.targets.functions_form import SECOND, first, second
from trainshed.targets.google import GoogleClient

_MOST_BYTES = 100 * 1024 * 1024
_UPLOAD = {"content-type": "application/zip", "x-goog-content-length-range": f"0,{_MOST_BYTES}"}  # as Google asks
# What Google answers, and does not take.
_OUTPUT = {"status", "updateTime", "versionId", "buildId", "buildName", "sourceToken"}
_NOT_GOOGLES = {"generation", "stageBucket"}  # of the command line
_SOURCES = ("sourceUploadUrl", "sourceArchiveUrl", "sourceRepository")
_HELD = "held:"  # an archive that goes up when its function is deployed, to where its generation wants it


def listing(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:  # noqa: ARG001
    """List the functions of a region, of both generations."""
    page = client.call("GET", f"/v2/{parts['parent']}/functions", query=query)
    found = {"functions": [first(one) for one in page.get("functions", [])]}
    return found | ({"nextPageToken": page["nextPageToken"]} if page.get("nextPageToken") else {})


def describe(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:  # noqa: ARG001
    """Show a function, as its own generation has it in the first form."""
    name = f"{parts['parent']}/functions/{parts['function']}"
    found = client.call("GET", f"/v2/{name}")
    if found.get("environment") == SECOND:
        return first(found)
    return {**client.call("GET", f"/v1/{name}"), "generation": 1}


def remove(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:
    """Delete a function."""
    found = describe(client, parts, query, body)
    version = "v2" if found["generation"] > 1 else "v1"
    client.call("DELETE", f"/{version}/{parts['parent']}/functions/{parts['function']}")
    return {}


def call(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:
    """Call a function of the first generation once. Raises FailedPrecondition for one of the second."""
    found = describe(client, parts, query, body)
    if found["generation"] > 1:
        url = found.get("httpsTrigger", {}).get("url", "")
        raise FailedPrecondition(
            "Google calls functions of the second generation at their address alone"
            + (
                f': curl -H "Authorization: bearer $(gcloud auth print-identity-token)" {url}'
                if url
                else "; publish to its topic"
            )
        )
    answer: dict[str, Any] = client.call("POST", f"/v1/{parts['parent']}/functions/{parts['function']}:call", body)
    return answer


def upload(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, str]:  # noqa: ARG001
    """Keep an archive until its function is deployed; answer what names it."""
    if len(body) > _MOST_BYTES:
        raise InvalidArgument.field("--source", f"is {len(body)} bytes packed; Cloud Functions takes {_MOST_BYTES}")
    client.held.append(body)
    return {"sourceUploadUrl": f"{_HELD}{len(client.held) - 1}"}


def deploy(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Iterator[str]:  # noqa: ARG001
    """Create or update a function; yield JSON lines, the last one with `function` or `error`."""
    name = f"{parts['parent']}/functions/{parts['function']}"
    document = {key: value for key, value in body.items() if key not in _OUTPUT | _NOT_GOOGLES} | {"name": name}
    yield json.dumps({"line": f"Deploying {name}; Cloud Functions takes a minute or two."})
    try:
        way = _deploy_second if int(body.get("generation", 1)) > 1 else _deploy_first
        made = way(client, parts["parent"], document, str(body.get("stageBucket", "")))
    except TrainshedError as error:
        if error.code in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
            raise
        yield json.dumps({"error": {"status": error.code, "reason": error.reason, "message": error.message}})
        return
    yield json.dumps({"function": {key: value for key, value in made.items() if key not in _SOURCES}})


def _deploy_first(client: GoogleClient, parent: str, document: dict[str, Any], stage: str) -> dict[str, Any]:
    name = document["name"]
    if (archive := _archive(client, document)) is not None:
        document = {key: value for key, value in document.items() if key not in _SOURCES}
        if stage:
            place = _staged(client, stage, name, archive)
            document["sourceArchiveUrl"] = f"gs://{place['bucket']}/{place['object']}"
        else:
            url = client.call("POST", f"/v1/{parent}/functions:generateUploadUrl", {})["uploadUrl"]
            client.put(url, archive, _UPLOAD)
            document["sourceUploadUrl"] = url
    current = _current(client, f"/v1/{name}")
    if current is None:
        client.call("POST", f"/v1/{parent}/functions", document)
    else:
        client.call("PATCH", f"/v1/{name}", document, query={"updateMask": _changed(document, current)})
    made: dict[str, Any] = client.call("GET", f"/v1/{name}")
    return made


def _deploy_second(client: GoogleClient, parent: str, document: dict[str, Any], stage: str) -> dict[str, Any]:
    name, source = document["name"], None
    if (archive := _archive(client, document)) is not None:
        source = _staged(client, stage, name, archive) if stage else _put_second(client, parent, archive)
    wanted = second(document, source)
    current = _current(client, f"/v2/{name}")
    if current is None:
        client.call("POST", f"/v2/{parent}/functions", wanted, query={"functionId": name.rpartition("/")[2]})
    else:
        if source is None and "source" in current.get("buildConfig", {}):
            wanted["buildConfig"]["source"] = current["buildConfig"]["source"]
        client.call("PATCH", f"/v2/{name}", wanted, query={"updateMask": _changed(wanted, current)})
    return first(client.call("GET", f"/v2/{name}"))


def _put_second(client: GoogleClient, parent: str, archive: bytes) -> dict[str, Any]:
    place = client.call("POST", f"/v2/{parent}/functions:generateUploadUrl", {"environment": SECOND})
    client.put(place["uploadUrl"], archive, {"content-type": "application/zip"})
    source: dict[str, Any] = place["storageSource"]
    return source


def _staged(client: GoogleClient, stage: str, name: str, archive: bytes) -> dict[str, Any]:
    """Put an archive into a bucket of the user's, under a name of its own, as gcloud does."""
    bucket, _, folder = stage.removeprefix("gs://").rstrip("/").partition("/")
    _, project, _, region, _, short = name.split("/")
    key = f"{folder}/".lstrip("/") + f"{region}-{project}-{short}-{uuid.uuid4().hex}.zip"
    path = f"/upload/storage/v1/b/{segment(bucket)}/o"
    client.upload(path, archive, content_type="application/zip", query={"uploadType": "media", "name": key})
    return {"bucket": bucket, "object": key}


def _archive(client: GoogleClient, document: Mapping[str, Any]) -> bytes | None:
    """Answer the archive that goes with a deployment; none where the source stays what it is."""
    held = str(document.get("sourceUploadUrl", ""))
    return client.held[int(held.removeprefix(_HELD))] if held.startswith(_HELD) else None


def _changed(document: Mapping[str, Any], current: Mapping[str, Any]) -> str:
    return ",".join(key for key in document if key not in {"name", "environment"} and document[key] != current.get(key))


def log(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:  # noqa: ARG001
    """Answer the newest log entries, oldest first."""
    wanted = [_of_function(parts["function"], parts["region"])]
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


def _of_function(name: str, region: str) -> str:
    """Write the filter of what a function of either generation logs."""
    quoted, service, place = json.dumps(name), json.dumps(name.lower().replace("_", "-")), json.dumps(region)
    return (
        f'((resource.type="cloud_function" AND resource.labels.function_name={quoted} AND resource.labels.region={place})'
        f' OR (resource.type="cloud_run_revision" AND resource.labels.service_name={service}'
        f" AND resource.labels.location={place}))"
    )


def _entry(entry: Mapping[str, Any]) -> dict[str, str]:
    text = entry.get("textPayload")
    return {
        "severity": entry.get("severity", "DEFAULT"),
        "executionId": entry.get("labels", {}).get("execution_id", ""),
        "time": entry.get("timestamp", ""),
        "text": text if text is not None else json.dumps(entry.get("jsonPayload", {}), ensure_ascii=False),
    }


def _current(client: GoogleClient, path: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.call("GET", path)
    except NotFound:
        return None
    return found
