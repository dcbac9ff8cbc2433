"""What push endpoints receive."""

import base64
import json
from datetime import UTC, datetime

import pytest

from trainshed.topics import Delivery, Kind, Wrapper
from trainshed.topics.envelope import ACKNOWLEDGED, push_request

NAME = "projects/p/subscriptions/s"


def a_delivery(**changes):
    given = {
        "subscription_id": 1,
        "subscription": NAME,
        "kind": Kind.PUSH,
        "target": "https://host/x",
        "topic": "projects/p/topics/t",
        "message_id": "7",
        "data": b'{"a": 1}',
        "attributes": {"Content-Type": "application/json"},
        "ordering_key": "",
        "publish_time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "attempt": 3,
        "delivery_attempt": 0,
        "ack_id": "x",
        "parent_receipt_id": "",
    }
    return Delivery(**{**given, **changes})


def test_g3_the_push_envelope_is_pubsubs():
    headers, body = push_request(a_delivery(ordering_key="k", delivery_attempt=3), Wrapper.DEFAULT)

    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "message": {
            "attributes": {"Content-Type": "application/json"},
            "data": base64.b64encode(b'{"a": 1}').decode(),
            "messageId": "7",
            "message_id": "7",
            "publishTime": "2026-01-02T03:04:05Z",
            "publish_time": "2026-01-02T03:04:05Z",
            "orderingKey": "k",
        },
        "subscription": NAME,
        "deliveryAttempt": 3,
    }
    plain = json.loads(push_request(a_delivery(), Wrapper.PUBSUB)[1])
    assert "deliveryAttempt" not in plain
    assert "orderingKey" not in plain["message"]


def test_g3_without_a_wrapper_the_body_is_the_data_and_metadata_are_headers():
    assert push_request(a_delivery(), Wrapper.NONE) == ({"User-Agent": "CloudPubSub-Google"}, b'{"a": 1}')

    headers, body = push_request(a_delivery(ordering_key="k", delivery_attempt=2), Wrapper.METADATA)

    assert body == b'{"a": 1}'
    assert headers == {
        "Content-Type": "application/json",
        "x-goog-pubsub-subscription-name": NAME,
        "x-goog-pubsub-message-id": "7",
        "x-goog-pubsub-publish-time": "2026-01-02T03:04:05Z",
        "x-goog-pubsub-ordering-key": "k",
        "x-goog-pubsub-delivery-attempt": "2",
        "User-Agent": "CloudPubSub-Google",
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Host", "elsewhere"),
        ("Transfer-Encoding", "chunked"),
        ("authorization", "Bearer stolen"),
        ("X-GOOG-pubsub-message-id", "8"),
        ("a b", "x"),
        ("fine", "two\r\nX-Evil: lines"),
        ("fine", "☃"),
    ],
)
def test_attributes_never_become_headers_that_are_not_theirs(key, value):
    headers, _ = push_request(a_delivery(attributes={key: value}), Wrapper.METADATA)

    assert key not in headers
    assert headers["x-goog-pubsub-message-id"] == "7"


def test_g3_five_statuses_acknowledge():
    assert {102, 200, 201, 202, 204} == ACKNOWLEDGED
