"""Answers that stay JSON are what the messages of them are, in JSON and on the wire."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.json_format import ParseError

from trainshed.api import drafted_forms, transcode
from trainshed.api.descriptors import from_json, message_class, to_json
from trainshed.api.drafted import Drafted
from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument

JOB = "google.cloud.aiplatform.v1.PipelineJob"
TASK = "google.cloud.aiplatform.v1.PipelineTaskDetail"
WHEN = datetime(2026, 11, 23, 18, 30, 44, tzinfo=UTC)
VALUES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1.5,
    2**40,
    -0.0,
    1e300,
    "",
    "plain",
    "naïve 🦀",
    [],
    {},
    [[1], {"a": None}],
    {"": {"b": []}},
]
DOCUMENTS = [
    (JOB, {}),
    (JOB, {"name": "", "labels": {}, "state": "PIPELINE_STATE_UNSPECIFIED", "runtimeConfig": {}, "pipelineSpec": {}}),
    (JOB, {"name": "n", "displayName": "🦀", "labels": {"": "", "a": "b"}, "state": "PIPELINE_STATE_FAILED"}),
    (JOB, {"runtimeConfig": {"parameterValues": {str(i): value for i, value in enumerate(VALUES)}}}),
    (JOB, {"runtimeConfig": {"inputArtifacts": {"a": {"artifactId": "7"}}, "failurePolicy": "PIPELINE_FAILURE_POLICY_FAIL_FAST"}}),
    (JOB, {"pipelineSpec": {"values": VALUES, "one": {"two": {"three": VALUES}}}}),
    (JOB, {"error": {"code": 9, "message": "no"}, "serviceAccount": None, "reservedIpRanges": ["a", ""]}),
    (JOB, {"error": {"code": -1}, "preflightValidations": True, "templateMetadata": {"version": "v"}}),
    (JOB, {"error": {"code": 0, "message": ""}, "preflightValidations": False, "encryptionSpec": {"kmsKeyName": "k"}}),
    (JOB, {"jobDetail": {"taskDetails": [{}, {"taskId": 1}, {"taskId": "2", "parentTaskId": -3, "state": "FAILED"}]}}),
    (TASK, {"taskId": 2**62, "inputs": {"x": {"artifacts": [{"name": "n", "metadata": {"loss": "NaN"}}]}, "y": {}}}),
    (TASK, {"executorDetail": {"containerDetail": {}}, "execution": {"state": "COMPLETE", "metadata": {"a": 1}}}),
    (TASK, {"pipelineTaskStatus": [{"state": "SUCCEEDED", "updateTime": rfc3339(WHEN)}, {"error": {"code": 13}}]}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "document"), DOCUMENTS)
def test_a_draft_says_what_its_message_says(kind, document):
    message = from_json(kind, document)
    descriptor = message_class(kind).DESCRIPTOR

    for form, as_numbers in ((drafted_forms.JSON, False), (drafted_forms.JSON_WITH_NUMBERS, True)):
        written = form.write(descriptor, document)
        assert json.dumps(written, sort_keys=True) == json.dumps(
            to_json(message, enums_as_numbers=as_numbers), sort_keys=True
        )
    assert message_class(kind)(**drafted_forms.FIELDS.write(descriptor, document)) == message


@pytest.mark.parametrize("micros", [0, 1, 10, 999, 1000, 1001, 120_000, 500_000, 999_999])
@pytest.mark.parametrize(
    "when", [WHEN, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)]
)
def test_times_are_written_as_the_message_writes_them(when, micros):
    document = {"createTime": rfc3339(when + timedelta(microseconds=micros))}
    message, draft = from_json(JOB, document), Drafted(JOB, document)

    assert drafted_forms.JSON.write(draft.DESCRIPTOR, document) == to_json(message)
    assert message_class(JOB).FromString(draft.SerializeToString()) == message


@pytest.mark.parametrize(
    "document",
    [
        {"create_time": "2026-11-23T18:30:44Z"},  # a name of the proto
        {"createTime": "2026-11-23T18:30:44.5+01:00"},
        {"error": {"details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "R"}]}},
        {"state": 4},
        {"runtimeConfig": {"parameters": {"a": {"intValue": "3"}, "b": {"doubleValue": 0.5}}}},
    ],
)
def test_what_is_not_plain_goes_the_long_way(document):
    message = from_json(JOB, document)
    draft = Drafted(JOB, document)

    assert draft.to_json() == to_json(message)
    assert message_class(JOB).FromString(draft.SerializeToString()) == message
    with pytest.raises((KeyError, TypeError, ValueError)):
        drafted_forms.JSON.write(draft.DESCRIPTOR, document)


def test_what_no_client_can_be_told_is_refused_as_a_message_refuses_it():
    odd = {"runtimeConfig": {"parameterValues": {"loss": math.inf}}}
    half = {"pipelineSpec": {"a": "\ud800"}}

    with pytest.raises(InvalidArgument, match="Infinity"):
        Drafted(JOB, odd).to_json()
    for write in (Drafted(JOB, half).to_json, Drafted(JOB, half).SerializeToString):
        with pytest.raises(ParseError, match="surrogates not allowed"):
            write()


def test_rest_writes_a_draft_like_its_message_and_enums_as_numbers_where_asked():
    document = {"name": "n", "state": "PIPELINE_STATE_RUNNING", "createTime": rfc3339(WHEN)}

    for query in ("", "$alt=json%3Benum-encoding=int"):
        drafted, known = (transcode.write(found, query) for found in (Drafted(JOB, document), from_json(JOB, document)))
        assert (json.loads(drafted[0]), drafted[1]) == (json.loads(known[0]), known[1])
