"""Google's own storage client against the surface: no line of it is changed, only its address."""

import asyncio
import io
import os
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from trainshed.api.serve import Surface
from trainshed.api.services import storage as storage_api
from trainshed.blobs import Blobs
from trainshed.buckets import Service
from trainshed.client import Client
from trainshed.errors import InvalidArgument, NotFound
from trainshed.settings import load

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@contextmanager
def listening(settings, routes):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin():
        surface = Surface(settings, [], routes)
        return surface, await surface.start()

    surface, address = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
    try:
        yield address
    finally:
        asyncio.run_coroutine_threadsafe(surface.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def service(db, clock, tmp_path):
    return Service(db, clock, Blobs(tmp_path / "buckets", clock))


@pytest.fixture
def address(service, tmp_path):
    with listening(load({}, home=tmp_path, port=0), storage_api.routes(service)) as found:
        yield found


@pytest.fixture
def client(address):
    made = storage.Client(
        project="local-project", credentials=AnonymousCredentials(), client_options={"api_endpoint": address}
    )
    yield made
    made._http.close()


@pytest.fixture
def bucket(client):
    return client.create_bucket("bucket")


def test_a_bucket_is_made_found_listed_and_removed(client):
    made = client.create_bucket("first", location="europe-west1")

    assert client.get_bucket("first").location == "EUROPE-WEST1"
    assert made.project_number == 100000000001
    assert [b.name for b in client.list_buckets()] == ["first"]
    with pytest.raises(exceptions.Conflict):
        client.create_bucket("first")
    made.delete()
    with pytest.raises(exceptions.NotFound):
        client.get_bucket("first")


def test_a_bucket_with_objects_is_not_removed_unless_forced(bucket):
    bucket.blob("a").upload_from_string("x")

    with pytest.raises(exceptions.Conflict, match="not empty"):
        bucket.delete()
    bucket.delete(force=True)

    assert not bucket.exists()


def test_what_is_uploaded_is_downloaded_with_its_type_and_metadata(bucket):
    blob = bucket.blob("folder/a b/ü#?.txt")
    blob.metadata = {"author": "penguin"}
    blob.cache_control = "no-store"
    blob.upload_from_string("hello", content_type="text/plain")

    found = bucket.get_blob("folder/a b/ü#?.txt")

    assert found.download_as_bytes() == b"hello"
    assert (found.content_type, found.metadata, found.cache_control) == (
        "text/plain", {"author": "penguin"}, "no-store",
    )  # fmt: skip
    assert (found.size, found.generation, found.crc32c) == (5, blob.generation, "mnG7TA==")
    assert found.exists()
    assert not bucket.blob("other").exists()


@pytest.mark.parametrize(
    "name", ["a//b", "trailing/", "a/../b", "/abs", "x/rewriteTo/b/c/o/d", "%2F", "a%20b", "." * 3]
)
def test_unusual_names_travel_unharmed(bucket, name):
    bucket.blob(name).upload_from_string(name)

    assert [b.name for b in bucket.list_blobs()] == [name]
    assert bucket.blob(name).download_as_text() == name


def test_a_large_file_goes_up_by_a_resumable_upload_in_several_requests(bucket, tmp_path):
    source = tmp_path / "large"
    source.write_bytes(bytes(range(256)) * 4096 + b"tail")
    blob = bucket.blob("large", chunk_size=256 * 1024)

    blob.upload_from_filename(source)
    blob.download_to_filename(tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_a_stream_of_unknown_length_goes_up_and_comes_down_in_pieces(bucket):
    blob = bucket.blob("stream")
    with blob.open("wb", chunk_size=256 * 1024) as file:
        for _ in range(5):
            file.write(b"x" * 200_000)

    with blob.open("rb", chunk_size=256 * 1024) as file:
        data = file.read()

    assert data == b"x" * 1_000_000


def test_an_empty_object_is_an_object(bucket):
    bucket.blob("empty").upload_from_string(b"")

    assert bucket.blob("empty").download_as_bytes() == b""
    assert bucket.get_blob("empty").size == 0


def test_a_part_is_downloaded_by_range(bucket):
    bucket.blob("a").upload_from_string("0123456789")

    assert bucket.blob("a").download_as_bytes(start=2, end=4) == b"234"
    assert bucket.blob("a").download_as_bytes(start=7) == b"789"
    with pytest.raises(exceptions.RequestRangeNotSatisfiable):
        bucket.blob("a").download_as_bytes(start=20)


def test_preconditions_hold_for_upload_download_change_and_removal(bucket):
    blob = bucket.blob("a")
    blob.upload_from_string("one", if_generation_match=0)
    first = blob.generation

    with pytest.raises(exceptions.PreconditionFailed):
        blob.upload_from_string("two", if_generation_match=0)
    blob.upload_from_string("two", if_generation_match=first)
    with pytest.raises(exceptions.PreconditionFailed):
        blob.download_as_bytes(if_generation_match=first)
    with pytest.raises(exceptions.PreconditionFailed):
        blob.delete(if_generation_match=first)
    blob.reload()
    blob.metadata = {"k": "v"}
    blob.patch(if_metageneration_match=1)
    with pytest.raises(exceptions.PreconditionFailed):
        blob.patch(if_metageneration_match=1)
    blob.delete(if_generation_match=blob.generation)

    assert not bucket.blob("a").exists()


def test_a_replaced_generation_is_gone_but_can_be_brought_back(client, bucket):
    blob = bucket.blob("a")
    blob.upload_from_string("one")
    first = blob.generation
    blob.upload_from_string("two")

    with pytest.raises(exceptions.NotFound, match="softDeleted=true"):
        bucket.blob("a", generation=first).download_as_text()
    (gone,) = client.list_blobs("bucket", soft_deleted=True)
    assert (gone.generation, gone.hard_delete_time - gone.soft_delete_time) == (first, timedelta(days=7))
    restored = bucket.restore_blob("a", generation=first)

    assert restored.generation > blob.generation
    assert bucket.blob("a").download_as_text() == "one"


def test_listing_folds_at_a_delimiter_and_pages(client, bucket):
    for name in ("a", "data/1", "data/2", "data/sub/3", "z"):
        bucket.blob(name).upload_from_string(name)

    folded = client.list_blobs("bucket", delimiter="/")
    assert [b.name for b in folded] == ["a", "z"]
    assert folded.prefixes == {"data/"}
    assert [b.name for b in client.list_blobs("bucket", prefix="data/", delimiter="/")] == ["data/1", "data/2"]
    assert [b.name for b in client.list_blobs("bucket", page_size=2)] == ["a", "data/1", "data/2", "data/sub/3", "z"]
    paged = client.list_blobs("bucket", page_size=1, delimiter="/")
    assert [b.name for b in paged] == ["a", "z"]
    assert [b.name for b in client.list_blobs("bucket", start_offset="data/2", end_offset="z")] == [
        "data/2", "data/sub/3",
    ]  # fmt: skip


def test_versions_are_listed_on_request(client, bucket):
    bucket.versioning_enabled = True
    bucket.patch()
    bucket.blob("a").upload_from_string("one")
    bucket.blob("a").upload_from_string("two")

    found = list(client.list_blobs("bucket", versions=True))

    assert [b.download_as_text() for b in found] == ["one", "two"]
    assert found[0].time_deleted is not None
    assert len(list(client.list_blobs("bucket"))) == 1


def test_objects_are_composed_copied_renamed_and_rewritten(client, bucket):
    parts = [bucket.blob(name) for name in ("a", "b")]
    for part in parts:
        part.upload_from_string(part.name, content_type="text/x-part")

    bucket.blob("ab").compose(parts)
    other = client.create_bucket("other")
    copied = bucket.copy_blob(bucket.blob("ab"), other, "copy")
    bucket.rename_blob(bucket.blob("ab"), "renamed")
    token, rewritten, total = other.blob("rewritten").rewrite(bucket.blob("a"))

    assert copied.download_as_text() == "ab"
    assert bucket.blob("renamed").download_as_text() == "ab"
    assert bucket.get_blob("renamed").component_count is None
    assert (token, rewritten, total) == (None, 1, 1)
    assert other.get_blob("rewritten").content_type == "text/x-part"
    assert sorted(b.name for b in bucket.list_blobs()) == ["a", "b", "renamed"]


def test_a_wrong_checksum_is_refused_and_nothing_is_left(bucket):
    with pytest.raises(exceptions.BadRequest, match="send it again"):
        bucket.client._connection.api_request(
            method="POST",
            path="/b/bucket/o",
            api_base_url=f"{bucket.client._connection.API_BASE_URL}/upload",
            query_params={"uploadType": "multipart"},
            data=b'--x\r\nContent-Type: application/json\r\n\r\n{"name": "a", "crc32c": "AAAAAA=="}\r\n'
            b"--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--",
            content_type="multipart/related; boundary=x",
        )

    assert not bucket.blob("a").exists()


def test_damaged_bytes_are_never_a_whole_answer(bucket, service, tmp_path):
    bucket.blob("a").upload_from_string("0123456789" * 300_000)
    path = service.blobs.root / "bucket/a"
    times = path.stat()
    with path.open("r+b") as file:
        file.seek(1_500_000)
        file.write(b"X")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    with pytest.raises(Exception, match="IncompleteRead|Connection broken|prematurely"):
        bucket.client._http.get(f"{bucket.client._connection.API_BASE_URL}/storage/v1/b/bucket/o/a?alt=media")


@pytest.mark.parametrize("place", ["b/..%2F..%2Fetc/o/passwd", "b/../o/passwd", "b/%2Fetc/o/passwd", "b/.staging/o/x"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_bucket_name_never_leads_out_of_the_root(address, service, tmp_path, place, method):
    (tmp_path / "passwd").write_text("secret")

    with pytest.raises((NotFound, InvalidArgument)):
        Client(address).call(method, f"/storage/v1/{place}", query={"alt": "media"})


def test_a_notification_is_made_listed_and_removed(client, bucket):
    made = bucket.notification(
        topic_name="changes",
        topic_project="local-project",
        event_types=["OBJECT_FINALIZE"],
        blob_name_prefix="data/",
        payload_format="JSON_API_V1",
    )
    made.create()

    (found,) = bucket.list_notifications()
    assert (found.topic_name, found.event_types, found.blob_name_prefix) == ("changes", ["OBJECT_FINALIZE"], "data/")
    assert found.payload_format == "JSON_API_V1"
    found.delete()
    assert list(bucket.list_notifications()) == []


def test_gclouds_multipart_upload_with_bare_line_feeds_is_taken(address, service):
    service.create_bucket("bucket", {})
    body = (
        b'--===1==\nContent-Type: application/json\nMIME-Version: 1.0\n\n{"name": "lf", "bucket": "bucket"}\n'
        b"--===1==\nContent-Type: text/plain\nContent-Transfer-Encoding: binary\n\nline\r\nline\n\n--===1==--"
    )
    made = Client(address).upload(
        "/upload/storage/v1/b/bucket/o",
        io.BytesIO(body),
        content_type="multipart/related; boundary='===1=='".replace("'", '"'),
        query={"uploadType": "multipart"},
    )

    assert (made["name"], made["size"], made["contentType"]) == ("lf", "11", "text/plain")
