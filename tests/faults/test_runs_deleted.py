"""The logs of a deleted run go with it, wherever the process dies, and those of every other stay."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
from storage.commits import failing_to_commit, killed_after_commit

from trainshed.errors import NotFound, Unavailable
from trainshed.runners.scripted import Act
from trainshed.runs import DELETED_ENTRY, ENDED_ENTRY, Folders
from trainshed.sql import Outbox

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).parents[1] / "storage" / "runs_world.py")
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)


class World(runs_world.World):
    """A home whose outbox and duty see to the folders of runs."""

    def __init__(self, db, clock, folder):
        super().__init__(db, clock, folder, self._write_log)
        self.root = folder / "runs"
        self.start()

    def start(self):
        """Do what a server does when it starts."""
        self.folders = Folders(self.root)
        handlers = {DELETED_ENTRY: self.folders.on_deleted, ENDED_ENTRY: lambda conn, payload: None}
        self.outbox = Outbox(self.db, self.clock, handlers)

    def _write_log(self, launch):
        launch.log_file.write_text("trained\n")
        return Act(output="{}")

    def ended(self):
        """Make a run that has ended, with a log."""
        return self.finish(self.create(runs_world.a_spec({"train": {}})))

    def log(self, run):
        return self.service.log_file(run, "train", 1)

    def turn(self):
        """Do what the duties do, once what has to wait has waited."""
        self.clock.advance(600)
        self.outbox.drain()
        self.folders.clear()

    def left(self):
        """Answer every file of every run."""
        return [path for path in self.root.rglob("*") if path.is_file()]


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path)


def test_a_deleted_run_takes_its_logs_with_it_and_nobody_else_s(world):
    first = world.ended()
    second = world.ended()
    third = world.create(runs_world.a_spec({"train": {}, "more": {"after": ["train"]}}))
    third = world.finish(third)
    (reused,) = [task for task in world.service.describe(third.name).tasks if task.name == "train"]
    assert reused.cached_from

    world.service.delete(first.name)
    world.turn()

    assert not world.service.run_folder(first).exists()
    assert world.log(third).exists() is False, "a reused task has no log of its own"
    assert world.service.log_file(third, "more", 1).read_text() == "trained\n"
    assert world.states(second) == {"train": "SKIPPED"}
    assert world.states(third) == {"train": "SKIPPED", "more": "SUCCEEDED"}


def test_the_logs_of_a_run_that_was_deleted_at_the_last_moment_go_at_the_next_start(world, monkeypatch):
    run = world.ended()
    with monkeypatch.context() as broken:
        killed_after_commit(broken)
        world.service.delete(run.name)
    assert world.log(run).exists()

    world.start()
    world.turn()

    assert world.left() == []


def test_a_run_that_is_not_deleted_after_all_keeps_its_logs(world, monkeypatch):
    run = world.ended()
    with monkeypatch.context() as broken:
        failing_to_commit(broken)
        with pytest.raises(Unavailable):
            world.service.delete(run.name)
    world.turn()

    assert world.log(run).read_text() == "trained\n"
    assert world.service.get(run.name).state == "SUCCEEDED"


def test_logs_that_were_put_out_of_the_way_are_removed_though_that_was_not_written(world, monkeypatch):
    run = world.ended()
    world.turn()
    world.service.delete(run.name)
    with monkeypatch.context() as broken:
        failing_to_commit(broken)
        with pytest.raises(Unavailable):
            world.outbox.drain()
    assert not world.log(run).exists()

    world.start()
    world.turn()

    assert world.left() == []
    assert world.db.read(lambda conn: conn.exec_driver_sql("SELECT kind FROM outbox").all()) == []


def test_a_removal_that_was_cut_short_is_finished_by_the_next_server(world, monkeypatch):
    run = world.ended()
    world.service.delete(run.name)
    with monkeypatch.context() as broken:
        broken.setattr(shutil, "rmtree", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            world.turn()
    assert world.left()

    world.start()
    world.turn()

    assert world.left() == []
    with pytest.raises(NotFound):
        world.service.get(run.name)


def test_a_run_whose_folder_is_called_as_that_of_a_deleted_one_keeps_it(world):
    run = world.ended()
    folder = world.service.run_folder(run).name
    world.db.write(lambda conn: world.folders.on_deleted(conn, {"folder": folder}))
    world.turn()

    assert world.log(run).exists()
