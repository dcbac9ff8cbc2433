"""What our own routes, below /trainshed/v1, mean on Google: the same answers, made of Google's calls.

The command line asks for a build's log or a run's tasks in one way wherever it works. A route that has no meaning there
is refused by name.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from trainshed.errors import Unimplemented
from trainshed.targets import ours_builds, ours_functions, ours_pipelines

if TYPE_CHECKING:
    from trainshed.targets.google import GoogleClient

_PLACE = r"(?P<parent>projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+))"
Way = Callable[["GoogleClient", Mapping[str, str], Mapping[str, Any], Any], Any]


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


def answer(client: "GoogleClient", verb: str, path: str, query: Mapping[str, Any], body: Any) -> Any:
    """Answer one of our own routes by Google's calls. Raises Unimplemented for one that has no meaning there."""
    rest = path.removeprefix("/trainshed/v1/")
    for wanted, pattern, way in WAYS:
        found = re.fullmatch(pattern, rest) if wanted == verb else None
        if found is not None:
            return way(client, found.groupdict(), query, body)
    raise Unimplemented(f"Google Cloud has nothing that answers {verb} {path}; use --target local.")
