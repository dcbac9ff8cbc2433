"""Names, limits, waiting times and ack ids of Pub/Sub."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.errors import InvalidArgument
from trainshed.topics import DeadLetterPolicy, Kind, Options, PubsubMessage, RetryPolicy, policy

DEAD = "projects/p/topics/dead"


@pytest.mark.parametrize("name", ["t", "topics/t", "projects/p/topics/ab", "projects/p/topics/1abc"])
def test_s53_a_topic_name_of_another_form_is_refused(name):
    with pytest.raises(InvalidArgument, match="name"):
        policy.check_name(policy.TOPIC, name)


def test_what_is_outside_the_limits_is_said_in_the_units_that_commands_take():
    with pytest.raises(InvalidArgument, match=r"^messageRetentionDuration: 90d is outside 10m to 31d$"):
        policy.check_options(Options(retention_seconds=90 * 86400.0))


@pytest.mark.parametrize("identifier", ["google-topic", "Googol", "a" * 256, "a b c", "a/b"])
def test_identifiers_that_pubsub_does_not_allow_are_refused(identifier):
    with pytest.raises(InvalidArgument):
        policy.check_name(policy.TOPIC, f"projects/p/topics/{identifier}")


def test_identifiers_that_pubsub_allows_pass():
    for identifier in ("abc", "trigger-penguins", "A.b_c~d+e%f", "a" * 255):
        assert policy.check_name(policy.TOPIC, f"projects/p/topics/{identifier}")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("ackDeadlineSeconds", {"ack_deadline_seconds": 9}),
        ("ackDeadlineSeconds", {"ack_deadline_seconds": 601}),
        ("messageRetentionDuration", {"retention_seconds": 599.0}),
        ("messageRetentionDuration", {"retention_seconds": 32 * 86400.0}),
        ("retryPolicy.maximumBackoff", {"retry_policy": RetryPolicy(maximum_seconds=601)}),
        ("retryPolicy.minimumBackoff", {"retry_policy": RetryPolicy(minimum_seconds=20, maximum_seconds=10)}),
        ("deadLetterPolicy.maxDeliveryAttempts", {"dead_letter_policy": DeadLetterPolicy(topic=DEAD, max_delivery_attempts=4)}),
        ("deadLetterPolicy.deadLetterTopic", {"dead_letter_policy": DeadLetterPolicy(topic="dead")}),
        ("pushConfig.pushEndpoint", {"kind": Kind.PUSH, "push_endpoint": "localhost:80"}),
    ],
)  # fmt: skip
def test_options_outside_pubsubs_limits_are_refused_with_the_field(field, changes):
    with pytest.raises(InvalidArgument) as refused:
        policy.check_options(Options(**changes))

    assert refused.value.violations[0].field == field


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([], "messages"),
        ([PubsubMessage()], "messages[0]"),
        ([PubsubMessage(data=b"x"), PubsubMessage()], "messages[1]"),
        ([PubsubMessage(attributes={"googKey": "x"})], "messages[0].attributes"),
        ([PubsubMessage(attributes={"": "x"})], "messages[0].attributes"),
        ([PubsubMessage(attributes={"k": "x" * 1025})], "messages[0].attributes[k]"),
        ([PubsubMessage(attributes={str(n): "x" for n in range(101)})], "messages[0].attributes"),
        ([PubsubMessage(data=b"x" * 10_000_001)], "messages"),
        ([PubsubMessage(data=b"x")] * 1001, "messages"),
    ],
)
def test_messages_that_pubsub_does_not_take_are_refused_with_the_field(messages, named):
    with pytest.raises(InvalidArgument) as refused:
        policy.check_messages(messages)

    assert refused.value.violations[0].field == named


def test_waiting_doubles_from_the_least_to_the_most():
    options = Options(retry_policy=RetryPolicy(minimum_seconds=10, maximum_seconds=60))

    assert [policy.backoff_seconds(options, n) for n in (1, 2, 3, 4, 1000)] == [10, 20, 40, 60, 60]


def test_without_a_policy_pull_comes_again_at_once_and_push_does_not_spin():
    assert policy.backoff_seconds(Options(), 7) == 0
    assert policy.backoff_seconds(Options(kind=Kind.INTERNAL), 1) == pytest.approx(0.1)


@given(st.integers(1, 2**31), st.integers(1, 2**62), st.integers(1, 10**6))
def test_ack_ids_read_back(subscription, message, attempt):
    text = policy.ack_id(subscription, message, attempt)

    assert policy.read_ack_ids(subscription, [text]) == {attempt: [message]}
    assert policy.read_ack_ids(subscription + 1, [text]) == {}


@pytest.mark.parametrize("text", ["", "x", "1:2:3", "é", "MTox", "====", "OjE6Mg=="])
def test_texts_that_are_no_ack_ids_are_refused(text):
    with pytest.raises(InvalidArgument, match="ackIds"):
        policy.read_ack_ids(1, [text])
