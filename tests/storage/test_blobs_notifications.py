"""Each committed change of a bucket becomes one message on every topic that wants it, with Google's attributes."""

import asyncio
import base64
import itertools
import json
import os
from datetime import timedelta
from functools import partial

import pytest

from trainshed.blobs import Blobs
from trainshed.buckets import Service, Wanted, loop
from trainshed.buckets.loop import Watch
from trainshed.duty import Pace
from trainshed.errors import InvalidArgument, NotFound
from trainshed.sql import Outbox

TOPIC = "projects/p/topics/t"


@pytest.fixture
def service(db, clock, tmp_path):
    made = Service(db, clock, Blobs(tmp_path / "buckets", clock))
    made.create_bucket("bucket", {})
    return made


@pytest.fixture
def published(db, clock, service):
    messages = []
    handlers = {
        "object.changed": service.on_object_changed,
        "topic.publish": lambda _conn, payload: messages.append(payload),
    }

    def drain():
        Outbox(db, clock, handlers).drain()
        return messages

    return drain


def put(service, name, data=b"data", **options):
    return service.put(service.blobs.stage_bytes(data), Wanted(bucket="bucket", name=name, **options))


def test_a_new_object_is_announced_as_cloud_storage_does(service, published):
    service.create_notification(
        "bucket", {"topic": f"//pubsub.googleapis.com/{TOPIC}", "custom_attributes": {"k": "v"}}
    )

    obj = put(service, "data/new.csv")
    (message,) = published()

    assert message["topic"] == TOPIC
    attributes = dict(message["attributes"])
    assert attributes.pop("eventTime").endswith("Z")
    assert attributes == {
        "eventType": "OBJECT_FINALIZE",
        "bucketId": "bucket",
        "objectId": "data/new.csv",
        "objectGeneration": str(obj.generation),
        "notificationConfig": "projects/_/buckets/bucket/notificationConfigs/1",
        "payloadFormat": "JSON_API_V1",
        "k": "v",
    }
    document = json.loads(base64.b64decode(message["data"]))
    assert (document["kind"], document["size"], document["crc32c"]) == ("storage#object", "4", obj.crc32c)
    assert document["mediaLink"].startswith("https://www.googleapis.com/download/storage/v1/b/bucket/o/data%2Fnew.csv")


def test_only_wanted_types_and_prefixes_are_announced(service, published):
    service.create_notification(
        "bucket", {"topic": TOPIC, "event_types": ["OBJECT_DELETE"], "object_name_prefix": "data/", "payload_format": "NONE"}
    )  # fmt: skip
    put(service, "data/a")
    put(service, "other")
    service.delete("bucket", "other")
    service.delete("bucket", "data/a")

    (message,) = published()

    assert (message["attributes"]["eventType"], message["attributes"]["objectId"]) == ("OBJECT_DELETE", "data/a")
    assert message["data"] == ""


def test_a_replacement_names_the_generations_on_both_sides(service, published):
    service.create_notification("bucket", {"topic": TOPIC})
    first, second = put(service, "a"), put(service, "a")

    by_type = {
        (m["attributes"]["eventType"], m["attributes"]["objectGeneration"]): m["attributes"] for m in published()
    }

    assert by_type["OBJECT_DELETE", str(first.generation)]["overwrittenByGeneration"] == str(second.generation)
    assert by_type["OBJECT_FINALIZE", str(second.generation)]["overwroteGeneration"] == str(first.generation)


def test_a_bucket_with_versions_announces_what_becomes_of_each(service, published):
    service.update_bucket("bucket", {"versioning": {"enabled": True}})
    service.create_notification("bucket", {"topic": TOPIC})
    first = put(service, "a")
    service.update("bucket", "a", {"metadata": {"k": "v"}}, merge=True)
    second = put(service, "a")
    service.delete("bucket", "a")
    service.delete("bucket", "a", first.generation)

    told = [(m["attributes"]["eventType"], m["attributes"]["objectGeneration"]) for m in published()]
    documents = [json.loads(base64.b64decode(m["data"])) for m in published()]

    assert told == [
        ("OBJECT_FINALIZE", str(first.generation)),
        ("OBJECT_METADATA_UPDATE", str(first.generation)),
        ("OBJECT_ARCHIVE", str(first.generation)),
        ("OBJECT_FINALIZE", str(second.generation)),
        ("OBJECT_ARCHIVE", str(second.generation)),
        ("OBJECT_DELETE", str(first.generation)),
    ]
    assert [d.get("metadata") for d in documents[:2]] == [{"k": "v"}] * 2, "what is so when the message is made"
    assert "timeDeleted" in documents[4]


def test_a_file_dropped_into_the_folder_is_announced_once_it_rests(service, published):
    service.create_notification("bucket", {"topic": TOPIC})
    watch = Watch(service, interval_seconds=5)
    path = service.blobs.root / "bucket/dropped.csv"

    path.write_bytes(b"half")
    assert watch.look() == 0
    path.write_bytes(b"half and half")
    assert watch.look() == 0, "it is still changing"
    assert published() == []
    assert watch.look() == 1
    assert watch.look() == 0

    (message,) = published()
    assert message["attributes"]["objectId"] == "dropped.csv"
    assert service.get("bucket", "dropped.csv").size == 13


def test_changes_and_removals_by_hand_are_noticed_too(service):
    put(service, "a")
    put(service, "b")
    service.upkeep.settle()
    watch = Watch(service, interval_seconds=5)
    before = service.get("bucket", "a")
    path = service.blobs.root / "bucket/a"
    path.write_bytes(b"DATA")
    os.utime(path, ns=(0, int(before.stamp.split(":")[1])))
    (service.blobs.root / "bucket/b").unlink()

    watch.look()
    assert watch.look() == 2

    assert service.get("bucket", "a").generation > before.generation
    with pytest.raises(NotFound):
        service.get("bucket", "b")


def test_a_folder_made_beside_the_buckets_becomes_a_bucket(service):
    folder = service.blobs.root / "by-hand"
    folder.mkdir()
    (folder / "x").write_bytes(b"1")
    (service.blobs.root / "Not A Bucket").mkdir()

    Watch(service, interval_seconds=5).look()

    assert [b.name for b in service.list_buckets()] == ["bucket", "by-hand"]
    assert [o.name for o in service.list("by-hand").items] == ["x"]


def test_a_look_at_many_objects_gives_way_after_each_and_its_rests_do_not_count_as_work(service, monkeypatch):
    for number in range(20):
        put(service, f"object-{number}")
    service.upkeep.settle()
    rests = []
    pace = partial(Pace, used=itertools.count().__next__, sleep=rests.append)  # each step is a second of work
    monkeypatch.setattr(loop, "monotonic", lambda: sum(rests))

    again = asyncio.run(Watch(service, interval_seconds=5, pace=pace).run_once())

    assert len(rests) == 3 * 20  # each row, each file, and each row beside its file
    assert again == service.clock.now() + timedelta(seconds=5)


def test_asking_for_the_same_notification_again_changes_nothing(db, service):
    for _ in range(2):
        db.write(lambda conn: service.notify_in(conn, "bucket", TOPIC))

    assert [n.event_types for n in service.list_notifications("bucket")] == [("OBJECT_FINALIZE",)]


@pytest.mark.parametrize(
    ("document", "field"),
    [({"topic": "t"}, "topic"), ({}, "topic"), ({"topic": TOPIC, "event_types": ["NEW"]}, "event_types"),
     ({"topic": TOPIC, "payload_format": "XML"}, "payload_format")],
)  # fmt: skip
def test_a_bad_notification_is_refused_naming_the_field(service, document, field):
    with pytest.raises(InvalidArgument, match=f"^{field}: "):
        service.create_notification("bucket", document)


def test_a_topic_that_is_not_there_is_refused(db, clock, tmp_path):
    service = Service(db, clock, Blobs(tmp_path / "buckets", clock), has_topic=lambda _topic: False)
    service.create_bucket("bucket", {})

    with pytest.raises(InvalidArgument, match="there is no topic"):
        service.create_notification("bucket", {"topic": TOPIC})
