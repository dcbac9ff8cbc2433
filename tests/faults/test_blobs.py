"""Objects are visible complete or not at all, whatever ends the process, fills the disk or damages a file."""

import errno
import itertools
import multiprocessing
import os
import shutil
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
from storage.blobs_world import CONTENT, LARGE, run_and_end
from storage.commits import failing_to_commit

from trainshed import errors
from trainshed.blobs import Blobs, Upkeep, files
from trainshed.client import Client
from trainshed.clock import VirtualClock
from trainshed.sql import Database
from trainshed.testing import database, server

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["trainshed.registry", "trainshed.buckets", "trainshed.blobs", "trainshed.sql"])


def fresh(root, name):
    """Make a folder with an empty store in it; the tables are made once."""
    if not (root / "empty").exists():
        (root / "empty").mkdir()
        with database(root / "empty"):
            pass
    return shutil.copytree(root / "empty", root / name)


def run_until(folder, boundary, script="store_everything"):
    """Run it in a process of its own that ends without a trace at the given touch of the file system.

    It is forked from a process that has no threads: what those of this one hold would be held for ever.
    """
    child = _FORKS.Process(target=run_and_end, args=(folder, boundary, script))
    child.start()
    child.join()
    return child.exitcode


def expected(folder):
    wanted = {}
    for line in (folder / "acknowledged").read_text().splitlines():
        verb, name, *size = line.split(" ")
        if verb == "put":
            wanted[name] = b"replaced" if size == ["8"] else CONTENT[name]
        else:
            del wanted[name]
    return wanted


def content(blobs, obj):
    with blobs.open(obj) as file:
        return file.read()


def found_after_restart(folder):
    """Start again; answer every object with its content."""
    with closing(Database(folder / "trainshed.db")) as db:
        clock = VirtualClock()
        blobs = Blobs(folder / "buckets", clock)
        upkeep = Upkeep(blobs, db, clock)
        upkeep.recover()
        if not db.read(lambda conn: conn.exec_driver_sql("SELECT 1 FROM buckets").first()):
            return {}
        upkeep.refresh("bucket")
        return {o.name: content(blobs, o) for o in db.read(lambda conn: list(blobs.list(conn, "bucket")))}


def test_ended_at_any_touch_of_the_file_system_all_acknowledged_objects_are_whole(tmp_path):
    for boundary in itertools.count(1):
        folder = fresh(tmp_path, str(boundary))
        code = run_until(folder, boundary)

        found, wanted = found_after_restart(folder), expected(folder)

        assert code in {0, 9}
        removal_was_under_way = wanted.get("a") == b"replaced"
        assert set(wanted) - set(found) <= ({"a/b"} if removal_was_under_way else set()), boundary
        for name, data in found.items():
            assert data in {CONTENT[name], b"replaced"}, (boundary, name)
            assert data in {wanted.get(name, data), b"replaced"}, (boundary, name)
        assert not any((folder / "buckets").glob(".staging/*"))
        if code == 0:
            break
    assert boundary > 15, "the script touches the file system often"


def test_ended_at_any_touch_of_the_file_system_what_is_made_of_objects_is_whole_and_versions_stay(tmp_path):
    whole = {"old": b"old", "large": LARGE, "twice": LARGE * 2}
    for boundary in itertools.count(1):
        folder = fresh(tmp_path, str(boundary))
        code = run_until(folder, boundary, "change_everything")
        told = [line.split(" ")[1:] for line in (folder / "acknowledged").read_text().splitlines()]

        found = found_after_restart(folder)

        assert code in {0, 9}
        assert all(data in whole.values() for data in found.values()), boundary
        for name, what in told:
            is_under_way = (name, what) in {("a", "old"), ("composed", "twice")}
            assert found.get(name) == whole[what] or is_under_way, (boundary, name)
        assert not {"composed", "moved"} <= set(found), boundary
        if ["a", "large"] in told:
            assert versions_after_restart(folder) == [b"old", LARGE], boundary
        assert not any((folder / "buckets").glob(".staging/*"))
        shutil.rmtree(folder)
        if code == 0:
            break
    assert boundary > 20, "the script touches the file system often"


def versions_after_restart(folder):
    with closing(Database(folder / "trainshed.db")) as db:
        blobs = Blobs(folder / "buckets", VirtualClock())
        return [content(blobs, o) for o in db.read(lambda conn: list(blobs.list(conn, "bucket", "a", versions=True)))]


def test_bytes_and_folder_entry_are_on_disk_before_the_row_is_committed(db, clock, tmp_path, monkeypatch):
    blobs = Blobs(tmp_path / "buckets", clock)
    db.write(lambda conn: blobs.create_bucket(conn, "bucket"))
    synced = []
    fsync = os.fsync

    def watched(fd):
        synced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", watched)
    staged = blobs.stage_bytes(b"data")

    def verb(conn):
        assert synced == [str(staged.path), str(staged.path.parent)]
        return blobs.commit(conn, staged, "bucket", "a")

    assert content(blobs, db.write(verb)) == b"data"


@pytest.mark.parametrize(
    ("code", "error"),
    [(errno.ENOSPC, errors.ResourceExhausted), (errno.EDQUOT, errors.ResourceExhausted), (errno.EIO, errors.Unavailable),
     (errno.EROFS, errors.Unavailable)],
)  # fmt: skip
def test_a_full_or_failing_disk_is_said_and_leaves_nothing_half_done(db, clock, tmp_path, monkeypatch, code, error):
    blobs = Blobs(tmp_path / "buckets", clock)
    db.write(lambda conn: blobs.create_bucket(conn, "bucket"))

    def failing(fd):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(files.os, "fsync", failing)
        with pytest.raises(error):
            blobs.stage_bytes(b"data")
    staged = blobs.stage_bytes(b"data")
    obj = db.write(lambda conn: blobs.commit(conn, staged, "bucket", "a"))

    assert content(blobs, obj) == b"data", "it goes on once there is space again"
    assert list((tmp_path / "buckets/.staging").iterdir()) == []


def test_an_object_that_cannot_be_put_in_place_stays_readable_and_is_settled_later(db, clock, tmp_path, monkeypatch):
    blobs = Blobs(tmp_path / "buckets", clock)
    upkeep = Upkeep(blobs, db, clock)
    db.write(lambda conn: blobs.create_bucket(conn, "bucket"))
    staged = blobs.stage_bytes(b"data")
    with monkeypatch.context() as broken:
        broken.setattr(files, "place", lambda *_: False)
        obj = db.write(lambda conn: blobs.commit(conn, staged, "bucket", "x/y"))
    assert content(blobs, obj) == b"data"

    assert upkeep.settle() == 1

    assert (tmp_path / "buckets/bucket/x/y").read_bytes() == b"data"
    assert content(blobs, obj) == b"data"


def test_no_file_is_put_in_place_for_a_row_that_is_not_committed(db, clock, tmp_path, monkeypatch):
    blobs = Blobs(tmp_path / "buckets", clock)
    upkeep = Upkeep(blobs, db, clock)
    db.write(lambda conn: blobs.create_bucket(conn, "bucket"))
    with monkeypatch.context() as broken:
        broken.setattr(files, "place", lambda *_: False)
        db.write(lambda conn: blobs.commit(conn, blobs.stage_bytes(b"first"), "bucket", "first"))
    submit, is_in_line = db.submit, threading.Event()

    def noticed(verb):
        future = submit(verb)
        is_in_line.set()
        return future

    def settle():
        with suppress(errors.Unavailable):
            upkeep.settle()

    def both_in_one_transaction(_conn):
        one = submit(lambda conn: blobs.commit(conn, staged, "bucket", "second"))
        settling.start()
        assert is_in_line.wait(10)
        failing_to_commit(broken, after=1)  # this one
        return one

    staged, settling = blobs.stage_bytes(b"second"), threading.Thread(target=settle)
    with monkeypatch.context() as broken:
        broken.setattr(db, "submit", noticed)
        undone = submit(both_in_one_transaction).result()
        settling.join()

    with pytest.raises(errors.Unavailable):
        undone.result()
    assert not (tmp_path / "buckets/bucket/second").exists()
    again = db.write(lambda conn: blobs.commit(conn, blobs.stage_bytes(b"again"), "bucket", "second"))
    assert generations(db, "second") == [again.generation], "nothing was taken for a file that was put there by hand"
    upkeep.settle()
    assert (tmp_path / "buckets/bucket/first").read_bytes() == b"first"


def generations(db, name):
    query = "SELECT generation FROM objects WHERE name = ?"
    return [generation for (generation,) in db.read(lambda conn: conn.exec_driver_sql(query, (name,)).all())]


def test_a_file_that_has_to_lie_elsewhere_is_found_whenever_the_server_ends(db, clock, tmp_path, monkeypatch):
    blobs = Blobs(tmp_path / "buckets", clock)
    upkeep = Upkeep(blobs, db, clock)
    db.write(lambda conn: blobs.create_bucket(conn, "bucket"))
    with monkeypatch.context() as broken:
        broken.setattr(files, "place", lambda *_: False)
        obj = db.write(lambda conn: blobs.commit(conn, blobs.stage_bytes(b"data"), "bucket", "x"))
    (tmp_path / "buckets/bucket/x").mkdir()

    for commits in range(4):
        with monkeypatch.context() as broken, suppress(errors.Unavailable):
            failing_to_commit(broken, after=commits)
            upkeep.settle()
        assert content(blobs, blobs_now(db, blobs, obj)) == b"data", commits

    upkeep.settle()
    assert blobs_now(db, blobs, obj).staged == ""
    assert content(blobs, blobs_now(db, blobs, obj)) == b"data"


def blobs_now(db, blobs, obj):
    return db.read(lambda conn: blobs.get(conn, obj.bucket, obj.name))


def test_a_missing_bucket_folder_is_an_error_and_not_a_thousand_deletions(db, clock, tmp_path):
    blobs = Blobs(tmp_path / "buckets", clock)
    upkeep = Upkeep(blobs, db, clock)
    db.write(lambda conn: blobs.create_bucket(conn, "bucket"))
    staged = blobs.stage_bytes(b"data")
    db.write(lambda conn: blobs.commit(conn, staged, "bucket", "a"))
    (tmp_path / "buckets/bucket").rename(tmp_path / "away")

    with pytest.raises(errors.Unavailable, match="Bring it back"):
        upkeep.refresh("bucket")
    (tmp_path / "away").rename(tmp_path / "buckets/bucket")

    assert upkeep.refresh("bucket") == 0
    assert upkeep.current("bucket", "a").size == 4


def test_a_server_killed_during_uploads_has_every_acknowledged_object_and_no_half_one(tmp_path):
    done = []

    def upload(address):
        client = Client(address)
        try:
            for number in range(10_000):
                data = bytes([number % 256]) * 50_000
                client.upload(
                    "/upload/storage/v1/b/bucket/o", data, query={"uploadType": "media", "name": f"f/{number}"}
                )
                done.append(number)
                if len(done) == 12:
                    enough.set()
        except errors.TrainshedError:
            pass

    with server(tmp_path / "home") as running:
        enough = threading.Event()
        Client(running.address).call("POST", "/storage/v1/b", {"name": "bucket"})
        thread = threading.Thread(target=upload, args=(running.address,))
        thread.start()
        assert enough.wait(60)
        running.kill()
        thread.join()
        running.start()
        items = list(Client(running.address).pages("/storage/v1/b/bucket/o", "items"))

    found = {int(item["name"].removeprefix("f/")): item for item in items}
    assert set(done) <= set(found)
    assert all(item["size"] == "50000" for item in items)
    for number in found:
        data = (tmp_path / f"home/buckets/bucket/f/{number}").read_bytes()
        assert data == bytes([number % 256]) * 50_000
