"""What is said of two logs that are compared: of long ones no more than was looked at."""

from types import SimpleNamespace

import pytest

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.runs import lines
from trainshed.runs.comparing import TaskBrief

STARTED = [f"step {n} of the training, which goes on" for n in range(40)]


class Service:
    """Two runs of one task each, which wrote something."""

    def __init__(self, folder, *written):
        self.sides, self._folder = [], folder
        for name, text in zip("ab", written, strict=True):
            (folder / name).write_text(text)
            self.sides.append(_side(name))

    def find_task(self, _run, _task):
        return SimpleNamespace(row=SimpleNamespace(attempt=1))

    def log_file(self, run, _task, _attempt):
        return self._folder / run.name


def _side(name):
    brief = TaskBrief(
        name="train",
        kind="container",
        state="SUCCEEDED",
        start_time=None,
        end_time=None,
        cached_from="",
        environment="",
    )
    plan = SimpleNamespace(walk=list)
    return SimpleNamespace(run=SimpleNamespace(name=name), tasks=[brief], plan=plan)


@pytest.fixture
def compared(tmp_path):
    def of(*written):
        service = Service(tmp_path, *written)
        return lines.logs(service, service.sides, ("A", "B"), Asked(path="/runs/compare"))[-1]

    return of


def test_logs_that_are_the_same_are_called_so(compared):
    assert compared("epoch 1\n", "epoch 2\n").said == "Both wrote the same, but for numbers and times."


def test_of_long_logs_the_ends_alone_are_called_the_same(compared):
    end = "the same\n" * 600

    assert compared("alpha\n" + end, "beta\n" + end).said == (
        "The ends of both logs are the same, but for numbers and times."
    )
    assert compared("alpha\n" + end, "beta\n" + end + "more\n").said.endswith("; of a long log its end alone is")


def test_a_line_that_is_longer_than_what_is_read_is_compared_by_its_end(compared):
    long = "\r".join(STARTED * 400)

    found = compared(f"{long}\rdone", f"{long}\rfailed")

    assert found.changes.hunks[0].lines == [("-", "done"), ("+", "failed")]
