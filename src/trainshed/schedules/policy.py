"""Rules of schedules: limits, retries, what was missed, what overlaps. Pure."""

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from urllib.parse import urlsplit

from trainshed import names
from trainshed.errors import InvalidArgument
from trainshed.schedules.model import (
    CatchUp,
    HttpTarget,
    Options,
    Order,
    Overlap,
    PubsubTarget,
    RetryConfig,
    options_document,
)

JOB = "projects/{project}/locations/{location}/jobs/{job}"
TOPIC = "projects/{project}/topics/{topic}"
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,500}")
_DESCRIPTION = 500
_RETRIES = 5
_DOUBLINGS = 16
_DEADLINE = (15, 1800)
_URL = 2083
_HEADERS_BYTES = 80_000
_METHODS = ("POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")
_JOB_BYTES = 1024 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
MISSED = "missed: the server was down at the time, and no catch-up is left for it"
MISSED_MANY = "missed: the server was down at these times, and no catch-up is left for them"


def check(name: str, options: Options) -> Options:
    """Answer the options if Cloud Scheduler would take them. Raises InvalidArgument naming the field."""
    check_name(name)
    _ = options.cron
    if len(options.description) > _DESCRIPTION:
        raise InvalidArgument.field("description", f"longer than {_DESCRIPTION} characters")
    if options.catch_up.limit < 0:
        raise InvalidArgument.field("catchUp", "cannot be negative; 0 catches nothing up")
    _check_retry(options.retry)
    least, most = _DEADLINE
    if not least <= options.attempt_deadline_seconds <= most:
        raise InvalidArgument.field("attemptDeadline", f"outside {least}s..{most}s")
    if isinstance(options.target, PubsubTarget):
        _check_pubsub(name, options.target)
    else:
        _check_http(options.target)
    if (size := len(json.dumps(options_document(options)))) > _JOB_BYTES:
        raise InvalidArgument.field("job", f"comes to {size} bytes; {_JOB_BYTES} are allowed (1 MB)")
    return options


def check_name(name: str) -> str:
    """Answer the name if it is one of a job. Raises InvalidArgument."""
    names.parse(JOB, name)
    if not _IDENTIFIER.fullmatch(names.short(name)):
        raise InvalidArgument.field(
            "name", f"{names.short(name)!r} may hold 1 to 500 letters, digits, '_' and '-' only", reason="NAME_FORMAT"
        )
    return name


def _check_pubsub(name: str, target: PubsubTarget) -> None:
    topic = names.parse(TOPIC, target.topic, field="pubsubTarget.topicName")
    if topic["project"] != names.parse(JOB, name)["project"]:
        raise InvalidArgument.field("pubsubTarget.topicName", "has to be in the schedule's own project")
    _check_base64("pubsubTarget.data", target.data)
    if not target.data and not target.attributes:
        raise InvalidArgument.field("pubsubTarget", "give it data or at least one attribute (--message-body)")


def _check_http(target: HttpTarget) -> None:
    parts = urlsplit(target.uri)
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(target.uri) > _URL:
        raise InvalidArgument.field("httpTarget.uri", f"{target.uri[:80]!r} is not a URL of at most {_URL} characters")
    if target.method not in _METHODS:
        raise InvalidArgument.field("httpTarget.httpMethod", f"{target.method!r} is none of {', '.join(_METHODS)}")
    _check_base64("httpTarget.body", target.body)
    for key, value in target.headers.items():
        if not _TOKEN.fullmatch(key) or "\n" in value or "\r" in value:
            raise InvalidArgument.field(f"httpTarget.headers[{key}]", "is not a header")
    if target.token and not target.token_email:
        raise InvalidArgument.field(
            f"httpTarget.{target.token}Token.serviceAccountEmail", "is empty; name a service account"
        )
    if sum(len(k) + len(v) for k, v in target.headers.items()) > _HEADERS_BYTES:
        raise InvalidArgument.field("httpTarget.headers", f"more than {_HEADERS_BYTES} bytes")


def check_oauth(target: HttpTarget | PubsubTarget, near: Callable[[str], str]) -> None:
    """Look that an OAuth token, which opens the whole server, stays on it. Raises InvalidArgument.

    `near` answers the address of this server for a URL that is answered here.
    """
    if isinstance(target, HttpTarget) and target.token == "oauth" and not near(target.uri):  # noqa: S105  (a kind)
        raise InvalidArgument.field(
            "httpTarget.oauthToken",
            f"{target.uri[:80]!r} is no address of Google's, and an access token is sent to none but those; "
            "use oidcToken",
        )


def _check_retry(retry: RetryConfig) -> None:
    if not 0 <= retry.retry_count <= _RETRIES:
        raise InvalidArgument.field("retryConfig.retryCount", f"{retry.retry_count} is outside 0..{_RETRIES}")
    if not 0 <= retry.max_doublings <= _DOUBLINGS:
        raise InvalidArgument.field("retryConfig.maxDoublings", f"{retry.max_doublings} is outside 0..{_DOUBLINGS}")
    if retry.max_retry_seconds < 0:
        raise InvalidArgument.field("retryConfig.maxRetryDuration", "cannot be negative; 0s is without limit")
    if not 0 < retry.min_backoff_seconds <= retry.max_backoff_seconds:
        raise InvalidArgument.field("retryConfig.minBackoffDuration", "has to be more than 0s and at most maxBackoff")


def _check_base64(path: str, text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise InvalidArgument.field(path, "is not base64") from None


def backoff_seconds(retry: RetryConfig, failures: int) -> float:
    """Answer the wait after that many failures: doubling, then growing by the last step, then constant."""
    doublings = min(failures - 1, retry.max_doublings)
    step = retry.min_backoff_seconds * 2.0**doublings
    wait = step * (failures - doublings)
    return min(wait, retry.max_backoff_seconds)


def may_retry(retry: RetryConfig, *, failures: int, elapsed_seconds: float) -> bool:
    """Whether another attempt is due; with both limits set, until both are reached."""
    has_count = failures <= retry.retry_count
    has_time = retry.max_retry_seconds > 0 and elapsed_seconds < retry.max_retry_seconds
    return has_count or has_time


@dataclass(frozen=True, kw_only=True)
class Due:
    """Due times of one schedule, sorted by what becomes of them."""

    fire: list[datetime] = field(default_factory=list)
    skip: list[datetime] = field(default_factory=list)  # at most a few; else only these three
    skipped: int = 0
    skipped_first: datetime | None = None
    skipped_last: datetime | None = None
    last: datetime | None = None  # the newest that is accounted for here
    is_complete: bool = True  # False: more are due, look again


_LISTED = 20  # more missed due times than this share one receipt


def sort_due(times: Iterable[datetime], *, horizon: datetime, catch_up: CatchUp, limit: int) -> Due:
    """Decide about due times in order: those before `horizon` were missed, of which catch-up saves some."""
    times = iter(times)
    saved: deque[datetime] = deque(maxlen=catch_up.limit if catch_up.order is Order.NEWEST else None)
    missed: list[datetime] = []
    count, first, last = 0, None, None
    on_time: list[datetime] = []
    for due in times:
        if due >= horizon:
            on_time = [due, *islice(times, limit)]
            break
        rest = due
        if catch_up.order is Order.OLDEST:
            if len(saved) < catch_up.limit:
                saved.append(due)
                continue
        elif catch_up.limit:
            if len(saved) < catch_up.limit:
                saved.append(due)
                continue
            rest = saved.popleft()
            saved.append(due)
        count, first, last = count + 1, first or rest, max(last or rest, rest)
        if count <= _LISTED:
            missed.append(rest)
    is_complete = len(on_time) <= limit
    fire = [*saved, *on_time[:limit]]
    ends = [t for t in (fire[-1] if fire else None, last) if t]
    return Due(
        fire=fire,
        skip=missed if count <= _LISTED else [],
        skipped=count,
        skipped_first=first,
        skipped_last=last,
        last=max(ends, default=None),
        is_complete=is_complete,
    )


def overlapping(overlap: Overlap, *, is_open: bool, is_waiting: bool, is_busy: bool) -> str:
    """Decide about one due time: "fire", "wait" or the reason to skip it.

    `is_open`: a firing is on its way to the target; `is_waiting`: one waits already; `is_busy`: the work that the last
    firing led to goes on.
    """
    blocked = is_open or is_waiting or (is_busy and overlap is not Overlap.DEFAULT)
    if not blocked:
        return "fire"
    if overlap is Overlap.SKIP:
        return "overlap: the firing before this one is not done"
    if is_waiting:
        return "overlap: another due time waits already for the firing before it"
    return "wait"
