"""Builds: Cloud Build configs, run on this machine without a container engine.

Decisions, no I/O: `document` (text → data), `schema` and `config` (data → checked `Config`), `substitutions` with
`expansions`, `plan` (waitFor), `triggers` (which commit builds), `planner` (the cheapest way for a change) with
`planning` (of a trigger's push), `flags` (command-line values), `builders` (what image names mean), `dockerfile`,
`workflows` (GitHub Actions), `lifecycle`.

Doing: `store` and `service` (the verbs), `watching` (triggers and repositories), `execution` → `steps` → `processes`
(a build, a step, its process tree), `workspace` (folders and paths), `journal` (the log), `docker` (images),
`sources`, `repositories` (git), `secret_versions`, `objects` (buckets), `shims` (gsutil, gcloud, docker), `loop` (duties).

The face is loaded on first use: the command line and the shims need a pure module or two, not the store.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainshed.builds.docker import Docker
    from trainshed.builds.execution import Execution, Surroundings
    from trainshed.builds.lifecycle import BUILD, STEP
    from trainshed.builds.loop import Engine, watch_duty
    from trainshed.builds.model import Build, StepRecord, Trigger
    from trainshed.builds.objects import BlobObjects
    from trainshed.builds.repositories import Repositories
    from trainshed.builds.service import Service
    from trainshed.builds.shims import install_shims
    from trainshed.builds.steps import Tools
    from trainshed.builds.watching import Triggers

_FACE = {
    "BUILD": "lifecycle",
    "STEP": "lifecycle",
    "BlobObjects": "objects",
    "Build": "model",
    "Docker": "docker",
    "Engine": "loop",
    "Execution": "execution",
    "Repositories": "repositories",
    "Service": "service",
    "StepRecord": "model",
    "Surroundings": "execution",
    "Tools": "steps",
    "Trigger": "model",
    "Triggers": "watching",
    "install_shims": "shims",
    "watch_duty": "loop",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for."""
    if name not in _FACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_FACE[name]}"), name)


__all__ = [
    "BUILD",
    "STEP",
    "BlobObjects",
    "Build",
    "Docker",
    "Engine",
    "Execution",
    "Repositories",
    "Service",
    "StepRecord",
    "Surroundings",
    "Tools",
    "Trigger",
    "Triggers",
    "install_shims",
    "watch_duty",
]
