"""Builds: Cloud Build configs, run on this machine without a container engine.

`triggers` (what starts a build) and `images` (what stands for images) have maps of their own.

Decisions, no I/O: `document` (text → data), `schema` and `config` (data → checked `Config`), `substitutions` with
`expansions`, `plan` (waitFor), `filters` (of ListBuilds), `flags` (command-line values), `globs`, `lifecycle`.

Doing: `store`, `searching` (lists for people) and `service` (the verbs), `reports` (what running says) with
`endings` (said beside the log), `execution` → `steps` → `processes` (a build, a step, its process tree), `workspace` (folders
and paths), `journal` and `logkeeping` (the log), `sources`, `repositories` (git), `clones` (what steps cloned), `secret_versions`, `objects` (buckets), `ignore` (files
left out), `shims` (gsutil, gcloud, docker), `loop` (duties). `ports`: what builds need of others; `testing`: a workbench.

The face is loaded on first use: the command line and the shims need a pure module or two, not the store.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainshed.builds.execution import Execution, Surroundings
    from trainshed.builds.images.docker import Docker
    from trainshed.builds.lifecycle import BUILD, STEP
    from trainshed.builds.loop import Engine
    from trainshed.builds.model import Build, Progress, StepRecord
    from trainshed.builds.objects import BlobObjects
    from trainshed.builds.ports import Feeds
    from trainshed.builds.reports import Announce
    from trainshed.builds.repositories import Repositories
    from trainshed.builds.searching import Search
    from trainshed.builds.service import Service
    from trainshed.builds.shims import install_shims
    from trainshed.builds.steps import Tools
    from trainshed.builds.triggers.events import Events
    from trainshed.builds.triggers.hooks import Hooks
    from trainshed.builds.triggers.loop import Watcher
    from trainshed.builds.triggers.model import Trigger
    from trainshed.builds.triggers.pushes import Pushes
    from trainshed.builds.triggers.service import Triggers
    from trainshed.builds.triggers.store import TRIGGERS
    from trainshed.builds.triggers.triggered import Triggered

_FACE = {
    "Announce": "reports",
    "BUILD": "lifecycle",
    "STEP": "lifecycle",
    "BlobObjects": "objects",
    "Build": "model",
    "Docker": "images.docker",
    "Engine": "loop",
    "Events": "triggers.events",
    "Execution": "execution",
    "Feeds": "ports",
    "Hooks": "triggers.hooks",
    "Progress": "model",
    "Pushes": "triggers.pushes",
    "Repositories": "repositories",
    "Search": "searching",
    "Service": "service",
    "StepRecord": "model",
    "Surroundings": "execution",
    "TRIGGERS": "triggers.store",
    "Tools": "steps",
    "Trigger": "triggers.model",
    "Triggered": "triggers.triggered",
    "Triggers": "triggers.service",
    "Watcher": "triggers.loop",
    "install_shims": "shims",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for."""
    if name not in _FACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_FACE[name]}"), name)


__all__ = [
    "BUILD",
    "STEP",
    "TRIGGERS",
    "Announce",
    "BlobObjects",
    "Build",
    "Docker",
    "Engine",
    "Events",
    "Execution",
    "Feeds",
    "Hooks",
    "Progress",
    "Pushes",
    "Repositories",
    "Search",
    "Service",
    "StepRecord",
    "Surroundings",
    "Tools",
    "Trigger",
    "Triggered",
    "Triggers",
    "Watcher",
    "install_shims",
]
