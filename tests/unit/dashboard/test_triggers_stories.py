"""Is the end of a chain of events found, and said in words that stand by themselves?"""

from datetime import UTC, datetime, timedelta

import pytest

from trainshed.dashboard.cells import Link
from trainshed.dashboard.triggers import messages, stories
from trainshed.dashboard.triggers.stories import Work
from trainshed.ledger import Receipt
from trainshed.schedules import Cron

NOW = datetime(2026, 11, 23, 9, 16, tzinfo=UTC)
RUN = "projects/p/locations/r/pipelineJobs/run-1"
WORK = Work(name=RUN, state="SUCCEEDED", start_time=NOW, end_time=NOW + timedelta(seconds=12))


def a_receipt(receipt_id="a", *, parent="", state="STARTED", reason="", link="", kind="firing", stimulus="", data=None):
    return Receipt(
        receipt_id=receipt_id,
        trigger="projects/p/locations/r/jobs/hourly",
        kind=kind,
        stimulus=stimulus or "2026-11-23T09:16:00Z",
        state=state,
        reason=reason,
        link=link,
        parent_id=parent,
        data=data or {},
        create_time=NOW,
        update_time=NOW,
    )


def told(receipt, *followed, works=None):
    (story,) = stories.tell([receipt], followed, {RUN: WORK} if works is None else works)
    return story


def test_a_firing_is_told_by_the_run_that_its_message_led_to():
    message = a_receipt("b", parent="a", link=RUN, reason="started run run-1")
    story = told(a_receipt(link="projects/p/topics/t"), message)

    assert (story.state, story.work, story.last) == ("SUCCEEDED", WORK, message)
    assert story.name("Europe/Berlin") == "2026-11-23 10:16:00 Europe/Berlin: SUCCEEDED, run-1, 12.0 s"
    assert story.href == f"/runs/{RUN}"


def test_what_was_skipped_in_the_end_is_not_said_to_have_succeeded():
    skipped = a_receipt("b", parent="a", link=RUN, state="SKIPPED", reason="nothing changed: 5 tasks reused")
    story = told(a_receipt(link="projects/p/topics/t"), skipped)

    assert story.state == "SKIPPED"
    assert story.name("UTC").endswith("SKIPPED, run-1, 12.0 s, nothing changed: 5 tasks reused")


def test_without_a_run_the_last_receipt_says_why():
    failed = a_receipt("b", parent="a", state="FAILED", reason="no such template")
    story = told(a_receipt(link="projects/p/topics/t"), failed)

    assert (story.state, story.work, story.href) == ("FAILED", None, "/receipts/b")
    assert story.name("UTC") == "2026-11-23 09:16:00 UTC: FAILED, no such template"


def test_of_several_that_followed_the_one_that_led_to_work_counts():
    with_work = a_receipt("b", parent="a", link=RUN)
    without = a_receipt("c", parent="a", state="SKIPPED")

    assert told(a_receipt(link="projects/p/topics/t"), with_work, without).last is with_work


def test_of_several_that_led_to_no_work_the_one_that_failed_counts():
    failed = a_receipt("b", parent="a", state="FAILED")
    without = a_receipt("c", parent="a", state="SKIPPED")

    assert told(a_receipt(link="projects/p/topics/t"), failed, without).last is failed


def test_a_circle_of_events_ends():
    first, second = a_receipt("a", parent="b"), a_receipt("b", parent="a")

    assert told(first, second, first).last is second


def test_a_run_that_is_gone_leaves_what_its_receipt_says():
    story = told(a_receipt(link=RUN), works={})

    assert (story.state, story.took) == ("STARTED", None)


def test_what_goes_on_is_open():
    going = Work(name=RUN, state="RUNNING", start_time=NOW, end_time=None)

    assert told(a_receipt(link=RUN), works={RUN: going}).is_open
    assert not told(a_receipt(link=RUN)).is_open
    assert told(a_receipt(state="PENDING")).is_open


def test_marks_and_bars_are_oldest_first_and_named():
    newest, oldest = told(a_receipt("b", link=RUN)), told(a_receipt("a", state="SKIPPED", reason="missed"))

    marks, bars = stories.marks([newest, oldest]), stories.bars([newest, oldest])

    assert [mark.state for mark in marks] == ["SKIPPED", "SUCCEEDED"]
    assert [(bar.state, bar.value, bar.href) for bar in bars] == [
        ("SKIPPED", None, "/receipts/a"),
        ("SUCCEEDED", 12.0, f"/runs/{RUN}"),
    ]
    assert marks[0].name == "2026-11-23 09:16:00 UTC: SKIPPED, missed"


def test_a_firing_by_hand_says_so():
    forced = told(a_receipt(stimulus="forced/2026-11-23T10:00:00Z/x1", link=RUN))

    assert forced.name("UTC").startswith("2026-11-23 10:00:00 UTC (by hand): SUCCEEDED")


@pytest.mark.parametrize(
    ("receipt", "words"),
    [
        (
            a_receipt(kind="message", stimulus="s#7", data={"topic": "projects/p/topics/t"}),
            Link(text="message 7 of t", href="/topics/projects/p/topics/t?message=7"),
        ),
        (a_receipt(kind="message", stimulus="s#7"), "message 7"),
        (a_receipt(), "firing at 2026-11-23 09:16:00 UTC"),
        (a_receipt(stimulus="forced/2026-11-23T10:00:00Z/x1"), "forced firing at 2026-11-23 10:00:00 UTC"),
        (a_receipt(kind="webhook", stimulus="d1"), "webhook d1"),
        (a_receipt(kind="call", stimulus="call#c1"), "call c1"),
    ],
)
def test_an_event_is_named_in_a_few_words(receipt, words):
    assert stories.event(receipt) == words


@pytest.mark.parametrize(
    ("words", "short"),
    [
        ("send message projects/p/subscriptions/s#4 to projects/p/locations/l/functions/f again", "send message s#4 to f again"),
        ("build of gs://projects/x and my/projects", "build of gs://projects/x and my/projects"),
        ("projects/p/topics/t", "t"),
    ],
)  # fmt: skip
def test_words_name_resources_without_their_project(words, short):
    assert stories.in_short(words) == short


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'{"a": 1}', '{"a": 1}'),
        (b"\xff\xfe", "2 B of binary data"),
        (b"a\0b", "3 B of binary data"),
        (b"x" * 500, "x" * 200 + "… (500 B)"),
        (b"<script>", "<script>"),
    ],
)
def test_data_is_shown_as_text_where_it_is_text(data, shown):
    assert messages.readable(data) == shown


def test_a_document_is_indented_and_other_text_stays():
    assert messages.indented(b'{"a":1}') == '{\n  "a": 1\n}'
    assert messages.indented(b"a: 1") == "a: 1"
    assert messages.indented(b"[" * 100_000) == "[" * 100_000
    assert messages.decoded("not base64!") == b"not base64!"


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("*/3 * * * *", "Every third minute of every hour"),
        ("0 9 * * 1-5", "At 09:00 on Monday through Friday"),
        ("30 2 1 * *", "At 02:30 on the first day of every month"),
    ],
)
def test_a_cron_is_said_in_words(cron, words):
    assert Cron(cron).words == words
