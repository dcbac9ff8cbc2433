"""Why an event did nothing, and what to do next."""

from datetime import UTC, datetime

import pytest

from trainshed.explain import fate
from trainshed.explain.fate import Node, Source
from trainshed.ledger import Delivery, Receipt

_NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
_P = "projects/p/locations/l"
_RUN, _BUILD, _TOPIC = f"{_P}/pipelineJobs/train-1", f"{_P}/builds/0123456789", "projects/p/topics/train"
_SCHEDULE, _FUNCTION = f"{_P}/jobs/hourly", f"{_P}/functions/start"


def a_receipt(state, *, trigger=_FUNCTION, link="", reason="", receipt_id="r1", kind="message"):
    return Receipt(
        receipt_id=receipt_id, trigger=trigger, kind=kind, stimulus="s#1", state=state, reason=reason, link=link,
        parent_id="", data={}, create_time=_NOW, update_time=_NOW,
    )  # fmt: skip


def a_delivery(number):
    return Delivery(receipt_id="r1", number=number, time=_NOW, outcome="crash", reason="boom", link="")


def commands(found):
    return [advice.command for advice in found.advice if advice.command]


def test_what_started_a_run_did_something():
    found = fate.of(Node(receipt=a_receipt("STARTED", link=_RUN, reason="started run train-1 because of message 1")))

    assert found.did_something
    assert (found.says, found.link, found.advice) == ("Started run train-1 because of message 1.", _RUN, ())


@pytest.mark.parametrize(
    ("link", "work", "says"),
    [
        (_RUN, "FAILED", "Started it because of message 1; the run failed."),
        (_RUN, "SUCCEEDED", "Started it because of message 1; the run succeeded."),
        (_RUN, "RUNNING", "Started it because of message 1; the run is running."),
        (_BUILD, "FAILURE", "Started it because of message 1; the build failed."),
    ],
)
def test_what_started_work_is_as_the_work_is_in_the_end(link, work, says):
    found = fate.of(Node(receipt=a_receipt("STARTED", link=link, reason="started it because of message 1"), work=work))

    assert found.did_something
    assert (found.state, found.says, found.link) == (work, says, link)


def test_a_firing_whose_run_failed_is_told_by_that_though_another_succeeded():
    good = Node(receipt=a_receipt("STARTED", link=_RUN, receipt_id="r2"), work="SUCCEEDED")
    bad = Node(receipt=a_receipt("STARTED", link=f"{_RUN}-bad", receipt_id="r3"), work="FAILED")
    firing = a_receipt("STARTED", trigger=_SCHEDULE, link=_TOPIC)

    found = fate.of(Node(receipt=firing, children=[good, bad]))

    assert (found.state, found.link) == ("FAILED", f"{_RUN}-bad")


def test_a_message_that_nobody_hears_says_so_and_how_to_change_that():
    firing = a_receipt("STARTED", trigger=_SCHEDULE, kind="firing", link=_TOPIC, reason="published message 7 to train")

    found = fate.of(Node(receipt=firing, hearers=[]))

    assert not found.did_something
    assert found.says == "Published message 7 to train, but nothing is subscribed to topic train: nobody heard it."
    assert commands(found)[0] == "trainshed pipelines triggers create NAME --topic train --spec gs://…"


def test_a_message_for_somebody_elses_subscription_names_it():
    firing = a_receipt("STARTED", trigger=_SCHEDULE, link=_TOPIC, reason="published message 7 to train")

    assert "pull-me has the message" in fate.of(Node(receipt=firing, hearers=["projects/p/subscriptions/pull-me"])).says


def test_a_firing_is_judged_by_what_its_message_led_to():
    crashed = a_receipt("FAILED", link=f"{_FUNCTION}/invocations/i1", reason="crash: …", receipt_id="r2")
    firing = a_receipt("STARTED", trigger=_SCHEDULE, link=_TOPIC)
    child = Node(receipt=crashed, deliveries=[a_delivery(1), a_delivery(2)], error="KeyError: 'epochs'\nlast lines")

    found = fate.of(Node(receipt=firing, children=[child]))

    assert (found.state, found.receipt_id) == ("FAILED", "r2")
    assert found.says == "Function start failed 2 times: KeyError: 'epochs'."
    assert commands(found) == [
        "trainshed functions logs read start --execution-id i1 --limit 200",
        "trainshed receipts replay r2",
    ]


def test_a_failure_counts_before_a_run_and_a_run_before_nothing():
    started = Node(receipt=a_receipt("STARTED", link=_RUN))
    idle = Node(receipt=a_receipt("STARTED", link=f"{_FUNCTION}/invocations/i"))
    failed = Node(receipt=a_receipt("FAILED", reason="no"))
    root = a_receipt("STARTED", link=_TOPIC)

    assert fate.of(Node(receipt=root, children=[idle, started])).link == _RUN
    assert fate.of(Node(receipt=root, children=[started, failed])).state == "FAILED"


def test_what_a_build_started_later_is_not_what_became_of_the_commit():
    child = Node(receipt=a_receipt("FAILED"))

    assert fate.of(Node(receipt=a_receipt("STARTED", link=_BUILD), children=[child])).state == "STARTED"


@pytest.mark.parametrize(
    ("receipt", "says", "command"),
    [
        (
            a_receipt("SKIPPED", link=_RUN, reason="nothing changed: 5 tasks reused"),
            "It was skipped, nothing changed: 5 tasks reused.",
            "trainshed pipelines clone train-1 --no-caching",
        ),
        (
            a_receipt("SKIPPED", trigger=_SCHEDULE, reason="overlap: the firing before this one is not done"),
            "It was skipped for an overlap: the firing before this one is not done.",
            "trainshed scheduler jobs update pubsub hourly --overlap wait",
        ),
        (
            a_receipt("SKIPPED", trigger=_SCHEDULE, reason="missed: the server was down at the time"),
            "It was missed: the server was down at the time.",
            "trainshed scheduler jobs update pubsub hourly --catch-up 1",
        ),
        (
            a_receipt("SKIPPED", trigger=f"{_P}/triggers/on-push", reason="no changed file is included by *.py"),
            "It was skipped: no changed file is included by *.py.",
            "trainshed builds triggers run on-push",
        ),
        (
            a_receipt("REFUSED", trigger=f"{_P}/runTriggers/new-data", reason="epochs: 'x' is no number"),
            "Run trigger new-data refused it: epochs: 'x' is no number.",
            "trainshed receipts replay r1",
        ),
        (
            a_receipt("STARTED", link=f"{_FUNCTION}/invocations/i9"),
            "Function start was called, returned, and started no run.",
            "trainshed functions logs read start --execution-id i9 --limit 200",
        ),
        (a_receipt("JOINED", link=_RUN), "It started nothing new: run train-1 had been started already.", None),
        (a_receipt("PENDING"), "Nothing is decided yet: function start has it in hand.", None),
    ],
)
def test_each_way_of_doing_nothing_says_why_and_what_next(receipt, says, command):
    found = fate.of(Node(receipt=receipt))

    assert (found.did_something, found.says) == (False, says)
    assert next(iter(commands(found)), None) == command


def test_a_schedule_that_rests_says_so_first_and_then_what_came_of_its_last_event():
    last = Node(receipt=a_receipt("SKIPPED", trigger=_SCHEDULE, reason="missed: the server was down at the time"))

    found = fate.of_source(Source(name=_SCHEDULE, state="PAUSED"), last)

    assert found.says.startswith("Schedule hourly is paused, so it does not fire. Its last event: It was missed")
    assert commands(found) == ["trainshed scheduler jobs resume hourly"]


def test_a_disabled_trigger_a_repository_that_cannot_be_read_and_one_that_waits_each_say_so():
    trigger = f"{_P}/triggers/on-push"

    assert "is disabled" in fate.of_source(Source(name=trigger, state="DISABLED"), None).says
    resting = fate.of_source(Source(name=f"{_P}/runTriggers/direct", state="DISABLED"), None)
    assert resting.says == "Run trigger direct is disabled, so it takes events and starts nothing."
    assert commands(resting) == ["trainshed pipelines triggers enable direct"]
    assert "git ls-remote: no such" in fate.of_source(Source(name=trigger, error="git ls-remote: no such"), None).says
    waiting = fate.of_source(Source(name=_SCHEDULE, next_due=_NOW), None)
    assert waiting.says == "Nothing has reached schedule hourly yet; its next due time is 2026-01-31 12:00:00 UTC."
    assert commands(waiting) == ["trainshed scheduler jobs run hourly"]
