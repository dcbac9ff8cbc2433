"""Outcomes on disk."""

from pathlib import Path

from trainshed.workers.child import spool

OUTCOME = {"task_id": "projects/p/tasks/ä b", "attempt": 3, "cause": "exited"}


def test_an_outcome_is_read_back_whatever_its_task_is_called(tmp_path):
    spool.write(str(tmp_path), OUTCOME)

    assert spool.read(spool.path_of(str(tmp_path), OUTCOME["task_id"], 3)) == OUTCOME
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_attempts_of_a_task_are_kept_apart(tmp_path):
    assert spool.path_of(str(tmp_path), "a", 1) != spool.path_of(str(tmp_path), "a", 2)


def test_what_is_missing_or_cut_off_is_no_outcome(tmp_path):
    path = Path(spool.path_of(str(tmp_path), "a", 1))
    assert spool.read(path) is None

    path.write_text('{"task_id": "a"')
    assert spool.read(path) is None


def test_an_outcome_of_another_life_of_the_machine_is_believed_only_when_it_was_forced_to_disk(tmp_path, monkeypatch):
    spool.write(str(tmp_path), OUTCOME)
    spool.write(str(tmp_path), {**OUTCOME, "attempt": 4}, is_forced=True)

    monkeypatch.setattr(spool, "_boot_id", "the next life")

    assert spool.read(spool.path_of(str(tmp_path), OUTCOME["task_id"], 3))["cause"] == "lost"
    assert spool.read(spool.path_of(str(tmp_path), OUTCOME["task_id"], 4))["cause"] == "exited"


def test_only_what_nobody_took_over_is_forced_to_disk_later(tmp_path, monkeypatch):
    taken = {**OUTCOME, "attempt": 4}
    spool.write(str(tmp_path), OUTCOME)

    spool.force(str(tmp_path), [OUTCOME, taken])
    monkeypatch.setattr(spool, "_boot_id", "the next life")

    assert spool.read(spool.path_of(str(tmp_path), OUTCOME["task_id"], 3)) == OUTCOME
    assert spool.read(spool.path_of(str(tmp_path), OUTCOME["task_id"], 4)) is None
