"""Requests of what has no published interface: the storage API, and our own routes and pages."""

import json
import re
from pathlib import Path
from urllib.parse import quote, urlencode

import trainshed

from . import values
from .requests import HttpRequest

_STORAGE = (
    ("GET", "/storage/v1/b"),
    ("POST", "/storage/v1/b"),
    ("GET", "/storage/v1/b/*"),
    ("PATCH", "/storage/v1/b/*"),
    ("PUT", "/storage/v1/b/*"),
    ("DELETE", "/storage/v1/b/*"),
    ("GET", "/storage/v1/b/*/iam"),
    ("PUT", "/storage/v1/b/*/iam"),
    ("GET", "/storage/v1/b/*/iam/testPermissions"),
    ("GET", "/storage/v1/b/*/o"),
    ("GET", "/storage/v1/b/*/o/*"),
    ("PATCH", "/storage/v1/b/*/o/*"),
    ("PUT", "/storage/v1/b/*/o/*"),
    ("DELETE", "/storage/v1/b/*/o/*"),
    ("POST", "/storage/v1/b/*/o/*/compose"),
    ("POST", "/storage/v1/b/*/o/*/rewriteTo/b/*/o/*"),
    ("POST", "/storage/v1/b/*/o/*/copyTo/b/*/o/*"),
    ("POST", "/storage/v1/b/*/notificationConfigs"),
    ("GET", "/storage/v1/b/*/notificationConfigs"),
    ("GET", "/storage/v1/b/*/notificationConfigs/*"),
    ("DELETE", "/storage/v1/b/*/notificationConfigs/*"),
    ("GET", "/storage/v1/projects/*/serviceAccount"),
    ("POST", "/upload/storage/v1/b/*/o"),
    ("PUT", "/upload/storage/v1/b/*/o"),
    ("POST", "/resumable/upload/storage/v1/b/*/o"),
    ("GET", "/download/storage/v1/b/*/o/*"),
    ("POST", "/batch/storage/v1"),
    ("GET", "/storage/v1/no/such/thing"),
    ("GET", "https://storage.googleapis.com/*"),
    ("GET", "https://storage.googleapis.com/*/*"),
    ("HEAD", "https://storage.googleapis.com/*/*"),
    ("PUT", "https://storage.googleapis.com/*/*"),
    ("POST", "https://storage.googleapis.com/*/*"),
    ("DELETE", "https://storage.googleapis.com/*/*"),
)
_PARAMETERS = {
    "alt": ["media", "json", "xml"],
    "delimiter": ["/", "", "//"],
    "endOffset": ["b", "\x00"],
    "generation": ["1", "0", "-1", "abc", "99999999999999999999"],
    "ifGenerationMatch": ["0", "1", "x", ""],
    "ifMetagenerationMatch": ["1", "nope"],
    "includeTrailingDelimiter": ["true", "maybe"],
    "matchGlob": ["**", "a[", "{a,b", "*" * 60],
    "maxResults": ["1", "0", "-5", "1e3", "99999999999"],
    "name": ["a", "a/b", "../x", "", "\x00", "é", "x" * 1100],
    "pageToken": ["", "eyJhZnRlciI6ICJ4In0", "%%%"],
    "partNumber": ["1", "0", "10001", "x"],
    "predefinedAcl": ["private", "no"],
    "prefix": ["a", "", "..", "\x00"],
    "project": ["local-project", "", "other"],
    "projection": ["noAcl", "full", "half"],
    "rewriteToken": ["abc", ""],
    "startOffset": ["a"],
    "uploadId": ["1", "no-such"],
    "uploadType": ["media", "multipart", "resumable", "other", ""],
    "upload_id": ["1", "no-such", ""],
    "uploads": [""],
    "userProject": ["p"],
    "versions": ["true", "false", "x"],
}
_HEADERS = {
    "authorization": ["Bearer nonsense", "Bearer a.b.c", "Basic eDp5", ""],
    "content-encoding": ["gzip", "br"],
    "content-md5": ["nope", "1B2M2Y8AsgTpgAmY7PhCfg=="],
    "content-range": ["bytes 0-0/1", "bytes */*", "bytes 5-2/3", "nonsense", "bytes 0-99999999999999999999/*"],
    "content-type": [
        "application/json",
        "multipart/related; boundary=x",
        "multipart/related",
        "multipart/mixed",
        "\xff",
    ],
    "if-none-match": ["*", '"x"'],
    "range": ["bytes=0-0", "bytes=-1", "bytes=9-2", "bytes=0-0,1-1", "lines=1", "bytes=99999999999999999999-"],
    "x-goog-copy-source": ["/alpha/a", "nonsense"],
    "x-goog-hash": ["crc32c=AAAAAA==", "md5=nope", "sha=1"],
    "x-goog-if-generation-match": ["0", "x"],
    "x-http-method-override": ["PATCH", "BREW"],
    "x-upload-content-length": ["10", "-1", "x"],
}
_OBJECTS = ("a", "a%2Fb", "%2E%2E%2Fx", "%00", "%C3%A9", "x" * 1100, "%", "a%20b", ".", "%2F")
_ROUTE = re.compile(r"""Route\(\s*f?["']([^"']+)["']([^\n]*)""")


def storage(random):
    """Make a request of the storage API."""
    verb, template = random.choice(_STORAGE)
    target = "".join(_object(random) if part == "*" else part for part in re.split(r"(\*)", template))
    body = _storage_body(random) if verb in {"POST", "PUT", "PATCH"} else b""
    return HttpRequest(verb=verb, target=_with_query(random, target), headers=_headers(random), body=body)


def own_routes():
    """Find the paths of hand-written routes in the source: whatever is added is tried as well."""
    found = set()
    for file in sorted(Path(trainshed.__file__).parent.rglob("*.py")):
        for path, rest in _ROUTE.findall(file.read_text()):
            if path.startswith("/") and "rest:path" not in path:
                verbs = re.findall(r'"(GET|POST|PUT|PATCH|DELETE)"', rest) or ["GET"]
                found.update((verb, path) for verb in verbs)
    return sorted(found)


def own(random, paths):
    """Make a request of one of our own routes."""
    verb, template = random.choice(paths)
    target = re.sub(r"\{[^}]*\}", lambda _: quote(values.identifier(random), safe="/"), template)
    if random.random() < 0.4:
        keys = ["since", "trigger", "page_token", "pageToken", "limit", "format", "task", "state", "after", "to", "q"]
        target += "?" + urlencode({random.choice(keys): values.text(random)})
    if verb == "GET":
        return HttpRequest(verb=verb, target=target)
    document = {random.choice(["name", "spec", "parameters", "topic", "force"]): values.odd_json(random)}
    body = json.dumps(document).encode()
    if random.random() < 0.3:
        body = values.mutated_bytes(random, body)
    return HttpRequest(verb=verb, target=target, headers={"content-type": "application/json"}, body=body)


def _object(random):
    return random.choice(_OBJECTS) if random.random() < 0.4 else quote(values.identifier(random), safe="")


def _with_query(random, target):
    chosen = random.sample(sorted(_PARAMETERS), random.randint(0, 4))
    query = urlencode({name: random.choice(_PARAMETERS[name]) for name in chosen})
    return f"{target}?{query}" if query else target


def _headers(random):
    chosen = random.sample(sorted(_HEADERS), random.choice([0, 0, 1, 2]))
    return {name: random.choice(_HEADERS[name]) for name in chosen}


def _storage_body(random):
    document = {
        "name": values.text(random),
        "metadata": values.odd_json(random),
        "topic": "//pubsub.googleapis.com/projects/local-project/topics/alpha",
        "sourceObjects": [{"name": "a"}, {"name": values.text(random)}],
        "lifecycle": values.odd_json(random),
        "versioning": {"enabled": random.random() < 0.5},
    }
    kept = {name: document[name] for name in random.sample(sorted(document), random.randint(0, 4))}
    text = json.dumps(kept).encode()
    part = b"--x\r\nContent-Type: application/json\r\n\r\n" + text + b"\r\n--x\r\n\r\ndata\r\n--x--"
    data = random.choice([text, part, b"", values.raw(random), b"<Compose/>"])
    return values.mutated_bytes(random, data) if random.random() < 0.2 else data
