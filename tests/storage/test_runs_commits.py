"""Runs by the commit of their code: known from the beginning where a commit led to them, looked for at the end elsewhere."""

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from trainshed import ledger, runs
from trainshed.app import committing
from trainshed.errors import InvalidArgument, NotFound
from trainshed.explain import Commit, Origin
from trainshed.explain.model import Code
from trainshed.ledger import Cause
from trainshed.runners.contract import ExitedNonZero
from trainshed.runners.scripted import Act

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
a_spec = runs_world.a_spec
ONE, TWIN, OTHER = "a1b2c3d4" + "0" * 32, "a1b2c3d5" + "0" * 32, "f" * 40


@pytest.fixture
def world(db, clock, tmp_path):
    return runs_world.World(db, clock, tmp_path)


def pushed(world, sha, repository="https://git.example/r"):
    """The cause that a run has whose function heard of a build that a commit started."""

    def verb(conn):
        now = world.clock.now()
        data = {"sha": sha, "repository": repository}
        first, _ = ledger.open_receipt(conn, trigger="t", kind="commit", stimulus=f"r@{sha}", now=now, data=data)
        second, _ = ledger.open_receipt(
            conn, trigger="f", kind="message", stimulus=f"s#{sha}", now=now, parent_id=first.receipt_id
        )
        return Cause(key=f"s#{sha}", kind="message", receipt_id=second.receipt_id)

    return world.db.write(verb)


def create(world, job, cause=None):
    world.clock.advance(timedelta(minutes=1))
    return world.create(a_spec({"a": {}}), cause, job_id=job)


def telling(**shas):
    """Answer what tells of runs by their short id; the others are of no commit."""

    def tell(name):
        sha = shas.get(name.rpartition("/")[2], "")
        if sha == "gone":
            raise NotFound(name)
        commit = Commit(repository="r", sha=sha) if sha else None
        return Origin(state="SUCCEEDED", code=Code(commit=commit), sources=())

    return tell


def found(world, commit, **more):
    return [run.name.rpartition("/")[2] for run in world.service.search(runs.Search(commit=commit, **more))[0]]


def listed(world, commit):
    return [run.name.rpartition("/")[2] for run in world.service.list(commit=commit)[0]]


def test_a_run_that_a_commit_led_to_is_known_by_it_from_the_beginning(world):
    create(world, "pushed", pushed(world, ONE))
    create(world, "by-hand")

    assert found(world, ONE) == found(world, "a1b2c3d") == listed(world, "A1B2C3D4") == ["pushed"]
    assert found(world, OTHER) == listed(world, OTHER) == []


@pytest.mark.parametrize("sha", ["", "deleted"])
def test_a_push_that_took_a_branch_away_is_no_commit(world, sha):
    run = create(world, "pushed", pushed(world, sha))

    assert world.service.get(run.name).commit_sha is None


def test_of_other_runs_the_commit_is_looked_for_once_they_have_ended(world):
    made = [create(world, job) for job in ("image", "nobody", "gone")]
    create(world, "open")
    world.service.cancel(made[0].name)
    for run in made:
        world.finish(run)
    still_open = create(world, "later")

    tell = telling(image=ONE.upper(), gone="gone", later=ONE)
    assert committing.turn(world.service, tell) == 4
    assert committing.turn(world.service, tell) == 0

    assert found(world, "a1b2c3d") == ["image"]
    assert [world.service.get(run.name).commit_sha for run in made] == [ONE, "", ""]
    assert world.service.get(still_open.name).commit_sha is None


def test_a_defect_about_one_run_keeps_no_other_from_being_looked_at(world, caplog):
    for job in ("one", "two"):
        world.finish(create(world, job))
    tell = telling(two=ONE)

    def broken(name):
        if name.endswith("/one"):
            raise ValueError(name)
        return tell(name)

    assert committing.turn(world.service, broken) == 2
    assert found(world, ONE) == ["two"]
    assert "The commit of run" in caplog.text


def test_a_retried_run_may_be_of_another_commit(world):
    world.script = lambda launch: Act(outcome=ExitedNonZero(code=1, message="no"))
    run, chained = create(world, "image"), create(world, "pushed", pushed(world, OTHER))
    world.finish(run)
    committing.turn(world.service, telling(image=ONE))
    ended = world.service.get(run.name).end_time

    world.service.retry(run.name)
    world.service.retry(chained.name)
    world.service.note_commits({(run.name, ended): ONE})  # told of its first end, and too late
    assert (found(world, ONE), found(world, OTHER)) == ([], ["pushed"])
    world.finish(run)
    committing.turn(world.service, telling(image=TWIN))

    assert (found(world, ONE), found(world, TWIN)) == ([], ["image"])


def test_a_page_is_told_when_the_commit_is_known(world):
    run = create(world, "image")
    world.finish(run)
    told = []
    world.db.listen(runs.run_channel(run.name), lambda: told.append(run.name))

    committing.turn(world.service, telling(image=ONE))

    assert told == [run.name]


def test_a_beginning_that_several_commits_have_means_all_of_them_newest_first(world):
    for job, sha in (("first", ONE), ("second", TWIN), ("third", ONE), ("other", OTHER)):
        create(world, job, pushed(world, sha) if job != "third" else None)
        world.finish(world.service.list()[0][0])
    committing.turn(world.service, telling(third=ONE))

    assert found(world, "a1b2c3d") == listed(world, "a1b2c3d") == ["third", "second", "first"]
    assert found(world, "a1b2c3d4") == ["third", "first"]
    page, token = world.service.search(runs.Search(commit="a1b2c3d", page_size=2))
    rest, end = world.service.search(runs.Search(commit="a1b2c3d", page_size=2, page_token=token))
    assert ([len(page), len(rest)], end) == ([2, 1], "")
    assert found(world, ONE, state="FAILED") == []


@pytest.mark.parametrize("text", ["main", "a1b2c3", "a1b2c3d%", "z" * 40, "a" * 65])
@pytest.mark.parametrize("ask", [found, listed])
def test_what_is_no_commit_is_refused(world, ask, text):
    with pytest.raises(InvalidArgument, match="seven or more of its hexadecimal digits"):
        ask(world, text)


@pytest.mark.parametrize("commit", [ONE, "a1b2c3d4", OTHER])
def test_runs_of_a_commit_are_found_by_index_and_in_order(world, commit):
    for number in range(4):
        create(world, f"run-{number}", pushed(world, ONE[:-1] + str(number % 2)))
    plans = []

    def explain(conn, _cursor, statement, parameters, *_):
        rows = conn.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plans.extend(row[3] for row in rows)

    def read(conn):
        event.listen(conn, "before_cursor_execute", explain)
        try:
            if commit == ONE:
                runs.commits.unknown(conn, 5)
            return runs.searching.page(conn, runs.Search(commit=commit))
        finally:
            event.remove(conn, "before_cursor_execute", explain)

    world.db.read(read)

    assert [plan for plan in plans if "ix_runs_commit_sha" in plan]
    assert not [plan for plan in plans if "SCAN runs" in plan], plans
    sorts = [plan for plan in plans if "TEMP B-TREE" in plan]
    assert not sorts or commit == "a1b2c3d4", plans  # of two commits whose runs are put into one order
