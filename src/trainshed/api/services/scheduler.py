"""google.cloud.scheduler.v1.CloudScheduler over the schedules feature."""

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

from google.rpc import code_pb2

from trainshed import names
from trainshed.api import fields
from trainshed.api.descriptors import message
from trainshed.errors import InvalidArgument
from trainshed.schedules import HttpTarget, Options, PubsubTarget, RetryConfig, Schedule, Service

_PACKAGE = "google.cloud.scheduler.v1"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_OUTPUT = {"name", "state", "status", "user_update_time", "schedule_time", "last_attempt_time", "satisfies_pzs"}


class CloudScheduler:
    """google.cloud.scheduler.v1.CloudScheduler. What Google's Job has no field for is under /trainshed/v1."""

    SERVICE = f"{_PACKAGE}.CloudScheduler"

    def __init__(self, schedules: Service) -> None:
        self._schedules = schedules

    def CreateJob(self, request: Any) -> Any:
        """Make a job; without a name it gets one."""
        name = request.job.name or f"{request.parent}/jobs/{names.numeric_id()}"
        if not name.startswith(f"{request.parent}/jobs/"):
            raise InvalidArgument.field("job.name", f"{name!r} is not of the form '{request.parent}/jobs/JOB'")
        return job(self._schedules.create(name, _options(request.job, None)))

    def UpdateJob(self, request: Any) -> Any:
        """Change a job from now on."""
        paths = {path.partition(".")[0] for path in fields.mask_paths(request.update_mask, request.job)}
        changed = paths - _OUTPUT

        def change(current: Options) -> Options:
            patched = fields.update(_message(current), request.job, request.update_mask) if changed else None
            return _options(patched, current) if patched is not None else current

        return job(self._schedules.update(request.job.name, change))

    def GetJob(self, request: Any) -> Any:
        """Read a job."""
        return job(self._schedules.get(request.name))

    def ListJobs(self, request: Any) -> Any:
        """Read the jobs of a location."""
        size = fields.page_size(request.page_size, default=500, maximum=500)
        found, token = self._schedules.list_schedules(request.parent, page_size=size, page_token=request.page_token)
        return fields.listing(f"{_PACKAGE}.ListJobsResponse", "jobs", map(job, found), token)

    def DeleteJob(self, request: Any) -> None:
        """Remove a job."""
        self._schedules.delete(request.name)

    def PauseJob(self, request: Any) -> Any:
        """Stop a job from firing."""
        return job(self._schedules.pause(request.name))

    def ResumeJob(self, request: Any) -> Any:
        """Let a job fire again."""
        return job(self._schedules.resume(request.name))

    def RunJob(self, request: Any) -> Any:
        """Fire a job now."""
        return job(self._schedules.run(request.name))


def job(schedule: Schedule) -> Any:
    """Write a schedule as Cloud Scheduler's Job."""
    made = _message(schedule.options)
    made.name = schedule.name
    made.state = schedule.state
    made.user_update_time.FromDatetime(schedule.user_update_time.replace(microsecond=0))  # Google tells whole seconds
    if schedule.next_due_time is not None and schedule.last_due_time is not None:
        made.schedule_time.FromDatetime(schedule.next_due_time)
    if schedule.last_attempt_time is not None:
        made.last_attempt_time.FromDatetime(schedule.last_attempt_time)
    if schedule.status_code:
        made.status.code = code_pb2.Code.Value(schedule.status_code)
        made.status.message = schedule.status_message
    return made


def _message(options: Options) -> Any:
    target, retry = options.target, options.retry
    common: dict[str, Any] = {
        "schedule": options.schedule,
        "time_zone": options.time_zone,
        "description": options.description,
        "retry_config": {
            "retry_count": retry.retry_count,
            "max_retry_duration": timedelta(seconds=retry.max_retry_seconds),
            "min_backoff_duration": timedelta(seconds=retry.min_backoff_seconds),
            "max_backoff_duration": timedelta(seconds=retry.max_backoff_seconds),
            "max_doublings": retry.max_doublings,
        },
    }
    if isinstance(target, PubsubTarget):
        data, attributes = base64.b64decode(target.data), dict(target.attributes)
        if options.attempt_deadline_seconds != Options.attempt_deadline_seconds:  # without effect, and kept
            common["attempt_deadline"] = timedelta(seconds=options.attempt_deadline_seconds)
        pubsub = {"topic_name": target.topic, "data": data, "attributes": attributes}
        return message(f"{_PACKAGE}.Job", pubsub_target=pubsub, **common)
    http: dict[str, Any] = {
        "uri": target.uri,
        "http_method": target.method,
        "headers": dict(target.headers),
        "body": base64.b64decode(target.body),
    }
    if target.token == "oauth":  # noqa: S105  (a kind of token)
        http["oauth_token"] = {"service_account_email": target.token_email, "scope": target.token_for}
    elif target.token == "oidc":  # noqa: S105
        http["oidc_token"] = {"service_account_email": target.token_email, "audience": target.token_for}
    deadline = timedelta(seconds=options.attempt_deadline_seconds)
    return message(f"{_PACKAGE}.Job", http_target=http, attempt_deadline=deadline, **common)


def _options(found: Any, current: Options | None) -> Options:
    if not found.schedule:
        raise InvalidArgument.field("job.schedule", "is missing; write five cron fields, as in '*/3 * * * *'")
    given: dict[str, Any] = {
        "schedule": found.schedule,
        "time_zone": found.time_zone or "Etc/UTC",
        "description": found.description,
        "target": _target(found),
        "retry": _retry(found),
    }
    if found.HasField("attempt_deadline"):
        given["attempt_deadline_seconds"] = fields.seconds(found.attempt_deadline)
    return Options(**given) if current is None else replace(current, **given)


def _target(found: Any) -> PubsubTarget | HttpTarget:
    kind = found.WhichOneof("target")
    if kind == "pubsub_target":
        target = found.pubsub_target
        data = base64.b64encode(target.data).decode()
        return PubsubTarget(topic=target.topic_name, data=data, attributes=dict(target.attributes))
    if kind == "http_target":
        return _http(found.http_target)
    if kind == "app_engine_http_target":
        raise InvalidArgument.field("job.appEngineHttpTarget", "there is no App Engine here; use httpTarget")
    raise InvalidArgument.field("job.target", "is missing; give a pubsubTarget or an httpTarget")


def _http(target: Any) -> HttpTarget:
    field = target.DESCRIPTOR.fields_by_name["http_method"]
    method = field.enum_type.values_by_number[target.http_method].name
    return HttpTarget(
        uri=target.uri,
        method="POST" if method == "HTTP_METHOD_UNSPECIFIED" else method,
        headers=dict(target.headers),
        body=base64.b64encode(target.body).decode(),
        **_token(target),
    )


def _token(target: Any) -> dict[str, str]:
    """Read what a call is authorised with; scope and audience have Google's defaults."""
    kind = target.WhichOneof("authorization_header")
    if kind == "oauth_token":
        found = target.oauth_token
        return {"token": "oauth", "token_email": found.service_account_email, "token_for": found.scope or _SCOPE}
    if kind == "oidc_token":
        found = target.oidc_token
        audience = found.audience or target.uri
        return {"token": "oidc", "token_email": found.service_account_email, "token_for": audience}
    return {}


def _retry(found: Any) -> RetryConfig:
    if not found.HasField("retry_config"):
        return RetryConfig()
    config, given = found.retry_config, {}
    if config.HasField("max_retry_duration"):
        given["max_retry_seconds"] = fields.seconds(config.max_retry_duration)
    if config.HasField("min_backoff_duration"):
        given["min_backoff_seconds"] = fields.seconds(config.min_backoff_duration)
    if config.HasField("max_backoff_duration"):
        given["max_backoff_seconds"] = fields.seconds(config.max_backoff_duration)
    doublings = config.max_doublings or RetryConfig().max_doublings
    return RetryConfig(retry_count=config.retry_count, max_doublings=doublings, **given)
