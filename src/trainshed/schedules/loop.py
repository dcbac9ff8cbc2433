"""Background duties of schedules: firing what is due, calling endpoints, cleaning."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trainshed import names, webhook
from trainshed.addresses import hide
from trainshed.clock import rfc3339
from trainshed.duty import Background, Duty, off_loop
from trainshed.errors import OUTAGES, FailedPrecondition, TrainshedError
from trainshed.schedules import firing, policy
from trainshed.schedules.model import Firing, HttpTarget, Schedule
from trainshed.schedules.service import Service

_CLEAN_SECONDS = 3600.0
_OUTAGE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """What calls to endpoints need of the surface."""

    token: Callable[[HttpTarget], str]  # makes what a target is called with
    near: Callable[[str], str]  # address of this server for a URL that is answered here; empty for all others


def _unsigned(_target: HttpTarget) -> str:
    raise FailedPrecondition("Nobody here makes tokens; call the endpoint without one.")


_BARE = Endpoints(token=_unsigned, near=lambda _uri: "")


def duties(
    service: Service, *, background: Background, interval_seconds: float, endpoints: Endpoints = _BARE
) -> list[Duty]:
    """Make the background duties. Calls to endpoints run in `background`, whose owner ends them."""
    firer = Firer(service, background, endpoints)
    fires = Duty("schedules", firer.run_once, interval_seconds=interval_seconds, clock=service.clock)
    service.db.listen(firing.CHANGED, fires.wake)

    async def clean() -> None:
        await off_loop(service.clean)

    return [fires, Duty("firings-clean", clean, interval_seconds=_CLEAN_SECONDS, clock=service.clock)]


class Firer:
    """Fires what is due, never early, and makes the calls."""

    def __init__(self, service: Service, background: Background, endpoints: Endpoints = _BARE) -> None:
        self._service = service
        self._background = background
        self._endpoints = endpoints
        self._is_first_turn = True

    async def run_once(self) -> datetime | None:
        """Fire everything due; answer when to look again."""
        if self._is_first_turn:
            await off_loop(self._service.abandon)
            self._is_first_turn = False
        while await off_loop(self._service.fire_due):
            pass
        for schedule, call in await off_loop(self._service.take_attempts):
            self._background.spawn(self._call(schedule, call), name=f"firing {call.firing_id}")
        return await off_loop(self._service.next_wake)

    async def _call(self, schedule: Schedule, call: Firing) -> None:
        code, message = await self._send(schedule, call)
        while True:
            try:
                await off_loop(self._service.ended, call, code=code, message=message)
            except OUTAGES:  # else it would count as under way until the next start
                clock = self._service.clock
                await clock.sleep_until(clock.now() + timedelta(seconds=_OUTAGE_SECONDS))
            else:
                return

    async def _send(self, schedule: Schedule, call: Firing) -> tuple[str, str]:
        target = schedule.options.target
        assert isinstance(target, HttpTarget)
        try:
            headers = headers_of(schedule, target, call)
            near = self._endpoints.near(target.uri)
            policy.check_oauth(target, lambda _uri: near)
            if target.token:
                headers["Authorization"] = f"Bearer {await off_loop(self._endpoints.token, target)}"
            status = await webhook.send(
                target.uri,
                method=target.method,
                headers=headers,
                body=base64.b64decode(target.body),
                timeout_seconds=schedule.options.attempt_deadline_seconds,
                at=near,
            )
        except TrainshedError as error:
            return error.code, error.message
        if 200 <= status < 300:  # noqa: PLR2004  (HTTP's successes)
            return "", f"{hide(target.uri)} answered {status}"
        return _CODES.get(status, "UNKNOWN"), f"answered {status}"


def headers_of(schedule: Schedule, target: HttpTarget, call: Firing) -> dict[str, str]:
    """Answer what a call carries: Cloud Scheduler's own headers, then what the owner gave where that may be given."""
    reserved = ("x-cloudscheduler", "x-google-", "x-appengine-")
    given = {
        key: value
        for key, value in target.headers.items()
        if not key.lower().startswith(reserved) and key.lower() not in {"host", "content-length"}
    }
    named = {key.lower() for key in given}
    own = {
        "User-Agent": "Google-Cloud-Scheduler",
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": names.short(schedule.name),
        "X-CloudScheduler-ScheduleTime": rfc3339(call.schedule_time),
    }
    if target.body:
        own["Content-Type"] = "application/octet-stream"
    return {key: value for key, value in own.items() if key.lower() not in named} | given


_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
