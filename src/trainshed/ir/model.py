"""Records of a planned pipeline: leaf tasks, where each input comes from, what the run itself takes and gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()  # an optional input that nobody gave


@dataclass(frozen=True, kw_only=True)
class Constant:
    """A value written in the document; strings may hold placeholders of the task's other inputs, its `scope`."""

    value: Any
    scope: "Mapping[str, tuple[Source, ...]]" = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunParameter:
    """A parameter of the run; absent when nobody gave it."""

    name: str


@dataclass(frozen=True, kw_only=True)
class TaskParameter:
    """An output parameter of another task."""

    task: str
    key: str


@dataclass(frozen=True, kw_only=True)
class TaskArtifact:
    """An output artifact of another task."""

    task: str
    key: str


Source = Constant | RunParameter | TaskParameter


@dataclass(frozen=True, kw_only=True)
class ParameterDefinition:
    """A parameter that the run takes."""

    type: str  # STRING NUMBER_INTEGER NUMBER_DOUBLE BOOLEAN LIST STRUCT
    default: Any = ABSENT
    is_optional: bool = False


@dataclass(frozen=True, kw_only=True)
class ParameterInput:
    """A task's parameter: the first source that has a value gives it."""

    type: str
    sources: tuple[Source, ...]
    is_optional: bool = False


@dataclass(frozen=True, kw_only=True)
class ArtifactInput:
    """A task's artifact input; no source: not given."""

    sources: tuple[TaskArtifact, ...]
    is_optional: bool = False


@dataclass(frozen=True, kw_only=True)
class ArtifactOutput:
    """An artifact that a task makes."""

    schema: Mapping[str, str]  # schemaTitle, schemaVersion or instanceSchema
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_list: bool = False


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often and when a failed attempt is tried again."""

    count: int = 0
    backoff_seconds: float = 0.0
    factor: float = 2.0
    longest_seconds: float = 3600.0

    def wait_seconds(self, failures: int) -> float:
        """Answer the wait before the next attempt, after `failures` failed ones."""
        return float(min(self.backoff_seconds * self.factor ** max(0, failures - 1), self.longest_seconds))


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a task asks for; None: nothing said."""

    cpus: float | None = None
    memory_bytes: int | None = None
    cpu_limit: float | None = None
    memory_limit_bytes: int | None = None
    accelerator_type: str = ""
    accelerator_count: int = 0
    machine_type: str = ""  # of a custom job


@dataclass(frozen=True, kw_only=True)
class Task:
    """One leaf task. `name` is its path through nested DAGs, joined by dots."""

    name: str
    component: str
    display_name: str
    parameters: Mapping[str, ParameterInput]
    artifacts: Mapping[str, ArtifactInput]
    output_parameters: Mapping[str, str]
    output_artifacts: Mapping[str, ArtifactOutput]
    upstream: tuple[str, ...]
    executor: Mapping[str, Any]  # {"container": …} or {"importer": …}
    retry: Retry = field(default_factory=Retry)
    caching: bool = False
    fixed_key: str = ""  # cachingOptions.cacheKey
    resources: Resources = field(default_factory=Resources)

    @property
    def image(self) -> str:
        """The container image; empty for an importer."""
        return str(self.executor.get("container", {}).get("image", ""))

    @property
    def is_importer(self) -> bool:
        """Whether it registers something that exists, instead of running."""
        return "importer" in self.executor


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A pipeline ready to run: tasks in an order in which they can run."""

    name: str
    schema_version: str
    tasks: Mapping[str, Task]
    parameters: Mapping[str, ParameterDefinition]
    output_parameters: Mapping[str, TaskParameter]
    output_artifacts: Mapping[str, tuple[TaskArtifact, ...]]
    default_root: str = ""

    @cached_property
    def successors(self) -> Mapping[str, tuple[str, ...]]:
        """For each task the tasks that wait for it."""
        after: dict[str, list[str]] = {name: [] for name in self.tasks}
        for task in self.tasks.values():
            for upstream in task.upstream:
                after[upstream].append(task.name)
        return {name: tuple(names) for name, names in after.items()}


@dataclass(frozen=True, kw_only=True)
class ArtifactValue:
    """An artifact as tasks see it."""

    name: str  # resource name
    uri: str
    type: Mapping[str, str]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""  # of its content, taken when it was committed
    title: str = ""  # what it is called: the output's key, unless its maker gave it a name

    def to_json(self) -> dict[str, Any]:
        """Write as ExecutorInput's RuntimeArtifact."""
        return {"name": self.name, "uri": self.uri, "type": dict(self.type), "metadata": dict(self.metadata)}
