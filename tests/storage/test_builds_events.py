"""Messages and webhooks that start builds: each has a receipt, and none builds twice."""

import dataclasses
import json
from datetime import UTC, datetime

import pytest
from receipts import receipts_in

from trainshed import ledger, testing
from trainshed.builds import Feeds
from trainshed.builds.testing import Workbench
from trainshed.errors import FailedPrecondition, InvalidArgument, Unauthenticated

BUILD = {"steps": [{"name": "bash", "args": ["-c", "echo ${_TAG:-none} $_WHO $$HOME"]}]}
TOPIC = "projects/p/topics/images"
SECRET = "projects/p/secrets/hook/versions/1"


class Fed:
    """What triggers asked of topics."""

    def __init__(self):
        self.subscriptions = {}

    def feeds(self):
        return Feeds(
            subscribe=lambda _conn, subscription, topic, target: self.subscriptions.update(
                {subscription: (topic, target)}
            ),
            unsubscribe=lambda _conn, subscription: self.subscriptions.pop(subscription),
        )


@pytest.fixture
def fed():
    return Fed()


@pytest.fixture
def bench(tmp_path, fed):
    with testing.database(tmp_path) as db:
        made = Workbench(tmp_path, db, feeds=fed.feeds())
        made.db = db
        made.secrets = tmp_path / "secrets"
        made.secrets.mkdir()
        (made.secrets / "hook").write_text("sesame\n")
        (made.secrets / "hook").chmod(0o600)
        yield made


def a_trigger(bench, **fields):
    return bench.triggers.create({"name": "on-event", "build": BUILD, **fields}, project="p", region="global")


def of_messages(bench, **fields):
    substitutions = {"_TAG": "$(body.message.data.tag)", "_WHO": "$(body.message.attributes.who)"}
    return a_trigger(bench, **{"pubsubConfig": {"topic": TOPIC}, "substitutions": substitutions, **fields})


def a_message(trigger, data=b'{"tag": "v1"}', number="7", **attributes):
    return ledger.Message(
        subscription=trigger.document["pubsubConfig"]["subscription"],
        message_id=number,
        topic=TOPIC,
        data=data,
        attributes={"who": "ann", **attributes},
        publish_time=datetime(2026, 1, 1, tzinfo=UTC),
    )


def receipts(bench):
    return bench.db.read(receipts_in)


def builds(bench):
    return bench.service.list(project="p")[0]


def test_a_trigger_of_messages_is_subscribed_while_it_exists(bench, fed):
    trigger = of_messages(bench)

    subscription = f"projects/p/subscriptions/gcb-{trigger.trigger_id}"
    assert trigger.document["pubsubConfig"] == {"topic": TOPIC, "subscription": subscription, "state": "OK"}
    assert fed.subscriptions == {subscription: (TOPIC, f"build-trigger:{trigger.trigger_id}")}
    other = {**trigger.document, "pubsubConfig": {"topic": "projects/p/topics/other"}}
    bench.triggers.update("on-event", other, project="p")
    assert fed.subscriptions[subscription][0] == "projects/p/topics/other"
    bench.triggers.delete("on-event", project="p")
    assert fed.subscriptions == {}


def test_a_message_builds_with_bindings_of_its_payload_and_has_a_receipt(bench):
    trigger = of_messages(bench)

    assert bench.events.deliver(trigger.trigger_id, a_message(trigger))

    (build,) = builds(bench)
    build = bench.run(build)
    assert build.state == "SUCCESS"
    assert "Step #0: v1 ann " in bench.log(build)
    (receipt,) = receipts(bench)
    assert (receipt.state, receipt.kind, receipt.link) == ("STARTED", "message", build.name)
    assert receipt.reason == f"started build {build.build_id[:8]} because of message 7 of images"
    assert (build.trigger, build.trigger_id) == (trigger.resource, trigger.trigger_id)


def test_a_message_that_comes_again_joins_the_build_that_it_started(bench):
    trigger = of_messages(bench)

    for _ in range(3):
        assert bench.events.deliver(trigger.trigger_id, a_message(trigger))

    assert len(builds(bench)) == 1
    (receipt,) = receipts(bench)
    outcomes = [d.outcome for d in bench.db.read(lambda conn: ledger.deliveries(conn, receipt.receipt_id))]
    assert outcomes == ["started", "joined", "joined"]


def test_a_filter_decides_on_substitutions_and_payload(bench):
    text = '_TAG.startsWith("v") && body.message.attributes.who in ["ann", "bob"]'
    trigger = of_messages(bench, filter=text)

    for number, data in enumerate((b'{"tag": "v1"}', b'{"tag": "x1"}', b"no json")):
        assert bench.events.deliver(trigger.trigger_id, a_message(trigger, data, str(number)))

    assert len(builds(bench)) == 1
    assert sorted(r.state for r in receipts(bench)) == ["SKIPPED", "SKIPPED", "STARTED"]
    assert {r.reason for r in receipts(bench) if r.state == "SKIPPED"} == {f"the filter does not hold: {text}"}


def test_what_the_payload_lacks_is_refused_by_name_and_not_sent_again(bench):
    trigger = of_messages(bench)

    assert bench.events.deliver(trigger.trigger_id, a_message(trigger, b"{}"))

    (receipt,) = receipts(bench)
    assert (receipt.state, builds(bench)) == ("REFUSED", ())
    assert (
        receipt.reason
        == "substitutions._TAG: the event has no body.message.data.tag; it is for $(body.message.data.tag)"
    )


def test_what_an_event_says_is_data_and_no_substitution_of_its_own(bench):
    trigger = of_messages(bench)
    evil = {"tag": "${_WHO}$BUILD_ID$$$(body.message.data)"}

    bench.events.deliver(trigger.trigger_id, a_message(trigger, json.dumps(evil).encode()))

    (build,) = builds(bench)
    assert build.substitutions["_TAG"] == evil["tag"]


def test_a_disabled_trigger_builds_nothing_and_says_so_until_it_is_enabled(bench):
    trigger = of_messages(bench, disabled=True)

    assert bench.events.deliver(trigger.trigger_id, a_message(trigger))
    assert bench.events.deliver("gone", a_message(trigger))

    assert builds(bench) == ()
    (receipt,) = receipts(bench)
    assert receipt.state == "SKIPPED"
    assert receipt.reason.startswith("the build trigger on-event is disabled; enable it")

    bench.triggers.update("on-event", {**trigger.document, "disabled": False}, project="p")
    assert bench.events.deliver(trigger.trigger_id, a_message(trigger))  # a replay
    (build,) = builds(bench)
    (receipt,) = receipts(bench)
    assert (receipt.state, receipt.link) == ("STARTED", build.name)


def of_webhooks(bench, **fields):
    substitutions = {"_TAG": "$(body.items[1]['a-b'])", "_WHO": "$(body.who)"}
    return a_trigger(bench, webhookConfig={"secret": SECRET}, substitutions=substitutions, **fields)


BODY = json.dumps({"items": [0, {"a-b": "second"}], "who": {"deep": 1}}).encode()


def test_a_webhook_with_the_secret_builds_and_each_post_is_an_event_of_its_own(bench):
    trigger = of_webhooks(bench)

    for _ in range(2):
        bench.events.receive(trigger, BODY, secret="sesame")

    first, second = builds(bench)
    assert first.substitutions["_TAG"] == "second"
    assert first.substitutions["_WHO"] == '{"deep":1}'
    assert {r.kind for r in receipts(bench)} == {"webhook"}
    assert {r.link for r in receipts(bench)} == {first.name, second.name}


def test_a_post_that_its_sender_names_is_taken_once_however_often_it_comes(bench):
    trigger = of_webhooks(bench)

    said = [bench.events.receive(trigger, BODY, secret="sesame", delivery="d-1") for _ in range(3)]

    assert len(builds(bench)) == 1
    assert "taken before" in said[1]


@pytest.mark.parametrize("secret", ["", "Sesame", "sesame ", "sesam"])
def test_a_webhook_without_the_secret_is_refused_and_leaves_nothing(bench, secret):
    trigger = of_webhooks(bench)

    with pytest.raises(Unauthenticated, match="is not the secret") as caught:
        bench.events.receive(trigger, BODY, secret=secret)

    assert "sesame" not in caught.value.message.lower().replace("is not the secret of this trigger's webhook", "")
    assert (builds(bench), receipts(bench)) == ((), [])


def test_a_post_to_a_disabled_trigger_is_refused_and_leaves_nothing(bench):
    trigger = of_webhooks(bench, disabled=True)

    with pytest.raises(FailedPrecondition, match="The build trigger 'on-event' is disabled"):
        bench.events.receive(trigger, BODY, secret="sesame")
    assert builds(bench) == ()
    assert receipts(bench) == []


def test_an_empty_secret_file_lets_nobody_in(bench):
    trigger = of_webhooks(bench)
    (bench.secrets / "hook").write_text("")

    with pytest.raises(Unauthenticated):
        bench.events.receive(trigger, BODY, secret="")


def test_a_webhook_is_no_larger_than_a_message(bench):
    trigger = of_webhooks(bench)

    with pytest.raises(InvalidArgument, match="^body: has 10000001 bytes"):
        bench.events.receive(trigger, b"x" * 10_000_001, secret="sesame")


def test_a_trigger_without_webhook_takes_none(bench):
    trigger = of_messages(bench)

    with pytest.raises(FailedPrecondition, match="has no webhook"):
        bench.events.receive(trigger, BODY, secret="sesame")


def test_a_refused_webhook_is_replayed_once_the_trigger_is_mended(bench):
    trigger = of_webhooks(bench)
    bench.events.receive(trigger, b'{"who": 1}', secret="sesame")
    (receipt,) = receipts(bench)
    assert receipt.state == "REFUSED"

    bench.triggers.update("on-event", {**trigger.document, "substitutions": {"_WHO": "$(body.who)"}}, project="p")
    said = bench.events.replay(receipt)

    (build,) = builds(bench)
    assert build.substitutions["_WHO"] == "1"
    assert said.startswith(f"started build {build.build_id[:8]}")


def test_a_build_that_needs_approval_waits_for_it(bench):
    trigger = of_messages(bench, approvalConfig={"approvalRequired": True})

    bench.events.deliver(trigger.trigger_id, a_message(trigger))

    (build,) = builds(bench)
    assert (build.state, build.approval["state"]) == ("PENDING", "PENDING")
    assert receipts(bench)[0].reason.endswith("which waits for approval")


def test_a_message_keeps_the_receipt_that_it_came_of(bench):
    trigger = of_messages(bench)
    message = dataclasses.replace(a_message(trigger), parent_receipt_id="r0")

    bench.events.deliver(trigger.trigger_id, message)

    assert receipts(bench)[0].parent_id == "r0"
