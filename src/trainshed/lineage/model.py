"""Records of lineage."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

# What an execution is, in Google's words.
CONTAINER = "system.ContainerExecution"
IMPORTER = "system.ImporterExecution"
RESOLVER = "system.ResolverExecution"
DAG = "system.DagExecution"
RUN = "system.Run"
_NO_FILE = sha256().hexdigest()  # the digest of the content of no file at all


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
    schema_title: str = ""  # out of the type
    last_known_state: str = "LIVE"  # or PENDING
    resource_id: str = ""  # chosen by whoever made it through the API; empty: the number
    notes: Mapping[str, Any] = field(default_factory=dict)  # description, labels
    update_time: datetime | None = None  # None: as created

    @property
    def has_files(self) -> bool:
        """Whether anything stood at its address when it was committed; metrics are metadata alone."""
        return self.digest != _NO_FILE


@dataclass(frozen=True, kw_only=True)
class Execution:
    """A doing: one task of one run, or what somebody recorded by hand."""

    execution_id: int
    type: str  # component
    name: str  # run name and task
    last_known_state: str  # NEW, RUNNING, COMPLETE, FAILED, CACHED, CANCELLED
    properties: Mapping[str, Any]  # parameters in and out, environment, cache key, data read by name
    context_id: int | None
    create_time: datetime
    schema_title: str = CONTAINER
    code: Mapping[str, Any] | None = None  # digests of the component and its source; see `code_of`
    cached_from: int | None = None  # the execution whose outputs were used again
    display_name: str = ""
    resource_id: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)
    update_time: datetime | None = None

    @property
    def run(self) -> str:
        """The run that it is part of, by name; empty for one recorded by hand."""
        return self.name.partition("/tasks/")[0] if "/pipelineJobs/" in self.name else ""

    @property
    def task(self) -> str:
        """The task's path in the run; empty for the run itself."""
        return self.name.partition("/tasks/")[2]


@dataclass(frozen=True, kw_only=True)
class NewExecution:
    """A doing that is to be recorded, with the artifacts that it read and wrote, as (path, artifact id).

    `data` has, for each string parameter that names stored objects, what they were: (name, generation, checksum) of
    each. The parameter's value, the address, is in `properties["inputs"]`; what is no parameter's (an importer's
    address) is its own key.
    """

    type: str  # component
    name: str  # run name and task
    state: str
    properties: Mapping[str, Any]
    context_id: int | None
    inputs: Iterable[tuple[str, int]] = ()
    outputs: Iterable[tuple[str, int]] = ()
    schema_title: str = CONTAINER
    display_name: str = ""
    code: Mapping[str, Any] | None = None
    cached_from: int | None = None
    data: Mapping[str, Sequence[Sequence[Any]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Coded:
    """Whose code the tasks of a run are."""

    components: Mapping[str, str]  # digest of the component, by the task's path
    in_images: Sequence[Execution]  # the first one in each image, without its properties


@dataclass(frozen=True, kw_only=True)
class Context:
    """A grouping: a pipeline, one run of it inside the pipeline's, or what somebody made by hand."""

    context_id: int
    type: str  # system.Pipeline, system.PipelineRun
    name: str
    parent_id: int | None
    create_time: datetime
    display_name: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    resource_id: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)
    update_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody says of a thing, a doing or a grouping that they record by hand."""

    resource_id: str = ""  # empty: the server chooses
    schema_title: str = ""
    schema_version: str = ""
    display_name: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""
    uri: str = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """An edge: an execution read or wrote an artifact."""

    execution_id: int
    artifact_id: int
    type: str  # INPUT or OUTPUT
    path: str  # the name of the input or output
    position: int  # in a list of artifacts


@dataclass(frozen=True, kw_only=True)
class Reading:
    """An execution read stored data that a parameter names."""

    execution_id: int
    parameter: str
    uri: str


@dataclass(frozen=True, kw_only=True)
class Subgraph:
    """Part of the graph, with the distance of each node from where the question started (edges; 0: the start itself)."""

    artifacts: Mapping[int, Artifact]
    executions: Mapping[int, Execution]
    events: tuple[Event, ...]
    readings: tuple[Reading, ...] = ()
    same: tuple[tuple[int, int], ...] = ()  # artifacts with one content under one address: older, newer
    by_name: tuple[tuple[int, int], ...] = ()  # artifact, execution that read it by its address
    artifact_depths: Mapping[int, int] = field(default_factory=dict)
    execution_depths: Mapping[int, int] = field(default_factory=dict)
    is_whole: bool = True  # False: more was there than the limits allow
