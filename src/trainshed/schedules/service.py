"""The verbs of schedules: one transaction each."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from trainshed import ledger, names
from trainshed.clock import Clock, parse_rfc3339, rfc3339
from trainshed.errors import AlreadyExists, FailedPrecondition, NotFound, StaleState
from trainshed.schedules import firing, policy, store
from trainshed.schedules.lifecycle import FIRING, SCHEDULE
from trainshed.schedules.model import Firing, Options, PubsubTarget, Schedule, options_document
from trainshed.sql import Database, fire, notify

_PAGE = 500
_SCHEDULES_AT_ONCE = 500
_FIRINGS_AT_ONCE = 4000
_PREVIEWED = 10
_MOST_PREVIEWED = 10_000
_KEPT = timedelta(days=7)
LATE_SECONDS = 60.0
_TIME = re.compile(r"\d{4}-[^/]*Z")  # in a stimulus: a due time, forced/TIME/ID, or FIRST/LAST
_AGGREGATED = re.compile(r"Z/\d{4}-")


class Service:
    """Schedules and their firings.

    A due time at most `late_seconds` ago fires; what is older was missed, and the catch-up policy decides. With None
    only what came due before this service started can be missed: under a virtual clock a jump is not an outage.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        publish: firing.Publish,
        is_busy: firing.IsBusy = lambda _conn, _receipt_id: False,
        late_seconds: float | None = LATE_SECONDS,
        near: Callable[[str], str] = lambda _uri: "",
    ) -> None:
        self.db = db
        self.clock = clock
        self._ports = firing.Ports(publish=publish, is_busy=is_busy)
        self._late_seconds = late_seconds
        self._near = near  # address of this server for a URL that is answered here; empty for all others
        self._start_time = clock.now()

    def create(self, name: str, options: Options) -> Schedule:
        """Make a schedule; its first due time lies after now. Raises AlreadyExists."""
        self._check(name, options)

        def verb(conn: Connection) -> Schedule:
            now, last = self.clock.now(), _last_due(conn, name)
            due = options.cron.next_due(max(now, last or now))
            if not store.insert_schedule(conn, name, options, next_due=due, last_due=last, now=now):
                raise AlreadyExists(f"There is a schedule {name!r} already; `update` changes it.")
            notify(conn, firing.CHANGED)
            return store.get_schedule(conn, name)

        return self.db.write(verb)

    def update(self, name: str, change: Callable[[Options], Options]) -> Schedule:
        """Change a schedule from now on: what was due before fires as it was. Raises NotFound."""

        def verb(conn: Connection) -> Schedule:
            now, found = self.clock.now(), self._caught_up(conn, name)
            options = self._check(name, change(found.options))
            transition = "update_paused" if found.state == "PAUSED" else "update"
            due = options.cron.next_due(max(now, found.last_due_time or now))
            self._transit(conn, name, transition, options=options, next_due_time=due, user_update_time=now)
            return store.get_schedule(conn, name)

        return self.db.write(verb)

    def pause(self, name: str) -> Schedule:
        """Stop firing. Raises NotFound, FailedPrecondition."""

        def verb(conn: Connection) -> Schedule:
            self._caught_up(conn, name)
            self._transit(conn, name, "pause", next_due_time=None)
            return store.get_schedule(conn, name)

        return self.db.write(verb)

    def resume(self, name: str) -> Schedule:
        """Fire again, from the next due time on; what came due meanwhile was not expected. Raises NotFound."""

        def verb(conn: Connection) -> Schedule:
            found, now = store.get_schedule(conn, name), self.clock.now()
            if found.state != "ENABLED":
                due = found.options.cron.next_due(max(now, found.last_due_time or now))
                self._transit(conn, name, "resume", next_due_time=due)
            return store.get_schedule(conn, name)

        return self.db.write(verb)

    def delete(self, name: str) -> None:
        """Remove a schedule; its receipts and history stay. Raises NotFound."""

        def verb(conn: Connection) -> None:
            self._caught_up(conn, name)
            now = self.clock.now()
            for state in FIRING.open_states:
                for unfinished in store.firings(conn, state, schedule=name):
                    fire(conn, store.firings_table, FIRING, {"id": unfinished.firing_id}, "cancel", now=now)
                    ledger.settle(conn, unfinished.receipt_id, "skip", now=now, reason="the schedule was deleted")
            store.delete_schedule(conn, name, now=now)

        self.db.write(verb)

    def run(self, name: str) -> Schedule:
        """Fire now, whatever the cron says; it has a receipt of its own. Raises NotFound."""

        def verb(conn: Connection) -> Schedule:
            found, now = store.get_schedule(conn, name), self.clock.now()
            stimulus = f"forced/{rfc3339(now)}/{names.short_id()}"
            receipt_id = firing.open_firing(conn, found, now, "PENDING", now=now, stimulus=stimulus)
            self._attempt(conn, found, receipt_id, now)
            return store.get_schedule(conn, name)

        return self.db.write(verb)

    def refire(self, receipt_id: str) -> None:
        """Fire once more under the receipt of an earlier firing. Raises NotFound, FailedPrecondition."""

        def verb(conn: Connection) -> None:
            receipt, now = ledger.get_receipt(conn, receipt_id), self.clock.now()
            found = store.get_schedule(conn, receipt.trigger)
            if _AGGREGATED.search(receipt.stimulus):
                raise FailedPrecondition(
                    f"Receipt {receipt_id} stands for many missed due times; "
                    "`trainshed scheduler jobs run` fires once, now."
                )
            ledger.settle(conn, receipt_id, "reopen", now=now, reason="replayed")
            time = parse_rfc3339(_TIME.findall(receipt.stimulus)[0])
            firing.reopen_firing(conn, found.name, time, receipt_id, "PENDING", now=now)
            self._attempt(conn, found, receipt_id, now)

        self.db.write(verb)

    def get(self, name: str) -> Schedule:
        """Read a schedule. Raises NotFound."""
        names.parse(policy.JOB, name)
        return self.db.read(lambda conn: store.get_schedule(conn, name))

    def list_schedules(self, parent: str, *, page_size: int = 0, page_token: str = "") -> tuple[list[Schedule], str]:
        """Read a page of the schedules of `projects/P/locations/L`, and the token of the next page."""
        names.parse("projects/{project}/locations/{location}", parent, field="parent")

        def read(after: str, limit: int) -> list[Schedule]:
            return self.db.read(partial(store.list_schedules, prefix=f"{parent}/jobs/", after=after, limit=limit))

        return names.page(read, lambda schedule: schedule.name, size=page_size, token=page_token, start="", most=_PAGE)

    def search(
        self, parent: str, *, text: str = "", state: str = "", after: str = "", limit: int = _PAGE
    ) -> list[Schedule]:
        """Read schedules by name, after a name, of those whose name holds a text, or that are in a state."""
        read = partial(store.search_schedules, text=text, state=state, after=after, limit=limit)
        return self.db.read(lambda conn: read(conn, f"{parent}/jobs/"))

    def in_state(self, state: str, *, limit: int) -> list[Schedule]:
        """Read schedules in a state, those that are due next first."""
        return self.db.read(lambda conn: store.in_state(conn, state, limit=limit))

    def preview(self, name: str, *, until: datetime | None = None) -> tuple[Schedule, list[datetime]]:
        """Answer the next due times, ten or up to `until`, as if the schedule were enabled. Raises NotFound."""
        found = self.get(name)
        limit = _PREVIEWED if until is None else _MOST_PREVIEWED
        after = max(self.clock.now(), found.last_due_time or self.clock.now())
        return found, found.options.cron.preview(after, until=until, limit=limit)

    def abandon(self) -> int:
        """At start: take back the calls that the last server had under way; they are made again."""
        return self.db.write(lambda conn: store.abandon_running(conn, now=self.clock.now()))

    def fire_due(self) -> bool:
        """Fire what is due, one transaction's worth; answer whether more is."""

        def verb(conn: Connection) -> bool:
            now = self.clock.now()
            due = store.due_schedules(conn, now=now, limit=_SCHEDULES_AT_ONCE)
            if not due:
                return False
            more = self._fire(conn, due, now=now, limit=_FIRINGS_AT_ONCE)
            return more or len(due) == _SCHEDULES_AT_ONCE

        upcoming = self.db.read(store.next_due)
        return upcoming is not None and upcoming <= self.clock.now() and self.db.write(verb)

    def take_attempts(self) -> list[tuple[Schedule, Firing]]:
        """Admit what waited, make due attempts to publish, and start the due calls, which the caller makes."""

        def verb(conn: Connection) -> list[tuple[Schedule, Firing]]:
            now = self.clock.now()
            self._admit_waiting(conn, now)
            calls: list[tuple[Schedule, Firing]] = []
            for due in store.firings(conn, "PENDING", until=now):
                found = store.get_schedule(conn, due.schedule)
                if isinstance(found.options.target, PubsubTarget):
                    firing.attempt_publish(conn, found, due, self._ports, now=now)
                else:
                    started = store.count_attempt(conn, due)
                    key = {"id": due.firing_id}
                    fire(conn, store.firings_table, FIRING, key, "start", now=now, attempt=started.attempt)
                    calls.append((found, started))
            return calls

        idle = self.db.read(partial(store.is_idle, now=self.clock.now()))
        return [] if idle else self.db.write(verb)

    def ended(self, call: Firing, *, code: str, message: str) -> None:
        """Write how a call ended; a report about a firing that moved on is dropped."""

        def verb(conn: Connection) -> None:
            try:
                found = store.get_schedule(conn, call.schedule)
                firing.ended(conn, found, call, code=code, message=message, now=self.clock.now())
            except (StaleState, NotFound):
                return

        self.db.write(verb)

    def next_wake(self) -> datetime | None:
        """Answer when something is due next."""
        return self.db.read(store.next_due)

    def clean(self) -> int:
        """Forget firings that ended a week ago; answer how many."""
        return self.db.write(lambda conn: store.forget_firings(conn, before=self.clock.now() - _KEPT))

    def _check(self, name: str, options: Options) -> Options:
        policy.check(name, options)
        policy.check_oauth(options.target, self._near)
        return options

    def _fire(self, conn: Connection, due: list[Schedule], *, now: datetime, limit: int) -> bool:
        if self._late_seconds is None:
            horizon = self._start_time - timedelta(seconds=LATE_SECONDS)
        else:
            horizon = now - timedelta(seconds=self._late_seconds)
        return firing.fire_due(conn, due, self._ports, horizon=horizon, now=now, limit=limit)

    def _caught_up(self, conn: Connection, name: str) -> Schedule:
        """Read a schedule after firing what is due of it, so that a change cannot swallow a due time."""
        found = store.get_schedule(conn, name)
        while found.state == "ENABLED" and found.next_due_time and found.next_due_time <= self.clock.now():
            self._fire(conn, [found], now=self.clock.now(), limit=_FIRINGS_AT_ONCE)
            found = store.get_schedule(conn, name)
        return found

    def _attempt(self, conn: Connection, schedule: Schedule, receipt_id: str, now: datetime) -> None:
        """Make the attempt of a firing to a topic at once; one to an endpoint is left to the duty."""
        if isinstance(schedule.options.target, PubsubTarget):
            mine = [f for f in store.firings(conn, "PENDING", schedule=schedule.name) if f.receipt_id == receipt_id]
            for due in mine:
                firing.attempt_publish(conn, schedule, due, self._ports, now=now)

    def _admit_waiting(self, conn: Connection, now: datetime) -> None:
        for waiting in store.firings(conn, "WAITING"):
            found = store.get_schedule(conn, waiting.schedule)
            states = store.open_firings(conn, [found.name])[found.name]
            is_busy = found.options.overlap != "default" and self._ports.is_busy(conn, found.last_receipt_id)
            if not states & {"PENDING", "RUNNING"} and not is_busy:
                key = {"id": waiting.firing_id}
                fire(conn, store.firings_table, FIRING, key, "admit", now=now, attempt_time=now)

    def _transit(self, conn: Connection, name: str, transition: str, **values: Any) -> None:
        if isinstance(options := values.get("options"), Options):
            values["options"] = options_document(options)
        try:
            fire(conn, store.schedules_table, SCHEDULE, {"name": name}, transition, now=self.clock.now(), **values)
        except StaleState as error:
            state = store.get_schedule(conn, name).state
            raise FailedPrecondition(f"Schedule {name} is {state}; it cannot {transition} now.") from error
        notify(conn, firing.CHANGED)


def _last_due(conn: Connection, name: str) -> datetime | None:
    """Answer the last due time that a former schedule of this name has a receipt for."""
    latest = ledger.latest_stimulus(conn, name, below="a")  # forced firings begin with a letter
    return parse_rfc3339(latest.rpartition("/")[2]) if latest else None
