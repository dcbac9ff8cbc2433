import pytest

from trainshed.errors import InvalidArgument
from trainshed.functions import configuration
from trainshed.functions.addresses import subscription

NAME = "projects/p/locations/us-central1/functions/trigger-it"
TRIGGER = {"eventType": "google.pubsub.topic.publish", "resource": "projects/p/topics/tick"}


def test_s37_defaults_are_google_s():
    made = configuration(NAME, {"eventTrigger": TRIGGER, "runtime": "python37"})

    assert made.entry_point == "trigger-it"
    assert made.topic == "projects/p/topics/tick"
    assert made.memory_bytes == 256 << 20
    assert made.timeout_seconds == 60
    assert not made.retry, "Google does not retry unless told to"


def test_d3_retry_is_asked_for_by_the_failure_policy():
    trigger = TRIGGER | {"failurePolicy": {"retry": {}}}

    assert configuration(NAME, {"eventTrigger": trigger}).retry


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "trigger: give exactly one"),
        ({"eventTrigger": TRIGGER, "httpsTrigger": {}}, "trigger: give exactly one"),
        ({"eventTrigger": {**TRIGGER, "eventType": "x"}}, "eventTrigger.eventType"),
        ({"eventTrigger": {**TRIGGER, "resource": "projects/q/topics/tick"}}, "in the function's project"),
        ({"eventTrigger": {**TRIGGER, "resource": "projects/p/topics/t"}}, "3 to 255"),
        ({"eventTrigger": TRIGGER, "timeout": "soon"}, "timeout: 'soon'"),
        ({"eventTrigger": TRIGGER, "timeout": "4000s"}, "timeout"),
        ({"eventTrigger": TRIGGER, "availableMemoryMb": "much"}, "availableMemoryMb"),
        ({"eventTrigger": TRIGGER, "environmentVariables": {"1A": "x"}}, "environmentVariables: '1A'"),
        ({"eventTrigger": TRIGGER, "environmentVariables": {"K_SERVICE": "x"}}, "set by the runtime"),
    ],
)
def test_bad_document_is_refused_naming_the_field(document, words):
    with pytest.raises(InvalidArgument, match=words):
        configuration(NAME, document)


@pytest.mark.parametrize("name", ["trigger", "projects/p/locations/r/functions/1x", "projects/p/functions/x"])
def test_bad_name_is_refused(name):
    with pytest.raises(InvalidArgument, match="name"):
        configuration(name, {"eventTrigger": TRIGGER})


def test_subscription_is_named_as_google_names_it():
    assert subscription(NAME, "projects/p/topics/tick") == "projects/p/subscriptions/gcf-trigger-it-us-central1-tick"
