"""Runs and plans as people read them."""

import pytest

from trainshed.cli import pipelines_text

COST = {"currency": "USD", "local": 0.0, "cloud": 0.03, "isGuess": False}
START = "2026-01-01T00:00:00Z"


def a_line(label, state="SUCCEEDED", *, depth=0, **more):
    nothing = {"reason": "", "counts": {}, "attempts": []}
    return {"depth": depth, "label": label, "task": label, "kind": "container", "state": state, **nothing, **more}


def a_run(*lines, **more):
    nothing = dict.fromkeys(("createTime", "startTime", "endTime", "cause", "receipt", "error", "displayName"), "")
    document = {"name": "n", "pipeline": "p", "state": "SUCCEEDED", "needless": False, "failurePolicy": "FAIL_SLOW"}
    times = {"workedSeconds": None, "pausedSeconds": 0.0, "cancellation": None}
    return {**nothing, **document, **times, "parameters": {}, "outputs": {}, "cost": COST, "lines": lines, **more}


def shown(capsys):
    return capsys.readouterr().out.splitlines()


def a_step(task, decision="run", reason="caching is off", unseen=()):
    return {"task": task, "decision": decision, "reason": reason, "unseen": unseen}


def test_a_run_is_a_tree_of_columns(capsys):
    line = a_line(
        "train", "FAILED", depth=1, reason="exited with code 3", startTime=START, endTime="2026-01-01T00:01:05Z"
    )

    pipelines_text.describe(a_run(a_line("loop", "FAILED", counts={"SUCCEEDED": 98, "FAILED": 2}), line))

    assert shown(capsys)[-3:] == [
        "TASK     STATE   ATTEMPTS  DURATION   COST ON GOOGLE CLOUD  WHY",
        "loop     FAILED                                             100 iterations: 98 SUCCEEDED, 2 FAILED",
        "  train  FAILED            1 min 5 s                        exited with code 3",
    ]


def test_a_run_says_how_long_it_was_at_work_and_who_asked_it_to_end(capsys):
    pipelines_text.describe(a_run(workedSeconds=1.5, pausedSeconds=85.0, cancellation={"time": START, "by": "the API"}))
    pipelines_text.describe(a_run(workedSeconds=2.0))

    lines = shown(capsys)
    assert "duration: 1.5 s, and 1 min 25 s of pauses" in lines
    assert f"asked to end: {START} by the API" in lines
    assert "duration: 2.0 s" in lines
    assert sum(line.startswith("asked to end") for line in lines) == 1


def test_a_loop_that_went_on_after_a_retry_took_what_it_worked(capsys):
    line = a_line("loop", startTime=START, endTime="2026-01-01T01:00:05Z", pausedSeconds=3600.0)

    pipelines_text.describe(a_run(line))

    assert "5.0 s" in shown(capsys)[-1]


def test_attempts_are_listed_when_there_were_several(capsys):
    attempts = [
        {"attempt": 1, "outcome": "OutOfMemory", "message": "too much\nreally", "start_time": START, "end_time": START},
        {"attempt": 2, "outcome": "Succeeded", "message": "", "start_time": START, "end_time": START},
    ]

    pipelines_text.describe(a_run(a_line("train", attempts=attempts)))

    assert [" ".join(line.split()) for line in shown(capsys)[-3:]] == [
        "train SUCCEEDED 2",
        "attempt 1 OutOfMemory 0 ms too much",
        "attempt 2 Succeeded 0 ms",
    ]


def test_a_long_error_keeps_its_lines(capsys):
    pipelines_text.describe(a_run(state="FAILED", error="Task 'a' failed: no\nline 1\nline 2"))

    lines = shown(capsys)
    at = lines.index("error: Task 'a' failed: no")
    assert lines[at + 1 : at + 3] == ["  | line 1", "  | line 2"]


def test_a_message_is_no_cause_of_its_own_where_a_schedule_sent_it(capsys):
    pipelines_text.describe(a_run(cause="message", trigger="projects/p/locations/l/jobs/hourly", done="1 task ran"))

    lines = shown(capsys)
    assert "because of: schedule hourly (message)" in lines
    assert not [line for line in lines if line.startswith("cause")]
    assert "tasks: 1 task ran" in lines


def test_what_started_a_run_is_said_once_without_a_trigger_too(capsys):
    pipelines_text.describe(a_run(cause="user"))

    assert [line for line in shown(capsys) if "user" in line] == ["because of: user"]


def test_what_is_rare_is_told_only_when_it_is_so(capsys):
    pipelines_text.describe(a_run(needless=True, failurePolicy="FAIL_FAST", outputs={"Output": 3}))

    lines = shown(capsys)
    assert "state: SUCCEEDED (nothing changed)" in lines
    assert "failurePolicy: FAIL_FAST" in lines
    assert 'outputs: {"Output": 3}' in lines


def test_equal_decisions_about_iterations_are_one_line(capsys):
    steps = [a_step(f"loop[{i}].train", "reuse" if i == 3 else "run", "why") for i in range(10)]

    pipelines_text.plan(
        {"steps": [a_step("first"), *steps, a_step("last")], "cost": COST, "done": "11 tasks would run, 1 reused"}
    )

    lines = [" ".join(line.split()) for line in shown(capsys)]
    assert lines[1:5] == [
        "first run caching is off",
        "loop.train run 9 times why",
        "loop.train reuse why",
        "last run caching is off",
    ]
    assert lines[5] == "11 tasks would run, 1 reused."


def test_a_note_about_unseen_data_is_said_once_for_a_loop(capsys):
    steps = [a_step(f"loop[{i}].train", unseen=("uri",)) for i in range(3)]

    pipelines_text.plan({"steps": steps, "cost": COST, "done": "11 tasks would run, 1 reused"})

    notes = [line for line in shown(capsys) if line.startswith("Note")]
    assert notes == ["Note: loop.train: the content behind parameter 'uri' is not part of the cache key."]


@pytest.mark.parametrize(
    ("end", "text"),
    [
        ("2026-01-01T00:00:00.250Z", "250 ms"),
        ("2026-01-01T00:00:02.500Z", "2.5 s"),
        ("2026-01-01T00:10:02Z", "10 min 2 s"),
        ("2026-01-01T00:00:59.970Z", "1 min 0 s"),
        ("2026-01-01T03:04:00Z", "3 h 4 min"),
        ("2026-01-02T06:00:00Z", "1 d 6 h"),
    ],
)
def test_durations_are_written_as_people_say_them(capsys, end, text):
    pipelines_text.describe(a_run(a_line("train", startTime=START, endTime=end)))

    assert text in shown(capsys)[-1]


def test_a_run_is_because_of_what_stands_at_the_beginning():
    hourly = "projects/p/locations/l/jobs/hourly"

    assert pipelines_text.cause_text({"cause": "message", "trigger": hourly}) == "schedule hourly (message)"
    assert pipelines_text.cause_text({"cause": "user", "trigger": ""}) == "user"
