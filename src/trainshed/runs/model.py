"""Records of runs, tasks, attempts and run triggers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PARENT = "projects/{project}/locations/{location}"
NAME = PARENT + "/pipelineJobs/{job}"


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """What somebody asks for."""

    parent: str  # projects/P/locations/L
    spec: Mapping[str, Any]  # PipelineSpec, as compiled
    platform: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    job_id: str = ""  # empty: made from the pipeline's name and the time
    number: str = ""  # empty: made
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    root: str = ""  # gs://… below which outputs are written; empty: the project's own bucket
    failure_policy: str = "FAIL_SLOW"
    caching: bool | None = None  # None: what each task says
    service_account: str = ""
    template_uri: str = ""
    origin: str = ""  # the resource on whose behalf it is asked for: a run schedule, a custom job; empty: its own
    input_artifacts: Mapping[str, str] = field(default_factory=dict)  # name in the pipeline -> id in lineage
    carried: Mapping[str, Any] = field(default_factory=dict)  # what is shown again and has no effect on one machine


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of a PipelineSpec; the surface calls it PipelineJob."""

    name: str
    number: str  # numeric identifier, as Vertex's uuid
    pipeline: str
    spec_digest: str
    parameters: Mapping[str, Any]
    display_name: str
    labels: Mapping[str, str]
    root: str
    failure_policy: str
    caching: bool | None
    service_account: str
    template_uri: str
    origin: str
    input_artifacts: Mapping[str, Any]  # name -> artifact as tasks see it
    carried: Mapping[str, Any]  # Google's JSON: networks, encryption
    cause_kind: str
    receipt_id: str
    trigger: (
        str  # resource name of what stands at the beginning: a schedule, a build trigger, …; empty: somebody by hand
    )
    run_key: str | None
    logical_time: datetime  # the event's, the same for every attempt
    context_id: int
    tasks_total: int  # that had something to do; until it ended, those of its plan
    tasks_ran: int | None  # that were begun, however they ended; None until the run ended
    tasks_left_out: int | None
    outputs: Mapping[str, Any] | None
    usage: Mapping[str, Sequence[float]] | None  # machine type -> seconds of tasks, of cores; None until it ended
    pauses: Sequence[Sequence[str]] | None = None  # from an end to the retry that went on from it, as RFC 3339
    commit_sha: str | None = None  # of its code; empty: nobody knows; None: not looked for since it ended
    error: str
    state: str
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    update_time: datetime

    @property
    def schedule_name(self) -> str:
        """The schedule of runs that it was started by."""
        return self.origin if "/schedules/" in self.origin else ""

    @property
    def is_needless(self) -> bool:
        """Whether it ended without a single task having run: everything had been done before."""
        return self.state == "SUCCEEDED" and self.tasks_ran == 0 and self.tasks_total > 0

    @classmethod
    def from_row(cls, row: Any) -> "Run":
        """Read a row of `runs`."""
        return cls(**row._mapping)  # noqa: SLF001  (SQLAlchemy's public mapping of a row)

    def log_context(self) -> dict[str, str]:
        """Answer the identifiers for log lines."""
        return {"run": self.name}


@dataclass(frozen=True, kw_only=True)
class Key:
    """A task's cache key and what it is made of."""

    key: str
    parts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """One node of a run."""

    id: str
    run: str
    position: int
    name: str  # path through DAG tasks; iterations stand in brackets
    kind: str  # container, importer, resolver; dag, loop
    parent: str  # id of the DAG task that it is in; empty: of the pipeline itself
    iteration: int | None  # of the loop that it is in
    attempt: int
    failures: int
    losses: int
    ready_time: datetime | None  # not before this
    outputs: Mapping[str, Any] | None  # {"parameters": {…}, "artifacts": {key: [artifact id, …]}}
    error: str
    cache_key: str
    key_parts: Mapping[str, str] | None
    cached_from: str  # id of the task whose outputs are reused
    environment: str
    execution_id: int | None
    cpus: float
    memory_bytes: int
    machine_type: str
    cpu_seconds: float
    peak_memory_bytes: int
    state: str
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None

    @classmethod
    def from_row(cls, row: Any) -> "TaskRow":
        """Read a row of `tasks`."""
        return cls(**dict(zip(row._fields, row, strict=True)))  # its own mapping takes ten times as long

    @property
    def is_dag(self) -> bool:
        """Whether it consists of other tasks."""
        return self.kind in {"dag", "loop"}

    def log_context(self) -> dict[str, Any]:
        """Answer the identifiers for log lines."""
        return {"run": self.run, "task": self.name, "attempt": self.attempt}


@dataclass(frozen=True, kw_only=True)
class Begun:
    """As much of a task that was tried as its logs need."""

    id: str
    name: str
    attempt: int
    state: str
    end_time: datetime | None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try of a task by one worker."""

    task_id: str
    attempt: int
    outcome: str
    message: str
    start_time: datetime
    end_time: datetime
    cpu_seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """What starts a run by itself: a topic, or a bucket's new objects."""

    name: str
    project: str
    location: str
    topic: str
    bucket: str
    spec_uri: str
    subscription: str
    is_disabled: bool = False
    create_time: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)  # fixed values: of every run that it starts

    @property
    def resource(self) -> str:
        """Resource name."""
        return f"projects/{self.project}/locations/{self.location}/runTriggers/{self.name}"
