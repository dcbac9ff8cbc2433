"""Records of lineage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A thing: data, a model, metrics."""

    artifact_id: int
    type: Mapping[str, str]  # schemaTitle and schemaVersion, or instanceSchema
    uri: str
    metadata: Mapping[str, Any]
    digest: str  # of its content, taken when it was committed; empty: content that we do not hold
    name: str = ""  # display name
    create_time: datetime


@dataclass(frozen=True, kw_only=True)
class Execution:
    """A doing: one task of one run."""

    execution_id: int
    type: str  # component
    name: str  # run name and task
    last_known_state: str  # COMPLETE FAILED CACHED CANCELLED
    properties: Mapping[str, Any]  # parameters in and out, environment, cache key
    context_id: int
    create_time: datetime


@dataclass(frozen=True, kw_only=True)
class Context:
    """A grouping: a pipeline, or one run of it inside the pipeline's."""

    context_id: int
    type: str  # system.Pipeline, system.PipelineRun
    name: str
    parent_id: int | None
    create_time: datetime


@dataclass(frozen=True, kw_only=True)
class Event:
    """An edge: an execution read or wrote an artifact."""

    execution_id: int
    artifact_id: int
    type: str  # INPUT or OUTPUT
    path: str  # the name of the input or output
    position: int  # in a list of artifacts
