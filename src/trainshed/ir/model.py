"""Records of a planned pipeline: DAGs of tasks, where each input comes from, what each task takes and gives."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


_ITERATION = re.compile(r"^\[\d+\]")

ABSENT: Final = _Absent()  # an optional input that nobody gave
_NOTHING: Final[Mapping[str, Any]] = {}  # one for all records: there may be tens of thousands


def _nothing() -> Mapping[str, Any]:
    return _NOTHING


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """A value written in the document; strings may hold placeholders of the task's other inputs and of the run."""

    value: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class InputParameter:
    """A parameter of the surrounding DAG; of the root: of the run."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskParameter:
    """An output parameter of a task of the same DAG."""

    task: str
    key: str


@dataclass(frozen=True, kw_only=True)
class FinalStatus:
    """How a task of the same DAG ended."""

    task: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InputArtifact:
    """An artifact, or a list of them, that the surrounding DAG was given."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskArtifact:
    """An output artifact of a task of the same DAG."""

    task: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenParameter:
    """What a task is given for a parameter; `selector` takes a part of it (parameterExpressionSelector)."""

    source: Constant | InputParameter | TaskParameter | FinalStatus
    selector: str = ""


GivenArtifact = InputArtifact | TaskArtifact


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterDefinition:
    """A parameter that a component takes."""

    type: str  # STRING NUMBER_INTEGER NUMBER_DOUBLE BOOLEAN LIST STRUCT TASK_FINAL_STATUS
    default: Any = ABSENT
    is_optional: bool = False
    literals: tuple[Any, ...] = ()  # the only values that it accepts; empty: any


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactDefinition:
    """An artifact that a component takes."""

    is_optional: bool = False
    is_list: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactOutput:
    """An artifact that a task makes."""

    schema: Mapping[str, str]  # schemaTitle, schemaVersion or instanceSchema
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_list: bool = False


@dataclass(frozen=True, kw_only=True)
class Loop:
    """One iteration of a task's body for each item."""

    item: str  # the body's input that gets the item
    source: Constant | InputParameter | InputArtifact  # a list; inputs are the task's own. Constant: JSON text
    parallelism: int = 0  # iterations at once; 0: as many as the machine admits

    @property
    def is_over_artifacts(self) -> bool:
        """Whether an item is an artifact."""
        return isinstance(self.source, InputArtifact)


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """How often and when a failed attempt is tried again."""

    count: int = 0
    backoff_seconds: float = 0.0
    factor: float = 2.0
    longest_seconds: float = 3600.0

    def wait_seconds(self, failures: int) -> float:
        """Answer the wait before the next attempt, after `failures` failed ones."""
        try:
            wait = self.backoff_seconds * self.factor ** max(0, failures - 1)
        except OverflowError:
            wait = self.longest_seconds
        return float(min(wait, self.longest_seconds))


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


_ONCE: Final = Retry()
_ANY: Final = Resources()


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One task of a DAG: a leaf that does something, or, with a body, a DAG of its own."""

    name: str  # in its DAG
    component: str
    display_name: str
    given_parameters: Mapping[str, GivenParameter] = field(default_factory=_nothing)
    given_artifacts: Mapping[str, GivenArtifact] = field(default_factory=_nothing)
    parameters: Mapping[str, ParameterDefinition] = field(default_factory=_nothing)
    artifacts: Mapping[str, ArtifactDefinition] = field(default_factory=_nothing)
    output_parameters: Mapping[str, str] = field(default_factory=_nothing)  # name -> type
    output_artifacts: Mapping[str, ArtifactOutput] = field(default_factory=_nothing)
    upstream: tuple[str, ...] = ()  # tasks of the same DAG that it waits for
    condition: str = ""  # CEL over the task's inputs; not holding: NOT_TRIGGERED
    runs_after_failure: bool = False  # ALL_UPSTREAM_TASKS_COMPLETED
    loop: Loop | None = None
    body: "Dag | None" = None
    executor: Mapping[str, Any] = field(
        default_factory=_nothing
    )  # {"container": …}, {"importer": …} or {"resolver": …}
    platform: Mapping[str, Any] = field(default_factory=_nothing)  # the executor's part of a Kubernetes platform spec
    retry: Retry = _ONCE
    timeout_seconds: float | None = None
    caching: bool = False
    fixed_key: str = ""  # cachingOptions.cacheKey
    resources: Resources = _ANY
    driver: str = ""  # the task that says what this one reads and makes, before the cache is asked
    drives: str = ""  # the task that this one is the driver of

    @property
    def kind(self) -> str:
        """What it is: loop, dag, importer, resolver, driver or container."""
        if self.body is not None:
            return "dag" if self.loop is None else "loop"
        if self.drives:
            return "driver"
        return next((kind for kind in ("importer", "resolver") if kind in self.executor), "container")

    @property
    def image(self) -> str:
        """The container image; empty where there is no container."""
        return str(self.executor.get("container", {}).get("image", ""))

    @property
    def is_importer(self) -> bool:
        """Whether it registers something that exists, instead of running."""
        return "importer" in self.executor

    @property
    def needs_worker(self) -> bool:
        """Whether a runner has to do it."""
        return self.kind in {"container", "driver"}

    @property
    def is_exit_task(self) -> bool:
        """Whether it runs however its upstream ended, and takes nothing else from it: it cleans up."""
        waits = [g.source for g in self.given_parameters.values() if isinstance(g.source, TaskParameter)]
        fed = waits or any(isinstance(a, TaskArtifact) for a in self.given_artifacts.values())
        return self.runs_after_failure and not fed


@dataclass(frozen=True, kw_only=True)
class Dag:
    """Tasks in an order in which they can run, and which of their outputs are the DAG's."""

    component: str  # "root" for the pipeline itself
    tasks: Mapping[str, Task]
    output_parameters: Mapping[str, tuple[TaskParameter, ...]] = field(
        default_factory=dict
    )  # the first that has a value
    output_artifacts: Mapping[str, tuple[TaskArtifact, ...]] = field(default_factory=dict)  # the first that is there

    @cached_property
    def successors(self) -> Mapping[str, tuple[str, ...]]:
        """For each task the tasks that wait for it."""
        after: dict[str, list[str]] = {name: [] for name in self.tasks}
        for task in self.tasks.values():
            for upstream in task.upstream:
                after[upstream].append(task.name)
        return {name: tuple(names) for name, names in after.items()}

    @cached_property
    def loops(self) -> int:
        """How many loops there are inside each other at most."""
        inner = ((task.loop is not None) + task.body.loops for task in self.tasks.values() if task.body is not None)
        return max(inner, default=0)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A pipeline ready to run."""

    name: str
    schema_version: str
    root: Dag
    parameters: Mapping[str, ParameterDefinition]
    artifacts: Mapping[str, ArtifactDefinition] = field(default_factory=dict)  # that a run has to be given
    artifact_outputs: Mapping[str, ArtifactOutput] = field(default_factory=dict)  # of the pipeline itself
    default_root: str = ""
    has_workspace: bool = False
    deadline_seconds: float = 0.0  # for the whole run, from its start; 0: none
    sdk_version: str = ""  # what compiled it

    def walk(self) -> Iterator[tuple[str, Task]]:
        """Answer every task with its path through nested DAGs, joined by dots; loops count as one iteration."""
        yield from _walk(self.root, "")

    def leaves(self) -> Iterator[tuple[str, Task]]:
        """Answer the tasks that have no body, with their paths."""
        return ((path, task) for path, task in self.walk() if task.body is None)

    def find(self, path: str) -> Task:
        """Answer the task at a path of `walk`, or of a run, where iterations stand in brackets. Raises KeyError.

        Names may hold dots themselves: the longest name that leads somewhere is meant.
        """
        found = _find(self.root, path)
        if found is None:
            raise KeyError(path)
        return found


def _find(dag: Dag, path: str) -> Task | None:
    for end in (len(path), *(i for i in range(len(path) - 1, 0, -1) if path[i] in ".[")):
        task = dag.tasks.get(path[:end])
        if task is None:
            continue
        rest = _ITERATION.sub("", path[end:], count=1) if task.loop is not None else path[end:]
        if not rest:
            return task
        inside = _find(task.body, rest[1:]) if task.body is not None and rest[0] == "." else None
        if inside is not None:
            return inside
    return None


def _walk(dag: Dag, prefix: str) -> Iterator[tuple[str, Task]]:
    for name, task in dag.tasks.items():
        yield prefix + name, task
        if task.body is not None:
            yield from _walk(task.body, f"{prefix}{name}.")


@dataclass(frozen=True, kw_only=True)
class ArtifactValue:
    """An artifact as tasks see it."""

    name: str  # resource name
    uri: str
    type: Mapping[str, str]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""  # of its content, taken when it was committed
    title: str = ""  # what it is called: the output's key, unless its maker gave it a name
    custom_path: str = ""  # where the maker wrote it instead of below its URI

    def to_json(self) -> dict[str, Any]:
        """Write as ExecutorInput's RuntimeArtifact."""
        written = {"name": self.name, "uri": self.uri, "type": dict(self.type), "metadata": dict(self.metadata)}
        return written | ({"customPath": self.custom_path} if self.custom_path else {})
