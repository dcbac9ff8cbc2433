"""Schedules of runs on a real store: each due time starts one run, or has a receipt that says why it did not."""

import importlib.util
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from receipts import receipts_in

from trainshed import ledger
from trainshed.app.ports import runs_for_schedules
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from trainshed.lineage import Wanted
from trainshed.schedules.of_runs import Options, Ports, Service

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)

PARENT = runs_world.PARENT
REQUEST = {"parent": PARENT, "pipelineJob": {"pipelineSpec": {}}}
HOURLY = Options(display_name="hourly", cron="0 * * * *")
START = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """Schedules over runs that are only counted; a test ends them."""

    def __init__(self, db, clock):
        self.db, self.clock = db, clock
        self.open, self.started, self.prepared, self.fault = set(), [], [], None
        self.requests = []  # of the runs that were started
        self.meanwhile = []  # what happens while one of the next runs is prepared
        self.restart()

    def restart(self, *, is_virtual=False, reached=lambda _: None):
        ports = Ports(prepare=self._prepare, start=self._start, count_active=self._count)
        self.service = Service(self.db, self.clock, ports, is_virtual=is_virtual, reached=reached)

    def _count(self, conn, schedule):
        return sum(key.startswith(f"{schedule}#") for key in self.open)

    def _prepare(self, request, schedule):
        self.prepared.append(schedule)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        if self.fault is not None:
            raise self.fault
        return request

    def _start(self, conn, prepared, cause):
        name = f"{PARENT}/pipelineJobs/run-{len(self.started)}"
        self.started.append(cause.time)
        self.requests.append(prepared)
        self.open.add(cause.key)
        ledger.settle(conn, cause.receipt_id, "start", now=self.clock.now(), reason="started", link=name)
        return name, True

    def create(self, options=HOURLY, **more):
        values = {**vars(options), **more}
        return self.service.create(PARENT, Options(**values), REQUEST)

    def turn(self):
        while self.service.fire_due():
            pass

    def pass_hours(self, hours, *, ends=True):
        for _ in range(hours):
            self.clock.advance(3600)
            self.turn()
            if ends:
                self.open.clear()

    def hours(self):
        return [(time - START) // timedelta(hours=1) for time in self.started]

    def receipts(self, state=None):
        found = self.db.read(receipts_in)
        return [r for r in reversed(found) if state in {None, r.state}]


@pytest.fixture
def world(db, clock):
    return World(db, clock)


def test_each_due_time_starts_one_run_and_has_a_receipt(world):
    made = world.create()

    world.pass_hours(3)

    found = world.service.get(made.name)
    assert world.hours() == [1, 2, 3]
    assert [(r.state, r.stimulus, r.trigger) for r in world.receipts()] == [
        ("STARTED", f"2026-01-01T0{n}:00:00Z", made.name) for n in (1, 2, 3)
    ]
    assert (found.started_run_count, found.next_run_time, found.last_run_time, found.last_response) == (
        3, START + timedelta(hours=4), START + timedelta(hours=3), f"{PARENT}/pipelineJobs/run-2"
    )  # fmt: skip


@pytest.mark.parametrize("prefix", ["TZ", "CRON_TZ"])
def test_a_prefix_names_the_time_zone(world, prefix):
    made = world.create(cron=f"{prefix}=Asia/Kolkata 30 5 * * *")

    assert made.next_run_time == START + timedelta(days=1)


def test_nothing_starts_before_the_start_time_or_after_the_end_time_and_then_it_is_completed(world):
    made = world.create(start_time=START + timedelta(hours=3), end_time=START + timedelta(hours=5, minutes=30))

    world.pass_hours(5)
    before = world.service.get(made.name)
    world.pass_hours(1)
    after = world.service.get(made.name)

    assert world.hours() == [3, 4, 5]
    assert (before.state, before.next_run_time) == ("ACTIVE", None)
    assert after.state == "COMPLETED"


def test_it_is_completed_when_the_number_of_runs_is_reached_and_cannot_go_on(world):
    made = world.create(max_run_count=2)

    world.pass_hours(5)

    assert world.hours() == [1, 2]
    assert world.service.get(made.name).state == "COMPLETED"
    for verb in (world.service.pause, world.service.resume, lambda name: world.service.update(name, unchanged)):
        with pytest.raises(FailedPrecondition, match="is COMPLETED"):
            verb(made.name)


def unchanged(current):
    return current.options, current.request


def test_max_concurrent_run_count_limits_starting_and_not_what_was_started(world):
    world.create(max_concurrent_run_count=1)

    world.pass_hours(3, ends=False)

    assert world.hours() == [1, 2, 3]


def test_without_queueing_what_is_due_at_the_limit_of_active_runs_is_skipped(world):
    world.create(max_concurrent_active_run_count=1)

    world.pass_hours(3, ends=False)
    world.open.clear()
    world.pass_hours(1)

    assert world.hours() == [1, 4]
    assert [r.stimulus[11:13] for r in world.receipts("SKIPPED")] == ["02", "03"]
    assert "1 runs of the schedule had not ended" in world.receipts("SKIPPED")[0].reason


def test_with_queueing_it_waits_until_a_run_has_ended_and_is_behind_meanwhile(world):
    made = world.create(max_concurrent_active_run_count=1, allow_queueing=True)

    world.pass_hours(3, ends=False)
    behind = world.service.get(made.name)
    woken = world.service.next_wake()
    for _ in range(2):
        world.open.clear()
        world.turn()

    assert world.hours() == [1, 2, 3]
    assert (behind.next_run_time, woken) == (START + timedelta(hours=2), None)
    assert world.receipts("SKIPPED") == []
    assert world.service.get(made.name).next_run_time == START + timedelta(hours=4)


def test_schedules_that_wait_for_their_runs_hold_up_no_others_and_cost_no_turns(world, monkeypatch):
    monkeypatch.setattr("trainshed.schedules.of_runs.service._SCHEDULES_AT_ONCE", 2)
    waiting = [world.create(max_concurrent_active_run_count=1, allow_queueing=True).name for _ in range(5)]
    world.pass_hours(2, ends=False)
    other = world.create().name
    world.started.clear()
    world.prepared.clear()

    world.pass_hours(3, ends=False)

    assert world.hours() == [3, 4, 5]
    assert world.prepared == [other] * 3
    assert world.service.next_wake() == START + timedelta(hours=6)

    world.started.clear()
    world.open.clear()
    world.turn()

    assert world.hours() == [2] * 5
    assert {world.service.get(name).started_run_count for name in waiting} == {2}


def test_one_turn_starts_all_that_is_due(world, monkeypatch):
    monkeypatch.setattr("trainshed.schedules.of_runs.service._SCHEDULES_AT_ONCE", 2)
    for _ in range(5):
        world.create()

    world.pass_hours(1)

    assert world.hours() == [1] * 5


def test_a_queue_is_kept_over_a_time_in_which_the_server_is_down(world):
    world.create(max_concurrent_active_run_count=1, allow_queueing=True)
    world.pass_hours(3, ends=False)

    world.clock.advance(timedelta(hours=10))
    world.restart()
    world.open.clear()
    world.turn()

    assert world.hours() == [1, 2]


@pytest.mark.parametrize(("catch_up", "hours"), [(False, [1, 5]), (True, [1, 2, 3, 4, 5])])
def test_resume_catches_up_when_it_is_asked_to(world, catch_up, hours):
    made = world.create()
    world.pass_hours(1)
    world.service.pause(made.name)
    world.pass_hours(3)

    world.service.resume(made.name, catch_up=catch_up)
    world.turn()
    world.pass_hours(1)

    found = world.service.get(made.name)
    assert world.hours() == hours
    assert (found.catch_up, found.last_pause_time, found.last_resume_time) == (
        catch_up, START + timedelta(hours=1), START + timedelta(hours=4)
    )  # fmt: skip
    assert len(world.receipts("SKIPPED")) == (0 if catch_up else 3)


def test_what_came_due_while_the_server_was_down_is_missed_with_one_receipt_unless_it_catches_up(world):
    made = world.create()
    world.pass_hours(1)

    world.clock.advance(timedelta(days=30))
    world.restart()
    world.turn()
    (missed,) = world.receipts("SKIPPED")
    world.service.pause(made.name)
    world.service.resume(made.name, catch_up=True)
    world.clock.advance(timedelta(hours=2, minutes=10))
    world.turn()

    assert missed.stimulus == "2026-01-01T02:00:00Z/2026-01-31T00:00:00Z"
    assert missed.reason.startswith("719 due times: missed: the server was down")
    assert world.hours()[:2] == [1, 721]
    assert world.hours()[2:] == [722, 723]


def test_nothing_is_missed_while_the_server_is_only_busy(world):
    for _ in range(4):
        world.create()
    world.create(cron="1 1 * * *")  # comes due while the others are prepared
    world.clock.advance(3600)
    world.meanwhile = [lambda: world.clock.advance(50)] * 4

    for _ in range(2):
        world.turn()

    assert [time - START for time in world.started] == [timedelta(hours=1)] * 4 + [timedelta(minutes=61)]
    assert world.receipts("SKIPPED") == []


def test_nothing_is_missed_while_the_server_does_not_reach_its_store(world):
    world.create()
    world.clock.advance(timedelta(minutes=59, seconds=30))
    world.turn()
    world.clock.advance(30)
    world.fault = Unavailable("the store is closed")
    for _ in range(10):
        with pytest.raises(Unavailable):
            world.turn()
        world.clock.advance(30)
    world.fault = None

    world.turn()

    assert world.hours() == [1]
    assert world.receipts("SKIPPED") == []


def test_what_came_due_while_the_machine_slept_is_missed(world):
    world.create()
    world.turn()

    world.clock.advance(timedelta(hours=3))
    world.turn()

    assert world.hours() == [3]
    assert {r.stimulus[11:13] for r in world.receipts("SKIPPED")} == {"01", "02"}


def test_a_year_of_a_virtual_clock_starts_every_run_and_no_jump_is_an_outage(world):
    world.restart(is_virtual=True)
    world.create(cron="TZ=Europe/Berlin 30 2 * * *")

    for _ in range(12):
        world.clock.advance(timedelta(days=31))
        world.turn()

    days = {time.date() for time in world.started}
    assert (len(world.started), len(days)) == (372, 371)  # 02:30 comes twice on one morning, and on one not at all
    assert world.receipts("SKIPPED") == []


def test_an_update_goes_on_from_now_and_skips_what_waited(world):
    made = world.create(max_concurrent_active_run_count=1, allow_queueing=True)
    world.pass_hours(3, ends=False)

    def change(current):
        values = {**vars(current.options), "cron": "0 12 * * *", "display_name": "daily"}
        return Options(**values), current.request

    changed = world.service.update(made.name, change)

    assert (changed.options.display_name, changed.next_run_time) == ("daily", START + timedelta(hours=12))
    assert {r.reason for r in world.receipts("SKIPPED")} == {"the schedule was changed before this run was started"}


def test_a_run_that_cannot_start_has_a_refused_receipt_and_can_be_started_by_a_replay(world):
    made = world.create(max_run_count=1)
    world.fault = InvalidArgument.field("pipelineSpec", "is broken")
    world.pass_hours(1)
    found = world.service.get(made.name)
    (refused,) = world.receipts("REFUSED")

    world.fault = None
    world.service.refire(refused.receipt_id)

    assert (found.state, found.started_run_count, found.last_response) == ("ACTIVE", 0, "pipelineSpec: is broken")
    assert world.hours() == [1]
    assert [r.state for r in world.receipts()] == ["STARTED"]


def test_a_replay_counts_its_run_beside_those_that_are_started_meanwhile(world):
    made = world.create(max_run_count=3)
    world.fault = InvalidArgument.field("pipelineSpec", "is broken")
    world.pass_hours(1)
    world.fault = None
    (refused,) = world.receipts("REFUSED")

    world.meanwhile = [lambda: world.pass_hours(1)]
    world.service.refire(refused.receipt_id)
    world.pass_hours(3)

    found = world.service.get(made.name)
    assert world.hours() == [2, 1, 3]
    assert (found.state, found.started_run_count) == ("COMPLETED", 3)


def test_a_replay_starts_what_the_schedule_has_become_meanwhile(world):
    made = world.create()
    world.fault = InvalidArgument.field("pipelineSpec", "is broken")
    world.pass_hours(1)
    world.fault = None
    (refused,) = world.receipts("REFUSED")
    mended = {**REQUEST, "pipelineJob": {"displayName": "mended", "pipelineSpec": {}}}

    world.meanwhile = [lambda: world.service.update(made.name, lambda found: (found.options, mended))]
    world.service.refire(refused.receipt_id)

    assert world.requests == [mended]


def test_of_two_changes_at_once_none_is_lost(world):
    made = world.create()

    def changed(**values):
        return lambda found: (Options(**{**vars(found.options), **values}), found.request)

    world.meanwhile = [lambda: world.service.update(made.name, changed(display_name="renamed"))]
    world.service.update(made.name, changed(cron="30 * * * *"))

    options = world.service.get(made.name).options
    assert (options.display_name, options.cron) == ("renamed", "30 * * * *")


def test_an_outage_is_no_decision(world):
    world.create()
    world.clock.advance(3600)
    world.fault = Unavailable("the store is closed")

    with pytest.raises(Unavailable):
        world.turn()
    world.fault = None
    world.turn()

    assert world.hours() == [1]


def test_a_deleted_schedule_starts_nothing_and_its_receipts_stay(world):
    made = world.create()
    world.pass_hours(1)

    world.service.delete(made.name)
    world.pass_hours(2)

    assert world.hours() == [1]
    assert len(world.receipts()) == 1
    with pytest.raises(NotFound):
        world.service.get(made.name)


@pytest.mark.parametrize(
    ("changes", "request_changes", "field"),
    [
        ({"cron": "61 * * * *"}, {}, "schedule.cron"),
        ({"cron": "TZ=Nowhere/City 1 * * * *"}, {}, "schedule.cron"),
        ({"display_name": ""}, {}, "schedule.displayName"),
        ({"max_concurrent_run_count": 0}, {}, "schedule.maxConcurrentRunCount"),
        ({"max_run_count": -1}, {}, "schedule.maxRunCount"),
        ({"start_time": START, "end_time": START}, {}, "schedule.endTime"),
        ({}, {"pipelineJobId": "mine"}, "schedule.createPipelineJobRequest.pipelineJobId"),
        ({}, {"parent": "projects/p/locations/elsewhere"}, "schedule.createPipelineJobRequest.parent"),
        ({}, {"parent": "p"}, "schedule.createPipelineJobRequest.parent"),
    ],
)
def test_what_vertex_refuses_is_refused_by_the_name_of_its_field(world, changes, request_changes, field):
    with pytest.raises(InvalidArgument) as raised:
        world.service.create(PARENT, Options(**{**vars(HOURLY), **changes}), {**REQUEST, **request_changes})

    assert raised.value.violations[0].field == field


def test_lists_are_filtered_ordered_and_paged(world):
    for name in ("b", "a", "c"):
        world.create(display_name=name)
        world.clock.advance(1)
    world.service.pause(world.service.list(PARENT, Wanted(filter='display_name="c"'))[0][0].name)

    def listed(**wanted):
        found, token = world.service.list(PARENT, Wanted(**wanted))
        return [s.options.display_name for s in found], token

    first, token = listed(page_size=2)
    assert first + listed(page_size=2, page_token=token)[0] == ["c", "a", "b"]
    assert listed(order_by="displayName")[0] == ["a", "b", "c"]
    assert listed(order_by="create_time desc")[0] == ["c", "a", "b"]
    assert listed(filter="state=PAUSED")[0] == ["c"]
    assert listed(filter='state!="PAUSED" AND createTime>"2026-01-01T00:00:00.500Z"')[0] == ["a"]
    assert len(listed(filter="create_pipeline_job_request:*")[0]) == 3
    with pytest.raises(InvalidArgument, match="'size' is not one of"):
        listed(order_by="size")


class Crash(BaseException):
    pass


@pytest.mark.parametrize("point", ["before_start", "after_start"])
def test_a_server_that_dies_at_a_firing_leaves_one_run_of_it(db, clock, tmp_path, point):
    world = runs_world.World(db, clock, tmp_path)
    ports = runs_for_schedules(world.service)
    spec = json.loads(json.dumps(runs_world.a_spec({"a": {}})))
    request = {"parent": PARENT, "pipelineJob": {"pipelineSpec": spec}}

    def die(reached):
        if reached == point:
            raise Crash

    dying, heir = Service(db, clock, ports, reached=die), Service(db, clock, ports)
    made = dying.create(PARENT, HOURLY, request)
    clock.advance(3600)

    with pytest.raises(Crash):
        dying.fire_due()
    while heir.fire_due():
        pass

    (run,) = world.service.list()[0]
    (receipt,) = db.read(receipts_in)
    found = heir.get(made.name)
    assert (run.schedule_name, run.run_key.startswith(f"{made.name}#2026-01-01T01:00:00Z#")) == (made.name, True)
    assert (receipt.state, receipt.link) == ("STARTED", run.name)
    assert "because of the firing at 2026-01-01 01:00:00 UTC" in receipt.reason
    assert (found.started_run_count, found.last_response) == (1, run.name)
    assert world.service.list(PARENT, filter=f"schedule_name={made.name}")[0] == [run]

    heir.refire(receipt.receipt_id)

    assert world.service.list()[0] == [run]
    assert db.read(receipts_in)[0].state == "JOINED"


def test_a_spec_that_cannot_run_here_is_refused_when_the_schedule_is_made(db, clock, tmp_path):
    world = runs_world.World(db, clock, tmp_path)
    service = Service(db, clock, runs_for_schedules(world.service))

    with pytest.raises(InvalidArgument):
        service.create(PARENT, HOURLY, {"parent": PARENT, "pipelineJob": {"pipelineSpec": {"schemaVersion": "2.1.0"}}})


def test_a_run_by_hand_has_a_receipt_of_its_own_and_leaves_the_cron_alone(world):
    made = world.create()
    world.service.pause(made.name)

    found = world.service.run(made.name)

    (receipt,) = world.receipts()
    assert (receipt.state, receipt.stimulus.split("/")[0], receipt.trigger) == ("STARTED", "forced", made.name)
    assert (found.state, found.next_run_time) == ("PAUSED", made.next_run_time)
    assert (found.started_run_count, found.last_response) == (1, f"{PARENT}/pipelineJobs/run-0")
    world.service.run(made.name)
    assert len(world.receipts()) == 2


def test_a_run_by_hand_that_cannot_start_says_why_in_its_receipt(world):
    made = world.create()
    world.fault = InvalidArgument("The template is gone.")

    found = world.service.run(made.name)

    assert [(r.state, r.reason) for r in world.receipts()] == [("REFUSED", "The template is gone.")]
    assert (found.started_run_count, found.last_response) == (0, "The template is gone.")


def test_schedules_are_searched_newest_first_without_what_they_start(world):
    for name in ("nightly", "weekly", "night shift"):
        world.create(display_name=name)
        world.clock.advance(1)

    def names(**wanted):
        return [s.options.display_name for s in world.service.search(PARENT, **wanted)]

    newest, *_ = world.service.search(PARENT, limit=1)
    assert newest.request == {}
    assert names() == ["night shift", "weekly", "nightly"]
    assert names(text="night") == ["night shift", "nightly"]
    assert names(state="PAUSED") == []
    assert names(before=(newest.create_time, newest.name)) == ["weekly", "nightly"]
    assert world.service.titles([newest.name, f"{PARENT}/schedules/1"]) == {newest.name: "night shift"}
    assert world.service.titles([]) == {}
