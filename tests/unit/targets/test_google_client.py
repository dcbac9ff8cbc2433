"""Retries, operations, credentials and refusals, with a scripted Google."""

import io

import pytest

from trainshed import errors

SECRET = "ya29.secret-token"  # as in conftest


BUSY = (503, {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}})
TOPIC = "/v1/projects/p/topics/abc"


def test_what_is_safe_to_repeat_is_repeated_later_and_later(google):
    client, script, pauses = google(BUSY, OSError("reset"), (429, {}, {"Retry-After": "7"}), (200, {"name": "t"}))

    assert client.call("GET", TOPIC) == {"name": "t"}
    assert len(script.asked) == 4
    assert 0.5 <= pauses[0] <= 1 <= pauses[1] <= 2
    assert pauses[2] == 7


def test_it_gives_up_in_the_end_with_googles_message(google):
    client, script, _ = google(*[BUSY] * 6)

    with pytest.raises(errors.Unavailable, match="busy"):
        client.call("PUT", TOPIC, {})
    assert len(script.asked) == 6


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/projects/p/locations/r/builds", {"steps": []}),
        ("/v1/projects/p/locations/r/jobs/abc:run", {}),
        ("/v1/projects/p/locations/r/functions/abc:call", {"data": "{}"}),
    ],
)
def test_what_would_happen_twice_is_sent_once(google, path, body):
    client, script, _ = google(BUSY)

    with pytest.raises(errors.Unavailable):
        client.call("POST", path, body)
    assert len(script.asked) == 1


def test_each_try_of_an_upload_sends_all_of_it_under_one_request_id(google):
    client, script, _ = google(BUSY, (200, {"name": "x", "generation": "1"}))

    client.upload("/upload/storage/v1/b/b/o", io.BytesIO(b"content"), query={"uploadType": "media", "name": "x"})

    assert [asked.body for asked in script.asked] == [b"content", b"content"]
    assert len({asked.headers["x-goog-gcs-idempotency-token"] for asked in script.asked}) == 1
    assert {asked.headers["content-length"] for asked in script.asked} == {"7"}


def test_what_comes_from_a_pipe_is_sent_with_its_length(google):
    client, script, _ = google((200, {"name": "x"}))
    pipe = io.BufferedReader(Pipe(b"from a pipe"))

    client.upload("/upload/storage/v1/b/b/o", pipe, query={"uploadType": "media", "name": "x"})

    assert script.asked[0].body == b"from a pipe"
    assert script.asked[0].headers["content-length"] == "11"


class Pipe(io.RawIOBase):
    def __init__(self, data):
        self.data = data

    def readable(self):
        return True

    def readinto(self, buffer):
        part, self.data = self.data[: len(buffer)], self.data[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def test_an_operation_is_waited_for_and_its_failure_raised(google):
    pending = {"name": "operations/abc"}
    failed = {"name": "operations/abc", "done": True, "error": {"code": 9, "message": "no such image"}}
    client, script, pauses = google((200, pending), (200, pending), (200, failed))

    with pytest.raises(errors.FailedPrecondition, match="no such image"):
        client.call("DELETE", "/v1/projects/p/locations/r/functions/abc")
    assert [asked.url for asked in script.asked[1:]] == ["https://cloudfunctions.googleapis.com/v1/operations/abc"] * 2
    assert len(pauses) == 2


def test_pages_are_read_to_the_end(google):
    client, script, _ = google(
        (200, {"topics": [{"name": "a"}], "nextPageToken": "n"}), (200, {"topics": [{"name": "b"}]})
    )

    assert [t["name"] for t in client.pages("/v1/projects/p/topics", "topics")] == ["a", "b"]
    assert script.asked[1].url.endswith("?pageToken=n")


def test_a_refused_token_is_renewed_once(google):
    refused = (401, {"error": {"code": 401, "message": "expired", "status": "UNAUTHENTICATED"}})
    client, script, _ = google(refused, refused)

    with pytest.raises(errors.Unauthenticated, match=r"expired\. Log in with `gcloud auth application-default login"):
        client.call("GET", TOPIC)
    assert client._credentials.renewed == 1
    assert len(script.asked) == 2


def denied(reason, metadata):
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}
    return (403, {"error": {"code": 403, "message": "Denied.", "status": "PERMISSION_DENIED", "details": [info]}})


def test_a_missing_permission_is_named_with_the_command_that_grants_it(google):
    client, _, _ = google(denied("IAM_PERMISSION_DENIED", {"permission": "pubsub.topics.publish"}))

    with pytest.raises(errors.PermissionDenied) as caught:
        client.call("POST", f"{TOPIC}:publish", {"messages": [{"data": "YQ=="}]})
    assert "Missing: pubsub.topics.publish" in caught.value.message
    assert "gcloud projects add-iam-policy-binding p --member=serviceAccount:me@" in caught.value.message
    assert "--role=roles/pubsub.publisher" in caught.value.message


def test_a_refusal_without_details_lists_what_the_request_needs(google):
    client, _, _ = google((403, {"error": {"code": 403, "message": "no", "errors": [{"reason": "forbidden"}]}}))

    with pytest.raises(errors.PermissionDenied, match=r"It needs: storage.buckets.create on projects/p"):
        client.call("POST", "/storage/v1/b", {"name": "b"}, query={"project": "p"})


def test_the_fields_that_google_names_are_told(google):
    violations = [{"field": "ack_deadline_seconds", "description": "must be at least 10"}]
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}]
    error = {
        "code": 400,
        "message": "Request contains an invalid argument.",
        "status": "INVALID_ARGUMENT",
        "details": details,
    }
    client, _, _ = google((400, {"error": error}))

    with pytest.raises(errors.InvalidArgument) as caught:
        client.call("PUT", "/v1/projects/p/subscriptions/abc", {"topic": "projects/p/topics/t"})
    assert caught.value.message == "Request contains an invalid argument. ack_deadline_seconds: must be at least 10"
    assert caught.value.violations[0].field == "ack_deadline_seconds"


def test_an_api_that_is_not_enabled_is_told_with_the_command(google):
    client, _, _ = google(denied("SERVICE_DISABLED", {"service": "pubsub.googleapis.com"}))

    with pytest.raises(errors.PermissionDenied, match=r"gcloud services enable pubsub.googleapis.com --project p"):
        client.call("GET", TOPIC)


def test_no_token_goes_to_an_address_that_google_gives_out_nor_into_a_message(google):
    upload = "https://storage.googleapis.com/signed?X-Goog-Signature=abc"
    client, script, _ = google((200, {"uploadUrl": upload}), (403, b"<Error>denied</Error>"))
    held = client.upload("/trainshed/v1/functions/uploads", b"zip")
    path = "/trainshed/v1/projects/p/locations/r/functions/f:deploy"

    with pytest.raises(errors.PermissionDenied) as caught:
        list(client.lines(path, method="POST", body=held))
    assert script.asked[1].url == upload
    assert "authorization" not in script.asked[1].headers
    assert SECRET not in str(caught.value)


def test_our_own_routes_without_a_meaning_there_are_refused(google):
    client, script, _ = google()

    with pytest.raises(errors.Unimplemented, match="Google Cloud has nothing that answers GET /trainshed/v1/receipts"):
        client.call("GET", "/trainshed/v1/receipts")
    assert script.asked == []
