"""What attempts are given of the machine."""

from trainshed.runners import machine
from trainshed.runners.contract import Limits
from trainshed.runners.machine import Machine, Share, accelerators


def a_machine(**changes):
    return Machine(**{"cores": range(4), "devices": ("0", "1", "2")} | changes)


def test_accelerators_belong_to_one_attempt_at_a_time():
    machine = a_machine()

    first = machine.give(("a", 1), Limits(accelerators=2))
    second = machine.give(("b", 1), Limits(accelerators=1))
    machine.take_back(("a", 1))
    third = machine.give(("c", 1), Limits(accelerators=2))

    assert (first.devices, second.devices, third.devices) == (("0", "1"), ("2",), ("0", "1"))


def test_what_attempts_of_the_last_server_have_is_not_given_again():
    machine = a_machine()

    machine.adopt(("a", 1), Share(cores=(0, 1), devices=("0",)))

    assert machine.give(("b", 1), Limits(accelerators=1, cpus=2)) == Share(cores=(2, 3), devices=("1",))


def test_more_than_there_is_gets_what_is_free():
    assert a_machine().give(("a", 1), Limits(accelerators=8)).devices == ("0", "1", "2")
    assert a_machine(devices=()).give(("a", 1), Limits(accelerators=1)).devices == ()


def test_an_attempt_that_asks_for_none_shares_what_there_is():
    assert a_machine().give(("a", 1), Limits()).variables == {}
    assert a_machine().give(("a", 1), Limits(accelerators=2)).variables["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_processors_are_the_least_used_ones_and_a_part_of_one_is_one():
    machine = a_machine()

    given = [machine.give((str(i), 1), Limits(cpus=cpus)).cores for i, cpus in enumerate((2, 0.5, 1.5, 4, None))]

    assert given == [(0, 1), (2,), (0, 3), (), ()]


def test_accelerators_are_those_of_the_setting_then_of_the_variable_then_all(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "_FILES", tmp_path)
    for name in ("null", "nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()

    assert accelerators("") == ("0", "1")
    assert accelerators("1, GPU-5f") == ("1", "GPU-5f")
    assert accelerators("-") == ()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert accelerators("") == ("3",)
