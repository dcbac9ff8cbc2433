"""Messages, schedules, receipts and functions: what starts things, and what became of it."""

import base64
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from large_store.numbers import PARENT, PROJECT, Calendar, letters, moment, pick, share
from large_store.of_runs import RUN_TRIGGERS, SCHEDULES, Started, schedule_name
from large_store.scale import Scale
from large_store.sheets import Sheets, text
from trainshed import functions, schedules
from trainshed.functions import store as of_functions
from trainshed.functions.metrics import Minute
from trainshed.functions.model import Ended
from trainshed.functions.store_minutes import function_minutes
from trainshed.ledger import store as ledger
from trainshed.runs import store_triggers
from trainshed.schedules import of_runs as run_schedules
from trainshed.schedules import store as of_schedules
from trainshed.schedules.model import options_document as schedule_document
from trainshed.schedules.of_runs import store as of_run_schedules
from trainshed.schedules.of_runs.model import options_document as run_schedule_document
from trainshed.topics import tables
from trainshed.topics.model import Kind, Options, TopicOptions
from trainshed.topics.model import options_document as subscription_document

TOPICS = tuple(f"projects/{PROJECT}/topics/{name}" for name in ("train", *(f"feed-{n:03}" for n in range(199))))
FUNCTIONS = tuple(f"{PARENT}/functions/{name}" for name in ("start-training", "resize", "notify", "score", "archive"))
BUILD_TRIGGERS = tuple(f"{PARENT}/triggers/on-push-{number:02}" for number in range(20))
_WEEK = 5 * 86_400.0  # messages are kept for seven days
_BIG = 5  # subscriptions of the first topic
_FIRINGS = 0.6  # of the receipts
_BUSY, _EACH = 6, 20  # the schedule that has every twentieth firing; others have none
_BECAME = (("STARTED", 0.70), ("SKIPPED", 0.15), ("JOINED", 0.08), ("FAILED", 0.05), ("REFUSED", 0.02))
_DELIVERED = (("ACKED", 0.75), ("PENDING", 0.20), ("DEAD_LETTERED", 0.05))
_INVOKED = (("OK", 0.95), ("CRASH", 0.03), ("TIMEOUT", 0.01), ("OUT_OF_MEMORY", 0.01))
_REASONS = {
    "STARTED": "published message {} to train", "SKIPPED": "nothing that it watches was touched",
    "JOINED": "joined the run that the first delivery started", "FAILED": "the function crashed: KeyError: 'epochs'",
    "REFUSED": "the topic is gone",
}  # fmt: skip
_SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/gcf-start-training"
_BODY = b'{"num_epochs": "3", "learning_rate": "1e-2"}'


def write(connection: sqlite3.Connection, scale: Scale, calendar: Calendar, started: Sequence[Started]) -> None:
    """Write everything that starts things."""
    sheets = Sheets(connection)
    _messages(sheets, scale, calendar)
    _schedules(sheets, scale, calendar)
    _run_schedules(sheets, calendar)
    _receipts(sheets, scale, calendar, started)
    _functions(sheets, scale, calendar, started)
    _run_triggers(sheets, calendar)
    sheets.flush()


def _messages(sheets: Sheets, scale: Scale, calendar: Calendar) -> None:
    subscriptions = _topics(sheets, calendar)
    messages = sheets.of(tables.messages_table, "id", "topic", "publish_time", "retain_until", data=_BODY,
                         attributes={"eventType": "OBJECT_FINALIZE"})  # fmt: skip
    deliveries = sheets.of(tables.deliveries_table, "message_id", "subscription_id", "attempt", "due_time", "state")
    for number in range(1, scale.messages + 1):
        place = 0 if number % 2 else number // 2 % len(TOPICS)
        published = calendar.end - _WEEK * (1 - number / (scale.messages + 1))
        messages.add(
            number, TOPICS[place], moment(published), moment(calendar.next_month) if number % 50 == 0 else None
        )
        for subscription in subscriptions[place]:
            state = pick(_DELIVERED, number, subscription)
            due = published if state == "PENDING" else calendar.next_month
            deliveries.add(number, subscription, 0 if state == "PENDING" else 1, moment(due), state)
    sheets.of(tables.sequence_table, "last").add(scale.messages)


def _topics(sheets: Sheets, calendar: Calendar) -> dict[int, list[int]]:
    topic = sheets.of(tables.topics_table, "name", options=asdict(TopicOptions()), create_time=moment(calendar.start))
    # Nobody pulls; what is pending stays so, for good.
    options = subscription_document(Options(retention_seconds=31 * 86_400.0))
    subscription = sheets.of(
        tables.subscriptions_table, "id", "name", "topic", kind=str(Kind.PULL), routing=int(tables.Routing.PLAIN),
        options=options, create_time=moment(calendar.start), active_time=moment(calendar.end),
    )  # fmt: skip
    found: dict[int, list[int]] = {}
    last = 0
    for place, name in enumerate(TOPICS):
        topic.add(name)
        for number in range(_BIG if place == 0 else 1):
            last += 1
            subscription.add(last, f"projects/{PROJECT}/subscriptions/{name.rpartition('/')[2]}-{number}", name)
            found.setdefault(place, []).append(last)
    return found


def _schedules(sheets: Sheets, scale: Scale, calendar: Calendar) -> None:
    schedule = sheets.of(
        of_schedules.schedules_table, "name", "options", "next_due_time", "last_due_time", "last_attempt_time", "state",
        status_code="", status_message="", user_update_time=moment(calendar.start), create_time=moment(calendar.start),
    )  # fmt: skip
    firing = sheets.of(of_schedules.firings_table, "schedule", "schedule_time", "receipt_id", "attempt_time",
                       "create_time", "state", "end_time", attempt=1)  # fmt: skip
    for number in range(scale.schedules):
        cron = f"{number % 60} {number % 24} 1 * *"
        target = schedules.PubsubTarget(topic=TOPICS[number % len(TOPICS)], data=base64.b64encode(_BODY).decode())
        options = schedule_document(schedules.Options(schedule=cron, time_zone="Europe/Berlin", target=target))
        last = calendar.end - 86_400 * share(number)
        state = "PAUSED" if number % 20 == 0 else "ENABLED"
        name = schedule_name(number)
        schedule.add(name, text(options), moment(calendar.next_month), moment(last), moment(last), state)
        for turn in range(5):
            when = moment(last - 86_400 * turn)
            firing.add(name, when, letters(number * 5 + turn, 90), when, when, "SUCCEEDED", when)


def _run_schedules(sheets: Sheets, calendar: Calendar) -> None:
    sheet = sheets.of(
        of_run_schedules.table, "name", "options", "state", "next_run_time", "wake_time", "last_run_time", "create_time",
        request={"parent": PARENT, "pipelineJob": {"displayName": "nightly"}}, started_run_count=400,
        update_time=moment(calendar.end),
    )  # fmt: skip
    for number, name in enumerate(SCHEDULES):
        options = run_schedules.Options(display_name=f"nightly-{number}", cron=f"{number} 3 1 * *")
        later = moment(calendar.next_month)
        state = "PAUSED" if number % 7 == 0 else "ACTIVE"
        made = moment(calendar.start + number)
        sheet.add(name, text(run_schedule_document(options)), state, later, later, moment(calendar.end - 3600), made)


def _receipts(sheets: Sheets, scale: Scale, calendar: Calendar, started: Sequence[Started]) -> None:
    sheet = sheets.of(ledger.receipts, "id", "trigger", "kind", "stimulus", "reason", "link", "parent_id", "data",
                      "create_time", "update_time", "state")  # fmt: skip
    delivery = sheets.of(ledger.receipt_deliveries, "receipt_id", "number", "time", "outcome", "reason", "link")
    fired = int(scale.receipts * _FIRINGS)
    for number in range(fired):
        _firing(sheet, calendar, number, fired, scale.schedules)
    for found in started:
        when = moment(found.seconds)
        trigger = FUNCTIONS[0] if found.kind == "message" else found.trigger
        parent = letters(_before(found, calendar, fired, scale.schedules), 60) if found.kind == "message" else None
        stimulus = f"{_SUBSCRIPTION}#{found.receipt_id}"
        reason = f"started run {found.run.rpartition('/')[2]}"
        sheet.add(
            found.receipt_id,
            trigger,
            found.kind,
            stimulus,
            reason,
            found.run,
            parent,
            _data(when),
            when,
            when,
            "STARTED",
        )
        delivery.add(found.receipt_id, 1, when, "started", reason, found.run)
    rest = scale.receipts - fired - len(started)
    for number in range(max(0, rest)):
        _event(sheet, delivery, calendar, number, rest)


def _before(found: Started, calendar: Calendar, fired: int, schedules_there: int) -> int:
    """Answer the last firing before a run of the schedule that stands at its beginning."""
    now = int((found.seconds - calendar.start) / (calendar.end - calendar.start) * fired)
    return max(0, now - now % schedules_there - schedules_there) + found.place


def _firing(sheet: Any, calendar: Calendar, number: int, many: int, schedules_there: int) -> None:
    due = calendar.place(number, many)
    state = pick(_BECAME, number, 1)
    link = TOPICS[number % len(TOPICS)] if state == "STARTED" else ""
    stimulus = datetime.fromtimestamp(due, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    place = _BUSY if number % _EACH == _BUSY else number % schedules_there
    trigger, when = schedule_name(place), moment(due)
    reason = _REASONS[state].format(number)
    sheet.add(letters(number, 60), trigger, "firing", stimulus, reason, link, None, "{}", when, when, state)


def _event(sheet: Any, delivery: Any, calendar: Calendar, number: int, many: int) -> None:
    state, receipt_id = pick(_BECAME, number, 2), letters(number, 70)
    when = moment(calendar.place(number, many))
    if number % 10 == 0:
        trigger, kind = BUILD_TRIGGERS[number // 10 % len(BUILD_TRIGGERS)], "commit"
        stimulus, data = f"https://localhost/repo@refs/heads/main@{number:040x}", text({"sha": f"{number:040x}"})
    else:
        trigger, kind = FUNCTIONS[int(share(number) ** 3 * len(FUNCTIONS))], "message"
        stimulus, data = f"{_SUBSCRIPTION}#{number}", _data(when)
    reason = _REASONS[state].format(number)
    sheet.add(receipt_id, trigger, kind, stimulus, reason, "", None, data, when, when, state)
    delivery.add(receipt_id, 1, when, state.lower(), reason, "")


def _data(when: str) -> str:
    message = {"subscription": _SUBSCRIPTION, "messageId": "1", "publishTime": when, "topic": TOPICS[0]}
    return text({**message, "data": base64.b64encode(_BODY).decode(), "attributes": {}})


def _functions(sheets: Sheets, scale: Scale, calendar: Calendar, started: Sequence[Started]) -> None:
    configuration = functions.Configuration(entry_point="start", topic=TOPICS[0]).as_json()
    made = moment(calendar.start)
    function = sheets.of(of_functions.functions, "name", version=3, requested=configuration, create_time=made,
                         update_time=made, state="ACTIVE")  # fmt: skip
    version = sheets.of(of_functions.function_versions, "function", "number", source="fccc05d3d21a8ea4" * 4,
                        environment="4a7414e486958fdf90a50c6e7e892541", python="/usr/bin/python3", signature="event",
                        configuration=configuration, deploy_time=made)  # fmt: skip
    for name in FUNCTIONS:
        function.add(name)
        for number in (1, 2, 3):
            version.add(name, number)
    invocation = sheets.of(of_functions.function_invocations, "id", "function", "version", "receipt_id", "attempt",
                           "instance", "start_time", "duration_seconds", "memory_bytes", "error", "state", "end_time",
                           kind="message", stimulus="")  # fmt: skip
    minutes: dict[tuple[str, int, int], Minute] = {}
    for number in range(scale.invocations):
        begin, name = _called(calendar, number, scale.invocations), FUNCTIONS[int(share(number) ** 3 * len(FUNCTIONS))]
        state, lasts = pick(_INVOKED, number, 3), 0.05 + 2 * share(number, 4) ** 4
        memory, version, instance = (
            int((120 + 60 * share(number, 6)) * (1 << 20)),
            1 + number % 3,
            f"instance-{number % 4}",
        )
        receipt = started[number % len(started)].receipt_id if started else ""
        error = "" if state == "OK" else "Traceback (most recent call last):\nKeyError: 'epochs'"
        invocation.add(letters(number, 80), name, version, receipt, 1, instance, moment(begin), lasts, memory, error, state,
                       moment(begin + lasts))  # fmt: skip
        key = (name, int((begin + lasts) // 60), version)
        known = minutes.get(key) or Minute(start_time=datetime.fromtimestamp(key[1] * 60, UTC), version=version)
        ended = Ended(transition="return" if state == "OK" else "crash", duration_seconds=lasts, memory_bytes=memory)
        minutes[key] = known.having(instance).with_call(ended)
    _minutes(sheets, minutes)


def _minutes(sheets: Sheets, minutes: Mapping[tuple[str, int, int], Minute]) -> None:
    sheet = sheets.of(function_minutes, "function", "start_time", "version", "ok", "crash", "millis", "mebibytes",
                      "instances")  # fmt: skip
    for (name, minute, version), found in minutes.items():
        sheet.add(name, moment(minute * 60.0), version, found.ok, found.crash, text(dict(found.millis)),
                  text(dict(found.mebibytes)), text(list(found.instances)))  # fmt: skip


def _called(calendar: Calendar, number: int, many: int) -> float:
    """Let half of the calls be of the last day, as where a service has just become popular."""
    half = many // 2
    if number < half:
        return calendar.place(number, half)
    return calendar.end - 86_400 * (many - number) / (many - half + 1)


def _run_triggers(sheets: Sheets, calendar: Calendar) -> None:
    sheet = sheets.of(store_triggers.triggers, "name", project=PROJECT, location="us-central1", topic=TOPICS[1], bucket="",
                      spec_uri="gs://local-project-models/spec.json", subscription="", create_time=moment(calendar.start))  # fmt: skip
    for name in RUN_TRIGGERS:
        sheet.add(name)
