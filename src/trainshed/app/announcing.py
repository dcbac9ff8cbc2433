"""Telling others how builds and runs go: Cloud Build's own topic, CloudEvents on ours, a signed webhook.

What is to be told is written in the transaction that changes the state, and published in the one that removes it; the
topics deliver it, again and again until it is taken. Topics that are not there are told nothing, as at Google.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import builds, ledger, names, runs, secret_files, topics, webhook
from trainshed.api.descriptors import to_json
from trainshed.api.services.builds_json import build_message
from trainshed.api.services.pipelines_json import job_json
from trainshed.app.ports import Feeds
from trainshed.builds.triggers.webhooks import signature
from trainshed.clock import Clock, rfc3339
from trainshed.duty import off_loop
from trainshed.errors import FailedPrecondition, NotFound, TrainshedError
from trainshed.sql import append

log = logging.getLogger(__name__)
BUILDS_TOPIC = "cloud-builds"
EVENTS_TOPIC = "trainshed-events"
SECRET = "event-webhook"  # noqa: S105  (its name)
_TARGET = "event-webhook:"
_SUBSCRIPTION = "trainshed-event-webhook"
_STRUCTURED = "application/cloudevents+json; charset=UTF-8"
_PATIENCE_SECONDS = 30.0


def note_build(clock: Clock) -> builds.Announce:
    """Answer what a build's transactions write of its new state."""

    def note(conn: Connection, build: builds.Build) -> None:
        now = clock.now()
        payload = {"id": names.uid(), "build": build.build_id, "state": build.state, "time": rfc3339(now)}
        append(conn, "build.changed", payload, now=now)

    return note


class Announcements:
    """Publishes what was noted, and posts it where that is wanted."""

    def __init__(
        self,
        clock: Clock,
        messages: topics.Service,
        feeds: Feeds,
        found: builds.Service,
        all_runs: runs.Service,
        *,
        address: Callable[[], str],
        url: str,
        secrets: Path,
        reached: Callable[[str], None] = lambda _point: None,
    ) -> None:
        self._clock = clock
        self._topics = messages
        self._feeds = feeds
        self._builds = found
        self._runs = all_runs
        self._address = address
        self._url = url
        self._secrets = secrets
        self._reached = reached  # for tests that die there

    def on_build(self, conn: Connection, payload: Mapping[str, Any]) -> None:
        """Handle `build.changed`: Cloud Build's message of each state, and our event when the build has ended."""
        now_is = self._builds.get_in(conn, payload["build"])
        build = _as_it_was(now_is, payload["state"])
        document = to_json(build_message(build, address=self._address()))
        receipt = ledger.find_receipt(conn, link=build.name)
        parent = receipt.receipt_id if receipt else ""
        topic = (build.resolved.get("options") or {}).get("pubsubTopic") or _topic(build.project, BUILDS_TOPIC)
        attributes = {"buildId": build.build_id, "status": build.state}
        self._publish(conn, topic, json.dumps(document).encode(), attributes, parent)
        if build.is_final:
            event = self._event(payload, "trainshed.build.ended", build.name, build.state, document)
            self._tell(conn, build.project, event, parent)

    def on_run(self, conn: Connection, payload: Mapping[str, Any]) -> None:
        """Handle `run.ended`: our event, with what the run gave."""
        try:
            run = self._runs.get_in(conn, payload["run"])
        except NotFound:  # deleted in the meantime
            return
        receipt = ledger.find_receipt(conn, link=run.name)
        document = {**job_json(run), "state": payload["state"], "outputs": run.outputs or {}}
        event = self._event(payload, "trainshed.run.ended", run.name, payload["state"], document)
        self._tell(conn, run.name.split("/")[1], event, receipt.receipt_id if receipt else "")

    async def deliver(self, _name: str, delivery: topics.Delivery) -> bool:
        """Post an event; false for the topic to send it again later."""
        if not self._url:
            return True
        identifier = _identifier(delivery)
        if not (identifier.isascii() and identifier.isprintable()):  # never to be sent, however often it comes
            log.warning(
                "Message %s on %s is not posted: its ce-id is more than printable ASCII.",
                delivery.message_id,
                delivery.topic,
                extra={"action": "event_not_posted", **delivery.log_context()},
            )
            return True
        try:
            headers = await off_loop(self._headers, delivery)
            status = await webhook.send(
                self._url, headers=headers, body=delivery.data, timeout_seconds=_PATIENCE_SECONDS
            )
        except TrainshedError as error:
            log.warning("The event webhook cannot be posted: %s", error.message, extra={"action": "event_not_posted"})
            return False
        if not 200 <= status < 300:  # noqa: PLR2004  (HTTP's successes)
            log.warning("The event webhook answered %s.", status, extra={"action": "event_not_posted"})
            return False
        return True

    def _headers(self, delivery: topics.Delivery) -> dict[str, str]:
        identifier, stamp = _identifier(delivery), str(int(self._clock.now().timestamp()))
        headers = {"Content-Type": _STRUCTURED, "webhook-id": identifier, "webhook-timestamp": stamp}
        path = secret_files.path_of(self._secrets, SECRET)
        if path is not None and path.exists():
            secret = secret_files.read(self._secrets, SECRET, field=SECRET, reader="the event webhook")
            if not secret:
                raise FailedPrecondition(f"{SECRET}: {path} is empty; write the secret that signs into it")
            headers["webhook-signature"] = signature(secret, identifier, stamp, delivery.data)
        return headers

    def _event(
        self, payload: Mapping[str, Any], kind: str, subject: str, state: str, document: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": payload["id"],
            "source": f"//trainshed/{subject.rpartition('/')[0]}",
            "type": kind,
            "subject": subject,
            "time": payload["time"],
            "datacontenttype": "application/json",
            "state": state,
            "data": document,
        }

    def _tell(self, conn: Connection, project: str, event: Mapping[str, Any], parent: str) -> None:
        topic = _topic(project, EVENTS_TOPIC)
        if self._url:
            subscription = f"projects/{project}/subscriptions/{_SUBSCRIPTION}"
            self._feeds.attach(conn, subscription=subscription, topic=topic, target=_TARGET, retry=True)
        attributes = {f"ce-{key}": str(event[key]) for key in ("id", "type", "source", "subject", "state")}
        data = json.dumps(event, default=str).encode()
        self._publish(conn, topic, data, {"content-type": _STRUCTURED, **attributes}, parent)

    def _publish(self, conn: Connection, topic: str, data: bytes, attributes: Mapping[str, str], parent: str) -> None:
        message = topics.PubsubMessage(data=data, attributes=dict(attributes), parent_receipt_id=parent)
        try:
            self._topics.publish_in(conn, topic, [message])
        except NotFound:
            log.debug("Nobody listens on %s.", topic)
        self._reached(f"published to {names.short(topic)}")


def _identifier(delivery: topics.Delivery) -> str:
    """Answer what an event is called; anybody may publish on the topic, and without an id of theirs it has ours."""
    return delivery.attributes.get("ce-id") or delivery.message_id


def _as_it_was(build: builds.Build, state: str) -> builds.Build:
    """Answer a build as it was in a state that it may have left since."""
    if state in {"PENDING", "QUEUED"}:
        return replace(build, state=state, start_time=None, end_time=None, results={}, timing={}, failure={})
    if state == "WORKING":
        return replace(build, state=state, end_time=None, results={}, failure={}, status_detail="")
    return replace(build, state=state)


def _topic(project: str, name: str) -> str:
    return f"projects/{project}/topics/{name}"
