"""Records of the functions feature."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

MEBIBYTE = 1 << 20
FINALIZED = "OBJECT_FINALIZE"
LARGEST_REQUEST = 32 << 20  # that a function takes
_DEFAULT_INSTANCES = 4


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What a user asks for when deploying: the flags of `functions deploy`."""

    entry_point: str
    runtime: str = "python311"
    topic: str = ""  # whole resource name; exactly one of topic, bucket, http
    bucket: str = ""
    object_event: str = FINALIZED  # of the bucket's objects: what is told
    http: bool = False
    retry: bool = False  # a failed event is delivered again
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # variable → secret and its version
    memory_bytes: int = 256 * MEBIBYTE
    timeout_seconds: float = 60.0
    max_instances: int = 0  # 0: as many as this machine does well
    min_instances: int = 0
    generation: int = 1
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    service_account: str = ""
    stage_bucket: str = ""
    source_url: str = ""  # where the source came from, as told to us
    kept: Mapping[str, Any] = field(default_factory=dict)  # what has no meaning here, by its path in Google's document

    @property
    def most_instances(self) -> int:
        """How many instances may run at once."""
        return self.max_instances or max(_DEFAULT_INSTANCES, self.min_instances)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Configuration":
        """Read what `as_json` wrote; fields of later releases are ignored."""
        known = cls.__dataclass_fields__
        return cls(**{k: v for k, v in document.items() if k in known})

    def as_json(self) -> dict[str, Any]:
        """Write for the store."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Version:
    """One deployed version: everything needed to start an instance of it."""

    function: str
    number: int
    source: str  # digest of the source snapshot
    environment: str  # digest of the environment
    python: Path
    signature: str  # event, cloudevent or http
    configuration: Configuration
    deploy_time: datetime

    @classmethod
    def from_row(cls, row: Any) -> "Version":
        """Read a row of `function_versions`."""
        return cls(
            function=row.function,
            number=row.number,
            source=row.source,
            environment=row.environment,
            python=Path(row.python),
            signature=row.signature,
            configuration=Configuration.from_json(row.configuration),
            deploy_time=row.deploy_time,
        )


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function by name; `version` is the one that serves, None before the first good deployment."""

    name: str
    state: str
    version: Version | None
    requested: Configuration  # the configuration last asked for, good or not
    error: str  # why the last deployment failed; empty when it did not
    create_time: datetime
    update_time: datetime

    @property
    def generation(self) -> int:
        """Which generation it is of, for as long as it is there."""
        return (self.version.configuration if self.version else self.requested).generation

    @property
    def answers_requests(self) -> bool:
        """Whether it is there for web requests."""
        return self.version is not None and self.version.configuration.http

    def log_context(self) -> dict[str, str]:
        """Answer the identifiers for log lines."""
        return {"function": self.name}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One long-running request about a function: how clients of Google's API follow a deployment."""

    name: str
    function: str
    verb: str  # create, update or delete
    generation: int  # of the API that was asked
    create_time: datetime
    end_time: datetime | None
    error: Mapping[str, str] | None  # code, reason and message of why it failed
    response: Mapping[str, Any] | None  # the function's document when it was done, in the form of that API

    @property
    def done(self) -> bool:
        """Whether it ended, well or not."""
        return self.end_time is not None

    @classmethod
    def from_row(cls, row: Any) -> "Operation":
        """Read a row of `function_operations`."""
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One call of the user's code and what it used."""

    id: str  # the execution id in the logs
    function: str
    version: int
    kind: str  # message, call or http
    stimulus: str
    receipt_id: str
    attempt: int  # delivery attempt
    instance: str
    state: str
    start_time: datetime
    end_time: datetime | None
    duration_seconds: float | None
    memory_bytes: int
    error: str

    @classmethod
    def from_row(cls, row: Any) -> "Invocation":
        """Read a row of `function_invocations`."""
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})

    def log_context(self) -> dict[str, str]:
        """Answer the identifiers for log lines."""
        return {"function": self.function, "invocation": self.id}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a call ended: the transition it takes, and what the function answered or why it failed."""

    transition: str
    error: str = ""
    duration_seconds: float = 0.0
    memory_bytes: int = 0
    answer: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the function returned."""
        return self.transition == "return"
