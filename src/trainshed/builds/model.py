"""Records of builds: the checked config, the build and its steps as stored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trainshed.builds.lifecycle import BUILD

_COMMIT = re.compile(r"[0-9a-f]{40}")
CLONES = "clones"  # among what is kept as results; Google has no such field


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A folder that steps of one build share under a path of its own."""

    name: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """One checked step, substitutions applied, options of the build merged in."""

    number: int
    name: str  # image
    id: str = ""
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()  # options.env first, so that the step's own wins
    dir: str = ""
    entrypoint: str = ""
    script: str = ""
    secret_env: tuple[str, ...] = ()
    volumes: tuple[Volume, ...] = ()
    timeout_seconds: float | None = None
    allow_failure: bool = False
    allow_exit_codes: tuple[int, ...] = ()
    automap: bool = False
    after: tuple[int, ...] = ()  # numbers of the steps that it waits for

    @property
    def label(self) -> str:
        """How the log names it: `Step #1 - "Compile"`."""
        return f'Step #{self.number} - "{self.id}"' if self.id else f"Step #{self.number}"

    def tolerates(self, code: int) -> bool:
        """Whether the build goes on after this exit code."""
        return code in self.allow_exit_codes if self.allow_exit_codes else self.allow_failure


@dataclass(frozen=True, kw_only=True)
class Secret:
    """One environment variable whose value comes from the secret provider."""

    variable: str
    version: str  # projects/P/secrets/NAME/versions/V; for KMS secrets the variable's own name


@dataclass(frozen=True, kw_only=True)
class Config:
    """A checked build document, ready to run: the execution sees nothing else."""

    steps: tuple[Step, ...]
    timeout_seconds: float = 3600.0
    queue_ttl_seconds: float = 3600.0
    images: tuple[str, ...] = ()
    objects_location: str = ""
    objects_paths: tuple[str, ...] = ()
    logs_bucket: str = ""
    logging: str = ""
    machine_type: str = ""
    tags: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[Mapping[str, Any], ...] = ()  # of git, fetched before the steps


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """A step as stored: what became of it."""

    number: int
    id: str
    name: str
    state: str
    start_time: datetime | None
    end_time: datetime | None
    exit_code: int | None
    output: str  # first bytes of $BUILDER_OUTPUT/output, base64

    @classmethod
    def from_row(cls, row: Any) -> "StepRecord":
        """Read a row of `build_steps`."""
        return cls(
            number=row.number,
            id=row.step_id,
            name=row.name,
            state=row.state,
            start_time=row.start_time,
            end_time=row.end_time,
            exit_code=row.exit_code,
            output=row.output,
        )


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a build comes from, when that is a build trigger."""

    trigger: str = ""  # resource name
    trigger_id: str = ""
    needs_approval: bool = False


@dataclass(frozen=True, kw_only=True)
class Clone:
    """What a step cloned into the workspace."""

    path: str  # in the workspace
    repository: str  # its address, without who asked
    commit: str


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build as stored."""

    build_id: str
    project: str
    region: str
    state: str
    document: Mapping[str, Any]  # as asked for
    resolved: Mapping[str, Any]  # with substitutions applied
    substitutions: Mapping[str, str]  # every value in force
    trigger: str  # resource name of the build trigger, or empty
    trigger_id: str
    approval: Mapping[str, Any]  # Google's BuildApproval; empty where none is needed
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    status_detail: str
    failure: Mapping[str, str]  # type and detail
    results: Mapping[str, Any]
    timing: Mapping[str, Any]  # phase -> startTime, endTime
    warnings: tuple[str, ...]
    log_uri: str
    steps: tuple[StepRecord, ...] = ()
    clones: tuple[Clone, ...] = ()  # what its steps cloned

    @property
    def reason(self) -> str:
        """Why it ended as it did, for a person; `status_detail` and the failure's `detail` are Google's sentence."""
        return self.failure.get("told", "") or self.status_detail

    @classmethod
    def from_row(cls, row: Any, steps: tuple[StepRecord, ...] = ()) -> "Build":
        """Read a row of `builds`."""
        return cls(
            build_id=row.id,
            project=row.project,
            region=row.region,
            state=row.state,
            document=row.document,
            resolved=row.resolved,
            substitutions=row.substitutions,
            trigger=row.trigger,
            trigger_id=row.trigger_id,
            approval=row.approval or {},
            create_time=row.create_time,
            start_time=row.start_time,
            end_time=row.end_time,
            status_detail=row.status_detail,
            failure=row.failure or {},
            results={key: value for key, value in (row.results or {}).items() if key != CLONES},
            clones=tuple(Clone(**each) for each in (row.results or {}).get(CLONES, ())),
            timing=row.timing or {},
            warnings=tuple(row.warnings or ()),
            log_uri=row.log_uri,
            steps=steps,
        )

    @property
    def name(self) -> str:
        """Resource name."""
        return name_of(self.project, self.region, self.build_id)

    @property
    def commit_sha(self) -> str:
        """The commit that was built, as far as it was known when it was asked for."""
        return commit_of(self.substitutions, self.resolved)

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen any more."""
        return BUILD.is_final(self.state)

    @property
    def origin(self) -> Origin:
        """Where it comes from."""
        return Origin(trigger=self.trigger, trigger_id=self.trigger_id, needs_approval=bool(self.approval))

    @property
    def facts(self) -> dict[str, Any]:
        """What a filter may ask, by the filter's names."""
        return {
            **{key: self.resolved.get(key) for key in ("tags", "images", "source", "options")},
            "service_account": self.resolved.get("serviceAccount"),
            "name": self.name,
            "status": self.state,
            **dict.fromkeys(("id", "build_id"), self.build_id),
            **dict.fromkeys(("trigger_id", "build_trigger_id"), (self.trigger_id, self.trigger.rpartition("/")[2])),
            "project_id": self.project,
            "substitutions": self.substitutions,
            "results": self.results,
            "logs_bucket": self.log_uri.rpartition("/")[0],
            "create_time": self.create_time,
            "start_time": self.start_time,
            "finish_time": self.end_time,
        }

    @property
    def principal(self) -> str:
        """Who its steps are to the rest of the system."""
        return principal(self.build_id, self.project)

    def log_context(self) -> dict[str, str]:
        """Answer the identifiers for log lines."""
        return {"build_id": self.build_id}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a build has come."""

    state: str
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None


def name_of(project: str, region: str, build_id: str) -> str:
    """Make a build's resource name."""
    return f"projects/{project}/locations/{region}/builds/{build_id}"


def principal(build_id: str, project: str) -> str:
    """Make the e-mail address under which a build's steps call this server."""
    return f"build-{build_id}@{project}.iam.gserviceaccount.com"


def commit_of(values: Mapping[str, str], resolved: Mapping[str, Any]) -> str:
    """Answer the commit that a document with these substitutions builds; empty where it names none."""
    source = resolved.get("source") or {}
    named = (source.get("gitSource") or {}).get("revision") or (source.get("repoSource") or {}).get("commitSha") or ""
    return values.get("COMMIT_SHA") or (named if _COMMIT.fullmatch(named) else "")
