"""Tasks start within the machine's cores and memory."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trainshed.runs.engine.admission import Admission, Waiting

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def waiting(task, *, cpus=1.0, memory=1, accelerators=0):
    wanted = {"cpus": cpus, "memory_bytes": memory, "accelerators": accelerators}
    return Waiting(run="r", task=task, task_id=task, **wanted, ready_time=NOW)


def test_s26_a_task_waits_until_there_is_room_for_what_it_asks():
    machine = Admission(cpus=4, memory_bytes=10)
    machine.queue(waiting("a", cpus=3))
    machine.queue(waiting("b", cpus=2))

    assert machine.admit(NOW).task == "a"
    machine.take(waiting("a", cpus=3))
    assert machine.admit(NOW) is None
    machine.release("a")
    assert machine.admit(NOW).task == "b"


def test_s26_memory_counts_as_cores_do_and_more_than_there_is_means_all_of_it():
    machine = Admission(cpus=4, memory_bytes=10)
    machine.queue(waiting("greedy", cpus=96, memory=1000))
    machine.queue(waiting("small"))

    assert machine.admit(NOW).task == "greedy"
    machine.take(waiting("greedy", cpus=96, memory=1000))
    assert machine.admit(NOW) is None


def test_an_accelerator_is_given_to_one_task_at_a_time():
    machine = Admission(cpus=8, memory_bytes=10, accelerators=1)
    machine.queue(waiting("first", accelerators=1))
    machine.queue(waiting("second", accelerators=2))

    assert machine.admit(NOW).task == "first"
    assert machine.admit(NOW) is None
    machine.release("first")
    assert machine.admit(NOW).task == "second"  # two are asked for; this machine's one is all of them


def test_a_machine_without_accelerators_runs_what_asks_for_some():
    machine = Admission(cpus=8, memory_bytes=10)
    machine.queue(waiting("train", accelerators=1))

    assert machine.admit(NOW).task == "train"


def test_a_task_that_is_queued_again_waits_for_its_latest_time_alone():
    machine = Admission(cpus=4, memory_bytes=10)
    machine.queue(replace(waiting("a"), ready_time=NOW + timedelta(seconds=60)))  # cancelled while it waited
    machine.queue(waiting("a"))  # and its run retried

    assert machine.admit(NOW).task == "a"
    assert machine.admit(NOW + timedelta(seconds=61)) is None
    assert machine._taken.keys() == {"a"}, "what it holds is not let go"
