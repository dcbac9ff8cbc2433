"""The verbs of schedules of runs: one transaction each."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from trainshed import ledger, names
from trainshed.clock import Clock, parse_rfc3339
from trainshed.errors import OUTAGES, FailedPrecondition, NotFound, StaleState, TrainshedError
from trainshed.schedules.firing import CHANGED
from trainshed.schedules.of_runs import firing, listing, policy, store
from trainshed.schedules.of_runs.firing import Ports
from trainshed.schedules.of_runs.lifecycle import RUN_SCHEDULE
from trainshed.schedules.of_runs.model import Options, RunSchedule, options_document
from trainshed.sql import Database, fire, notify

Change = Callable[[RunSchedule], tuple[Options, Mapping[str, Any]]]
_SCHEDULES_AT_ONCE = 100
_RUNS_AT_ONCE = 50
_LATE = timedelta(seconds=60)
_TIME = re.compile(r"\d{4}-[^/]*Z")


class Service:
    """Schedules of runs.

    What came due more than a minute before anybody looked was missed, unless the schedule queues or catches up. With
    `is_virtual` only what came due before this service started can be missed: a jump of a virtual clock is no outage.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        ports: Ports,
        *,
        is_virtual: bool = False,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.db = db
        self.clock = clock
        self._ports = ports
        self._start_time = clock.now() if is_virtual else None
        self._reached = reached  # for tests: the points at which a server may end

    def create(self, parent: str, options: Options, request: Mapping[str, Any]) -> RunSchedule:
        """Make a schedule; its first run is due after now. Raises InvalidArgument."""
        names.parse(policy.PARENT, parent, field="parent")
        policy.check(options, request, parent)
        name = f"{parent}/schedules/{names.numeric_id()}"
        self._ports.prepare(request, name)

        def verb(conn: Connection) -> RunSchedule:
            now = self.clock.now()
            due = policy.shown(options, policy.first_due(options, now))
            wake = policy.wake_time(options, due)
            store.insert(conn, name, options, request, next_run=due, wake=wake, now=now)
            notify(conn, CHANGED)
            return store.get(conn, name)

        return self.db.write(verb)

    def update(self, name: str, change: Change) -> RunSchedule:
        """Change a schedule from now on: what is due and was not started is skipped. Raises NotFound, InvalidArgument."""
        found = self.get(name)
        options, request = change(found)
        policy.check(options, request, name.rsplit("/", 2)[0])
        self._ports.prepare(request, name)

        def verb(conn: Connection) -> RunSchedule:
            now, current = self.clock.now(), store.get(conn, name)
            transition = "update_paused" if current.state == "PAUSED" else "update"
            values = {"options": options_document(options), "request": dict(request), "update_time": now}
            self._restart(conn, current, options, transition, reason=policy.CHANGED, now=now, **values)
            return store.get(conn, name)

        return self.db.write(verb)

    def pause(self, name: str) -> RunSchedule:
        """Start no more runs. Raises NotFound, FailedPrecondition."""

        def verb(conn: Connection) -> RunSchedule:
            now = self.clock.now()
            self._transit(conn, name, "pause", now=now, update_time=now, last_pause_time=now)
            return store.get(conn, name)

        return self.db.write(verb)

    def resume(self, name: str, *, catch_up: bool = False) -> RunSchedule:
        """Start runs again; with `catch_up` what came due meanwhile first. Raises NotFound, FailedPrecondition."""

        def verb(conn: Connection) -> RunSchedule:
            now, current = self.clock.now(), store.get(conn, name)
            values = {"update_time": now, "last_resume_time": now, "catch_up": catch_up}
            if catch_up:
                self._transit(conn, name, "resume", now=now, **values)
            else:
                self._restart(conn, current, current.options, "resume", reason=policy.PAUSED, now=now, **values)
            return store.get(conn, name)

        return self.db.write(verb)

    def delete(self, name: str) -> None:
        """Forget a schedule; its runs and receipts stay. Raises NotFound."""

        def verb(conn: Connection) -> None:
            store.get(conn, name)
            store.remove(conn, name, now=self.clock.now())

        names.parse(policy.NAME, name)
        self.db.write(verb)

    def get(self, name: str) -> RunSchedule:
        """Read a schedule. Raises NotFound."""
        names.parse(policy.NAME, name)
        return self.db.read(lambda conn: store.get(conn, name))

    def list(self, parent: str, wanted: listing.Wanted) -> tuple[list[RunSchedule], str]:
        """Read a page of the schedules of a place, and the token of the next page. Raises InvalidArgument."""
        names.parse(policy.PARENT, parent, field="parent")
        return listing.page(self.db.read(lambda conn: store.listing(conn, parent)), wanted)

    def fire_due(self) -> bool:
        """Start what is due, some of it; answer whether there is more."""
        now = self.clock.now()
        found = self.db.read(lambda conn: store.due(conn, now=now, limit=_SCHEDULES_AT_ONCE))
        more = [self._fire(schedule) for schedule in found]
        return any(more)

    def next_wake(self) -> datetime | None:
        """Answer when something is due next."""
        return self.db.read(store.next_wake)

    def refire(self, receipt_id: str) -> None:
        """Start the run of a receipt again, or join the one that it had started. Raises FailedPrecondition, NotFound."""
        receipt = self.db.read(lambda conn: ledger.get_receipt(conn, receipt_id))
        schedule, times = self.get(receipt.trigger), _TIME.findall(receipt.stimulus)
        if len(times) != 1:
            raise FailedPrecondition(
                f"Receipt {receipt_id} stands for several due times, which cannot be sent again as one.",
                reason="RECEIPT_OF_SEVERAL",
            )
        prepared = self._ports.prepare(schedule.request, schedule.name)

        def verb(conn: Connection) -> None:
            now = self.clock.now()
            if ledger.get_receipt(conn, receipt_id).state != "PENDING":
                ledger.settle(conn, receipt_id, "reopen", now=now, reason="replayed")
            _, is_new = firing.start(
                conn, schedule, parse_rfc3339(times[0]), receipt_id, self._ports, prepared, now=now
            )
            store.note(conn, schedule.name, started_run_count=schedule.started_run_count + is_new)

        self.db.write(verb)

    def _fire(self, schedule: RunSchedule) -> bool:
        prepared: Any
        try:
            prepared = self._ports.prepare(schedule.request, schedule.name)
        except OUTAGES:
            raise
        except TrainshedError as error:
            prepared = error
        self._reached("before_start")
        try:
            more = self.db.write(lambda conn: self._fire_in(conn, schedule, prepared))
        except OUTAGES:
            raise
        except TrainshedError as error:
            failure = error
            more = self.db.write(lambda conn: self._fire_in(conn, schedule, failure))
        self._reached("after_start")
        return more

    def _fire_in(self, conn: Connection, read: RunSchedule, prepared: Any) -> bool:
        now = self.clock.now()
        try:
            schedule = store.get(conn, read.name)
        except NotFound:
            return False
        if schedule.state != "ACTIVE":
            return False
        if schedule.request != read.request:
            return True
        active = self._ports.count_active(conn, schedule.name)
        horizon = (self._start_time or now) - _LATE
        due = policy.sort_due(schedule, active=active, horizon=horizon, now=now, limit=_RUNS_AT_ONCE)
        if due.is_behind and not due.start and schedule.is_behind:
            return False
        firing.carry_out(conn, schedule, due, self._ports, prepared, now=now)
        return due.is_more

    def _restart(
        self,
        conn: Connection,
        current: RunSchedule,
        wanted: Options,
        transition: str,
        *,
        reason: str,
        now: datetime,
        **values: Any,
    ) -> None:
        """Go on from the next due time after now; what lies before it is skipped."""
        due = policy.shown(wanted, policy.first_due(wanted, now))
        times = {"next_run_time": due, "wake_time": policy.wake_time(wanted, due), "is_behind": False}
        self._transit(conn, current.name, transition, now=now, **times, **values)
        if transition != "update_paused":
            firing.skip(conn, current, policy.stimuli(policy.undecided(current, now), reason), now=now)

    def _transit(self, conn: Connection, name: str, transition: str, *, now: datetime, **values: Any) -> None:
        try:
            fire(conn, store.table, RUN_SCHEDULE, {"name": name}, transition, now=now, **values)
        except StaleState as error:
            state = store.get(conn, name).state
            verb = transition.partition("_")[0]
            raise FailedPrecondition(f"Schedule {name} is {state}; it cannot {verb} now.") from error
        notify(conn, CHANGED)
