"""The steps of a build on one axis: overlap is seen, and nothing depends on when one looks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trainshed.builds import Build, StepRecord
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.builds import steps
from trainshed.dashboard.builds.words import said_of

BEGIN = datetime(2026, 1, 31, 12, tzinfo=UTC)
ASKED = Asked(path="/builds/b", query=[("step", "1"), ("line", "7")])


def after(seconds):
    return None if seconds is None else BEGIN + timedelta(seconds=seconds)


def a_step(number, start, end, state="SUCCESS", step_id="Name"):
    return StepRecord(
        number=number, id=step_id, name="gcr.io/p/image:1", state=state, start_time=after(start), end_time=after(end),
        exit_code=None, output="",
    )  # fmt: skip


def a_build(*its_steps, end=None, state="WORKING", timing=None):
    resolved = {"steps": [{"name": "image", "entrypoint": "bash", "args": ["-c", "x"]} for _ in its_steps]}
    return Build(
        build_id="b", project="p", region="r", state=state, document={}, resolved=resolved, substitutions={},
        trigger="", trigger_id="", approval={}, create_time=BEGIN, start_time=BEGIN, end_time=after(end),
        status_detail="", failure={}, results={}, timing=timing or {}, warnings=(), log_uri="", steps=its_steps,
    )  # fmt: skip


def bars(part):
    return [(bar.x, bar.width, bar.end) for step in part.steps for bar in step.bars]


def test_steps_that_ran_at_the_same_time_stand_above_each_other():
    build = a_build(a_step(0, 0, 2), a_step(1, 2, 6), a_step(2, 2, 10), end=10, state="SUCCESS")

    part = steps.part(build, ASKED, 1)

    assert bars(part) == [(0.0, 200.0, 2.0), (200.0, 400.0, 6.0), (200.0, 800.0, 10.0)]
    assert part.length == 10
    assert [step.is_selected for step in part.steps] == [False, True, False]
    assert [step.href for step in part.steps] == ["/builds/b?step=0", "/builds/b?step=1", "/builds/b?step=2"]
    assert part.href == "/builds/b"
    assert part.steps[0].command == "bash -c x"


def test_a_short_step_is_seen_even_at_the_very_end():
    build = a_build(a_step(0, 0, 1000), a_step(1, 1000, 1000.001), end=1000.001, state="SUCCESS")

    assert bars(steps.part(build, ASKED, None))[1][:2] == (994.0, 6.0)


def test_what_runs_reaches_to_the_last_thing_known_and_says_that_it_goes_on():
    running = a_step(1, 2, None, "WORKING")
    part = steps.part(a_build(a_step(0, 0, 4), running, a_step(2, None, None, "QUEUED")), ASKED, None)

    assert bars(part) == [(0.0, 1000.0, 4.0), (500.0, 500.0, None)]
    assert part.length is None
    assert part.steps[2].bars == []


def test_a_build_that_waits_has_no_axis():
    build = replace(a_build(a_step(0, None, None, "QUEUED")), start_time=None, state="QUEUED")

    part = steps.part(build, ASKED, None)

    assert (part.origin, part.phases, part.steps[0].bars) == (None, [], [])


def test_phases_stand_in_the_order_of_their_beginnings():
    times = {"PUSH": (8, 10), "FETCHSOURCE": (0, 1), "BUILD": (1, 8)}
    timing = {
        name: {
            "startTime": after(start).isoformat().replace("+00:00", "Z"),
            "endTime": after(end).isoformat().replace("+00:00", "Z"),
        }
        for name, (start, end) in times.items()
    }

    part = steps.part(a_build(a_step(0, 1, 8), end=10, state="SUCCESS", timing=timing), ASKED, None)

    assert [(bar.name, bar.x, bar.width) for bar in part.phases] == [
        ("FETCHSOURCE", 0.0, 100.0),
        ("BUILD", 100.0, 700.0),
        ("PUSH", 800.0, 200.0),
    ]


def test_the_phase_in_which_a_build_broke_looks_like_it():
    at = [after(n).isoformat().replace("+00:00", "Z") for n in (0, 1, 8)]
    timing = {
        "FETCHSOURCE": {"startTime": at[0], "endTime": at[1]},
        "BUILD": {"startTime": at[1], "endTime": at[2]},
    }

    part = steps.part(a_build(a_step(0, 1, 8, "FAILURE"), end=8, state="FAILURE", timing=timing), ASKED, None)

    assert [(bar.name, bar.state) for bar in part.phases] == [("FETCHSOURCE", "FETCHSOURCE"), ("BUILD", "FAILURE")]


def test_the_phase_that_goes_on_is_known_from_what_has_begun_and_ended():
    fetching = a_build(a_step(0, None, None, "QUEUED"))
    fetching = replace(fetching, resolved={**fetching.resolved, "source": {"gitSource": {"url": "x"}}})
    building = a_build(a_step(0, 1, 2), a_step(1, 2, None, "WORKING"))
    pushing = a_build(a_step(0, 1, 4))
    pushing = replace(pushing, resolved={**pushing.resolved, "images": ["i"]})
    over = replace(pushing, state="SUCCESS", end_time=after(5))

    found = [
        [(bar.name, bar.start, bar.end) for bar in steps.part(build, ASKED, None).phases]
        for build in (fetching, building, pushing, over)
    ]

    assert found == [[("FETCHSOURCE", 0.0, None)], [("BUILD", 1.0, None)], [("PUSH", 4.0, None)], []]


def test_lines_of_a_step_are_not_those_of_another_that_begins_alike():
    prefix, wholes = said_of(a_step(1, 0, 1, step_id=""))

    assert prefix == b"Step #1: "
    assert b"Starting Step #1" in wholes
    assert b"Starting Step #12" not in wholes
