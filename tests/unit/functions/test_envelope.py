import base64
import json
from datetime import UTC, datetime

from trainshed.functions import envelope
from trainshed.ledger import Message

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
TOPIC = "projects/p/topics/t"
MESSAGE = "type.googleapis.com/google.pubsub.v1.PubsubMessage"


def an_event(**fields):
    given = {"subscription": "projects/p/subscriptions/s", "message_id": "42", "publish_time": WHEN, "topic": TOPIC}
    return Message(**{**given, "data": b'{"a": "1"}', **fields})


def body(request):
    return json.loads(request[1])


def test_s40_legacy_envelope_is_exactly_google_s():
    assert body(envelope.of_event(an_event(attributes={"k": "v"}), "event")) == {
        "context": {
            "eventId": "42",
            "timestamp": "2026-01-02T03:04:05.678Z",
            "eventType": "google.pubsub.topic.publish",
            "resource": {"service": "pubsub.googleapis.com", "name": TOPIC, "type": MESSAGE},
        },
        "data": {"@type": MESSAGE, "attributes": {"k": "v"}, "data": base64.b64encode(b'{"a": "1"}').decode()},
    }


def test_redelivery_carries_the_same_event():
    first, second = an_event(), an_event(delivery_attempt=2)

    assert envelope.of_event(first, "event") == envelope.of_event(second, "event")
    assert first.stimulus == second.stimulus == "projects/p/subscriptions/s#42"


def test_message_of_attributes_alone_has_no_data():
    assert "data" not in body(envelope.of_event(an_event(data=b""), "event"))["data"]


def test_cloud_event_names_topic_and_message():
    headers, content, *_ = envelope.of_event(an_event(), "cloudevent")

    assert headers["ce-type"] == "google.cloud.pubsub.topic.v1.messagePublished"
    assert headers["ce-source"] == f"//pubsub.googleapis.com/{TOPIC}"
    assert headers["ce-id"] == "42"
    assert json.loads(content)["message"]["messageId"] == "42"


def test_object_event_is_the_object():
    attributes = {"bucketId": "b", "objectId": "d/x.csv", "eventType": "OBJECT_FINALIZE"}
    event = an_event(data=b'{"bucket": "b", "name": "d/x.csv"}', attributes=attributes)

    made = body(envelope.of_event(event, "event", bucket="b"))

    assert made["data"] == {"bucket": "b", "name": "d/x.csv"}
    assert made["context"]["eventType"] == "google.storage.object.finalize"
    assert made["context"]["resource"]["name"] == "projects/_/buckets/b/objects/d/x.csv"


def test_call_passes_data_as_the_event():
    made = body(envelope.of_call({"data": "x"}, "event", execution_id="e1", now=WHEN))

    assert made["data"] == {"data": "x"}
    assert made["context"]["eventId"] == "e1"
