"""Builds that wait until somebody approves them, and lists of builds."""

from datetime import timedelta

import pytest

from trainshed import testing
from trainshed.builds.testing import Workbench
from trainshed.clock import VirtualClock
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound

BUILD = {"steps": [{"name": "bash", "args": ["true"]}], "tags": ["nightly"]}


@pytest.fixture
def bench(tmp_path):
    with testing.database(tmp_path) as db:
        yield Workbench(tmp_path, db)


@pytest.fixture
def pending(bench):
    document = {"name": "guarded", "build": BUILD, "approvalConfig": {"approvalRequired": True}}
    bench.triggers.create(document, project="p", region="global")
    return bench.triggers.run("guarded", project="p")


def decide(bench, build, **given):
    return bench.service.approve(build.build_id, approver="ann@x", **given)


def test_a_build_of_a_trigger_with_approval_config_is_pending_until_it_is_approved(bench, pending):
    assert pending.state == "PENDING"
    assert pending.approval == {"state": "PENDING", "config": {"approvalRequired": True}}
    assert bench.service.reports.waiting(10) == ()

    approved = decide(bench, pending, is_approved=True, comment="fine", url="https://x/1")

    assert approved.state == "QUEUED"
    assert approved.approval["state"] == "APPROVED"
    result = approved.approval["result"]
    assert {k: result[k] for k in ("approverAccount", "decision", "comment", "url")} == {
        "approverAccount": "ann@x",
        "decision": "APPROVED",
        "comment": "fine",
        "url": "https://x/1",
    }
    assert bench.run(approved).state == "SUCCESS"


def test_a_rejected_build_is_cancelled_and_never_starts(bench, pending):
    rejected = decide(bench, pending, is_approved=False, comment="not today")

    assert (rejected.state, rejected.approval["state"]) == ("CANCELLED", "REJECTED")
    assert rejected.status_detail == "rejected by ann@x: not today"
    assert [s.state for s in rejected.steps] == ["CANCELLED"]
    assert bench.service.reports.waiting(10) == ()


def test_a_decision_is_made_once_and_only_about_a_pending_build(bench, pending):
    decide(bench, pending, is_approved=True)
    other = bench.submit(*BUILD["steps"])

    for build in (pending, other):
        with pytest.raises(FailedPrecondition, match="only a build that is PENDING"):
            decide(bench, build, is_approved=True)


def test_retrying_a_build_that_needed_approval_needs_it_again(bench, pending):
    decide(bench, pending, is_approved=False)

    again = bench.service.retry(pending.build_id)

    assert (again.state, again.approval["state"]) == ("PENDING", "PENDING")
    assert again.trigger_id == pending.trigger_id


def test_queue_ttl_runs_from_the_approval_and_nobody_approves_after_two_months(tmp_path):
    clock = VirtualClock()
    with testing.database(tmp_path) as db:
        bench = Workbench(tmp_path, db, clock=clock)
        document = {"name": "g", "build": {**BUILD, "queueTtl": "600s"}, "approvalConfig": {"approvalRequired": True}}
        bench.triggers.create(document, project="p", region="global")
        first, second = (bench.triggers.run("g", project="p") for _ in range(2))

        clock.advance_to(clock.now() + timedelta(days=59))
        bench.service.reports.expire()
        decide(bench, first, is_approved=True)
        clock.advance_to(clock.now() + timedelta(seconds=599))
        bench.service.reports.expire()
        assert bench.service.get(first.build_id).state == "QUEUED"
        clock.advance_to(clock.now() + timedelta(days=1))
        bench.service.reports.expire()

        assert [bench.service.get(b.build_id).state for b in (first, second)] == ["EXPIRED", "EXPIRED"]


def test_builds_are_listed_by_filter_and_page_newest_first(bench):
    made = [bench.submit(*BUILD["steps"], tags=["odd" if n % 2 else "even"]) for n in range(7)]
    bench.service.cancel(made[5].build_id)

    first, token = bench.service.list(project="p", filter_text='status="QUEUED" AND tags="odd"', limit=1)
    second, rest = bench.service.list(
        project="p", filter_text='status="QUEUED" AND tags="odd"', limit=5, page_token=token
    )

    assert [b.build_id for b in (*first, *second)] == [made[3].build_id, made[1].build_id]
    assert rest == ""
    assert bench.service.list(project="other")[0] == ()
    assert len(bench.service.list(project=bench.service.project_number)[0]) == 7
    with pytest.raises(InvalidArgument, match="filter: 'colour'"):
        bench.service.list(filter_text="colour=red")


def test_a_build_of_another_project_is_another_project(bench):
    build = bench.submit(*BUILD["steps"])

    for verb in (bench.service.get, bench.service.cancel, bench.service.retry):
        with pytest.raises(NotFound, match="in project 'other'"):
            verb(build.build_id, project="other")
