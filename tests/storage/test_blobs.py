"""The object store keeps its word: generations, conditions, plain files, names that no file can have."""

import os
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainshed.blobs import Attributes, Blobs, Upkeep, store
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PreconditionFailed
from trainshed.sql.outbox import outbox_table


@pytest.fixture
def blobs(db, clock, tmp_path):
    made = Blobs(tmp_path / "buckets", clock)
    db.write(lambda conn: made.create_bucket(conn, "bucket"))
    return made


@pytest.fixture
def upkeep(blobs, db, clock):
    return Upkeep(blobs, db, clock)


@pytest.fixture
def put(db, blobs):
    def put(name, data=b"data", **options):
        staged = blobs.stage_bytes(data)
        return db.write(lambda conn: blobs.commit(conn, staged, "bucket", name, **options))

    return put


@pytest.fixture
def names(db, blobs):
    return lambda prefix="", **options: [
        o.name for o in db.read(lambda conn: list(blobs.list(conn, "bucket", prefix, **options)))
    ]


def content(blobs, obj):
    with blobs.open(obj) as file:
        return file.read()


def events(db):
    rows = db.read(lambda conn: conn.execute(outbox_table.select().order_by(outbox_table.c.id)).all())
    return [(r.payload["event_type"], r.payload["name"], r.payload["generation"]) for r in rows]


def test_an_object_is_a_plain_file_with_checksums_as_cloud_storage_reports_them(blobs, put):
    obj = put("data/penguins.csv", b"hello world")

    assert (blobs.root / "bucket/data/penguins.csv").read_bytes() == b"hello world"
    assert (obj.size, obj.crc32c, obj.md5) == (11, "yZRlqg==", "XrY7u+Ae7tCTyyK7j1rNww==")
    assert obj.content_type == "text/csv"
    assert blobs.local_path(obj) == blobs.root / "bucket/data/penguins.csv"


def test_generations_are_microseconds_and_increase_even_when_the_clock_stands_still(clock, put):
    made = [put(name).generation for name in ("a", "b", "a", "a")]

    assert made[0] == int(clock.now().timestamp() * 1_000_000)
    assert all(later > earlier for earlier, later in pairwise(made))


def test_the_replaced_generation_can_still_be_read(db, blobs, put):
    old = put("a", b"old")
    new = put("a", b"new")

    found = db.read(lambda conn: blobs.get(conn, "bucket", "a", old.generation))

    assert (content(blobs, found), content(blobs, new), content(blobs, old)) == (b"old", b"new", b"old")
    assert found.delete_time is not None


def test_a_deleted_object_is_gone_with_its_file_and_empty_folders(db, blobs, put, names):
    obj = put("x/y/z")

    db.write(lambda conn: blobs.delete(conn, "bucket", "x/y/z"))

    assert names() == []
    assert list((blobs.root / "bucket").iterdir()) == []
    assert content(blobs, obj) == b"data"
    with pytest.raises(NotFound, match="gs://bucket/x/y/z"):
        db.read(lambda conn: blobs.get(conn, "bucket", "x/y/z"))


def test_each_change_is_announced_in_its_own_transaction(db, blobs, put):
    first, second = put("a"), put("a")
    db.write(lambda conn: blobs.delete(conn, "bucket", "a"))

    assert events(db) == [
        ("OBJECT_FINALIZE", "a", first.generation),
        ("OBJECT_DELETE", "a", first.generation),
        ("OBJECT_FINALIZE", "a", second.generation),
        ("OBJECT_DELETE", "a", second.generation),
    ]


def test_a_transaction_that_fails_leaves_neither_row_nor_file_nor_announcement(db, blobs, names):
    staged = blobs.stage_bytes(b"x")

    def verb(conn):
        blobs.commit(conn, staged, "bucket", "a")
        raise FailedPrecondition("changed my mind")

    with pytest.raises(FailedPrecondition):
        db.write(verb)

    assert names() == []
    assert not (blobs.root / "bucket/a").exists()
    assert events(db) == []


def test_preconditions_guard_creation_replacement_and_removal(db, blobs, put):
    first = put("a", if_generation_match=0)

    with pytest.raises(PreconditionFailed, match="ifGenerationMatch is 0"):
        put("a", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        put("a", if_generation_not_match=first.generation)
    with pytest.raises(PreconditionFailed):
        put("a", if_metageneration_match=7)
    with pytest.raises(PreconditionFailed):
        db.write(lambda conn: blobs.delete(conn, "bucket", "a", if_generation_match=1))
    second = put("a", b"second", if_generation_match=first.generation, if_metageneration_match=1)

    assert content(blobs, second) == b"second"
    assert not any((blobs.root / ".staging").iterdir()), "what was refused left nothing behind"


def test_metadata_changes_count_the_metageneration_up(db, blobs, put):
    put("a", attributes=Attributes(metadata={"k": "v"}))

    changed = db.write(lambda conn: blobs.update(conn, "bucket", "a", {"metadata": {"k": "w"}}))

    assert (changed.metageneration, changed.metadata) == (2, {"k": "w"})
    assert db.read(lambda conn: blobs.get(conn, "bucket", "a")) == changed


def test_an_unknown_bucket_is_named_with_the_command_that_makes_it(db, blobs):
    staged = blobs.stage_bytes(b"x")

    with pytest.raises(NotFound, match="storage buckets create gs://other"):
        db.write(lambda conn: blobs.commit(conn, staged, "other", "a"))


def test_a_bucket_is_made_once_and_removed_only_when_empty(db, blobs, put):
    with pytest.raises(AlreadyExists):
        db.write(lambda conn: blobs.create_bucket(conn, "bucket"))
    put("a")
    with pytest.raises(FailedPrecondition, match="not empty"):
        db.write(lambda conn: blobs.delete_bucket(conn, "bucket"))
    db.write(lambda conn: blobs.delete(conn, "bucket", "a"))

    db.write(lambda conn: blobs.delete_bucket(conn, "bucket"))

    assert not (blobs.root / "bucket").exists()
    with pytest.raises(NotFound):
        db.read(lambda conn: blobs.get_bucket(conn, "bucket"))


@pytest.mark.parametrize("order", [("a", "a/b", "a/b/c"), ("a/b/c", "a/b", "a")])
def test_a_name_that_is_also_a_folder_of_others_works_in_either_order(blobs, put, names, order):
    made = {name: put(name, name.encode()) for name in order}

    assert names() == ["a", "a/b", "a/b/c"]
    assert {name: content(blobs, obj) for name, obj in made.items()} == {n: n.encode() for n in order}


def test_objects_of_one_transaction_get_out_of_each_others_way(db, blobs, names):
    staged = [(name, blobs.stage_bytes(name.encode())) for name in ("a", "a/b", "a")]

    made = db.write(lambda conn: [blobs.commit(conn, s, "bucket", name) for name, s in staged])

    assert [content(blobs, obj) for obj in made] == [b"a", b"a/b", b"a"]
    assert names() == ["a", "a/b"]


def test_an_object_deleted_and_made_again_in_one_transaction_is_the_new_one(db, blobs, put, names):
    put("a", b"old")
    staged = blobs.stage_bytes(b"new")

    def verb(conn):
        blobs.delete(conn, "bucket", "a")
        assert blobs.see(conn, "bucket", "a") is None
        return blobs.commit(conn, staged, "bucket", "a", if_generation_match=0)

    assert content(blobs, db.write(verb)) == b"new"
    assert (blobs.root / "bucket/a").read_bytes() == b"new"
    assert names() == ["a"]


ATTACKS = [
    "a/../escape", "/etc/passwd", "a/b/../../escape", "./a", "a//b", "a/", "/", "//", "a\0b", "..a/..",
    "x" * 1024, "/".join(["d" * 100] * 10), "caf\u00e9", "cafe\u0301", "\u202e", "C:\\windows", "~/.ssh/id", "-rf", "$HOME",
    ".staging/x", ".generations/1", " ", "\t", "\U0001f427",
]  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_no_name_leads_out_of_the_bucket_and_every_name_works(db, tmp_path, blobs, put, names, name):
    before = {p for p in tmp_path.rglob("*") if not p.is_relative_to(blobs.root)}

    obj = put(name, b"payload")

    assert content(blobs, obj) == b"payload"
    assert names() == [name]
    assert blobs.local_path(obj).resolve().is_relative_to(blobs.root.resolve())
    assert {p for p in tmp_path.rglob("*") if not p.is_relative_to(blobs.root)} - before <= {
        tmp_path / "trainshed.db-wal", tmp_path / "trainshed.db-shm"
    }  # fmt: skip
    db.write(lambda conn: blobs.delete(conn, "bucket", name))
    assert names() == []


def test_a_name_of_four_kilobytes_is_refused(put):
    with pytest.raises(InvalidArgument, match="1 to 1024 bytes"):
        put("n" * 4096)


def test_unicode_forms_of_one_word_are_different_objects(blobs, put, names):
    put("caf\u00e9", b"composed")
    put("cafe\u0301", b"decomposed")

    assert len(names()) == 2


def test_links_in_a_bucket_are_neither_followed_nor_listed(db, blobs, put, names, upkeep, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("s3cret")
    (blobs.root / "bucket/link").symlink_to(secret)
    (blobs.root / "bucket/file").symlink_to(secret / "key")

    upkeep.refresh("bucket")
    assert names() == []
    assert upkeep.current("bucket", "link/key") is None
    assert upkeep.current("bucket", "file") is None
    obj = put("link/key", b"mine")

    assert (secret / "key").read_text() == "s3cret"
    assert content(blobs, obj) == b"mine"
    assert not blobs.local_path(obj).is_relative_to(blobs.root / "bucket")


def test_listing_is_by_name_with_prefix_start_end_and_continuation(names, put):
    for name in ("b/2", "a", "b/1", "c", "b"):
        put(name)

    assert names() == ["a", "b", "b/1", "b/2", "c"]
    assert names("b/") == ["b/1", "b/2"]
    assert names(start="b/1", end="c") == ["b/1", "b/2"]
    assert names(limit=2) == ["a", "b"]
    assert names("%") == []


def test_folders_are_found_without_what_lies_in_them(db, blobs, put):
    for name in ("a/1/x", "a/1/y", "a/10/x", "a/2/deep/er", "a/file", "a0/x", "b/3/x", "ä/x"):
        put(name)
    put("a/gone/x")
    db.write(lambda conn: blobs.delete(conn, "bucket", "a/gone/x"))

    def below(prefix):
        return db.read(lambda conn: blobs.folders(conn, "bucket", prefix))

    assert below("a/") == ["1", "10", "2"]
    assert below("") == ["a", "a0", "b", "ä"]
    assert below("nothing/") == []
    with pytest.raises(NotFound):
        db.read(lambda conn: blobs.folders(conn, "nobody", ""))


def test_a_file_put_there_by_hand_becomes_a_generation_and_is_announced(db, blobs, upkeep, names):
    (blobs.root / "bucket/new").mkdir()
    (blobs.root / "bucket/new/rows.csv").write_bytes(b"1,2\n")

    assert upkeep.refresh("bucket") == 1
    obj = db.read(lambda conn: blobs.get(conn, "bucket", "new/rows.csv"))

    assert (obj.size, content(blobs, obj)) == (4, b"1,2\n")
    assert events(db) == [("OBJECT_FINALIZE", "new/rows.csv", obj.generation)]
    assert upkeep.refresh("bucket") == 0


def test_a_file_put_there_by_hand_counts_for_preconditions(blobs, put):
    (blobs.root / "bucket/a").write_bytes(b"by hand")

    with pytest.raises(PreconditionFailed):
        put("a", if_generation_match=0)


def rewrite_in_place(path):
    path.write_bytes(b"DATA")


def replace_by_rename(path):
    other = path.with_name("other")
    other.write_bytes(b"DATA")
    times = path.stat()
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(path)


def rewrite_and_set_the_time_back(path):
    times = path.stat()
    path.write_bytes(b"DATA")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("trick", [rewrite_in_place, replace_by_rename, rewrite_and_set_the_time_back])
def test_changed_bytes_are_a_new_generation_whatever_the_trick(db, blobs, upkeep, put, trick):
    old = put("a", b"data")
    upkeep.settle()
    key = db.read(lambda conn: blobs.generations(conn, "gs://bucket/a"))

    trick(blobs.root / "bucket/a")
    seen = upkeep.current("bucket", "a")

    assert seen.generation > old.generation
    assert content(blobs, seen) == b"DATA"
    assert db.read(lambda conn: blobs.generations(conn, "gs://bucket/a")) != key


def test_a_file_that_was_only_linked_or_had_its_mode_changed_stays_the_same_generation(blobs, upkeep, put):
    old = put("a")
    upkeep.settle()

    (blobs.root / "bucket/a").chmod(0o600)

    assert upkeep.current("bucket", "a").generation == old.generation
    assert upkeep.refresh("bucket") == 0


def test_a_file_removed_by_hand_is_a_deleted_object(db, blobs, upkeep, put, names):
    put("a")
    upkeep.settle()

    (blobs.root / "bucket/a").unlink()

    assert upkeep.current("bucket", "a") is None
    assert names() == []
    assert events(db)[-1][:2] == ("OBJECT_DELETE", "a")


def test_generations_of_a_prefix_are_those_below_it_as_a_folder(db, blobs, put):
    put("data/a")
    put("data/b")
    put("database")

    found = db.read(lambda conn: blobs.generations(conn, "gs://bucket/data"))

    assert [name for name, _, _ in found] == ["data/a", "data/b"]


@pytest.mark.parametrize("trick", [rewrite_in_place, replace_by_rename, rewrite_and_set_the_time_back])
def test_a_cache_key_sees_changed_bytes_before_anybody_looked(db, blobs, upkeep, put, trick):
    put("data/a", b"data")
    upkeep.settle()
    before = db.read(lambda conn: blobs.generations(conn, "gs://bucket/data"))

    trick(blobs.root / "bucket/data/a")
    after = db.read(lambda conn: blobs.generations(conn, "gs://bucket/data"))
    (blobs.root / "bucket/data/b").write_bytes(b"new")
    with_new = db.read(lambda conn: blobs.generations(conn, "gs://bucket/data"))

    assert len({before, after, with_new}) == 3
    assert before[0][2] != after[0][2]


def test_a_folder_is_staged_with_links_left_out(blobs, tmp_path):
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "one").write_bytes(b"1")
    (tree / "sub/two").write_bytes(b"2")
    (tree / "link").symlink_to("/etc/passwd")

    assert [(name, file.checksums.size) for name, file in blobs.stage_tree(tree)] == [("one", 1), ("sub/two", 1)]


def test_old_generations_are_forgotten_after_the_time_of_soft_delete(db, clock, blobs, upkeep, put):
    old = put("a", b"old")
    put("a", b"new")
    clock.advance(7 * 24 * 3600 - 1)
    assert upkeep.forget() == 0

    clock.advance(2)

    assert upkeep.forget() == 1
    with pytest.raises(NotFound):
        db.read(lambda conn: blobs.get(conn, "bucket", "a", old.generation))
    assert list((blobs.root / ".generations/bucket").iterdir()) == []


def test_generations_that_are_kept_for_ever_do_not_keep_others_from_being_forgotten(
    db, clock, blobs, upkeep, put, monkeypatch
):
    monkeypatch.setattr("trainshed.blobs.upkeep._BATCH", 2)
    db.write(lambda conn: blobs.update_bucket(conn, "bucket", {"versioning": {"enabled": True}}))
    db.write(lambda conn: blobs.create_bucket(conn, "other"))
    for _ in range(4):
        put("a")
    for data in (b"1", b"2", b"3", b"4"):
        staged = blobs.stage_bytes(data)
        db.write(lambda conn, staged=staged: blobs.commit(conn, staged, "other", "b"))
    clock.advance(8 * 24 * 3600)

    assert upkeep.forget() == 3
    assert list((blobs.root / ".generations/other").iterdir()) == []


def test_bytes_of_an_old_generation_stay_until_its_row_is_gone(db, clock, blobs, upkeep, put, monkeypatch):
    old = put("a", b"old")
    put("a", b"new")
    clock.advance(8 * 24 * 3600)

    def forget_and_fail(conn):
        upkeep._forget(conn)
        raise NotFound("the commit fails")

    with pytest.raises(NotFound):
        db.write(forget_and_fail)

    assert content(blobs, old) == b"old"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["put", "delete"]), st.sampled_from(["a", "a/b", "a/b/", "b", "a/b/c"])), max_size=12))  # fmt: skip
def test_any_sequence_of_changes_agrees_with_a_dictionary(db, blobs, put, names, steps):
    for name in names():
        db.write(lambda conn, name=name: blobs.delete(conn, "bucket", name))
    model = {}
    for number, (verb, name) in enumerate(steps):
        if verb == "put":
            model[name] = b"%d" % number
            put(name, model[name])
        elif name in model:
            del model[name]
            db.write(lambda conn, name=name: blobs.delete(conn, "bucket", name))

    found = {o.name: content(blobs, o) for o in db.read(lambda conn: list(blobs.list(conn, "bucket")))}

    assert found == model


def test_an_object_of_a_bucket_that_was_never_made_is_not_found(db, blobs):
    with pytest.raises(NotFound, match="no bucket 'nowhere'"):
        db.write(lambda conn: blobs.see(conn, "nowhere", "x"))


def test_an_object_that_is_found_by_name_is_the_same_as_in_a_list(db, blobs, put):
    put("a", b"first")
    put("a", b"second", attributes=Attributes(metadata={"k": "v"}))

    (listed,) = db.read(lambda conn: list(blobs.list(conn, "bucket")))
    found = db.read(lambda conn: blobs.get(conn, "bucket", "a"))

    assert repr(found) == repr(listed)  # 0 equals False, and is written otherwise
    assert repr(found) == repr(db.read(lambda conn: blobs.get(conn, "bucket", "a", found.generation)))


def test_a_bucket_whose_folder_is_there_before_its_row_is_left_to_who_makes_it(blobs, upkeep, monkeypatch):
    (blobs.root / "by-hand").mkdir()
    (blobs.root / "by-hand/a").touch()
    monkeypatch.setattr(store, "list_buckets", lambda _conn, **_: [])  # as read before its maker had committed

    assert upkeep.adopt_buckets() == ["by-hand"]


def test_a_file_that_can_be_no_object_is_told_of_once_and_by_name(blobs, upkeep, caplog):
    os.close(os.open(os.fsencode(blobs.root / "bucket") + b"/never\xff", os.O_CREAT | os.O_WRONLY))

    found = [upkeep.differing("bucket") for _ in range(3)]

    said = [record.getMessage() for record in caplog.records if getattr(record, "action", "") == "file_skipped"]
    assert found == [{}] * 3
    assert len(said) == 1
    assert "never" in said[0]
