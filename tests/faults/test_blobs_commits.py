"""What lies in folders agrees with the rows, whichever commit fails and whatever is lost right after one."""

from datetime import timedelta

import pytest
from storage.commits import failing_after_commit, failing_to_commit, in_one_transaction, killed_after_commit

from trainshed import errors
from trainshed.blobs import Blobs, Upkeep, files
from trainshed.buckets import Service, Source, Wanted

VERSIONS = {"versioning": {"enabled": True}}
AT_ONCE = {"softDeletePolicy": {"retentionDurationSeconds": "0"}}


class World:
    """Buckets over one store; `restart` is what a kill and a start make of it."""

    def __init__(self, db, clock, root):
        self.db, self.clock, self.root = db, clock, root
        self.blobs = Blobs(root, clock)
        self.upkeep = Upkeep(self.blobs, db, clock)

    def restart(self):
        self.upkeep = Upkeep(Blobs(self.root, self.clock), self.db, self.clock)
        self.upkeep.recover()

    def make(self, bucket="bucket", properties=None):
        return self.db.write(lambda conn: self.blobs.create_bucket(conn, bucket, properties))

    def put(self, name, data):
        staged = self.blobs.stage_bytes(data)
        return self.db.write(lambda conn: self.blobs.commit(conn, staged, "bucket", name))

    def delete(self, name, **generation):
        self.db.write(lambda conn: self.blobs.delete(conn, "bucket", name, **generation))

    def drop(self, bucket="bucket"):
        self.db.write(lambda conn: self.blobs.delete_bucket(conn, bucket))

    def buckets(self):
        """Answer the buckets after a look at what lies beside them."""
        self.upkeep.adopt_buckets()
        return [name for (name,) in self.db.read(lambda conn: conn.exec_driver_sql("SELECT name FROM buckets").all())]

    def content(self, name, generation=None):
        obj = self.db.read(lambda conn: self.blobs.get(conn, "bucket", name, generation))
        with self.blobs.open(obj) as file:
            return file.read()

    def names(self):
        """Answer the objects after a look at what lies in the folder."""
        self.upkeep.refresh("bucket")
        return [obj.name for obj in self.db.read(lambda conn: list(self.blobs.list(conn, "bucket")))]


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path / "buckets")


def test_a_bucket_that_was_not_committed_is_none_and_can_be_made(world, monkeypatch):
    with monkeypatch.context() as broken:
        failing_to_commit(broken)
        with pytest.raises(errors.Unavailable):
            world.make(properties=VERSIONS)
    world.restart()

    assert world.buckets() == []
    assert world.make(properties=VERSIONS).has_versioning
    assert (world.root / "bucket").is_dir()


def test_a_bucket_whose_folder_was_not_made_any_more_is_as_good_as_others(world, monkeypatch):
    with monkeypatch.context() as broken:
        killed_after_commit(broken)
        world.make("bucket")
    world.put("before", b"restart")
    with monkeypatch.context() as broken:
        killed_after_commit(broken)
        world.make("another")

    world.restart()

    assert world.names() == ["before"]
    assert (world.root / "another").is_dir()


def test_an_empty_bucket_whose_folder_cannot_be_made_does_not_keep_the_server_from_starting(world, tmp_path):
    world.make()
    world.make("another")
    (world.root / "bucket").rmdir()
    (world.root / "bucket").symlink_to(tmp_path / "away")

    world.restart()
    (world.root / "bucket").unlink()

    world.put("a", b"data")
    assert (world.root / "bucket/a").read_bytes() == b"data"


def test_a_deleted_bucket_whose_folder_stayed_does_not_come_back(world, monkeypatch):
    world.make(properties=VERSIONS)
    with monkeypatch.context() as broken:
        killed_after_commit(broken)
        world.drop()

    world.restart()

    assert world.buckets() == []
    assert not world.make().has_versioning


def test_a_bucket_that_is_deleted_and_made_anew_in_one_transaction_has_a_folder(world):
    world.make(properties=VERSIONS)

    done = in_one_transaction(
        world.db,
        lambda conn: world.blobs.delete_bucket(conn, "bucket"),
        lambda conn: world.blobs.create_bucket(conn, "bucket"),
    )

    assert not done[1].result().has_versioning
    world.put("a", b"data")
    assert world.names() == ["a"]


def test_a_bucket_and_its_first_object_are_made_in_one_transaction(world):
    staged = world.blobs.stage_bytes(b"data")

    def verb(conn):
        world.blobs.create_bucket(conn, "bucket")
        world.blobs.commit(conn, staged, "bucket", "a")

    world.db.write(verb)

    assert world.names() == ["a"]


def test_what_a_deleted_object_left_at_its_path_is_no_new_object_once_it_is_forgotten(world, monkeypatch):
    world.make(properties=AT_ONCE)
    world.put("a", b"data")
    world.put("b/c", b"data")
    world.upkeep.settle()
    with monkeypatch.context() as broken:
        killed_after_commit(broken)
        world.delete("a")
    with monkeypatch.context() as broken:
        broken.setattr(files, "place", lambda *_: False)  # the disk is full
        world.delete("b/c")
    world.restart()
    world.clock.advance(timedelta(hours=1))

    with monkeypatch.context() as broken:
        killed_after_commit(broken)
        world.upkeep.forget()
    world.restart()
    world.upkeep.forget()
    world.upkeep.forget()

    assert world.names() == []
    assert not [path for path in (world.root / ".generations").rglob("*") if path.is_file()]


def test_the_bytes_of_a_forgotten_generation_go_though_the_server_was_killed(world, monkeypatch):
    world.make(properties=VERSIONS)
    first, _ = world.put("a", b"first"), world.put("a", b"second")
    world.delete("a", generation=first.generation)
    with monkeypatch.context() as broken:
        killed_after_commit(broken)
        world.delete("a", generation=first.generation)
    kept = world.root / f".generations/bucket/{first.generation}"
    assert kept.exists()

    world.restart()

    assert not kept.exists()
    assert world.content("a") == b"second"


def test_a_generation_that_ended_before_it_could_be_moved_is_whole(world, monkeypatch):
    world.make(properties=VERSIONS)
    with monkeypatch.context() as broken:
        broken.setattr(files, "place", lambda *_: False)  # the disk is full
        first = world.put("a", b"first")
        world.put("a", b"second")
        world.upkeep.settle()

    world.restart()

    assert world.content("a", first.generation) == b"first"
    assert world.content("a") == b"second"


def test_a_start_without_the_disk_of_the_buckets_loses_nothing_that_was_not_moved_yet(world, tmp_path, monkeypatch):
    world.make()
    with monkeypatch.context() as broken:
        killed_after_commit(broken)
        world.put("a", b"data")
    world.root.rename(tmp_path / "away")

    world.restart()
    world.root.rmdir()
    (tmp_path / "away").rename(world.root)
    world.restart()

    assert world.content("a") == b"data"
    assert world.names() == ["a"]


def test_what_was_staged_for_a_transaction_that_failed_at_its_end_does_not_fill_the_disk(world, monkeypatch):
    world.make()
    with monkeypatch.context() as broken:
        failing_to_commit(broken)
        for _ in range(3):
            with pytest.raises(errors.Unavailable):
                world.put("a", b"x" * 1000)
    with monkeypatch.context() as broken:
        killed_after_commit(broken)
        world.put("a", b"good")
    coming = world.blobs.stage_bytes(b"on its way")

    world.upkeep.settle()

    assert list((world.root / ".staging").iterdir()) == [coming.path]
    assert world.content("a") == b"good"
    world.db.write(lambda conn: world.blobs.commit(conn, coming, "bucket", "b"))
    assert world.content("b") == b"on its way"


@pytest.mark.parametrize(("fault", "names"), [(failing_after_commit, ["a", "copy"]), (failing_to_commit, ["a"])])
def test_a_copy_of_which_nobody_knows_whether_it_was_written_is_whole_or_is_not(world, monkeypatch, fault, names):
    world.make()
    world.put("a", b"data")
    service = Service(world.db, world.clock, world.blobs)
    with monkeypatch.context() as broken:
        fault(broken)
        with pytest.raises(errors.Unavailable):
            service.copies.rewrite(
                Source(bucket="bucket", name="a"), Wanted(bucket="bucket", name="copy"), keep_metadata=True
            )

    world.upkeep.settle()

    assert world.names() == names
    assert [world.content(name) for name in names] == [b"data" for _ in names]
    assert list((world.root / ".staging").iterdir()) == []


def test_an_object_that_was_just_deleted_is_not_present(world, monkeypatch):
    world.make()
    world.put("a", b"data")
    world.put("b", b"data")
    world.upkeep.settle()

    _, seen = in_one_transaction(
        world.db,
        lambda conn: world.blobs.delete(conn, "bucket", "a"),
        lambda conn: world.blobs.generations(conn, "gs://bucket/a"),
    )
    with monkeypatch.context() as broken:
        killed_after_commit(broken)
        world.delete("b")

    assert seen.result() == ()
    assert world.db.read(lambda conn: world.blobs.generations(conn, "gs://bucket/")) == ()


def test_a_folder_put_there_by_hand_is_a_bucket_once_something_lies_in_it(world):
    (world.root / "by-hand").mkdir(parents=True)
    before = world.buckets()
    (world.root / "by-hand/a").write_bytes(b"data")

    assert before == []
    assert world.buckets() == ["by-hand"]
