"""Forms of schedules: make one, change one. What they send is Google's own request."""

import json

from trainshed import topics
from trainshed.clock import rfc3339
from trainshed.dashboard.page import Action, Field, Form
from trainshed.dashboard.triggers import messages, offered
from trainshed.schedules import Fold, Gap, HttpTarget, Overlap, PubsubTarget, Schedule
from trainshed.schedules.of_runs import RunSchedule

_CRON = "Five fields: minute, hour, day of month, month, day of week."
_ZONE = "A name of the IANA database, such as Europe/Berlin."
_OF_OTHERS = "Overlap, catch-up, daylight saving: what Google's Job has no field for"


def new_job(parent: str, service: topics.Service) -> Form:
    """Create a schedule that publishes a message."""
    prefix, project = f"{parent}/jobs/", "/".join(parent.split("/")[:2])
    return Form(
        id="new-schedule",
        heading="Create a schedule that publishes a message",
        is_folded=True,
        fields=(
            Field(name="name", label="Name", prefix=prefix, is_required=True, help="Letters, digits, '-' and '_'."),
            Field(name="schedule", label="Cron", value="*/3 * * * *", is_required=True, help=_CRON),
            Field(name="timeZone", label="Time zone", value="Etc/UTC", is_required=True, help=_ZONE),
            offered.topic("pubsubTarget.topicName", "Topic", project, service),
            Field(name="pubsubTarget.data", label="Message", value="{}", type="bytes"),
            Field(
                name="pubsubTarget.attributes", label="Attributes", type="json", help='A JSON object: {"key": "value"}.'
            ),
            Field(name="description", label="Description"),
        ),
        action=Action(label="Create schedule", path=f"/v1/{parent}/jobs", then="/schedules/{name}"),
    )


def new_of_runs(parent: str) -> Form:
    """Create a schedule of runs of a compiled pipeline in a bucket."""
    job = "createPipelineJobRequest.pipelineJob"
    return Form(
        id="new-schedule-of-runs",
        heading="Create a schedule of runs",
        is_folded=True,
        fields=(
            Field(name="displayName", label="Name", is_required=True),
            Field(name="cron", label="Cron", value="TZ=Etc/UTC 0 * * * *", is_required=True, help=f"{_CRON} Before them TZ=, and {_small(_ZONE)}"),
            Field(name=f"{job}.templateUri", label="Compiled pipeline", is_required=True, help="Its address: gs://BUCKET/pipeline.json."),
            Field(name=f"{job}.runtimeConfig.gcsOutputDirectory", label="Output folder", help="gs://BUCKET/FOLDER"),
            Field(name=f"{job}.runtimeConfig.parameterValues", label="Parameters", type="json", help="A JSON object."),
            Field(name="maxRunCount", label="At most so many runs", type="integer", help="Empty: no limit."),
        ),
        action=Action(
            label="Create schedule of runs",
            path=f"/v1/{parent}/schedules",
            body={"maxConcurrentRunCount": 1, "createPipelineJobRequest": {"parent": parent}},
            then="/schedules/{name}",
        ),
    )  # fmt: skip


def edit_job(schedule: Schedule) -> tuple[Form, Form]:
    """Change a schedule: Google's fields, and ours beside them."""
    options = schedule.options
    fields = [
        Field(name="schedule", label="Cron", value=options.schedule, is_required=True, help=_CRON),
        Field(name="timeZone", label="Time zone", value=options.time_zone, is_required=True, help=_ZONE),
        *(_message(options.target) if isinstance(options.target, PubsubTarget) else _call(options.target)),
        Field(
            name="retryConfig.retryCount",
            label="Retries after a failure",
            value=str(options.retry.retry_count),
            type="integer",
            is_required=True,
            help="0 to 5.",
        ),
        Field(name="description", label="Description", value=options.description),
    ]
    google = Form(
        id="edit",
        heading="Change it, from now on",
        fields=fields,
        action=Action(
            label="Save the schedule", path=f"/v1/{schedule.name}?updateMask={_mask(fields)}", method="PATCH"
        ),
    )
    return google, _edit_policies(schedule)


def edit_of_runs(schedule: RunSchedule) -> Form:
    """Change a schedule of runs."""
    options = schedule.options
    fields = (
        Field(name="displayName", label="Name", value=options.display_name, is_required=True),
        Field(name="cron", label="Cron", value=options.cron, is_required=True, help=f"{_CRON} Before them TZ=, and {_small(_ZONE)}"),
        Field(name="endTime", label="Until", value=rfc3339(options.end_time) if options.end_time else "", help="2026-12-31T00:00:00Z; empty: for ever."),
        Field(name="maxRunCount", label="At most so many runs", value=str(options.max_run_count), type="integer", is_required=True, help="0: no limit."),
        Field(name="maxConcurrentActiveRunCount", label="At work at once", value=str(options.max_concurrent_active_run_count), type="integer", is_required=True, help="0: no limit."),
        Field(name="allowQueueing", label="At that limit a due time waits", value=_word(holds=options.allow_queueing), type="boolean", help="Otherwise it is skipped."),
    )  # fmt: skip
    return Form(
        id="edit",
        heading="Change it, from now on",
        fields=fields,
        action=Action(
            label="Save the schedule", path=f"/v1/{schedule.name}?updateMask={_mask(fields)}", method="PATCH"
        ),
    )


def _edit_policies(schedule: Schedule) -> Form:
    options = schedule.options
    order = f",{options.catch_up.order}" if options.catch_up.limit else ""
    return Form(
        id="policies",
        heading=_OF_OTHERS,
        fields=(
            Field(
                name="overlap",
                label="While the last firing is not done",
                value=str(options.overlap),
                choices=tuple(Overlap),
                help="default: a due time fires as long as no attempt is under way. skip, wait: it is left out, or waits, "
                "while the run that the last one led to goes on.",
            ),
            Field(
                name="catchUp",
                label="Due times to catch up after the server was down",
                value=f"{options.catch_up.limit}{order}",
                is_required=True,
                help="0: none. 5: of those that were missed the newest five fire; 5,oldest: the oldest five.",
            ),
            Field(
                name="daylightSaving",
                label="Daylight saving",
                value=str(options.daylight_saving),
                choices=[f"{gap},{fold}" for gap in Gap for fold in Fold],
                help="In spring, a due time that the clock jumps over: skip it, or run_next, right after the jump. In "
                "autumn, one that comes twice: both fire, or the first_only.",
            ),
        ),
        action=Action(label="Save these policies", path=f"/trainshed/v1/{schedule.name}", method="PATCH"),
    )


def _message(target: PubsubTarget) -> list[Field]:
    fields = [Field(name="pubsubTarget.topicName", label="Topic", value=target.topic, is_required=True)]
    if (text := messages.as_text(messages.decoded(target.data))) is not None:  # else one cannot type it here
        fields.append(Field(name="pubsubTarget.data", label="Message", value=text, type="bytes"))
    attributes = json.dumps(dict(target.attributes), ensure_ascii=False) if target.attributes else ""
    fields.append(Field(name="pubsubTarget.attributes", label="Attributes", value=attributes, type="json"))
    return fields


def _call(target: HttpTarget) -> list[Field]:
    fields = [
        Field(name="httpTarget.uri", label="Address", value=target.uri, is_required=True),
        Field(
            name="httpTarget.httpMethod",
            label="Method",
            value=target.method,
            choices=("POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"),
        ),
    ]
    if (text := messages.as_text(messages.decoded(target.body))) is not None:
        fields.append(Field(name="httpTarget.body", label="Body", value=text, type="bytes"))
    return fields


def _mask(fields: list[Field] | tuple[Field, ...]) -> str:
    return ",".join(field.name for field in fields)


def _small(text: str) -> str:
    return text[0].lower() + text[1:]


def _word(*, holds: bool) -> str:
    return "true" if holds else ""
