"""What Cloud Storage's JSON API does beyond uploads and downloads, asked by Google's own client."""

import gzip
from datetime import timedelta

import pytest
import requests
from google.api_core import exceptions

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

NOT_CHANGED = 304


@pytest.fixture
def blob(bucket):
    made = bucket.blob("a")
    made.upload_from_string("one", content_type="text/plain")
    return made


def test_versions_are_read_restored_and_removed_one_by_one(client, bucket, blob):
    bucket.versioning_enabled = True
    bucket.patch()
    first = blob.generation
    blob.upload_from_string("two")
    bucket.blob("a").delete()

    assert not bucket.blob("a").exists()
    assert [v.download_as_text() for v in client.list_blobs("bucket", versions=True)] == ["one", "two"]
    old = bucket.blob("a", generation=first)
    bucket.copy_blob(old, bucket, "a", source_generation=first)
    assert bucket.blob("a").download_as_text() == "one"
    old.metadata = {"k": "v"}
    old.patch()
    assert bucket.get_blob("a", generation=first).metadata == {"k": "v"}
    assert bucket.get_blob("a").metadata is None
    old.delete()
    with pytest.raises(exceptions.NotFound):
        old.reload()
    assert len(list(client.list_blobs("bucket", versions=True))) == 2
    with pytest.raises(exceptions.Conflict, match="not empty"):
        bucket.delete()


def test_without_versioning_a_replaced_generation_is_not_listed(client, bucket, blob):
    blob.upload_from_string("two")

    assert [v.generation for v in client.list_blobs("bucket", versions=True)] == [blob.generation]


@pytest.mark.parametrize("verb", ["reload", "download_as_bytes", "patch", "delete", "compose", "rewrite"])
def test_every_verb_minds_its_preconditions(bucket, blob, verb):
    target = bucket.blob("a")
    more = {"compose": ([blob],), "rewrite": (bucket.get_blob("a"),)}.get(verb, ())

    with pytest.raises(exceptions.PreconditionFailed):
        getattr(target, verb)(*more, if_generation_match=1)
    with pytest.raises(exceptions.PreconditionFailed):
        getattr(bucket.blob("a"), verb)(*more, if_metageneration_match=7)

    assert bucket.get_blob("a").generation == blob.generation


@pytest.mark.parametrize("verb", ["reload", "patch", "update", "delete", "download_as_bytes"])
def test_what_is_in_no_bucket_is_not_found(client, verb):
    with pytest.raises(exceptions.NotFound, match="no bucket 'nowhere'"):
        getattr(client.bucket("nowhere").blob("a"), verb)()


def test_any_text_in_the_metadata_comes_back_in_headers_that_can_be_sent(address, bucket):
    blob = bucket.blob("odd")
    blob.metadata = {"k \u00fc": " v\r\nx: y "}
    blob.upload_from_string("x")
    blob.cache_control, blob.content_type = " ", "text/\u00fc\r\nz "
    blob.patch()

    for place, host in (
        (f"{address}/storage/v1/b/bucket/o/odd?alt=media", "localhost"),
        (f"{address}/bucket/odd", "storage.googleapis.com"),
    ):
        got = requests.get(place, headers={"Host": host}, timeout=60)
        assert (got.content, "x" in got.headers) == (b"x", False)


def test_a_source_has_preconditions_too(bucket, blob):
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.copy_blob(blob, bucket, "b", if_source_generation_match=1)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("b").compose([blob], if_source_generation_match=[1])
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.copy_blob(blob, bucket, "a", if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.patch(if_metageneration_match=9)


def test_what_has_not_changed_is_not_sent_again(address, blob):
    place = f"{address}/storage/v1/b/bucket/o/a"

    for query in (f"ifGenerationNotMatch={blob.generation}", "ifMetagenerationNotMatch=1&alt=media"):
        assert requests.get(f"{place}?{query}", timeout=60).status_code == NOT_CHANGED
    tag = requests.get(f"{place}?alt=media", timeout=60).headers["etag"]
    assert requests.get(f"{place}?alt=media", headers={"If-None-Match": tag}, timeout=60).status_code == NOT_CHANGED


def test_a_rewrite_goes_on_with_its_token(client, bucket):
    source, target = bucket.blob("large"), bucket.blob("copy")
    source.upload_from_string(b"x" * 3_000_000, content_type="text/x-large")
    seen, token = [], None
    call = client._connection.api_request
    while token is not None or not seen:
        query = {"maxBytesRewrittenPerCall": 1 << 20} | ({"rewriteToken": token} if token else {})
        found = call("POST", f"{source.path}/rewriteTo{target.path}", query_params=query, data={})
        token = found.get("rewriteToken")
        seen.append((found["totalBytesRewritten"], found["done"]))

    assert seen == [("1048576", False), ("2097152", False), ("3000000", True)]
    assert bucket.get_blob("copy").content_type == "text/x-large"
    assert bucket.get_blob("copy").crc32c == bucket.get_blob("large").crc32c
    with pytest.raises(exceptions.BadRequest, match="rewriteToken"):
        call("POST", f"{source.path}/rewriteTo{target.path}", query_params={"rewriteToken": "x"}, data={})


def test_a_move_is_both_or_neither(bucket, blob):
    moved = bucket.move_blob(blob, "b")

    assert (moved.name, moved.download_as_text(), bucket.blob("a").exists()) == ("b", "one", False)
    with pytest.raises(exceptions.NotFound):
        bucket.move_blob(blob, "c")


def test_a_compose_counts_its_components_and_removes_them_when_asked(bucket, blob):
    bucket.blob("b").upload_from_string("two")

    bucket.blob("ab").compose([blob, bucket.blob("b")], delete_source_objects=True)
    bucket.blob("abab").compose([bucket.blob("ab")] * 2)

    assert [b.name for b in bucket.list_blobs()] == ["ab", "abab"]
    assert bucket.get_blob("abab").component_count == 4
    assert bucket.blob("abab").download_as_text() == "onetwo" * 2
    with pytest.raises(exceptions.BadRequest, match="1 to 32"):
        bucket.blob("many").compose([bucket.blob("ab")] * 33)


def test_many_requests_go_in_one_batch_and_each_has_its_own_answer(client, bucket, blob):
    other = bucket.blob("ü b")
    other.upload_from_string("x")
    with client.batch(raise_exception=False) as batch:
        other.delete()
        bucket.blob("nope").delete()
        blob.metadata = {"k": "v"}
        blob.patch()

    assert [response.status_code for response in batch._responses] == [204, 404, 200]
    assert blob.metadata == {"k": "v"}
    assert [b.name for b in bucket.list_blobs()] == ["a"]


def test_a_batch_with_plain_slashes_in_names_is_understood_as_gcsfs_sends_it(address, bucket):
    bucket.blob("d/e/f").upload_from_string("x")
    part = "\n--x\nContent-Type: application/http\nContent-ID: <a+1>\n\nDELETE /storage/v1/b/bucket/o/d/e/{} HTTP/1.1\n"
    part += "Content-Type: application/json\naccept: application/json\ncontent-length: 0\n"
    head = {"Content-Type": 'multipart/mixed; boundary="x"'}

    data = part.format("f") + part.format("none") + "\n--x--"
    found = requests.post(f"{address}/batch/storage/v1", data=data, headers=head, timeout=60)

    boundary = found.headers["Content-Type"].split("=", 1)[1]
    assert [part.split("HTTP/1.1 ")[1][:3] for part in found.text.split(boundary)[1:-1]] == ["204", "404"]
    assert "Content-ID: <response-a+1>" in found.text
    assert list(bucket.list_blobs()) == []


def test_what_is_stored_packed_is_unpacked_for_who_does_not_take_it_so(address, bucket):
    packed = bucket.blob("packed")
    packed.content_encoding = "gzip"
    packed.upload_from_string(gzip.compress(b"text" * 500_000) + gzip.compress(b"more"), content_type="text/plain")
    place = f"{address}/storage/v1/b/bucket/o/packed?alt=media"

    plain = requests.get(place, headers={"Accept-Encoding": "identity", "Range": "bytes=0-3"}, timeout=60)
    assert plain.content == b"text" * 500_000 + b"more"
    assert "content-encoding" not in plain.headers
    assert plain.headers["x-goog-stored-content-encoding"] == "gzip"
    assert packed.download_as_bytes(raw_download=True)[:2] == b"\x1f\x8b"
    packed.cache_control = "no-transform"
    packed.patch()
    kept = requests.get(place, headers={"Accept-Encoding": "identity"}, timeout=60, stream=True)
    assert kept.raw.read(2, decode_content=False) == b"\x1f\x8b"
    kept.close()


def test_what_was_packed_for_its_way_only_is_stored_unpacked(address, bucket):
    place = f"{address}/upload/storage/v1/b/bucket/o?uploadType=media&name=flown"
    head = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}

    assert requests.post(place, data=gzip.compress(b"flown"), headers=head, timeout=60).json()["size"] == "5"
    assert requests.post(place, data=b"no gzip", headers=head, timeout=60).status_code == 400
    assert requests.post(place, data=gzip.compress(b"x")[:-3], headers=head, timeout=60).status_code == 400
    assert bucket.blob("flown").download_as_bytes() == b"flown"


def test_an_answer_holds_the_fields_that_are_asked_for(address, blob):
    found = requests.get(f"{address}/storage/v1/b/bucket/o?fields=items(name,size)", timeout=60).json()

    assert found == {"items": [{"name": "a", "size": "3"}]}
    refused = requests.get(f"{address}/storage/v1/b/bucket/o?fields=items(", timeout=60)
    assert (refused.status_code, refused.json()["error"]["errors"][0]["reason"]) == (400, "invalid")


def test_a_glob_selects_names(client, bucket):
    for name in ("a.csv", "d/a.csv", "d/a.txt"):
        bucket.blob(name).upload_from_string("x")

    assert [b.name for b in client.list_blobs("bucket", match_glob="**.csv")] == ["a.csv", "d/a.csv"]
    assert [b.name for b in client.list_blobs("bucket", match_glob="*.csv")] == ["a.csv"]


def test_labels_are_merged_and_what_is_kept_of_a_bucket_is_answered(client, bucket):
    bucket.labels = {"a": "1", "b": "2"}
    bucket.add_lifecycle_delete_rule(age=3)
    bucket.patch()
    bucket.labels = {"b": "3"}
    bucket.patch()
    bucket.storage_class = "NEARLINE"
    bucket.patch()
    bucket.blob("x").upload_from_string("x")

    found = client.get_bucket("bucket")
    assert found.labels == {"b": "3"}
    assert [rule["action"] for rule in found.lifecycle_rules] == [{"type": "Delete"}]
    assert (bucket.get_blob("x").storage_class, found.metageneration) == ("NEARLINE", 4)


def test_what_is_held_or_retained_stays(bucket, blob):
    blob.temporary_hold = True
    blob.patch()
    for change in (blob.delete, lambda: bucket.blob("a").upload_from_string("two")):
        with pytest.raises(exceptions.Forbidden, match="Temporary hold"):
            change()
    blob.temporary_hold = False
    blob.patch()
    bucket.retention_period = 60
    bucket.patch()
    with pytest.raises(exceptions.Forbidden, match="retention policy"):
        blob.delete()


def test_policies_are_kept_and_lists_of_access_are_refused_by_name(client, bucket, blob):
    policy = bucket.get_iam_policy(requested_policy_version=3)
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"allUsers"}})
    bucket.set_iam_policy(policy)

    assert bucket.get_iam_policy().bindings == [{"role": "roles/storage.objectViewer", "members": {"allUsers"}}]
    assert bucket.test_iam_permissions(["storage.objects.get"]) == ["storage.objects.get"]
    with pytest.raises(exceptions.BadRequest, match="uniform bucket-level access"):
        blob.make_public()
    with pytest.raises(exceptions.BadRequest, match="GOOGLE_APPLICATION_CREDENTIALS"):
        client.create_hmac_key(service_account_email="a@b")


def test_a_resumable_upload_tells_how_far_it_is_and_can_be_given_up(address, bucket):
    begun = requests.post(
        f"{address}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=r",
        headers={"X-Upload-Content-Length": "10"}, timeout=60,
    )  # fmt: skip
    place = begun.headers["Location"]

    def send(data=b"", **headers):
        return requests.put(place, data=data, headers={k.replace("_", "-"): v for k, v in headers.items()}, timeout=60)

    assert "Range" not in send(Content_Range="bytes */10").headers
    first = send(b"01234", Content_Range="bytes 0-4/10")
    assert (first.status_code, first.headers["Range"]) == (308, "bytes=0-4")
    assert send(Content_Range="bytes */*").headers["Range"] == "bytes=0-4"
    assert send(b"x", Content_Range="bytes 7-7/10").status_code == 400
    assert send(b"3456789", Content_Range="bytes 3-9/10").json()["size"] == "10"
    assert send(Content_Range="bytes */10").json()["name"] == "r"
    assert bucket.blob("r").download_as_bytes() == b"0123456789"
    other = bucket.blob("s").create_resumable_upload_session()
    assert requests.delete(other, timeout=60).status_code == 499
    assert requests.put(other, data=b"x", timeout=60).status_code == 404


def test_several_ranges_at_once_are_refused(address, blob):
    asked = {"Range": "bytes=0-0,2-2"}

    assert requests.get(f"{address}/storage/v1/b/bucket/o/a?alt=media", headers=asked, timeout=60).status_code == 400


def test_signed_addresses_do_what_they_say_until_they_expire(address, bucket, signer):
    blob = bucket.blob("dir/ü # ?%.txt")

    def place(method, **more):
        life = timedelta(minutes=5)
        return blob.generate_signed_url(
            life, credentials=signer, method=method, api_access_endpoint=address, **{"version": "v4", **more}
        )

    for version in ("v4", "v2"):
        headers = {"x-goog-meta-k": "v", "Content-Type": "text/css"}
        put = place("PUT", version=version, content_type="text/css", headers={"x-goog-meta-k": "v"})
        assert requests.put(put, data=version, headers=headers, timeout=60).status_code == 200
        assert requests.put(put, data="y", headers=headers | {"Content-Type": "a/b"}, timeout=60).status_code == 403
        got = requests.get(place("GET", version=version, response_disposition="attachment"), timeout=60)
        assert (got.text, got.headers["x-goog-meta-k"], got.headers["content-disposition"]) == (
            version, "v", "attachment",
        )  # fmt: skip
        assert requests.delete(place("GET", version=version), timeout=60).status_code == 403
        assert requests.get(place("GET", version=version) + "&prefix=x", timeout=60).status_code == 403
        assert requests.delete(place("DELETE", version=version), timeout=60).status_code == 204
        assert not blob.exists()
    bucket.blob("secret").upload_from_string("secret")
    for version in ("v4", "v2"):
        copying = {"x-goog-copy-source": "/bucket/secret"}
        assert requests.put(place("PUT", version=version), headers=copying, timeout=60).status_code == 403
        assert not blob.exists()
    begun = requests.post(place("RESUMABLE"), headers={"x-goog-resumable": "start"}, timeout=60)
    assert requests.put(begun.headers["Location"], data=b"resumed", timeout=60).status_code == 200
    assert blob.download_as_text() == "resumed"
