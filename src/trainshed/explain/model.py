"""Records of accounts: what is told of one thing, in reading order. The command line, the API and the page show the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from trainshed import costs
from trainshed.tally import Tally


@dataclass(frozen=True, kw_only=True)
class Named:
    """A resource, said in a few words; whoever shows it leads there."""

    text: str
    name: str  # resource name, `receipts/ID`, `artifacts/ID`, or gs://…


Value = str | int | float | datetime | Named | None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of an account: a sentence, and what it rests on."""

    id: str  # within the account
    heading: str
    says: str
    state: str = ""
    when: datetime | None = None
    about: Named | None = None  # what the step tells of
    facts: Sequence[tuple[str, Value]] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Value]] = ()


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to do next: something to type, or somewhere to go."""

    text: str
    command: str = ""
    about: Named | None = None


@dataclass(frozen=True, kw_only=True)
class Account:
    """Why something is as it is, from the first event to what came of it."""

    kind: str  # run, build, receipt, schedule, …
    name: str  # of the resource
    title: str
    state: str
    says: str  # the answer in one sentence
    advice: Sequence[Advice] = ()
    steps: Sequence[Step] = ()
    before: Named | None = None  # the run that it is best compared with
    run: str = ""  # that is compared: itself, or the one that made it
    channels: Sequence[str] = ()  # on which it is told that this may have changed; empty: it cannot any more


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What a commit says of itself, and which files differ from the one that it is counted from."""

    repository: str
    sha: str
    message: str = ""
    author: str = ""
    time: str = ""
    since: str = ""
    files: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Source:
    """An object that a run read by its address: data, or a file of code."""

    uri: str
    generation: str
    written: datetime | None = None
    build: str = ""  # resource name of the build that ran while it was written
    commit: Commit | None = None  # of that build


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """One task of a run, and why it ran or did not."""

    task: str
    state: str
    why: str
    seconds: float | None
    environment: str = ""
    code: str = ""  # digest of its component
    reused_from: str = ""  # resource name of the run that made its outputs
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Code:
    """What is known of the code of a run."""

    commit: Commit | None
    build: str = ""  # that made the image of its tasks, where nothing closer is known
    says: str = ""  # how it is known, or why it is not
    brief: str = ""  # why it is not, in a few words


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The commit of a run's code and what it read: what people ask of many runs at once."""

    state: str
    code: Code
    sources: Sequence[Source]

    @property
    def commit(self) -> Commit | None:
        """The commit of its code, or else of its image."""
        return self.code.commit


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is known of a run, as far as an account of it needs it."""

    name: str
    state: str
    pipeline: str
    create_time: datetime
    parameters: Mapping[str, object]
    spec_digest: str
    commit: Commit | None  # that its code is of
    sources: Sequence[Source]
    tasks: Sequence[Ran]
    cost: costs.Cost
    tally: Tally = field(default_factory=Tally)
    code: Code = Code(commit=None)  # how its commit is known, or why it is not
