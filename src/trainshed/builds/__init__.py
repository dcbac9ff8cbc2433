"""Builds: Cloud Build configs, run on this machine without a container engine.

Decisions, no I/O: `document` (text → data), `schema` and `config` (data → checked `Config`), `substitutions` with
`expansions`, `plan` (waitFor), `triggers` (which commit builds), `planner` (the cheapest way for a change), `flags`
(command-line values), `builders` (what image names mean), `dockerfile`, `workflows` (GitHub Actions), `lifecycle`.

Doing: `store` and `service` (the verbs), `watching` (triggers and repositories), `execution` → `steps` → `processes`
(a build, a step, its process tree), `workspace` (folders and paths), `journal` (the log), `docker` (images),
`sources`, `repositories` (git), `secret_files`, `objects` (buckets), `shims` (gsutil, gcloud, docker), `loop` (duties).
"""

from trainshed.builds.docker import Docker
from trainshed.builds.execution import Execution, Surroundings
from trainshed.builds.lifecycle import BUILD, STEP
from trainshed.builds.loop import Engine, watch_duty
from trainshed.builds.model import Build, StepRecord, Trigger
from trainshed.builds.objects import BlobObjects
from trainshed.builds.repositories import Repositories
from trainshed.builds.service import Service
from trainshed.builds.shims import install as install_shims
from trainshed.builds.steps import Tools
from trainshed.builds.watching import Triggers

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
