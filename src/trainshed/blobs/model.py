"""Records of the object store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trainshed.errors import FailedPrecondition, PreconditionFailed

_SOFT_DELETE_SECONDS = 7 * 24 * 3600  # as Cloud Storage's buckets have it from the beginning


class BucketNotEmpty(FailedPrecondition):
    """The bucket has objects in it; remove them first."""

    http_status, reason = 409, "BUCKET_NOT_EMPTY"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A folder of objects, and what Cloud Storage keeps about one."""

    name: str
    metageneration: int
    properties: Mapping[str, Any]  # location, storageClass, labels, versioning, softDeletePolicy, … as in the JSON API
    create_time: datetime
    update_time: datetime

    @property
    def has_versioning(self) -> bool:
        """Whether generations that end from now on are listed and kept for ever."""
        return bool((self.properties.get("versioning") or {}).get("enabled"))

    @property
    def soft_delete_seconds(self) -> float:
        """How long what is gone can be had back."""
        policy = self.properties.get("softDeletePolicy") or {}
        return float(policy.get("retentionDurationSeconds", _SOFT_DELETE_SECONDS))

    @property
    def retention_seconds(self) -> float:
        """How long an object must be kept as it is."""
        return float((self.properties.get("retentionPolicy") or {}).get("retentionPeriod", 0))


@dataclass(frozen=True, kw_only=True)
class Object:
    """One generation of one object."""

    bucket: str
    name: str
    generation: int  # microseconds of its creation, strictly increasing in the store
    metageneration: int
    size: int
    crc32c: str  # base64, big-endian, as Cloud Storage reports it
    md5: str  # base64; empty for a composed object
    content_type: str
    metadata: Mapping[str, str]  # the user's own
    properties: Mapping[str, Any] = field(default_factory=dict)  # cacheControl, contentEncoding, … as in the JSON API
    component_count: int = 0  # above 0 for a composed object
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None = None  # set once it is replaced or deleted
    archived: bool = False  # ended while its bucket kept versions: listed and readable until it is removed
    path: str = ""  # where its file belongs, under the root of all buckets
    staged: str = ""  # name of its staging file while it may not be at `path` yet
    stamp: str = ""  # size, modification time and inode of its file
    changed: str = ""  # change time of the inode once it is at `path`

    @property
    def uri(self) -> str:
        """Its `gs://` address."""
        return f"gs://{self.bucket}/{self.name}"

    @property
    def is_soft_deleted(self) -> bool:
        """Whether it is gone for everybody who does not ask for what is gone."""
        return self.delete_time is not None and not self.archived

    @classmethod
    def from_row(cls, row: Any) -> "Object":
        """Read a row of `objects`."""
        return cls.from_values(dict(row._mapping))  # noqa: SLF001  (SQLAlchemy's public mapping of a row)

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "Object":
        """Read the columns of a row of `objects`."""
        values["staged"], values["archived"] = values["staged"] or "", bool(values["archived"])
        return cls(**values)

    def log_context(self) -> dict[str, Any]:
        """Answer the identifiers for log lines."""
        return {"bucket": self.bucket, "object": self.name, "generation": self.generation}


@dataclass(frozen=True, kw_only=True)
class Attributes:
    """What is said of an object beside its bytes when it is made."""

    content_type: str = ""  # empty: guessed from the name
    metadata: Mapping[str, str] = field(default_factory=dict)  # the user's own
    properties: Mapping[str, Any] = field(default_factory=dict)
    component_count: int = 0  # above 0 for a composed object


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What has to hold for a change; None: no matter. Generation 0 means that there is no live object."""

    if_generation_match: int | None = None
    if_generation_not_match: int | None = None
    if_metageneration_match: int | None = None
    if_metageneration_not_match: int | None = None

    def check(self, current: Object | None) -> None:
        """Hold the live object (None: there is none) against the conditions. Raises PreconditionFailed."""
        generation = current.generation if current else 0
        _compare(self.if_generation_match, generation, "ifGenerationMatch")
        _compare(self.if_generation_not_match, generation, "ifGenerationNotMatch")
        self.check_metageneration(current.metageneration if current else 0)

    def check_metageneration(self, found: int) -> None:
        """Hold a metageneration against the conditions, which is all that buckets have. Raises PreconditionFailed."""
        _compare(self.if_metageneration_match, found, "ifMetagenerationMatch")
        _compare(self.if_metageneration_not_match, found, "ifMetagenerationNotMatch")


def _compare(wanted: int | None, found: int, name: str) -> None:
    if wanted is not None and (wanted == found) is name.endswith("NotMatch"):
        raise PreconditionFailed(
            f"At least one of the pre-conditions you specified did not hold: {name} is {wanted}, but {found} is there.",
            metadata={"condition": name},
        )
