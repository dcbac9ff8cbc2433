"""Looking for runs: every word narrows down in the database, pages follow one another, no table is read whole."""

import importlib.util
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from trainshed import ledger, runs
from trainshed.errors import InvalidArgument
from trainshed.ledger import Cause
from trainshed.runners.contract import ExitedNonZero
from trainshed.runners.scripted import Act
from trainshed.runs import searching, store

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
World, a_spec, PARENT = runs_world.World, runs_world.a_spec, runs_world.PARENT

SCHEDULE = f"{PARENT}/jobs/nightly"
PARAMETERS = {
    "epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3},
    "rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.01},
    "kind": {"parameterType": "STRING", "defaultValue": "small"},
    "deep": {"parameterType": "BOOLEAN", "defaultValue": False},
}


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path)


def create(world, pipeline="train", *, cause=None, **more):
    spec = a_spec({"a": {}}, parameters=PARAMETERS, name=pipeline)
    world.clock.advance(timedelta(minutes=1))
    return world.service.create(runs.NewRun(parent=PARENT, spec=spec, **more), cause)


def fired(world, due):
    """The cause that a function has whose message a schedule published."""

    def verb(conn):
        now = world.clock.now()
        first, _ = ledger.open_receipt(conn, trigger=SCHEDULE, kind="firing", stimulus=due, now=now)
        second, _ = ledger.open_receipt(
            conn, trigger=f"{PARENT}/functions/f", kind="message", stimulus=f"s#{due}", now=now,
            parent_id=first.receipt_id,
        )  # fmt: skip
        return Cause(key=f"s#{due}", kind="message", receipt_id=second.receipt_id)

    return world.db.write(verb)


def names(found):
    return [run.name for run in found[0]]


def test_words_narrow_down(world):
    one = create(world, job_id="one", parameters={"epochs": 5, "kind": "large"}, labels={"team": "birds"})
    two = create(world, job_id="two", display_name="Second one", parameters={"rate": 0.5, "deep": True})
    other = create(world, "evaluate", job_id="other")
    world.finish(one)

    def found(**words):
        return names(world.service.search(runs.Search(**words)))

    assert found() == [other.name, two.name, one.name]
    assert found(pipeline="evaluate") == [other.name]
    assert found(state="SUCCEEDED")[-1] == one.name
    assert found(text="econd on") == [two.name]
    assert found(text="100%") == []
    assert found(since=two.create_time, until=other.create_time) == [two.name]
    assert found(value="epochs=5") == found(value="team=birds") == found(value="kind=large") == [one.name]
    assert found(value="rate=0.5") == found(value="deep=true") == [two.name]
    assert found(value="kind=epochs") == found(value="kind=" + "[" * 100_000) == []
    with pytest.raises(InvalidArgument, match="num_epochs=3"):
        found(value="epochs")


def test_pages_follow_one_another(world):
    made = [create(world, job_id=f"job-{number}").name for number in range(5)]

    seen, token = [], ""
    while True:
        found, token = world.service.search(runs.Search(page_size=2, page_token=token))
        seen += [run.name for run in found]
        if not token:
            break

    assert seen == made[::-1]
    with pytest.raises(InvalidArgument):
        world.service.search(runs.Search(page_token="bm9uc2Vuc2U="))


def test_one_page_looks_through_so_many_runs_and_the_next_one_goes_on(world, monkeypatch):
    monkeypatch.setattr(searching, "_LOOKED_THROUGH", 2)
    made = [create(world, parameters={"epochs": epochs}).name for epochs in (7, 3, 7, 3, 3)]
    wanted = runs.Search(value="epochs=7", page_size=2)

    pages, token = [], None
    while token != "":
        found, token = world.service.search(replace(wanted, page_token=token or ""))
        pages.append([run.name for run in found])

    assert pages == [[made[2]], [made[0]]]  # of the newest three, then of the rest
    assert world.service.search(runs.Search(pipeline="train", page_size=5))[1] == ""  # an index has these


def test_what_ended_runs_used_is_added_up_by_pipeline_and_by_what_started_them(world):
    old = create(world, job_id="old")
    one = create(world, job_id="one", cause=fired(world, "2026-01-01T00:00:00Z"))
    create(world, job_id="two", cause=fired(world, "2026-01-02T00:00:00Z"))
    create(world, "evaluate", job_id="three")
    world.finish(old)
    create(world, "evaluate", job_id="goes-on")

    found = {(used.pipeline, used.trigger): used for used in world.service.used_since(one.create_time)}

    assert {of: used.runs for of, used in found.items()} == {("train", SCHEDULE): 2, ("evaluate", ""): 1}
    own = [world.service.get(f"{PARENT}/pipelineJobs/{job}").usage for job in ("one", "two")]
    for machine, (seconds, cores) in found["train", SCHEDULE].machines.items():
        assert seconds == pytest.approx(sum(usage[machine][0] for usage in own))
        assert cores == pytest.approx(sum(usage[machine][1] for usage in own))
    assert found["train", SCHEDULE].machines.keys() == own[0].keys() | own[1].keys() != set()


def test_what_stands_at_the_beginning_is_known(world):
    by_hand = create(world, job_id="by-hand")
    first = create(world, job_id="first", cause=fired(world, "2026-01-01T00:00:00Z"))
    second = create(world, job_id="second", cause=fired(world, "2026-01-02T00:00:00Z"))
    other = create(world, "evaluate", job_id="other", cause=fired(world, "2026-01-03T00:00:00Z"))

    assert (by_hand.trigger, first.trigger) == ("", SCHEDULE)
    assert names(world.service.search(runs.Search(trigger="nightly"))) == [other.name, second.name, first.name]
    assert world.service.previous(second.name).name == first.name
    assert world.service.previous(first.name) is None
    known = world.service.known()
    assert (known.pipelines, known.triggers) == (["evaluate", "train"], [SCHEDULE])


def test_previous_of_a_run_by_hand_is_that_of_its_pipeline(world):
    first = create(world, job_id="first", cause=fired(world, "2026-01-01T00:00:00Z"))
    by_hand = create(world, job_id="by-hand")

    assert world.service.previous(by_hand.name).name == first.name


def test_what_started_some_runs_is_named_once(world):
    fired_ones = [create(world, job_id=f"fired-{n}", cause=fired(world, f"2026-01-01T0{n}:00:00Z")) for n in range(2)]
    by_hand = create(world, job_id="by-hand")

    assert world.service.triggers_of([run.name for run in (*fired_ones, by_hand)]) == [SCHEDULE]
    assert world.service.triggers_of([by_hand.name]) == []


def test_a_run_that_ended_knows_what_it_used(world):
    run = create(world, job_id="one")
    assert runs.actual_brief(prices(), run) is None

    done = world.finish(run)

    tasks = world.service.describe(run.name).tasks
    whole, brief = runs.actual(prices(), tasks), runs.actual_brief(prices(), done)
    assert (brief.cloud, brief.local) == pytest.approx((whole.cloud, whole.local))


def prices():
    from trainshed import costs

    return costs.load()


@pytest.mark.parametrize(
    "words", [{}, {"state": "FAILED"}, {"pipeline": "train"}, {"trigger": SCHEDULE}, {"page_token": "next"}]
)
def test_no_list_sorts_or_reads_everything(world, words):
    for number in range(3):
        create(world, job_id=f"job-{number}")
    if "page_token" in words:
        words = {"page_token": world.service.search(runs.Search(page_size=1))[1]}

    plans = []

    def explain(conn, _cursor, statement, parameters, *_):
        if statement.startswith("SELECT runs"):
            rows = conn.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in rows)

    def read(conn):
        event.listen(conn, "before_cursor_execute", explain)
        try:
            return runs.searching.page(conn, runs.Search(**words))
        finally:
            event.remove(conn, "before_cursor_execute", explain)

    world.db.read(read)

    assert plans
    assert not [plan for plan in plans if "TEMP B-TREE" in plan or ("SCAN" in plan and "USING" not in plan)], plans


def test_states_of_many_runs_are_known_and_how_many_have_not_ended(world):
    first, second = (create(world, job_id=name) for name in ("first", "second"))
    world.finish(first)
    third = create(world, job_id="third")

    found = world.service.states([first.name, second.name, third.name, f"{PARENT}/pipelineJobs/gone"])

    assert found == {first.name: "SUCCEEDED", second.name: "SUCCEEDED", third.name: "PENDING"}
    assert world.service.count_open() == 1


def test_runs_that_somebody_started_by_hand_are_found_by_index(world):
    mine = create(world)
    create(world, cause=fired(world, "2026-01-01T00:00:00Z"))
    told = create(world, cause=Cause(key="m#1", kind="user", receipt_id=""))
    asked = []

    def note(conn, _cursor, text, values, *_):
        asked.append((text, values))

    event.listen(world.db._readers, "before_cursor_execute", note)
    found = world.service.search(runs.Search(trigger=runs.BY_HAND))
    event.remove(world.db._readers, "before_cursor_execute", note)

    assert names(found) == [told.name, mine.name]
    text, values = asked[-1]
    with world.db._readers.connect() as conn:
        plan = [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
    assert plan == ["SEARCH runs USING INDEX ix_runs_trigger (trigger=?)"]


def test_the_runs_that_failed_last_are_found_however_long_ago_they_began(world):
    world.script = lambda launch: Act(outcome=ExitedNonZero(code=1, message="no"))
    begun = []
    for job in ("slow", "one", "two", "three"):
        world.clock.advance(timedelta(minutes=1))
        begun.append(world.finish(create(world, job_id=job)))
    late = store.runs.update().where(store.runs.c.name == begun[0].name).values(end_time=world.clock.now())
    world.db.write(lambda conn: conn.execute(late))
    world.clock.advance(timedelta(minutes=1))
    world.script = lambda launch: Act()
    world.finish(create(world, "evaluate", job_id="fine"))

    found = world.service.failed_last(limit=2)

    assert {run.name for run in found} == {begun[0].name, begun[-1].name}
