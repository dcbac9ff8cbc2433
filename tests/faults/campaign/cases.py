"""One use of a pipeline from its first request to its end; each asks again what may not have been heard."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign import story
from trainshed.client import Client
from trainshed.errors import AlreadyExists, TrainshedError

PARENT = "projects/local-project/locations/us-central1"
_FINAL = {"SUCCEEDED", "FAILED", "CANCELLED"}
States = dict[str, str]


@dataclass(kw_only=True)
class Case:
    """A run of a pipeline, and what somebody does about it."""

    pipeline: str
    base: str  # job id, without what is added for another run of it
    folder: Path  # of compiled pipelines
    marks: Path
    parameters: dict[str, Any]

    @property
    def jobs(self) -> list[str]:
        """The runs that it consists of."""
        return [self.base, f"{self.base}-again"] if self.pipeline == "cached" else [self.base]

    def push(self, client: Client, states: States) -> bool:
        """Do what is next; answer whether all is over. Whatever is not heard by the server is done again."""
        with suppress(TrainshedError, OSError):
            return _PUSH.get(self.pipeline, _plain)(self, client, states)
        return False

    def submit(self, client: Client, job: str) -> None:
        """Ask for a run; one that is there already was heard."""
        body = {
            "text": (self.folder / f"{self.pipeline}.json").read_text(),
            "jobId": job,
            "caching": self.pipeline == "cached",
            "parameters": {"marks": str(self.marks), **self.parameters},
        }
        with suppress(AlreadyExists):
            client.call("POST", f"/trainshed/v1/{PARENT}/runs", body, timeout_seconds=20)

    def act(self, client: Client, path: str) -> None:
        """Ask for something about the run."""
        client.call("POST", path, {}, timeout_seconds=20)


def _plain(case: Case, client: Client, states: States) -> bool:
    """Submit what was not heard of, one after the other."""
    for job in case.jobs:
        if job not in states:
            case.submit(client, job)
            return False
        if states[job] not in _FINAL:
            return False
    return True


def _cancelled(case: Case, client: Client, states: States) -> bool:
    """Cancel it once its long task works."""
    is_over = _plain(case, client, states)
    if not is_over and states.get(case.base) == "RUNNING" and story.marks_of(case.marks):
        case.act(client, f"/v1/{PARENT}/pipelineJobs/{case.base}:cancel")
    return is_over


def _permits(case: Case, client: Client, states: States) -> bool:
    """Allow what it failed for, and let it go on."""
    if states.get(case.base) == "FAILED":
        Path(f"{case.marks}.permit").touch()
        case.act(client, f"/trainshed/v1/{PARENT}/runs/{case.base}:retry")
        return False
    return _plain(case, client, states)


_PUSH: dict[str, Callable[[Case, Client, States], bool]] = {"cancelled": _cancelled, "permits": _permits}
