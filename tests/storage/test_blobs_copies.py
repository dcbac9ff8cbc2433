"""Uploads and copies that end while another request is still at them are refused, never half done."""

import pytest

from trainshed.blobs import Blobs
from trainshed.buckets import Service, Source, Wanted
from trainshed.buckets.begun import IDLE
from trainshed.buckets.parts import MOST_PARTED, join
from trainshed.buckets.rewrites import MOST_REWRITES
from trainshed.buckets.uploads import MOST_UPLOADS
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted

WANTED = Wanted(bucket="bucket", name="made")
SOURCE = Source(bucket="bucket", name="a")


@pytest.fixture
def service(db, clock, tmp_path):
    made = Service(db, clock, Blobs(tmp_path / "buckets", clock))
    made.create_bucket("bucket", {})
    made.put(made.blobs.stage_bytes(b"x" * 3_000_000), Wanted(bucket="bucket", name="a"))
    yield made
    clock.advance(8 * 24 * 3600)
    made.uploads.expire()  # closes their files
    made.copies.rewrites.expire()


def staged_files(service):
    return list(service.blobs.shelf.staging.iterdir())


def test_a_token_is_good_until_its_copy_ends(service):
    first = service.copies.rewrite(SOURCE, WANTED, keep_metadata=True, limit=1 << 20)
    done = service.copies.rewrite(SOURCE, WANTED, keep_metadata=True, limit=1 << 30, token=first.token)

    assert (first.written, first.made, done.made.size) == (1 << 20, None, 3_000_000)
    with pytest.raises(InvalidArgument, match="rewriteToken"):
        service.copies.rewrite(SOURCE, WANTED, keep_metadata=True, token=first.token)


def test_a_token_is_good_for_its_own_copy_only(service):
    first = service.copies.rewrite(SOURCE, WANTED, keep_metadata=True, limit=1 << 20)
    other = Wanted(bucket="bucket", name="other")

    with pytest.raises(InvalidArgument, match="other objects"):
        service.copies.rewrite(SOURCE, other, keep_metadata=True, token=first.token)

    assert service.copies.rewrite(SOURCE, WANTED, keep_metadata=True, token=first.token).made.size == 3_000_000


def test_a_copy_that_is_refused_at_its_end_leaves_nothing(service):
    wanted = Wanted(bucket="bucket", name="a", conditions={"if_generation_match": 1})

    with pytest.raises(FailedPrecondition):
        service.copies.rewrite(SOURCE, wanted, keep_metadata=True)
    with pytest.raises(FailedPrecondition):
        service.copies.compose([SOURCE], wanted)

    assert staged_files(service) == []


def test_a_resumable_upload_that_was_given_up_takes_no_more(service):
    session = service.begin_upload(WANTED)
    session.write(0, b"x")
    service.uploads.cancel(session.upload_id)

    with pytest.raises(FailedPrecondition, match="begin it anew"):
        session.write(1, b"y")
    assert staged_files(service) == []


def test_an_upload_in_parts_that_ended_takes_no_more(service, clock):
    upload = service.parted.begin(WANTED)
    part = upload.take(1, service.blobs.stage_bytes(b"one"), clock.now())
    service.parted.end(upload)

    with pytest.raises(NotFound, match="Begin it anew"):
        upload.take(2, service.blobs.stage_bytes(b"two"), clock.now())
    with pytest.raises(NotFound), service.blobs.stage() as staged:
        join([part], staged)
    assert staged_files(service) == []


def test_what_is_left_lying_for_a_week_is_given_up(service, clock):
    service.begin_upload(WANTED)
    service.parted.begin(WANTED).take(1, service.blobs.stage_bytes(b"one"), clock.now())
    service.copies.rewrite(SOURCE, WANTED, keep_metadata=True, limit=1 << 20)
    assert len(staged_files(service)) == 3

    clock.advance(8 * 24 * 3600)
    for kept in (service.uploads, service.parted, service.copies.rewrites):
        kept.expire()

    assert staged_files(service) == []


def test_so_many_uploads_can_be_begun_and_those_that_ended_do_not_count(service):
    done = service.begin_upload(WANTED)
    service.finish_upload(done)
    begun = [service.begin_upload(WANTED) for _ in range(MOST_UPLOADS)]

    with pytest.raises(ResourceExhausted, match="under way"):
        service.begin_upload(WANTED)
    assert len(staged_files(service)) == MOST_UPLOADS
    assert service.uploads.get(done.upload_id).done is not None

    service.uploads.cancel(begun[7].upload_id)
    assert service.begin_upload(WANTED).received == 0


def test_the_upload_that_was_idle_longest_makes_room(service, clock):
    used, written, busy, idle, *rest = [service.begin_upload(WANTED) for _ in range(MOST_UPLOADS)]
    clock.advance(1)
    for session in rest:
        service.uploads.get(session.upload_id)
    clock.advance(IDLE.total_seconds() - 1)
    service.uploads.get(used.upload_id)
    written.write(0, b"x")

    with busy.lock:
        service.begin_upload(WANTED)
        with pytest.raises(ResourceExhausted):
            service.begin_upload(WANTED)

    with pytest.raises(NotFound, match="Begin it anew"):
        service.uploads.get(idle.upload_id)
    with pytest.raises(FailedPrecondition, match="begin it anew"):
        idle.write(0, b"y")
    assert [service.uploads.get(s.upload_id) for s in (used, written, busy, *rest)] == [used, written, busy, *rest]
    assert len(staged_files(service)) == MOST_UPLOADS


def test_so_many_copies_can_be_begun_until_the_oldest_are_idle(service, clock):
    def begin():
        return service.copies.rewrite(SOURCE, WANTED, keep_metadata=True, limit=1 << 20)

    first, found = begin(), service.get("bucket", "a")
    for _ in range(MOST_REWRITES - 1):
        service.copies.rewrites.begin(found, WANTED, service.blobs.stage("bucket"))
    with pytest.raises(ResourceExhausted):
        begin()
    assert len(staged_files(service)) == MOST_REWRITES

    clock.advance(IDLE.total_seconds())
    begin()
    assert len(staged_files(service)) == MOST_REWRITES
    with pytest.raises(InvalidArgument, match="Begin it anew"):
        service.copies.rewrite(SOURCE, WANTED, keep_metadata=True, token=first.token)


def test_so_many_uploads_in_parts_can_be_begun_until_the_oldest_are_idle(service, clock):
    first, *_ = [service.parted.begin(WANTED) for _ in range(MOST_PARTED)]
    first.take(1, service.blobs.stage_bytes(b"one"), clock.now())
    with pytest.raises(ResourceExhausted):
        service.parted.begin(WANTED)

    clock.advance(IDLE.total_seconds())
    service.parted.begin(WANTED)
    assert (len(service.parted.of("bucket")), staged_files(service)) == (MOST_PARTED, [])
    with pytest.raises(NotFound):
        service.parted.get(first.upload_id, bucket="bucket", name="made")


def test_the_metadata_of_what_is_gone_is_not_changed(service):
    gone = service.get("bucket", "a").generation
    service.delete("bucket", "a")

    with pytest.raises(NotFound, match="softDeleted"):
        service.update("bucket", "a", {"metadata": {"k": "v"}}, merge=True, generation=gone)
