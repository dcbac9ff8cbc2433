import asyncio
import contextvars

import pytest

from trainshed import errors
from trainshed.api import caller, coverage
from trainshed.api.calls import Calls
from trainshed.api.descriptors import METHODS, message, message_class, method

DELETE = METHODS["/google.pubsub.v1.Publisher/DeleteTopic"]
GET = METHODS["/google.pubsub.v1.Publisher/GetTopic"]


def servicer(name="GetTopic", function=None, service="google.pubsub.v1.Publisher"):
    return type("Servicer", (), {"SERVICE": service, name: function or (lambda _, __: None)})()


def ask(calls, wanted, **fields):
    return asyncio.run(calls.unary(wanted, message(wanted.request, **fields)))


def test_a_method_is_called_in_a_thread_with_the_caller_known():
    def get(_self, request):
        return message("google.pubsub.v1.Topic", name=f"{request.topic} for {caller.current().principal}")

    def as_another():
        caller.enter(caller.Caller(principal="f@x"))
        return ask(Calls([servicer(function=get)]), GET, topic="t")

    answer = contextvars.copy_context().run(as_another)

    assert answer.name == "t for f@x"
    assert caller.current().principal == "user"


def test_none_stands_for_empty_only_where_empty_is_answered():
    assert ask(Calls([servicer("DeleteTopic")]), DELETE).DESCRIPTOR.full_name == "google.protobuf.Empty"
    with pytest.raises(AssertionError, match="answered NoneType"):
        ask(Calls([servicer("GetTopic")]), GET)


def test_what_nobody_implements_is_unimplemented():
    with pytest.raises(errors.Unimplemented, match=r"google\.pubsub\.v1\.Publisher\.GetTopic is not served"):
        ask(Calls([]), GET)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (servicer("GetTopik"), "is not an RPC"),
        (servicer(service="google.pubsub.v9.Publisher"), "is not in the surface"),
        (servicer("StreamingPull", service="google.pubsub.v1.Subscriber"), "only streams are async generators"),
    ],
)
def test_a_servicer_that_cannot_be_served_is_found_at_once(wrong, match):
    with pytest.raises(AssertionError, match=match):
        Calls([wrong])


def test_two_implementations_of_one_rpc_are_refused():
    with pytest.raises(AssertionError, match="implemented twice"):
        Calls([servicer(), servicer()])


def test_older_packages_mean_the_same_methods():
    found = method("/google.cloud.aiplatform.v1beta1.PipelineService/CreatePipelineJob")

    assert found is METHODS["/google.cloud.aiplatform.v1.PipelineService/CreatePipelineJob"]
    assert method("/google.pubsub.v1beta1.Publisher/GetTopic") is None


def test_every_method_has_its_messages_and_all_but_the_stream_have_a_rest_form():
    without = [m.path for m in METHODS.values() if not m.rules]
    for entry in METHODS.values():
        message_class(entry.request)
        message_class(entry.response)

    assert without == ["/google.pubsub.v1.Subscriber/StreamingPull"]


def test_every_servicer_class_implements_only_rpcs_of_its_service():
    assert coverage.served(coverage.servicers()) <= set(METHODS)


def test_the_coverage_page_has_a_row_for_every_method():
    rows = [line for line in coverage.page().splitlines() if line.startswith("| ") and "| method |" not in line]

    assert len(rows) == len(METHODS)
    assert "| GetProject | yes | `GET /v3/{name=projects/*}` |" in rows
