"""Records of schedules of runs."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from trainshed.clock import parse_rfc3339, rfc3339
from trainshed.schedules.cron import Cron

_ZONED = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)", re.DOTALL)
_TIMES = ("start_time", "end_time")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the owner of a schedule of runs sets."""

    display_name: str
    cron: str  # five fields, with CRON_TZ=ZONE or TZ=ZONE before them, else in UTC
    start_time: datetime | None = None  # None: when it was made
    end_time: datetime | None = None
    max_run_count: int = 0  # 0: no limit
    max_concurrent_run_count: int = 1  # requests under way to start a run; here one starts after another
    max_concurrent_active_run_count: int = 0  # runs that have not ended; 0: no limit
    allow_queueing: bool = False  # what is due while the limit is reached waits, instead of being skipped

    @property
    def ticks(self) -> Cron:
        """The due times. Raises InvalidArgument."""
        zoned = _ZONED.fullmatch(self.cron.strip())
        return Cron(zoned[2], zoned[1]) if zoned else Cron(self.cron)


@dataclass(frozen=True, kw_only=True)
class RunSchedule:
    """A cron entry that starts runs; Vertex AI calls it Schedule."""

    name: str
    options: Options
    request: Mapping[str, Any]  # of each run: Google's CreatePipelineJobRequest
    state: str
    next_run_time: datetime | None  # the first due time that nothing is decided about; in the past: behind
    wake_time: datetime | None  # when to look at it next
    is_behind: bool  # due times wait for runs to end
    catch_up: bool
    started_run_count: int
    last_pause_time: datetime | None
    last_resume_time: datetime | None
    last_run_time: datetime | None  # due time that was started last
    last_response: str  # the run's name, or why there is none
    create_time: datetime
    update_time: datetime

    @classmethod
    def from_row(cls, row: Any) -> "RunSchedule":
        """Read a row of `run_schedules`."""
        values = {key: value for key, value in row._mapping.items() if key != "end_time"}  # noqa: SLF001
        return cls(**{**values, "options": read_options(row.options)})

    def log_context(self) -> dict[str, str]:
        """Answer the identifiers for log lines."""
        return {"schedule": self.name}


def options_document(options: Options) -> dict[str, Any]:
    """Write options as JSON for the store."""
    times = {key: rfc3339(time) for key in _TIMES if (time := getattr(options, key)) is not None}
    return {**asdict(options), **dict.fromkeys(_TIMES), **times}


def read_options(document: Mapping[str, Any]) -> Options:
    """Read what `options_document` wrote."""
    times = {key: parse_rfc3339(document[key]) if document[key] else None for key in _TIMES}
    return Options(**{**document, **times})
