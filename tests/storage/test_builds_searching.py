"""Lists of builds for people: every word narrows them, a page leads to the next, no table is walked through."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from trainshed import testing
from trainshed.builds import Search
from trainshed.builds.testing import Workbench
from trainshed.clock import VirtualClock
from trainshed.errors import InvalidArgument

BUILD = {"steps": [{"name": "bash", "args": ["true"]}]}
BEGIN = datetime(2026, 1, 31, 12, tzinfo=UTC)
SHA = "65c6e60fa0693a000bd10b18b45367e1e37c1e30"


@pytest.fixture
def bench(tmp_path):
    with testing.database(tmp_path) as db:
        yield Workbench(tmp_path, db, clock=VirtualClock(BEGIN))


def create(bench, **of_trigger):
    found = bench.service.create(BUILD, project="p", region="global", of_trigger=of_trigger or None)
    bench.clock.advance(timedelta(minutes=1))
    return found.build_id


def search(bench, **wanted):
    return [build.build_id for build in bench.service.search(Search(**wanted))[0]]


def test_every_word_narrows_the_list(bench):
    start = bench.clock.now()
    by_hand = create(bench)
    of_commit = create(bench, COMMIT_SHA=SHA, BRANCH_NAME="main")
    of_tag = create(bench, COMMIT_SHA="f" * 40, TAG_NAME="v1")
    bench.service.cancel(by_hand)

    assert search(bench) == [of_tag, of_commit, by_hand]
    assert search(bench, state="CANCELLED") == [by_hand]
    assert search(bench, since=start + timedelta(minutes=1)) == [of_tag, of_commit]
    assert search(bench, text=SHA[:7].upper()) == [of_commit]
    assert search(bench, text=by_hand[:8]) == [by_hand]
    assert search(bench, text="main") == [of_commit]
    assert search(bench, text="v1", state="QUEUED") == [of_tag]
    assert search(bench, text="65c") == search(bench, text="nothing like it") == []
    assert search(bench, trigger="projects/p/locations/global/triggers/none") == []


def test_pages_follow_each_other_to_the_end(bench):
    made = [create(bench) for _ in range(5)]
    found, token = [], ""

    for _ in range(3):
        page, token = bench.service.search(Search(page_size=2, page_token=token))
        found += [build.build_id for build in page]

    assert found == made[::-1]
    assert token == ""
    with pytest.raises(InvalidArgument, match="page"):
        bench.service.search(Search(page_token="e30x"))


@pytest.mark.parametrize("wanted", [{}, {"state": "QUEUED"}, {"text": "abcd"}, {"trigger": "projects/p/t"}])
def test_no_table_is_walked_through(bench, wanted):
    create(bench)
    plans = []

    def explain(_conn, cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT"):
            plans.extend(row[3] for row in cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(bench.service._db._readers, "before_cursor_execute", explain)
    bench.service.search(Search(**wanted))

    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN") and "USING" not in plan]
    assert not [plan for plan in plans if "TEMP B-TREE" in plan and "text" not in wanted and wanted]


def test_a_build_is_known_by_the_beginning_of_its_identifier(bench):
    one, other = create(bench), create(bench)

    assert bench.service.that_begin(one[:8]) == [one]
    assert bench.service.that_begin(other) == [other]
    assert bench.service.that_begin(one[:7]) == bench.service.that_begin("") == bench.service.that_begin("z" * 8) == []
