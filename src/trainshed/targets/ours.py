"""What our own routes, below /trainshed/v1, mean on Google: the same answers, made of Google's calls.

The command line asks for a build's log or a run's tasks in one way wherever it works. A route that has no meaning there
is refused by name.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from trainshed.errors import Unimplemented
from trainshed.targets import ours_builds, ours_functions, ours_pipelines
from trainshed.targets.google import GoogleClient

_OWN = "/trainshed/v1/"
_PLACE = r"(?P<parent>projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+))"
Way = Callable[[GoogleClient, Mapping[str, str], Mapping[str, Any], Any], Any]


def _no_policies(*_: Any) -> dict[str, Any]:
    """Answer that a schedule or a build trigger has nothing beside Google's own document."""
    return {}


# verb, path below /trainshed/v1 → what answers it: client, parts of the path, query, body
WAYS: tuple[tuple[str, str, Way], ...] = (
    ("GET", r"builds/(?P<build>[^/]+)/log", ours_builds.log),
    ("GET", rf"{_PLACE}/triggers/(?P<trigger>[^/]+)", _no_policies),
    ("GET", rf"{_PLACE}/jobs/(?P<job>[^/:]+)", _no_policies),
    ("POST", r"functions/uploads", ours_functions.upload),
    ("GET", rf"{_PLACE}/functions", ours_functions.listing),
    ("GET", rf"{_PLACE}/functions/(?P<function>[^/:]+)", ours_functions.describe),
    ("DELETE", rf"{_PLACE}/functions/(?P<function>[^/:]+)", ours_functions.remove),
    ("POST", rf"{_PLACE}/functions/(?P<function>[^/:]+):call", ours_functions.call),
    ("POST", rf"{_PLACE}/functions/(?P<function>[^/:]+):deploy", ours_functions.deploy),
    ("GET", rf"{_PLACE}/functions/(?P<function>[^/:]+):log", ours_functions.log),
    ("POST", rf"{_PLACE}/runs", ours_pipelines.create),
    ("GET", rf"{_PLACE}/runs", ours_pipelines.listing),
    ("GET", rf"{_PLACE}/runs/(?P<job>[^/:]+)", ours_pipelines.describe),
    ("GET", rf"{_PLACE}/runs/(?P<job>[^/:]+)/outline", ours_pipelines.outline),
    ("GET", rf"{_PLACE}/runs/(?P<job>[^/:]+)/wait", ours_pipelines.wait),
    ("GET", rf"{_PLACE}/runs/(?P<job>[^/:]+)/logs", ours_pipelines.logs),
)


class TargetClient(GoogleClient):
    """Calls Google's APIs, and answers our own routes by such calls."""

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        timeout_seconds: float = 600.0,
    ) -> Any:
        """Send JSON, answer JSON. Raises what a failure stands for, and Unimplemented for a route without a meaning there."""
        if path.startswith(_OWN):
            return _answer(self, method, path, query or {}, body)
        return super().call(method, path, body, query=query, timeout_seconds=timeout_seconds)

    def upload(
        self, path: str, data: Any, *, content_type: str = "application/octet-stream",
        query: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """Send bytes, answer JSON."""
        if path.startswith(_OWN):
            return _answer(self, "POST", path, query or {}, data)
        return super().upload(path, data, content_type=content_type, query=query)

    def lines(
        self, path: str, *, query: Mapping[str, Any] | None = None, method: str = "GET", body: Any = None
    ) -> Iterator[str]:
        """Read line by line what our own server would stream."""
        found: Iterator[str] = _answer(self, method, path, query or {}, body)
        return found


def _answer(client: GoogleClient, verb: str, path: str, query: Mapping[str, Any], body: Any) -> Any:
    rest = path.removeprefix(_OWN)
    for wanted, pattern, way in WAYS:
        found = re.fullmatch(pattern, rest) if wanted == verb else None
        if found is not None:
            return way(client, found.groupdict(), query, body)
    raise Unimplemented(f"Google Cloud has nothing that answers {verb} {path}; use --target local.")
