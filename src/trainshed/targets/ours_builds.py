"""The log of a build on Cloud Build, read where gcloud reads it: in the logs bucket, while it grows."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from trainshed.client import segment
from trainshed.errors import NotFound, OutOfRange
from trainshed.targets.google import GoogleClient

_OPEN = {"STATUS_UNKNOWN", "PENDING", "QUEUED", "WORKING"}
_LOOK_SECONDS = 2.0


def log(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Iterator[str]:  # noqa: ARG001
    """Yield the lines of a build's log; with `follow`, until the build has ended."""
    path = f"/v1/{client.place.parent}/builds/{parts['build']}"
    start, rest = 0, b""
    while True:
        build = client.call("GET", path)
        is_last = not query.get("follow") or build["status"] not in _OPEN
        found = _read(client, build, start)
        start += len(found)
        *lines, rest = (rest + found).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)
        if is_last:
            if rest:
                yield rest.decode("utf-8", "replace")
            if not start:
                yield from _logged(client, build)
            return
        client.pause(_LOOK_SECONDS)


def _logged(client: GoogleClient, build: Mapping[str, Any]) -> Iterator[str]:
    """Yield the log of a build that logs to Cloud Logging alone."""
    if build.get("options", {}).get("logging") not in {"CLOUD_LOGGING_ONLY", "STACKDRIVER_ONLY"}:
        return
    asked = {
        "resourceNames": [f"projects/{client.place.project}"],
        "filter": f'resource.type="build" AND resource.labels.build_id={json.dumps(build["id"])}',
        "orderBy": "timestamp asc",
        "pageSize": 1000,
    }
    for entry in client.call("POST", "/v2/entries:list", asked).get("entries", []):
        yield str(entry.get("textPayload", ""))


def _read(client: GoogleClient, build: Mapping[str, Any], start: int) -> bytes:
    """Read what a log has from a byte on; nothing where there is no more, or no log yet."""
    bucket, _, folder = build.get("logsBucket", "").removeprefix("gs://").rstrip("/").partition("/")
    if not bucket:
        return b""
    name = f"{folder}/log-{build['id']}.txt" if folder else f"log-{build['id']}.txt"
    path = f"/storage/v1/b/{segment(bucket)}/o/{segment(name)}"
    try:
        with client.download(path, query={"alt": "media"}, start=start) as response:
            return response.read()
    except (NotFound, OutOfRange):
        return b""
