import logging

import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from trainshed import errors
from trainshed.api import status

CLASSES = [
    errors.InvalidArgument,
    errors.FailedPrecondition,
    errors.OutOfRange,
    errors.Unauthenticated,
    errors.PermissionDenied,
    errors.NotFound,
    errors.AlreadyExists,
    errors.Aborted,
    errors.ResourceExhausted,
    errors.Cancelled,
    errors.DeadlineExceeded,
    errors.Unavailable,
    errors.Unimplemented,
]


@pytest.mark.parametrize("cls", CLASSES)
def test_each_class_has_its_code_and_message_in_a_status(cls):
    made = status.to_status(cls("what happened"))

    assert (code_pb2.Code.Name(made.code), made.message) == (cls.code, "what happened")


def test_a_status_tells_reason_and_fields():
    made = status.to_status(errors.InvalidArgument.field("waitFor", "names no step", reason="STEP_UNKNOWN"))

    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert made.details[0].Unpack(info)
    assert made.details[1].Unpack(bad)
    assert (info.reason, info.domain) == ("STEP_UNKNOWN", "trainshed")
    assert bad.field_violations[0].field == "waitFor"


def test_rest_has_the_same_and_the_http_code():
    body = status.to_rest(errors.StaleState("moved on", metadata={"state": "DONE"}))["error"]

    assert (body["code"], body["status"], body["message"]) == (409, "ABORTED", "moved on")
    assert body["details"][0] == {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "STATE_CHANGED",
        "domain": "trainshed",
        "metadata": {"state": "DONE"},
    }


def test_a_defect_shows_only_an_identifier_that_the_log_has_too(caplog):
    with caplog.at_level(logging.ERROR, logger="trainshed"):
        shown = status.translate(KeyError("secret"), where="/x")

    incident = shown.metadata["incident"]
    assert shown.code == "INTERNAL"
    assert incident in shown.message
    assert "secret" not in shown.message
    assert incident in caplog.records[0].getMessage()
    assert caplog.records[0].action == "internal_error"
    assert caplog.records[0].exc_info[0] is KeyError


def test_what_is_too_long_for_trailers_is_cut_and_still_says_what_happened():
    findings = [errors.Finding(severity="error", path=f"steps[{n}]", message="is wrong " * 20) for n in range(100)]

    code, message, trailers = status.to_grpc(errors.InvalidArgument.findings(findings))

    assert code == 3
    assert message.startswith("steps[0]: is wrong")
    ((key, data),) = trailers
    assert key == "grpc-status-details-bin"
    assert len(data) < 4000
    assert status_pb2.Status.FromString(data).message == message


def test_a_defect_says_where_its_trace_is():
    said = status.translate(ValueError("secret"), where="a page").message

    assert "logs/server.jsonl in the server's home" in said
    assert "secret" not in said
