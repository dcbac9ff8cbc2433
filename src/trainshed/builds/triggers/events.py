"""Messages and webhooks that start builds: one receipt for each event, at most one build."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import ledger, names
from trainshed.builds import secret_versions
from trainshed.builds.model import Secret
from trainshed.builds.triggers import payload, rules, store
from trainshed.builds.triggers.model import Trigger
from trainshed.builds.triggers.triggered import Ready, Triggered
from trainshed.clock import Clock, rfc3339
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound, TrainshedError, Unauthenticated
from trainshed.sql import Database

TARGET = "build-trigger:"
MOST_BYTES = 10_000_000  # of a webhook, as of a message
_TRANSIENT = {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL", "UNKNOWN"}


@dataclass(frozen=True, kw_only=True)
class _Event:
    kind: str  # "message" or "webhook"
    stimulus: str
    words: str
    payload: Mapping[str, Any]
    data: Mapping[str, Any]  # what a replay needs
    parent_receipt_id: str = ""


class Events:
    """Takes messages and webhooks for build triggers."""

    def __init__(self, db: Database, clock: Clock, triggered: Triggered, secrets: Path) -> None:
        self._db = db
        self._clock = clock
        self._triggered = triggered
        self._secrets = secrets

    def deliver(self, trigger_id: str, message: ledger.Message) -> bool:
        """Take a message: true once what it asks for is durable, or refused for good; false to get it again."""
        try:
            trigger = self._db.read(lambda conn: store.find_trigger(conn, "", "", trigger_id))
        except NotFound:
            return True
        event = _of_message(message)
        if trigger.is_disabled:
            reason = f"the build trigger {trigger.name} is disabled; enable it, then replay this receipt to build"
            self._settle(trigger, event, "skip", reason)
            return True
        return self._take(trigger, event)[1]

    def receive(self, trigger: Trigger, content: bytes, *, secret: str, delivery: str = "") -> str:
        """Take a posted body for a webhook trigger; answer what became of it. Raises Unauthenticated.

        `delivery` is the sender's own identifier of the post, where it gives one: the same again changes nothing.
        """
        watch = rules.read(trigger.document)
        if not watch.secret:
            raise FailedPrecondition(f"The build trigger {trigger.name!r} has no webhook.", reason="NO_WEBHOOK")
        known = secret_versions.read(self._secrets, Secret(variable="the webhook", version=watch.secret))
        if not known or not hmac.compare_digest(known.encode(), secret.encode()):
            raise Unauthenticated("secret: is not the secret of this trigger's webhook.", reason="WEBHOOK_SECRET_WRONG")
        if len(content) > MOST_BYTES:
            raise InvalidArgument.field("body", f"has {len(content)} bytes; {MOST_BYTES} are allowed")
        if trigger.is_disabled:
            raise FailedPrecondition(f"The build trigger {trigger.name!r} is disabled.", reason="TRIGGER_DISABLED")
        event = _of_body(trigger, content, delivery or f"{rfc3339(self._clock.now())}/{names.short_id()}")
        reason, is_settled = self._take(trigger, event)
        if not is_settled:  # the sender is told, and sends it again
            raise FailedPrecondition(reason, reason="WEBHOOK_FAILED")
        return reason

    def replay(self, receipt: ledger.Receipt) -> str:
        """Take the webhook of a receipt again; answer what was done. Raises NotFound."""
        event = _of_receipt(receipt)

        def reopened(conn: Connection) -> Trigger:
            found = store.named(conn, receipt.trigger)
            if receipt.state != "PENDING":
                now = self._clock.now()
                ledger.settle(conn, receipt.receipt_id, "reopen", now=now, reason="replayed")
            return found

        return self._take(self._db.write(reopened), event)[0]

    def _take(self, trigger: Trigger, event: _Event) -> tuple[str, bool]:
        """Answer what became of an event, and whether that is final."""
        try:
            ref, sha = self._triggered.commit_of(trigger)
            if reason := self._triggered.refusal(trigger, ref, sha, event.payload):
                return self._settle(trigger, event, "skip", reason), True
            ready = self._triggered.check(trigger, ref=ref, sha=sha, event=event.payload)
        except TrainshedError as error:
            is_final = error.code not in _TRANSIENT and error.reason != "GIT_FAILED"
            return self._settle(trigger, event, "refuse" if is_final else "fail", error.message), is_final
        return self._settle(trigger, event, "start", ready=ready), True

    def _settle(
        self, trigger: Trigger, event: _Event, transition: str, reason: str = "", ready: Ready | None = None
    ) -> str:
        """Write an event's receipt, and the build that it starts; answer what the receipt says."""

        def verb(conn: Connection) -> str:
            now = self._clock.now()
            receipt, _ = ledger.open_receipt(
                conn,
                trigger=trigger.resource,
                kind=event.kind,
                stimulus=event.stimulus,
                now=now,
                parent_id=event.parent_receipt_id,
                data=event.data,
            )
            receipt_id, link = receipt.receipt_id, receipt.link
            if receipt.has_begun:
                said = f"this event has been taken before: {receipt.reason}"
                ledger.record_delivery(conn, receipt_id, now=now, outcome="joined", reason=said, link=link)
                return said
            said, link = self._start(conn, event, ready) if ready is not None else (reason, "")
            ledger.conclude(conn, receipt_id, transition, now=now, reason=said, link=link)
            return said

        return self._db.write(verb)

    def _start(self, conn: Connection, event: _Event, ready: Ready) -> tuple[str, str]:
        """Store the build; answer why it was started, and its name."""
        made = self._triggered.create_in(conn, ready)
        waits = ", which waits for approval" if made.approval else ""
        return f"started {ready.words} because of {event.words}{waits}", made.name


def _of_message(message: ledger.Message) -> _Event:
    return _Event(
        kind="message",
        stimulus=message.stimulus,
        words=f"message {message.message_id} of {names.short(message.topic)}",
        payload=payload.of_message(
            message.data, message.attributes, message.message_id, message.publish_time, message.subscription
        ),
        data=message.as_data(),
        parent_receipt_id=message.parent_receipt_id,
    )


def _of_body(trigger: Trigger, content: bytes, delivery: str) -> _Event:
    return _Event(
        kind="webhook",
        stimulus=f"webhook/{trigger.trigger_id}/{delivery}",
        words="a webhook",
        payload=payload.of_body(content),
        data={"body": base64.b64encode(content).decode(), "delivery": delivery},
    )


def _of_receipt(receipt: ledger.Receipt) -> _Event:
    content = base64.b64decode(str(receipt.data["body"]))
    return _Event(
        kind=receipt.kind,
        stimulus=receipt.stimulus,
        words="a webhook, replayed",
        payload=payload.of_body(content),
        data=receipt.data,
    )
