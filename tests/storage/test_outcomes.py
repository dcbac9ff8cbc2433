"""What others are told of builds and runs: durable, once, and only where somebody listens."""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path

import pytest
from storage import waiting

from trainshed import buckets, topics
from trainshed.app.announcing import Announcements, note_build
from trainshed.app.ports import Feeds
from trainshed.blobs import Blobs
from trainshed.builds.testing import Workbench
from trainshed.runs import ENDED_ENTRY
from trainshed.sql import Outbox

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)

GOOD, BAD = ({"name": "bash", "args": ["-c", f"exit {code}"]} for code in (0, 3))


class Ears:
    """A store with topics, builds and runs, and what is published there."""

    def __init__(self, db, clock, folder):
        self.db, self.clock, self.folder = db, clock, folder
        self.topics = waiting.Service(db, clock)
        self.bench = Workbench(folder, db, announce=note_build(clock))
        self.world = runs_world.World(db, clock, folder)
        self.hear()

    def hear(self, *, url="", reached=lambda _point: None):
        feeds = Feeds(self.topics, buckets.Service(self.db, self.clock, Blobs(self.folder / "b", self.clock)))
        found = Announcements(
            self.clock,
            self.topics,
            feeds,
            self.bench.service,
            self.world.service,
            address=lambda: "http://here",
            url=url,
            secrets=self.folder / "secrets",
            reached=reached,
        )
        self.outbox = Outbox(self.db, self.clock, {"build.changed": found.on_build, ENDED_ENTRY: found.on_run})
        return found

    def listen(self, topic, project="p"):
        name = f"projects/{project}/topics/{topic}"
        self.topics.create_topic(name)
        self.topics.create_subscription(f"projects/{project}/subscriptions/{topic}", name, topics.Options())

    def heard(self, topic, project="p"):
        self.outbox.drain()
        subscription = f"projects/{project}/subscriptions/{topic}"
        found = self.topics.pull(subscription, max_messages=100)
        if found:
            self.topics.acknowledge(subscription, [d.ack_id for d in found])
        return [(dict(d.attributes), json.loads(d.data)) for d in found]


@pytest.fixture
def ears(db, clock, tmp_path):
    return Ears(db, clock, tmp_path)


def test_cloud_build_publishes_each_state_of_a_build_to_cloud_builds_with_its_id_and_status(ears):
    ears.listen("cloud-builds")
    build = ears.bench.run(ears.bench.submit(GOOD))

    heard = ears.heard("cloud-builds")

    assert [a for a, _ in heard] == [{"buildId": build.build_id, "status": s} for s in ("QUEUED", "WORKING", "SUCCESS")]
    assert [d["status"] for _, d in heard] == ["QUEUED", "WORKING", "SUCCESS"]
    assert ["finishTime" in d for _, d in heard] == [False, False, True]
    assert heard[2][1]["name"] == build.name
    assert heard[2][1]["logUrl"] == f"http://here/builds/{build.build_id}"


def test_a_build_that_names_a_topic_of_its_own_publishes_there_instead(ears):
    ears.listen("cloud-builds")
    ears.listen("mine")
    ears.bench.run(ears.bench.submit(GOOD, options={"pubsubTopic": "projects/p/topics/mine"}))

    assert len(ears.heard("mine")) == 3
    assert ears.heard("cloud-builds") == []


def test_u42_the_end_of_a_build_is_a_cloud_event(ears):
    ears.listen("trainshed-events")
    build = ears.bench.run(ears.bench.submit(BAD))

    ((attributes, event),) = ears.heard("trainshed-events")

    assert event["data"]["status"] == "FAILURE"
    del event["data"]
    assert event == {
        "specversion": "1.0",
        "id": attributes["ce-id"],
        "source": "//trainshed/projects/p/locations/us-central1/builds",
        "type": "trainshed.build.ended",
        "subject": build.name,
        "time": event["time"],
        "datacontenttype": "application/json",
        "state": "FAILURE",
    }
    assert attributes["content-type"].startswith("application/cloudevents+json")
    assert (attributes["ce-type"], attributes["ce-state"]) == ("trainshed.build.ended", "FAILURE")


def test_u41_the_end_of_a_run_tells_its_outputs_by_name_and_address(ears):
    ears.listen("trainshed-events", "local-project")
    spec = runs_world.a_spec(
        {"a": {"gives": {"x": "STRING"}}},
        outputs={"parameters": {"x": {"valueFromParameter": {"producerSubtask": "a", "outputParameterKey": "x"}}}},
    )
    output = json.dumps({"parameterValues": {"x": "gs://b/model"}})
    ears.world.script = lambda _launch: runs_world.Act(output=output)
    run = ears.world.finish(ears.world.create(spec))
    assert run.state == "SUCCEEDED", run.error

    ((attributes, event),) = ears.heard("trainshed-events", "local-project")

    assert (event["type"], event["subject"], event["state"]) == ("trainshed.run.ended", run.name, "SUCCEEDED")
    assert event["data"]["outputs"] == {"x": "gs://b/model"}
    assert event["data"]["name"] == attributes["ce-subject"] == run.name


def test_where_nobody_listens_nothing_is_kept(ears):
    ears.bench.run(ears.bench.submit(GOOD))
    ears.outbox.drain()

    ears.listen("trainshed-events")

    assert ears.heard("trainshed-events") == []


@pytest.mark.parametrize("point", ["published to cloud-builds", "published to trainshed-events"])
def test_an_event_is_told_once_although_its_teller_fails_when_it_has(ears, point):
    ears.listen("cloud-builds")
    ears.listen("trainshed-events")
    ears.bench.run(ears.bench.submit(GOOD))

    def fail(reached):
        if reached == point:
            raise OSError(reached)

    ears.hear(reached=fail)
    asyncio.run(ears.outbox.run_once())
    ears.hear()
    ears.clock.advance(600)

    assert len(ears.heard("trainshed-events")) == 1
    assert sorted(a["status"] for a, _ in ears.heard("cloud-builds")) == ["QUEUED", "SUCCESS", "WORKING"]


def test_the_webhook_is_subscribed_to_the_events_of_each_project(ears):
    ears.hear(url="http://127.0.0.1:9/hook")
    ears.bench.run(ears.bench.submit(GOOD))
    ears.outbox.drain()

    subscription = ears.topics.get_subscription("projects/p/subscriptions/trainshed-event-webhook")
    assert subscription.options.target == "event-webhook:"
    assert subscription.topic == "projects/p/topics/trainshed-events"


def delivered(ears, monkeypatch, **attributes):
    """Deliver a message that somebody else published on the topic; answer what was posted, and whether it is done."""
    posted = []

    async def send(_url, *, headers, body, timeout_seconds):
        posted.append((headers["webhook-id"], body))
        return 200

    monkeypatch.setattr("trainshed.app.announcing.webhook.send", send)
    announcements = ears.hear(url="http://127.0.0.1:9/hook")
    ears.listen("trainshed-events")
    ears.topics.publish("projects/p/topics/trainshed-events", [topics.PubsubMessage(data=b"x", attributes=attributes)])
    (delivery,) = ears.topics.pull("projects/p/subscriptions/trainshed-events", max_messages=1)
    return posted, asyncio.run(announcements.deliver("", delivery)), delivery


def test_a_message_of_somebody_else_is_posted_under_its_own_id(ears, monkeypatch):
    posted, is_done, delivery = delivered(ears, monkeypatch)
    assert (posted, is_done) == ([(delivery.message_id, b"x")], True)


@pytest.mark.parametrize("identifier", ["a\r\nX-More: b", "a\nb", "\u65e5", "a\x00"])
def test_a_message_whose_id_no_header_can_hold_is_let_go_with_a_warning(ears, monkeypatch, caplog, identifier):
    posted, is_done, _ = delivered(ears, monkeypatch, **{"ce-id": identifier})
    assert (posted, is_done) == ([], True)
    assert "ce-id" in caplog.text
