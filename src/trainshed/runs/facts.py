"""What the pure core is told, and what it answers."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RunCreated:
    """The run is recorded, or was found open when the engine started."""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """The inputs of a task whose upstream ended were put together; its condition, its items, the cache were asked."""

    task: str
    is_cached: bool = False
    is_triggered: bool = True
    iterations: int = 1  # of its body
    problem: str = ""  # why it cannot begin: an input without a value, a condition that cannot be evaluated


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """There is room for a queued task."""

    task: str


@dataclass(frozen=True, kw_only=True)
class AttemptEnded:
    """An attempt ended: `succeeded`, `failed`, `lost` (nobody knows how) or `stopped` (we asked)."""

    task: str
    attempt: int
    ending: str


@dataclass(frozen=True, kw_only=True)
class TaskEnded:
    """A transition took a task to a final state."""

    task: str


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The tasks of some of a DAG's iterations exist now."""

    task: str
    first: int
    count: int


@dataclass(frozen=True, kw_only=True)
class ScopeClosed:
    """What an iteration gave is kept with its DAG task; its tasks are no longer in memory."""

    task: str


@dataclass(frozen=True, kw_only=True)
class CancelRequested:
    """Somebody wants the run to end; the run is CANCELLING already, its tasks are not."""


TaskFact = Resolved | Admitted | AttemptEnded | TaskEnded | Opened | ScopeClosed
Fact = RunCreated | CancelRequested | TaskFact


@dataclass(frozen=True, kw_only=True)
class Fire:
    """Take a transition of a task; into a final state, answer with TaskEnded."""

    task: str
    name: str


@dataclass(frozen=True, kw_only=True)
class FireRun:
    """Take a transition of the run."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Resolve:
    """Put a task's inputs together, evaluate its condition, look it up in the cache; answer with Resolved."""

    task: str


@dataclass(frozen=True, kw_only=True)
class Open:
    """Make the tasks of some of a DAG's iterations exist; answer with Opened."""

    task: str
    first: int
    count: int


@dataclass(frozen=True, kw_only=True)
class CloseScope:
    """Keep what an iteration gave and forget its tasks; answer with ScopeClosed."""

    task: str
    iteration: int


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Queue a task for a worker, after a wait."""

    task: str
    wait_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class StartAttempt:
    """Hand the task's current attempt to a worker."""

    task: str


@dataclass(frozen=True, kw_only=True)
class StopAttempt:
    """End the task's current attempt."""

    task: str


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Remove the rows of everything in a DAG task, which begins anew."""

    task: str


Decision = Fire | FireRun | Resolve | Open | CloseScope | Dispatch | StartAttempt | StopAttempt
