"""Our own routes, made of Google's calls: logs that grow, runs and their tasks."""

import json

import pytest

from trainshed.api import jsonpb
from trainshed.errors import FailedPrecondition
from trainshed.targets.functions_form import first, second

MISSING = (404, {"error": {"code": 404, "message": "No such object"}})
NO_MORE = (416, {"error": {"code": 416, "message": "range not satisfiable"}})


def build(status, **more):
    return (200, {"id": "b1", "status": status, "logsBucket": "gs://logs", **more})


def test_a_builds_log_is_read_on_from_where_it_was_until_the_build_ends(google):
    client, script, pauses = google(
        build("QUEUED"), MISSING, build("WORKING"), (200, b"one\ntw"), build("WORKING"), NO_MORE, build("SUCCESS"),
        (206, b"o\nend"),
    )  # fmt: skip

    lines = list(client.lines("/trainshed/v1/builds/b1/log", query={"follow": "true"}))

    assert lines == ["one", "two", "end"]
    assert [asked.headers.get("Range") for asked in script.asked[1::2]] == [None, None, "bytes=6-", "bytes=6-"]
    assert script.asked[1].url == "https://storage.googleapis.com/storage/v1/b/logs/o/log-b1.txt?alt=media"
    assert len(pauses) == 3


def test_a_build_that_logs_elsewhere_is_read_there(google):
    entries = {"entries": [{"textPayload": "one"}, {"textPayload": "two"}]}
    ended = build("SUCCESS", logsBucket="", options={"logging": "CLOUD_LOGGING_ONLY"})
    client, script, _ = google(ended, (200, entries))

    assert list(client.lines("/trainshed/v1/builds/b1/log")) == ["one", "two"]
    assert script.asked[1].url == "https://logging.googleapis.com/v2/entries:list"
    assert json.loads(script.asked[1].body)["filter"] == 'resource.type="build" AND resource.labels.build_id="b1"'


def test_what_a_function_printed_comes_oldest_first(google):
    found = [
        {"severity": "ERROR", "timestamp": "t2", "textPayload": "b", "labels": {"execution_id": "x"}},
        {"timestamp": "t1", "jsonPayload": {"a": 1}},
    ]
    client, script, _ = google((200, {"entries": found}))

    path = "/trainshed/v1/projects/p/locations/r/functions/starter:log"
    answer = client.call("GET", path, query={"limit": 5, "executionId": "x", "severity": "error", "since": "t0"})

    assert [(e["severity"], e["text"]) for e in answer["entries"]] == [("DEFAULT", '{"a": 1}'), ("ERROR", "b")]
    asked = json.loads(script.asked[0].body)
    assert asked["filter"] == (
        '((resource.type="cloud_function" AND resource.labels.function_name="starter" AND resource.labels.region="r") OR '
        '(resource.type="cloud_run_revision" AND resource.labels.service_name="starter" AND resource.labels.location="r"))'
        ' AND labels.execution_id="x" AND severity>=ERROR AND timestamp>="t0"'
    )
    assert (asked["orderBy"], asked["pageSize"]) == ("timestamp desc", 5)


def test_what_is_written_into_a_filter_cannot_leave_its_place(google):
    client, script, _ = google((200, {}))

    client.call(
        "GET", "/trainshed/v1/projects/p/locations/r/functions/f:log", query={"executionId": '" OR severity>=DEBUG'}
    )

    assert r'labels.execution_id="\" OR severity>=DEBUG"' in json.loads(script.asked[0].body)["filter"]


JOB = {
    "name": "projects/1/locations/r/pipelineJobs/job-1",
    "displayName": "hello",
    "state": "PIPELINE_STATE_RUNNING",
    "createTime": "2026-01-01T00:00:00Z",
    "pipelineSpec": {"pipelineInfo": {"name": "hello-world"}},
    "runtimeConfig": {"parameterValues": {"a": 1}, "failurePolicy": "PIPELINE_FAILURE_POLICY_FAIL_FAST"},
    "jobDetail": {
        "taskDetails": [
            {"taskId": "1", "taskName": "hello-world", "state": "RUNNING", "createTime": "1"},
            {
                "taskId": "3", "parentTaskId": "1", "taskName": "train", "state": "FAILED", "createTime": "3",
                "error": {"message": "out of memory"},
                "executorDetail": {"containerDetail": {"mainJob": "projects/1/locations/r/customJobs/77"}},
            },
            {
                "taskId": "2", "parentTaskId": "1", "taskName": "read", "state": "SKIPPED", "createTime": "2",
                "executorDetail": {"containerDetail": {}},
            },
        ]
    },
}  # fmt: skip


def test_a_run_is_told_in_our_words_and_its_tasks_as_a_tree(google):
    client, _, _ = google((200, JOB))

    found = client.call("GET", "/trainshed/v1/projects/p/locations/r/runs/job-1/outline")

    assert (found["state"], found["failurePolicy"], found["parameters"]) == ("RUNNING", "FAIL_FAST", {"a": 1})
    assert [(line["depth"], line["label"], line["state"], line["reason"]) for line in found["lines"]] == [
        (0, "hello-world", "RUNNING", ""),
        (1, "read", "SKIPPED", "reused"),
        (1, "train", "FAILED", "out of memory"),
    ]
    assert not found["needless"]


def test_logs_of_a_run_are_those_of_the_jobs_of_its_tasks_each_line_once(google):
    def entry(number, text):
        return {
            "insertId": str(number),
            "timestamp": f"t{number}",
            "textPayload": text,
            "resource": {"labels": {"job_id": "77"}},
        }

    ended = {**JOB, "state": "PIPELINE_STATE_FAILED"}
    client, script, pauses = google(
        (200, JOB),
        (200, {"entries": [entry(1, "a\nb")]}),
        (200, ended),
        (200, {"entries": [entry(1, "a\nb"), entry(2, "c")]}),
    )

    lines = list(
        client.lines("/trainshed/v1/projects/p/locations/r/runs/job-1/logs", query={"stream": "1", "task": ""})
    )

    assert lines == ["train: a", "train: b", "train: c"]
    assert 'resource.labels.job_id=("77")' in json.loads(script.asked[1].body)["filter"]
    assert json.loads(script.asked[3].body)["filter"].endswith('AND timestamp>="t1"')
    assert len(pauses) == 1


def test_runs_are_listed_by_state_and_page(google):
    client, script, _ = google((200, {"pipelineJobs": [JOB], "nextPageToken": "n"}), (200, {"pipelineJobs": [JOB]}))

    found = list(
        client.pages("/trainshed/v1/projects/p/locations/r/runs", "runs", query={"state": "FAILED", "filter": ""})
    )

    assert [run["displayName"] for run in found] == ["hello", "hello"]
    assert "filter=state%3D%22PIPELINE_STATE_FAILED%22" in script.asked[0].url
    assert "pageToken=n" in script.asked[1].url
    assert script.asked[0].url.startswith("https://r-aiplatform.googleapis.com/v1/projects/p/locations/r/pipelineJobs?")


def test_updating_a_function_sends_what_differs(google):
    current = {
        "name": "projects/p/locations/r/functions/f",
        "status": "ACTIVE",
        "versionId": "3",
        "runtime": "python311",
    }
    done = {"name": "operations/1", "done": True}
    client, script, _ = google((200, current), (200, done), (200, current))
    wanted = {**current, "runtime": "python312", "generation": 1}

    *_, last = client.lines("/trainshed/v1/projects/p/locations/r/functions/f:deploy", method="POST", body=wanted)

    assert json.loads(last)["function"]["versionId"] == "3"
    assert script.asked[1].url.endswith("/functions/f?updateMask=runtime")
    assert "status" not in json.loads(script.asked[1].body)
    assert "generation" not in json.loads(script.asked[1].body)


FIRST = {
    "name": "projects/p/locations/r/functions/f",
    "description": "d",
    "labels": {"a": "b"},
    "runtime": "python312",
    "entryPoint": "main",
    "environmentVariables": {"A": "1"},
    "serviceAccountEmail": "me@p.iam.gserviceaccount.com",
    "maxInstances": 3,
    "timeout": "90s",
    "availableMemoryMb": 512,
    "eventTrigger": {
        "eventType": "google.pubsub.topic.publish", "resource": "projects/p/topics/t", "failurePolicy": {"retry": {}},
    },
}  # fmt: skip


def test_a_function_of_the_second_generation_is_deployed_by_its_own_api(google):
    place = {"uploadUrl": "https://storage.googleapis.com/signed", "storageSource": {"bucket": "u", "object": "o.zip"}}
    missing = (404, {"error": {"code": 404, "message": "none", "status": "NOT_FOUND"}})
    made = {**second(FIRST, place["storageSource"]), "state": "ACTIVE"}
    client, script, _ = google(
        (200, place), (200, b""), missing, (200, {"name": "projects/p/locations/r/operations/1"}),
        (200, {"name": "projects/p/locations/r/operations/1", "done": True}), (200, made),
    )  # fmt: skip

    held = client.upload("/trainshed/v1/functions/uploads", b"zip")
    path = "/trainshed/v1/projects/p/locations/r/functions/f:deploy"
    *_, last = client.lines(path, method="POST", body={**FIRST, **held, "generation": 2})

    urls = [f"{asked.verb} {asked.url.removeprefix('https://cloudfunctions.googleapis.com')}" for asked in script.asked]
    assert urls == [
        "POST /v2/projects/p/locations/r/functions:generateUploadUrl",
        "PUT https://storage.googleapis.com/signed",
        "GET /v2/projects/p/locations/r/functions/f",
        "POST /v2/projects/p/locations/r/functions?functionId=f",
        "GET /v2/projects/p/locations/r/operations/1",
        "GET /v2/projects/p/locations/r/functions/f",
    ]
    assert json.loads(script.asked[3].body)["eventTrigger"] == {
        "eventType": "google.cloud.pubsub.topic.v1.messagePublished",
        "pubsubTopic": "projects/p/topics/t",
        "retryPolicy": "RETRY_POLICY_RETRY",
    }
    assert json.loads(last)["function"] == {**FIRST, "status": "ACTIVE", "updateTime": "", "generation": 2}


def test_source_goes_to_the_bucket_that_is_named_and_replaces_what_was_there(google):
    current = {**FIRST, "sourceArchiveUrl": "gs://old/o.zip", "versionId": "1"}
    client, script, _ = google(
        (200, {"name": "x"}), (200, current), (200, {"done": True, "name": "operations/1"}), (200, current)
    )
    held = client.upload("/trainshed/v1/functions/uploads", b"zip")
    body = {**current, **held, "stageBucket": "gs://mine/stage/"}

    list(client.lines("/trainshed/v1/projects/p/locations/r/functions/f:deploy", method="POST", body=body))

    assert "/b/mine/o?uploadType=media&name=stage%2Fr-p-f-" in script.asked[0].url
    sent = json.loads(script.asked[2].body)
    assert sent["sourceArchiveUrl"].startswith("gs://mine/stage/r-p-f-")
    assert "sourceUploadUrl" not in sent
    assert script.asked[2].url.endswith("updateMask=sourceArchiveUrl")


def test_the_two_forms_of_a_function_say_the_same():
    bucket = {"eventType": "google.storage.object.finalize", "resource": "projects/_/buckets/b"}
    for document in (FIRST, {**FIRST, "eventTrigger": bucket}):
        there = second(document, None)
        jsonpb.parse(there, "google.cloud.functions.v2.Function")
        back = first(there)
        assert {key: back[key] for key in document} == document
    assert first({"serviceConfig": {"availableMemory": "256M"}})["availableMemoryMb"] == 256
    assert first({"serviceConfig": {"availableMemory": "1Gi", "uri": "https://x"}})["httpsTrigger"] == {
        "url": "https://x"
    }


def test_a_function_of_the_second_generation_is_not_called_by_the_first_api(google):
    client, script, _ = google((200, {"environment": "GEN_2", "url": "https://f.run.app"}))

    with pytest.raises(FailedPrecondition, match="at their address alone: curl .* https://f.run.app"):
        client.call("POST", "/trainshed/v1/projects/p/locations/r/functions/f:call", {"data": "{}"})
    assert len(script.asked) == 1
