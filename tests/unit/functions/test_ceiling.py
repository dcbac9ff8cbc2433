"""Where the kernel can be asked to count the tasks of an instance, and what is done where it cannot."""

import os
import resource
import shutil
from pathlib import Path

import pytest

from trainshed.functions import ceiling, tree

V1 = """proc /proc proc rw 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0
"""
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n"
BOTH = V1 + "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
SESSION = "/user.slice/user-0.slice/session-3.scope"


@pytest.mark.parametrize(
    ("mounts", "groups", "expected"),
    [
        pytest.param(V1, "8:pids:/\n1:cpu:/elsewhere\n0::/\n", ["/sys/fs/cgroup/pids"], id="version 1"),
        pytest.param(
            V1,
            "8:pids:/docker/c0ffee\n",
            ["/sys/fs/cgroup/pids/docker/c0ffee", "/sys/fs/cgroup/pids"],
            id="version 1, in a group, which in a container is what is mounted",
        ),
        pytest.param(V2, "0::/\n", ["/sys/fs/cgroup"], id="version 2"),
        pytest.param(
            V2,
            f"0::{SESSION}\n",
            [f"/sys/fs/cgroup{SESSION}", "/sys/fs/cgroup/user.slice/user-0.slice"],
            id="version 2, in a group",
        ),
        pytest.param(BOTH, "8:pids:/\n0::/\n", ["/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified"], id="both"),
        pytest.param("proc /proc proc rw 0 0\n", "", [], id="none"),
    ],
)
def test_groups_stand_where_processes_are_counted(mounts, groups, expected):
    assert ceiling.places(mounts, groups) == [Path(place) for place in expected]


@pytest.mark.parametrize(
    ("soft", "expected"),
    [
        pytest.param(resource.RLIM_INFINITY, 300 + ceiling.MOST_TASKS, id="none yet"),
        pytest.param(100_000, 300 + ceiling.MOST_TASKS, id="a higher one"),
        pytest.param(500, 0, id="a lower one, which stays"),
    ],
)
def test_the_limit_of_a_user_leaves_room_for_all_that_runs_now(soft, expected):
    assert ceiling.user_tasks(300, soft) == expected


class Kernel:
    """A folder of control groups: what is made in it has files, what is full cannot be removed."""

    def __init__(self, root, monkeypatch):
        self.root, self.kind, self.full = root, "", set()
        monkeypatch.setattr(ceiling, "_parents", lambda: [root / "away", root])
        monkeypatch.setattr(Path, "rmdir", lambda path: self.remove(path))  # noqa: PLW0108  (a method takes the path)
        mkdir = Path.mkdir

        def make(path, **given):
            mkdir(path, **given)
            (path / "cgroup.procs").write_text("")
            (path / "pids.events").write_text("max 0\n")
            if self.kind:
                (path / "cgroup.type").write_text(self.kind)

        monkeypatch.setattr(Path, "mkdir", make)

    def remove(self, path):
        if not path.exists():
            raise FileNotFoundError(path)
        if path.name in self.full:
            raise OSError("busy")
        shutil.rmtree(path)

    def groups(self):
        return sorted(path.name for path in self.root.iterdir())


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    return Kernel(tmp_path, monkeypatch)


@pytest.mark.parametrize("kind", ["", "domain\n"])
def test_an_instance_has_a_group_in_the_first_place_that_takes_one(kernel, kind):
    kernel.kind = kind

    made = ceiling.make("home-instance")

    assert made.group == kernel.root / "trainshed-home-instance"
    assert (made.group / "pids.max").read_text() == str(ceiling.MOST_TASKS)
    made.remove()
    made.remove()
    assert kernel.groups() == []


def test_a_group_that_nobody_could_join_is_not_left_behind(kernel):
    kernel.kind = "domain invalid\n"

    assert ceiling.make("home-instance").group is None
    assert kernel.groups() == []


def test_an_instance_reached_its_ceiling_once_the_kernel_refused_it_something(kernel):
    made = ceiling.make("home-instance")
    before = made.was_reached()
    (made.group / "pids.events").write_text("max 3\n")

    assert (before, made.was_reached()) == (False, True)
    assert not ceiling.Ceiling().was_reached()


def test_what_a_dead_server_left_is_swept_and_nothing_of_others(kernel):
    kernel.full = {"trainshed-home-full"}
    for name in ("home-a", "home-full", "other-b"):
        ceiling.make(name)

    ceiling.sweep("home-")

    assert kernel.groups() == ["trainshed-home-full", "trainshed-other-b"]


@pytest.mark.parametrize(("user", "expected"), [(0, 0), (1000, 40 + ceiling.MOST_TASKS)])
def test_without_a_group_the_tasks_of_the_user_are_limited_unless_it_is_root(monkeypatch, user, expected):
    monkeypatch.setattr(ceiling, "_parents", list)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(tree, "tasks", lambda: 40)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    assert ceiling.make("home-instance") == ceiling.Ceiling(user_tasks=expected)
