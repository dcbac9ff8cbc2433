"""The XML API, as plain HTTP and as Google's transfer manager use it."""

from xml.etree import ElementTree as ET

import pytest
import requests
from google.cloud.storage import transfer_manager

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def ask(address, bucket):
    """Ask as under `trainshed exec`, where Google's host names lead here."""

    def call(method, path, *, host="storage.googleapis.com", headers=None, **more):
        return requests.request(
            method, address + path, headers={"Host": host, **(headers or {})}, timeout=60, **more
        )  # fmt: skip

    return call


def code(response):
    return ET.fromstring(response.content).findtext("Code")


def test_an_object_is_put_read_in_part_and_removed_by_its_address(ask, bucket):
    stored = ask("PUT", "/bucket/d/%C3%BC%23", data=b"0123456789", headers={
        "Content-Type": "text/css", "x-goog-meta-k": "v", "Cache-Control": "no-store", "x-goog-if-generation-match": "0",
        "Content-MD5": "eB5eJF1ptWaXm4bijSPyxw==",
    })  # fmt: skip
    found = bucket.get_blob("d/ü#")

    assert (stored.status_code, stored.headers["etag"]) == (200, '"781e5e245d69b566979b86e28d23f2c7"')
    assert (found.content_type, found.metadata, found.cache_control) == ("text/css", {"k": "v"}, "no-store")
    got = ask("GET", "/d/%C3%BC%23", host="bucket.storage.googleapis.com", headers={"Range": "bytes=8-"})
    assert (got.status_code, got.content, got.headers["content-range"]) == (206, b"89", "bytes 8-9/10")
    head = ask("HEAD", "/bucket/d/%C3%BC%23")
    assert (head.headers["content-length"], head.headers["x-goog-meta-k"], head.content) == ("10", "v", b"")
    assert ask("GET", "/bucket/d/%C3%BC%23", headers={"If-None-Match": head.headers["etag"]}).status_code == 304
    assert ask("DELETE", "/bucket/d/%C3%BC%23").status_code == 204
    assert not found.exists()


def test_what_is_refused_says_so_in_xml(ask):
    ask("PUT", "/bucket/a", data=b"x")

    for method, path, headers, status, wanted in (
        ("GET", "/bucket/none", {}, 404, "NoSuchKey"),
        ("GET", "/no-such-bucket/none", {}, 404, "NoSuchBucket"),
        ("PUT", "/bucket/a", {"x-goog-if-generation-match": "0"}, 412, "PreconditionFailed"),
        ("PUT", "/bucket/b", {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, 400, "BadDigest"),
        ("GET", "/bucket/a", {"Range": "bytes=1-"}, 416, "InvalidRange"),
        ("DELETE", "/bucket", {}, 409, "BucketNotEmpty"),
        ("GET", "/bucket/a?acl", {}, 501, "NotImplemented"),
        ("POST", "/bucket/a", {}, 501, "NotImplemented"),
        ("PUT", "/bucket/%2e%2e/x", {}, 400, "InvalidArgument"),
        ("GET", "/bucket/a?X-Goog-Signature=00", {}, 400, "InvalidArgument"),
        ("GET", "/bucket/a?X-Amz-Signature=00", {}, 501, "NotImplemented"),
        ("PUT", "/bucket/a?uploadId=none&partNumber=1", {}, 404, "NoSuchUpload"),
    ):
        refused = ask(method, path, headers=headers, data=b"y" if method == "PUT" else None)
        assert (refused.status_code, code(refused)) == (status, wanted), (method, path)
    assert ask("GET", "/bucket/a").content == b"x"


def test_a_bucket_is_listed_by_pages_of_either_version(ask):
    for name in ("a", "d/1", "d/2", "z"):
        ask("PUT", f"/bucket/{name}", data=b"x")

    def names(query):
        found = ET.fromstring(ask("GET", f"/bucket?{query}").content)
        space = "{http://doc.s3.amazonaws.com/2006-03-01}"
        keys = [e.text for e in found.iter() if e.tag in {space + "Key", space + "Prefix"}]
        return keys, found.findtext(space + "NextMarker") or found.findtext(space + "NextContinuationToken")

    assert names("delimiter=/") == (["a", "z", "d/"], None)
    assert names("max-keys=2") == (["a", "d/1"], "d/1")
    assert names("max-keys=2&marker=d/1")[0] == ["d/2", "z"]
    first, token = names("list-type=2&max-keys=3")
    assert names(f"list-type=2&max-keys=3&continuation-token={token}") == (["z"], None)
    assert len(first) == 3


def test_buckets_are_made_copied_into_and_removed(ask):
    settings = "<CreateBucketConfiguration><LocationConstraint>EU</LocationConstraint></CreateBucketConfiguration>"
    ask("PUT", "/bucket/a", data=b"x", headers={"Content-Type": "text/css"})

    assert ask("PUT", "/other", data=settings).status_code == 200
    assert b"EU" in ask("GET", "/other?location").content
    assert ask("PUT", "/other/b", headers={"x-goog-copy-source": "/bucket/a"}).status_code == 200
    assert ask("HEAD", "/other/b").headers["content-type"] == "text/css"
    assert b"<Name>other</Name>" in ask("GET", "/").content
    assert ask("DELETE", "/other/b").status_code == ask("DELETE", "/other").status_code == 204
    assert ask("HEAD", "/other").status_code == 404


def test_the_transfer_manager_sends_and_fetches_in_parts(bucket, service, tmp_path):
    source, back = tmp_path / "large", tmp_path / "back"
    source.write_bytes(bytes(range(256)) * 40_000)
    blob = bucket.blob("d/large #1")
    blob.metadata = {"k": "v"}
    options = {"chunk_size": 4 << 20, "max_workers": 3, "worker_type": transfer_manager.THREAD}

    transfer_manager.upload_chunks_concurrently(source, blob, **options)
    transfer_manager.download_chunks_concurrently(blob, back, **options)

    assert back.read_bytes() == source.read_bytes()
    assert (bucket.get_blob("d/large #1").metadata, service.parted.of("bucket")) == ({"k": "v"}, [])
    assert list(service.blobs.shelf.staging.iterdir()) == []


def test_an_upload_in_parts_is_exactly_the_parts_it_lists(ask, service):
    space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
    begun = ET.fromstring(ask("POST", "/bucket/p?uploads", headers={"Content-Type": "text/css"}).content)
    query = f"/bucket/p?uploadId={begun.findtext(space + 'UploadId')}"

    def send(number, data):
        return ask("PUT", f"{query}&partNumber={number}", data=data).headers["etag"]

    def complete(*parts):
        inside = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>" for n, tag in parts)
        return ask("POST", query, data=f"<CompleteMultipartUpload>{inside}</CompleteMultipartUpload>")

    second, old = send(2, b"two"), send(1, b"old")
    first, left_out = send(1, b"one "), send(3, b"left out")
    assert f"<Size>{len('left out')}</Size>".encode() in ask("GET", query).content
    assert code(complete((1, old), (2, second))) == "InvalidPart"
    assert code(complete((2, second), (1, first))) == "InvalidPartOrder"
    assert ask("HEAD", "/bucket/p").status_code == 404
    assert complete((1, first), (2, second)).status_code == 200
    assert left_out
    assert ask("GET", "/bucket/p").content == b"one two"
    assert code(complete((1, first))) == "NoSuchUpload"
    given_up = ET.fromstring(ask("POST", "/bucket/q?uploads").content).findtext(space + "UploadId")
    ask("PUT", f"/bucket/q?uploadId={given_up}&partNumber=1", data=b"x")
    assert ask("DELETE", f"/bucket/q?uploadId={given_up}").status_code == 204
    assert list(service.blobs.shelf.staging.glob("*")) == []
