"""A rollback is there whole or not at all, whatever ends the process."""

import itertools
import json
import multiprocessing
import shutil
from contextlib import closing

import pytest
from receipts import receipts_in
from storage.commits import failing_after_commit, failing_to_commit
from storage.registry_world import DIRECTORY, FILES, World, roll_back_and_end

from trainshed.clock import VirtualClock
from trainshed.errors import Unavailable
from trainshed.sql import Database, dialect
from trainshed.testing import database

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["trainshed.registry", "trainshed.blobs", "trainshed.lineage", "trainshed.sql"])


def a_home(folder):
    """Make a store with two pushed versions, the second of them live."""
    folder.mkdir()
    with database(folder) as db:
        world = World(db, VirtualClock(), folder)
        world.push(9, 0.75, pointer=True)
        world.push(10, 0.5, pointer=True)
        world.upkeep.settle()
    return folder


def roll_back_until(folder, boundary):
    """Roll back in a process of its own that ends without a trace at the given touch of the file system.

    It is forked from a process that has no threads: what those of this one hold would be held for ever.
    """
    child = _FORKS.Process(target=roll_back_and_end, args=(folder, boundary))
    child.start()
    child.join()
    return child.exitcode


def test_ended_at_any_touch_of_the_file_system_a_rollback_is_whole_or_was_not(tmp_path):
    home, seen = a_home(tmp_path / "home"), set()
    for boundary in itertools.count(1):
        folder = shutil.copytree(home, tmp_path / str(boundary))
        code = roll_back_until(folder, boundary)
        assert code in {0, 9}
        watched = folder / "buckets/serving/models/penguins/11"
        has_mark = (watched / "saved_model.pb").exists()
        assert not has_mark or all((watched / name).exists() for name in FILES), (
            "a watcher of the folder saw half of it"
        )

        with closing(Database(folder / "trainshed.db")) as db:
            world = World(db, VirtualClock(), folder)
            world.upkeep.recover()
            live = world.service.get(DIRECTORY).live
            seen.add(live)
            found = {name: world.content(f"models/penguins/11/{name}") for name in FILES} if live == "11" else {}
            assert found == ({name: data + b"9" for name, data in FILES.items()} if live == "11" else {})
            assert live in {"10", "11"}
            assert len(world.names("models/penguins/11/")) == len(found)
            said = json.loads(world.content("models/penguins/LATEST.json"))
            assert said["destination"] == f"{DIRECTORY}/{live}"
            assert len(db.read(receipts_in)) == len(world.service.get(DIRECTORY).versions) - 2 == bool(found)
            assert not list((folder / "buckets/.staging").iterdir())
        shutil.rmtree(folder)
        if code == 0:
            break

    assert boundary > 10, "a rollback touches the file system often"
    assert seen == {"10", "11"}


@pytest.mark.parametrize(("fault", "live"), [(failing_after_commit, "11"), (failing_to_commit, "10")])
def test_a_rollback_of_which_nobody_knows_whether_it_was_written_is_whole_or_was_not(
    tmp_path, monkeypatch, fault, live
):
    folder = a_home(tmp_path / "home")
    with database(folder) as db:
        world = World(db, VirtualClock(), folder)
        with monkeypatch.context() as broken:
            fault(broken)
            with pytest.raises(Unavailable):
                world.service.rollback(DIRECTORY, "9", author="user", reason="worse")

        world.service._upkeep.settle()

        assert world.service.get(DIRECTORY).live == live
        versions = ["9", "10", "11"][: int(live) - 8]
        found = [world.content(f"models/penguins/{version}/saved_model.pb") for version in versions]
        assert found == [b"graph9", b"graph10", b"graph9"][: len(versions)]
        assert list(world.blobs.shelf.staging.iterdir()) == []


def test_a_rollback_that_was_never_written_leaves_no_copy(tmp_path, monkeypatch):
    folder = a_home(tmp_path / "home")
    with database(folder) as db:
        world = World(db, VirtualClock(), folder)

        def refuse(_conn):
            raise Unavailable("the disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(dialect, "begin", refuse)
            with pytest.raises(Unavailable):
                world.service.rollback(DIRECTORY, "9", author="user", reason="worse")

        assert list(world.blobs.shelf.staging.iterdir()) == []
