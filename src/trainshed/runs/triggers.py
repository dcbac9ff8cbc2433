"""Run triggers: a message, or a new object, starts a run directly; each event has its receipt."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from trainshed import ir, ledger, names
from trainshed.blobs import FINALIZE, check_bucket, parse_uri
from trainshed.errors import AlreadyExists, InvalidArgument, NotFound, TrainshedError
from trainshed.ledger import Cause, Message, Receipt
from trainshed.runs import fixed, store_triggers
from trainshed.runs.model import PARENT, NewRun, Trigger
from trainshed.runs.request import Prepared
from trainshed.runs.service import Service

log = logging.getLogger(__name__)
TARGET = "run-trigger:"
TOPIC = "projects/{project}/topics/{topic}"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,62}", re.ASCII)
_OUTCOMES = {"skip": "skipped", "refuse": "refused", "fail": "failed"}  # of a delivery, by what settles its receipt
_UNDECIDED = {"PENDING", "FAILED", "REFUSED"}  # states of receipts that a delivery may settle once more
_TRANSIENT = {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL", "UNKNOWN"}


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What triggers need of other features, given by `app`; all inside the caller's transaction."""

    subscribe: Callable[[Connection, str, str, str], None]  # subscription, topic, target
    unsubscribe: Callable[[Connection, str], None]
    watch: Callable[[Connection, str, str], None]  # bucket, topic: make the topic, notify it of the bucket's changes
    unwatch: Callable[[Connection, str, str], None]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A parameter of a run that a trigger starts."""

    name: str
    type: str  # as the pipeline has it
    by: str  # what gives it a value; empty: nothing
    fixed: Any = None  # value of the trigger
    value: Any = None  # of the pipeline itself


class Triggers:
    """Make, list, change, delete triggers; take what reaches them."""

    def __init__(self, service: Service, ports: Ports) -> None:
        self._service = service
        self._ports = ports

    def create(
        self,
        name: str,
        parent: str,
        *,
        spec_uri: str,
        topic: str = "",
        bucket: str = "",
        parameters: Mapping[str, Any] | None = None,
    ) -> Trigger:
        """Start a run of `spec_uri` for every message of a topic, or every new object of a bucket.

        `parameters` are values of each of these runs, where the event gives no others.

        Raises InvalidArgument, AlreadyExists, NotFound.
        """
        place = names.parse(PARENT, parent, field="parent")
        if not _NAME.fullmatch(name):
            wrong = f"{name!r} is not a name" if name else "is needed"
            raise InvalidArgument.field("name", f"{wrong}: letters, digits, '-', '_' and '.', 63 at most")
        project = place["project"]
        made = Trigger(
            name=name,
            project=project,
            location=place["location"],
            topic="",
            bucket="",
            spec_uri="",
            subscription=f"projects/{project}/subscriptions/trainshed-trigger-{name}",
            create_time=self._service.clock.now(),
            parameters=dict(parameters or {}),
        )
        made = _starting(made, spec_uri, topic=topic, bucket=bucket)
        self._check_fixed(made)
        self._service.db.write(lambda conn: self._create(conn, made))
        return made

    def change(
        self,
        name: str,
        *,
        spec_uri: str = "",
        topic: str = "",
        bucket: str = "",
        parameters: Mapping[str, Any] | None = None,
    ) -> Trigger:
        """Change what a trigger starts, or what starts it; what is empty stays, and fixed values unless others are given.

        Its receipts stay. Raises NotFound, InvalidArgument.
        """

        def wanted(found: Trigger) -> Trigger:
            old = {"topic": "" if found.bucket else found.topic, "bucket": found.bucket}
            source = {"topic": topic, "bucket": bucket} if topic or bucket else old
            values = found.parameters if parameters is None else dict(parameters)
            return _starting(replace(found, parameters=values), spec_uri or found.spec_uri, **source)

        def verb(conn: Connection) -> Trigger:
            found = store_triggers.get(conn, name)
            changed = wanted(found)
            store_triggers.change(conn, changed)
            if changed.topic != found.topic or changed.bucket != found.bucket:
                self._disconnect(conn, found)
                self._connect(conn, changed)
            return changed

        self._check_fixed(wanted(self.get(name)))  # reading what it starts takes too long for a transaction
        return self._service.db.write(verb)

    def takes(self, trigger: Trigger) -> Sequence[Taken]:
        """Say of each parameter of what a trigger starts what gives it a value.

        Raises what reading it raises, and InvalidArgument for fixed values that it cannot take.
        """
        template = self._service.read_template(trigger.spec_uri)
        values = _fixed(trigger, template.plan)
        return [
            _taken(name, definition, template.parameters, values, is_of_object=bool(trigger.bucket))
            for name, definition in template.plan.parameters.items()
        ]

    def fixable(self, spec_uri: str, *, is_of_object: bool) -> Mapping[str, ir.ParameterDefinition]:
        """Read for which parameters of a compiled pipeline a trigger can fix values. Raises what reading it raises."""
        takes = self._service.read_template(spec_uri).plan.parameters
        return {name: found for name, found in takes.items() if not (is_of_object and name in fixed.OF_OBJECT)}

    def problem(self, trigger: Trigger) -> str:
        """Say why a trigger can start nothing now: its pipeline cannot be read, takes no such value, or lacks one.

        Empty where it can.
        """
        try:
            lacking = [taken.name for taken in self.takes(trigger) if not taken.by]
        except TrainshedError as error:
            return error.message
        if not lacking:
            return ""
        known = ", ".join(fixed.OF_OBJECT)
        return (
            f"No object gives the pipeline its parameter {', '.join(lacking)}: it is told {known} alone. Fix it in the trigger "
            f"(trainshed pipelines triggers update {trigger.name} --parameter {lacking[0]}=…), give it a default in the "
            "pipeline, or let messages start it."
        )

    def get(self, name: str) -> Trigger:
        """Read a trigger. Raises NotFound."""
        return self._service.db.read(lambda conn: store_triggers.get(conn, name))

    def page(self, *, limit: int, after: str = "") -> tuple[Sequence[Trigger], bool]:
        """Read triggers by name, after a name, and whether there are more."""
        found = self._service.db.read(lambda conn: store_triggers.page(conn, after=after, limit=limit + 1))
        return found[:limit], len(found) > limit

    def list(self) -> list[Trigger]:
        """Read all triggers."""
        return self._service.db.read(store_triggers.page)

    def delete(self, name: str) -> None:
        """Remove a trigger. Raises NotFound."""

        def verb(conn: Connection) -> None:
            self._disconnect(conn, store_triggers.get(conn, name))
            store_triggers.remove(conn, name)

        self._service.db.write(verb)

    def switch(self, name: str, *, is_disabled: bool) -> Trigger:
        """Disable a trigger, or enable it again. A disabled one takes events and starts nothing. Raises NotFound."""

        def verb(conn: Connection) -> Trigger:
            store_triggers.get(conn, name)
            store_triggers.set_disabled(conn, name, is_disabled=is_disabled)
            return store_triggers.get(conn, name)

        return self._service.db.write(verb)

    def deliver(self, name: str, message: Message) -> bool:
        """Take a message: true once what it asks for is durable, or is refused for good; false to get it again."""
        try:
            trigger = self._service.db.read(lambda conn: store_triggers.get(conn, name))
        except NotFound:
            return True
        if trigger.bucket and message.attributes.get("eventType", FINALIZE) != FINALIZE:
            return True
        if trigger.is_disabled:
            self._start_nothing(trigger, message, "skip", _disabled(trigger))
            return True
        try:
            prepared = self._prepare(trigger, message)
        except TrainshedError as error:
            may_pass = error.code in _TRANSIENT
            self._start_nothing(trigger, message, "fail" if may_pass else "refuse", error.message)
            return not may_pass
        try:
            self._service.db.write(lambda conn: self._start(conn, trigger, message, prepared))
        except TrainshedError as error:
            log.warning(
                "Trigger %s could not start a run: %s", name, error, extra={"action": "trigger_failed", "trigger": name}
            )
            self._start_nothing(trigger, message, "fail", error.message)
            return False
        return True

    def _check_fixed(self, trigger: Trigger) -> None:
        """Raise InvalidArgument for fixed values that do not fit what a trigger starts, if that can be read by now."""
        if not trigger.parameters:
            return
        try:
            plan = self._service.read_template(trigger.spec_uri).plan
        except TrainshedError:  # `problem` says so of the trigger, which may be there before its pipeline
            return
        fixed.typed(trigger.parameters, plan, is_of_object=bool(trigger.bucket))

    def _create(self, conn: Connection, trigger: Trigger) -> None:
        if not store_triggers.insert(conn, trigger):
            raise AlreadyExists(f"There is a run trigger {trigger.name!r} already.").at("name")
        self._connect(conn, trigger)

    def _connect(self, conn: Connection, trigger: Trigger) -> None:
        field = "bucket" if trigger.bucket else "topic"
        try:
            if trigger.bucket:
                self._ports.watch(conn, trigger.bucket, trigger.topic)
            self._ports.subscribe(conn, trigger.subscription, trigger.topic, TARGET + trigger.name)
        except (InvalidArgument, NotFound) as error:
            raise error.at(field) from error

    def _disconnect(self, conn: Connection, trigger: Trigger) -> None:
        self._ports.unsubscribe(conn, trigger.subscription)
        if trigger.bucket:
            self._ports.unwatch(conn, trigger.bucket, trigger.topic)

    def _prepare(self, trigger: Trigger, message: Message) -> Prepared:
        try:
            template = self._service.read_template(trigger.spec_uri)
        except NotFound as error:
            raise FileMissing(
                f"The template {trigger.spec_uri} does not exist; upload it and replay this receipt."
            ) from error
        values = _fixed(trigger, template.plan)
        given = _object_parameters(message, template.plan) if trigger.bucket else ir.parse_message(message.data)
        new = NewRun(
            parent=f"projects/{trigger.project}/locations/{trigger.location}",
            spec=template.spec,
            parameters={**values, **given},  # the event is stronger
            template_uri=trigger.spec_uri,
        )
        return self._service.prepare(new, template)

    def _start(self, conn: Connection, trigger: Trigger, message: Message, prepared: Prepared) -> None:
        now = self._service.clock.now()
        receipt = self._receipt(conn, trigger, message)
        cause = Cause(key=message.stimulus, kind=receipt.kind, receipt_id="", time=message.publish_time)
        run, is_new = self._service.create_in(conn, prepared, cause, receipt_id=receipt.receipt_id)
        outcome = "started" if is_new else "joined"
        reason = f"{outcome} run {names.short(run.name)}"
        if not receipt.has_begun and not is_new:
            because = f"{reason}, which this event had started before"
            ledger.settle(conn, receipt.receipt_id, "join", now=now, reason=because, link=run.name)
        ledger.record_delivery(conn, receipt.receipt_id, now=now, outcome=outcome, reason=reason, link=run.name)

    def _start_nothing(self, trigger: Trigger, message: Message, why: str, reason: str) -> None:
        """Write down that a message starts no run, and `why`: skip, refuse or fail, as the ledger's transitions are called.

        A receipt whose event did start something, or was skipped, stays as it is; the delivery is written in any case.
        """

        def verb(conn: Connection) -> None:
            now = self._service.clock.now()
            receipt = self._receipt(conn, trigger, message)
            if receipt.state in _UNDECIDED:
                ledger.settle(conn, receipt.receipt_id, why, now=now, reason=reason)
            ledger.record_delivery(conn, receipt.receipt_id, now=now, outcome=_OUTCOMES[why], reason=reason)

        self._service.db.write(verb)

    def _receipt(self, conn: Connection, trigger: Trigger, message: Message) -> Receipt:
        receipt, _ = ledger.open_receipt(
            conn,
            trigger=trigger.resource,
            kind="object" if trigger.bucket else "message",
            stimulus=message.stimulus,
            now=self._service.clock.now(),
            parent_id=message.parent_receipt_id,
            data=message.as_data(),
        )
        return receipt


class FileMissing(InvalidArgument):
    """The template of a trigger does not exist."""

    reason = "TEMPLATE_MISSING"


def _starting(trigger: Trigger, spec_uri: str, *, topic: str, bucket: str) -> Trigger:
    """Answer a trigger that starts a spec for a topic's messages, or a bucket's new objects. Raises InvalidArgument."""
    if bool(topic) == bool(bucket):
        raise InvalidArgument.field("topic", "give either a topic or a bucket")
    _, name = parse_uri(spec_uri, field="spec")
    if not name:
        raise InvalidArgument.field("spec", f"{spec_uri!r} names a bucket and no compiled pipeline in it")
    if topic:
        names.parse(TOPIC, topic, field="topic")
    else:
        bucket = check_bucket(bucket.removeprefix("gs://").rstrip("/"))
        topic = f"projects/{trigger.project}/topics/trainshed-trigger-{trigger.name}"
    return replace(trigger, spec_uri=spec_uri, topic=topic, bucket=bucket)


class FixedUnfit(InvalidArgument):
    """A fixed value of a trigger is none that its pipeline takes."""

    reason = "PARAMETERS_INVALID"


def _fixed(trigger: Trigger, plan: ir.Plan) -> dict[str, Any]:
    """Answer the fixed values of a trigger as its pipeline takes them now. Raises FixedUnfit."""
    try:
        return fixed.typed(trigger.parameters, plan, is_of_object=bool(trigger.bucket))
    except InvalidArgument as error:
        way = f"change them: trainshed pipelines triggers update {trigger.name} --parameter …"
        raise FixedUnfit(f"Fixed values of the run trigger do not fit its pipeline; {way}. {error.message}") from error


def _disabled(trigger: Trigger) -> str:
    return f"the run trigger {trigger.name} is disabled; enable it, then replay this receipt to start the run"


def _object_parameters(message: Message, plan: ir.Plan) -> dict[str, Any]:
    """Give a run what it asks for by name of the object that started it."""
    bucket, name = message.attributes.get("bucketId", ""), message.attributes.get("objectId", "")
    known = (bucket, name, f"gs://{bucket}/{name}", message.attributes.get("objectGeneration", ""))
    return {key: value for key, value in zip(fixed.OF_OBJECT, known, strict=True) if key in plan.parameters}


def _taken(
    name: str, found: ir.ParameterDefinition, given: Mapping[str, Any], values: Mapping[str, Any], *, is_of_object: bool
) -> Taken:
    """Say what gives a parameter a value: its event first, then the trigger (`values`), then the pipeline (`given`)."""
    if is_of_object and name in fixed.OF_OBJECT:
        return Taken(name=name, type=found.type, by="the object")
    may_be_absent = name in given or found.default is not ir.ABSENT or found.is_optional
    by = [] if is_of_object else ["the message"]
    if name in values:
        by.append("the trigger")
    elif may_be_absent:
        by.append("the pipeline")
    return Taken(
        name=name,
        type=found.type,
        by=", or ".join(by),
        fixed=values.get(name),
        value=given.get(name, None if found.default is ir.ABSENT else found.default),
    )
