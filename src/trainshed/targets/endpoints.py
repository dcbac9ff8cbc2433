"""Where each of Google's APIs answers, and what may stand in for it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from trainshed.errors import InvalidArgument
from trainshed.settings import is_loopback

# API, as gcloud names it in `api_endpoint_overrides` → host
HOSTS = {
    "pubsub": "pubsub.googleapis.com",
    "cloudscheduler": "cloudscheduler.googleapis.com",
    "cloudbuild": "cloudbuild.googleapis.com",
    "cloudfunctions": "cloudfunctions.googleapis.com",
    "storage": "storage.googleapis.com",
    "aiplatform": "{region}-aiplatform.googleapis.com",
    "logging": "logging.googleapis.com",
    "cloudresourcemanager": "cloudresourcemanager.googleapis.com",
}
# package of a published interface → API
PACKAGES = {
    "google.pubsub.v1": "pubsub",
    "google.cloud.scheduler.v1": "cloudscheduler",
    "google.devtools.cloudbuild.v1": "cloudbuild",
    "google.cloud.functions.v1": "cloudfunctions",
    "google.cloud.functions.v2": "cloudfunctions",
    "google.cloud.aiplatform.v1": "aiplatform",
    "google.cloud.resourcemanager.v3": "cloudresourcemanager",
    "google.logging.v2": "logging",
}
# Operations have one interface for all; their paths say whose they are.
_OPERATIONS = (
    (re.compile(r"/v2/projects/.*"), "cloudfunctions"),
    (re.compile(r"/v1/operations/build/.*"), "cloudbuild"),
    (re.compile(r"/v1/operations/.*"), "cloudfunctions"),
    (re.compile(r"/v1/projects/[^/]+/locations/[^/]+/operations/.*"), "aiplatform"),
)
_ANY = "*"
_WORLDWIDE = "global-"  # the region whose host has no region in it
_SETTING = "TRAINSHED_API_ENDPOINT_OVERRIDES"


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Base addresses: Google's, or what the settings put in their place."""

    region: str
    overrides: Mapping[str, str] = field(default_factory=dict)

    def base(self, api: str, region: str = "") -> str:
        """Answer the base address of an API; `region` is the place that the request names."""
        found = self.overrides.get(api) or self.overrides.get(_ANY)
        host = HOSTS[api].format(region=region or self.region)
        return found or f"https://{host.removeprefix(_WORLDWIDE)}"

    def lead(self, url: str) -> str:
        """Answer the address to use for one that Google gave out, such as an upload's. Raises InvalidArgument."""
        parts = urlsplit(url)
        api = next((name for name, host in HOSTS.items() if host == parts.hostname), "")
        if api and (base := self.overrides.get(api) or self.overrides.get(_ANY)):
            return f"{base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return check(url, field="url")


def of_operation(path: str) -> str:
    """Answer the API whose operation a path names. Raises InvalidArgument."""
    for pattern, api in _OPERATIONS:
        if pattern.fullmatch(path):
            return api
    raise InvalidArgument.field("name", f"{path!r} is no operation of an API that is reached here")


def read_overrides(text: str) -> dict[str, str]:
    """Read API=ADDRESS,API=ADDRESS; `*` stands for every API. Raises InvalidArgument."""
    found = {}
    for item in (part.strip() for part in text.split(",") if part.strip()):
        api, equals, address = item.partition("=")
        if not equals or (api != _ANY and api not in HOSTS):
            known = ", ".join([*HOSTS, _ANY])
            raise InvalidArgument.field(_SETTING, f"{item!r} is not API=ADDRESS with an API of {known}")
        found[api] = check(address, field=_SETTING).rstrip("/")
    return found


def check(address: str, *, field: str) -> str:
    """Answer an address that may be spoken to: https, or http on this machine. Raises InvalidArgument."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return address
    if parts.scheme == "http" and parts.hostname and is_loopback(parts.hostname):
        return address
    shown = f"{parts.scheme}://{parts.hostname}"
    raise InvalidArgument.field(field, f"{shown} is neither https nor an http address of this machine")
