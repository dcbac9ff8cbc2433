"""Records of the registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

PUSH, ROLLBACK = "push", "rollback"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a model: one folder of its serving directory."""

    directory: str
    version: str  # the folder's name, a number by which the newest is found
    artifact_id: int  # the pushed model, in lineage
    kind: str  # push or rollback
    create_time: datetime
    run: str = ""  # that pushed it; empty: somebody by hand
    task: str = ""
    model_id: int | None = None  # the artifact that was trained
    model_uri: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)  # artifact.metric
    judged: Mapping[str, float] = field(default_factory=dict)  # those of the evaluation alone, by their own names
    verdict: str = ""  # of the gate, in its own words
    is_blessed: bool | None = None  # None: lineage has no gate
    restores: str = ""  # version that a rollback made live again
    author: str = ""  # of a rollback
    reason: str = ""
    is_live: bool = False
    is_there: bool = False  # its files are in the serving directory

    @property
    def destination(self) -> str:
        """Where its files are."""
        return f"{self.directory}/{self.version}"


@dataclass(frozen=True, kw_only=True)
class Model:
    """Everything that was pushed into one serving directory."""

    directory: str
    live: str  # the version that is served; empty: none, or nobody here can tell
    versions: Sequence[Version]  # newest first, as many as were asked for
    next_before: int | None = None  # where the next page of versions begins; None: there is none
    is_known: bool = True  # False: the directory is in no bucket of this server

    @property
    def name(self) -> str:
        """What people call it."""
        return self.directory.rsplit("/", 1)[-1]
