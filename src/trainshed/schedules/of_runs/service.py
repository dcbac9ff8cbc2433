"""The verbs of schedules of runs: one transaction each."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from trainshed import ledger, names
from trainshed.clock import Clock, parse_rfc3339
from trainshed.errors import OUTAGES, FailedPrecondition, NotFound, StaleState, TrainshedError
from trainshed.lineage import Wanted
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

    What came due more than a minute before anybody was there to look was missed, unless the schedule queues or catches
    up. Whoever is busy, or kept from the store, is there. With `is_virtual` only what came due before this service
    started can be missed: a jump of a virtual clock is no outage.
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
        self._is_virtual = is_virtual
        self._looked_time = clock.now()  # when the last look ended
        self._horizon = self._looked_time - _LATE  # what came due before it was missed
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
        while True:
            found = self.get(name)
            options, request = change(found)
            policy.check(options, request, name.rsplit("/", 2)[0])
            self._ports.prepare(request, name)
            made = self.db.write(partial(self._update_in, found=found, options=options, request=request))
            if made is not None:
                return made

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

    def list(self, parent: str, wanted: Wanted) -> tuple[list[RunSchedule], str]:
        """Read a page of the schedules of a place, and the token of the next page. Raises InvalidArgument."""
        names.parse(policy.PARENT, parent, field="parent")
        found = self.db.read(lambda conn: store.listing(conn, parent))
        return listing.SCHEDULES.page(found, wanted, listing.facts_of)

    def search(
        self,
        parent: str,
        *,
        text: str = "",
        state: str = "",
        before: tuple[datetime, str] | None = None,
        limit: int = 100,
    ) -> Sequence[RunSchedule]:
        """Read schedules of a place, newest first, of those whose name holds a text, or that are in a state.

        What they start is left out.
        """
        read = partial(store.search, text=text, state=state, before=before, limit=limit)
        return self.db.read(lambda conn: read(conn, parent))

    def titles(self, names: Collection[str]) -> dict[str, str]:
        """Answer what schedules are called, of those that there are."""
        return self.db.read(lambda conn: store.titles(conn, names)) if names else {}

    def run(self, name: str) -> RunSchedule:
        """Start a run now, whatever the cron says; it has a receipt of its own, and no limit holds it up.

        Raises NotFound.
        """
        while True:
            found = self.get(name)
            prepared = self._prepared(found)
            made = self.db.write(partial(self._run_in, found=found, prepared=prepared))
            if made is not None:
                return made

    def in_state(self, state: str, *, limit: int) -> Sequence[RunSchedule]:
        """Read schedules in a state, those that are looked at next first, without what they start."""
        return self.db.read(lambda conn: store.in_state(conn, state, limit=limit))

    def fire_due(self) -> bool:
        """Start what is due, some of it; answer whether there is more."""
        now = self.clock.now()
        if not self._is_virtual and now - self._looked_time > _LATE:  # nobody was there: the machine slept
            self._horizon = now - _LATE
        try:
            return self._fire_all(partial(store.due, now=now, limit=_SCHEDULES_AT_ONCE)) or self._fire_all(self._ready)
        finally:
            self._looked_time = self.clock.now()

    def next_wake(self) -> datetime | None:
        """Answer when something is due next."""
        return self.db.read(store.next_wake)

    def refire(self, receipt_id: str) -> None:
        """Start the run of a receipt again, or join the one that it had started. Raises FailedPrecondition, NotFound."""
        receipt = self.db.read(lambda conn: ledger.get_receipt(conn, receipt_id))
        times = _TIME.findall(receipt.stimulus)
        if len(times) != 1:
            raise FailedPrecondition(
                f"Receipt {receipt_id} stands for several due times, which cannot be sent again as one.",
                reason="RECEIPT_OF_SEVERAL",
            )
        time, is_done = parse_rfc3339(times[0]), False
        while not is_done:
            found = self.get(receipt.trigger)
            prepared = self._ports.prepare(found.request, found.name)
            is_done = self.db.write(
                partial(self._refire_in, found=found, time=time, receipt_id=receipt_id, prepared=prepared)
            )

    def _prepared(self, schedule: RunSchedule) -> Any:
        """Answer what can be started, or the error that every start ends with."""
        try:
            return self._ports.prepare(schedule.request, schedule.name)
        except OUTAGES:
            raise
        except TrainshedError as error:
            return error

    def _run_in(self, conn: Connection, *, found: RunSchedule, prepared: Any) -> RunSchedule | None:
        """Answer None where the schedule was changed since it was read: what is prepared is not what it starts."""
        now, current = self.clock.now(), store.get(conn, found.name)
        if current.request != found.request:
            return None
        receipt_id = firing.force(conn, current, now=now)
        response, is_new = firing.start(conn, current, now, receipt_id, self._ports, prepared, now=now)
        count = current.started_run_count + is_new
        store.note(conn, current.name, started_run_count=count, last_run_time=now, last_response=response)
        notify(conn, CHANGED)
        return store.get(conn, current.name)

    def _refire_in(
        self, conn: Connection, *, found: RunSchedule, time: datetime, receipt_id: str, prepared: Any
    ) -> bool:
        """Answer False where the schedule was changed since it was read: what is prepared is not what it starts."""
        now, current = self.clock.now(), store.get(conn, found.name)
        if current.request != found.request:
            return False
        if ledger.get_receipt(conn, receipt_id).state != "PENDING":
            ledger.settle(conn, receipt_id, "reopen", now=now, reason="replayed")
        _, is_new = firing.start(conn, current, time, receipt_id, self._ports, prepared, now=now)
        store.note(conn, current.name, started_run_count=current.started_run_count + is_new)
        return True

    def _update_in(
        self, conn: Connection, *, found: RunSchedule, options: Options, request: Mapping[str, Any]
    ) -> RunSchedule | None:
        """Answer None where the schedule was changed since it was read: the wanted change is one of something else."""
        now, current = self.clock.now(), store.get(conn, found.name)
        if (current.options, current.request) != (found.options, found.request):
            return None
        transition = "update_paused" if current.state == "PAUSED" else "update"
        values = {"options": options_document(options), "request": dict(request), "update_time": now}
        self._restart(conn, current, options, transition, reason=policy.CHANGED, now=now, **values)
        return store.get(conn, current.name)

    def _ready(self, conn: Connection) -> Sequence[RunSchedule]:
        """Read schedules that waited for runs to end and may start one now."""
        found = (
            name
            for name, options in store.waiting(conn)
            if policy.room_of(options, self._ports.count_active(conn, name)) > 0
        )
        return [store.get(conn, name) for name in islice(found, _SCHEDULES_AT_ONCE)]

    def _fire_all(self, read: Callable[[Connection], Sequence[RunSchedule]]) -> bool:
        """Start what is due of the schedules that are read; answer whether there may be more."""
        found = self.db.read(read)
        more = [self._fire(schedule) for schedule in found]
        return any(more) or len(found) == _SCHEDULES_AT_ONCE

    def _fire(self, schedule: RunSchedule) -> bool:
        prepared = self._prepared(schedule)
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
        due = policy.sort_due(schedule, active=active, horizon=self._horizon, now=now, limit=_RUNS_AT_ONCE)
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
