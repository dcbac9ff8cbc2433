"""Records of custom jobs and of the training pipelines around them. Their state is that of their run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trainshed.runs.model import PARENT, Run

NAME = PARENT + "/customJobs/{job}"
TRAINING = PARENT + "/trainingPipelines/{pipeline}"


@dataclass(frozen=True, kw_only=True)
class NewCustomJob:
    """What somebody asks for."""

    parent: str
    display_name: str
    spec: Mapping[str, Any]  # Google's CustomJobSpec
    labels: Mapping[str, str] = field(default_factory=dict)
    carried: Mapping[str, Any] = field(default_factory=dict)  # what is shown again and has no effect on one machine


@dataclass(frozen=True, kw_only=True)
class CustomJob:
    """A program on a machine of its own; here, a run of one task."""

    name: str
    display_name: str
    spec: Mapping[str, Any]
    labels: Mapping[str, str]
    run: Run

    @property
    def number(self) -> str:
        """The last part of its name."""
        return self.name.rsplit("/", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class TrainingPipeline:
    """A custom job with Google's document around it, as the SDK's CustomTrainingJob asks for it."""

    name: str
    display_name: str
    document: Mapping[str, Any]  # trainingTaskDefinition, trainingTaskInputs, …
    labels: Mapping[str, str]
    job: CustomJob


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known when a specification is translated."""

    project: str
    output: str  # gs://… below which the job writes; empty: nowhere in particular
    packages: Mapping[str, str] = field(default_factory=dict)  # gs:// address of a Python package → its file here
    buckets: str = ""  # the folder of all buckets
    is_container: bool = False  # the image runs in a container engine, where /gcs is a folder


def times_of(job: CustomJob) -> Mapping[str, datetime | None]:
    """Answer the times that filters and orders may ask for."""
    run = job.run
    return {
        "create_time": run.create_time,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "update_time": run.update_time,
    }
