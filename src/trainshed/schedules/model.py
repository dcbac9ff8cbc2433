"""Records of schedules and firings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from trainshed.schedules.cron import Cron, DaylightSaving


class Overlap(StrEnum):
    """What a due time does while the firing before it is not done."""

    DEFAULT = (
        "default"  # Google's: it waits while an attempt to reach the target is under way; what that led to is free
    )
    SKIP = "skip"  # it does not fire while the work that the last one led to goes on
    WAIT = "wait"  # it fires once that work is done; one waits, later ones are skipped

    @property
    def words(self) -> str:
        """Say what it means for a due time."""
        return {
            "default": "a due time waits for an attempt that is under way, not for what that led to",
            "skip": "a due time is skipped while the work that the last one led to goes on",
            "wait": "a due time waits for the work that the last one led to; further ones are skipped",
        }[self.value]


class Order(StrEnum):
    """Which missed due times are caught up."""

    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, kw_only=True)
class CatchUp:
    """How many due times that were missed while the server was down fire after all."""

    limit: int = 0
    order: Order = Order.NEWEST

    @property
    def words(self) -> str:
        """Say what becomes of due times that were missed."""
        if not self.limit:
            return "stays missed, and its receipt says so"
        return (
            f"the {self.order} {self.limit} of it fire after all"
            if self.limit > 1
            else f"the {self.order} fires after all"
        )


@dataclass(frozen=True, kw_only=True)
class PubsubTarget:
    """Publish a message."""

    topic: str
    data: str = ""  # base64
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HttpTarget:
    """Call an endpoint; any 2xx acknowledges."""

    uri: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""  # base64
    token: str = ""  # "oauth", "oidc" or none: what the call is authorised with
    token_email: str = ""  # service account that the token is of
    token_for: str = ""  # scope of an OAuth token, audience of an OIDC token


@dataclass(frozen=True, kw_only=True)
class RetryConfig:
    """How often, how long and at what distance a failed firing is tried again."""

    retry_count: int = 0
    max_retry_seconds: float = 0.0
    min_backoff_seconds: float = 5.0
    max_backoff_seconds: float = 3600.0
    max_doublings: int = 5


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a schedule's owner sets."""

    schedule: str
    time_zone: str = "Etc/UTC"
    target: PubsubTarget | HttpTarget
    description: str = ""
    retry: RetryConfig = RetryConfig()
    attempt_deadline_seconds: float = 180.0
    overlap: Overlap = Overlap.DEFAULT
    catch_up: CatchUp = CatchUp()
    daylight_saving: DaylightSaving = field(default_factory=DaylightSaving)

    @property
    def cron(self) -> Cron:
        """The due times. Raises InvalidArgument."""
        return Cron(self.schedule, self.time_zone, self.daylight_saving)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A cron entry; the surface calls it Job."""

    name: str
    options: Options
    state: str
    next_due_time: datetime | None
    last_due_time: datetime | None  # nothing at or before it fires again, whatever the clock does
    last_attempt_time: datetime | None
    last_receipt_id: str
    status_code: str  # of the last attempt: a name of google.rpc.Code; empty: OK
    status_message: str
    user_update_time: datetime

    @classmethod
    def from_row(cls, row: Any) -> "Schedule":
        """Read a row of `schedules`."""
        return cls(
            name=row.name,
            options=read_options(row.options),
            state=row.state,
            next_due_time=row.next_due_time,
            last_due_time=row.last_due_time,
            last_attempt_time=row.last_attempt_time,
            last_receipt_id=row.last_receipt_id or "",
            status_code=row.status_code or "",
            status_message=row.status_message or "",
            user_update_time=row.user_update_time,
        )

    def log_context(self) -> dict[str, str]:
        """Answer the identifiers for log lines."""
        return {"schedule": self.name}


@dataclass(frozen=True, kw_only=True)
class Firing:
    """One due time, or one forced run, that takes longer than a transaction."""

    firing_id: int
    schedule: str
    schedule_time: datetime
    receipt_id: str
    attempt: int
    attempt_time: datetime
    create_time: datetime
    state: str

    @classmethod
    def from_row(cls, row: Any) -> "Firing":
        """Read a row of `firings`."""
        return cls(
            firing_id=row.id,
            schedule=row.schedule,
            schedule_time=row.schedule_time,
            receipt_id=row.receipt_id,
            attempt=row.attempt,
            attempt_time=row.attempt_time,
            create_time=row.create_time,
            state=row.state,
        )


def options_document(options: Options) -> dict[str, Any]:
    """Write options as JSON for the store."""
    kind = "pubsub" if isinstance(options.target, PubsubTarget) else "http"
    return {
        **asdict(options),
        "target": {kind: asdict(options.target)},
        "daylight_saving": str(options.daylight_saving),
    }


def read_options(document: Mapping[str, Any]) -> Options:
    """Read what `options_document` wrote."""
    target = document["target"]
    catch_up = document["catch_up"]
    nested = {
        "target": PubsubTarget(**target["pubsub"]) if "pubsub" in target else HttpTarget(**target["http"]),
        "retry": RetryConfig(**document["retry"]),
        "overlap": Overlap(document["overlap"]),
        "catch_up": CatchUp(limit=catch_up["limit"], order=Order(catch_up["order"])),
        "daylight_saving": DaylightSaving.parse(document["daylight_saving"]),
    }
    return Options(**{**document, **nested})


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message that a firing publishes."""

    data: bytes
    attributes: Mapping[str, str]
    parent_receipt_id: str
