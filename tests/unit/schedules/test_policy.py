"""Retries, missed due times, overlap: pure decisions."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.errors import InvalidArgument
from trainshed.schedules import CatchUp, HttpTarget, Options, Order, Overlap, PubsubTarget, RetryConfig, policy

JOB = "projects/p/locations/us-central1/jobs/j"
TIMES = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(10)]
TARGET = PubsubTarget(topic="projects/p/topics/train", data=base64.b64encode(b"{}").decode())


def test_googles_example_of_waiting_times():
    retry = RetryConfig(min_backoff_seconds=10, max_backoff_seconds=300, max_doublings=3)

    assert [policy.backoff_seconds(retry, n) for n in range(1, 9)] == [10, 20, 40, 80, 160, 240, 300, 300]


@pytest.mark.parametrize(
    ("count", "duration", "failures", "elapsed", "again"),
    [
        (0, 0, 1, 0, False),
        (2, 0, 2, 1e9, True),
        (2, 0, 3, 0, False),
        (0, 60, 99, 59, True),
        (0, 60, 1, 60, False),
        (2, 60, 2, 61, True),
        (2, 60, 3, 59, True),
        (2, 60, 3, 61, False),
    ],
)
def test_retries_go_on_until_both_limits_are_reached(count, duration, failures, elapsed, again):
    retry = RetryConfig(retry_count=count, max_retry_seconds=duration)

    assert policy.may_retry(retry, failures=failures, elapsed_seconds=elapsed) is again


@given(missed=st.integers(0, 10), limit=st.integers(0, 12), order=st.sampled_from(list(Order)), room=st.integers(1, 12))
def test_every_due_time_fires_or_is_skipped_or_is_left_for_the_next_turn(missed, limit, order, room):
    horizon = TIMES[missed] if missed < len(TIMES) else TIMES[-1] + timedelta(minutes=1)

    due = policy.sort_due(TIMES, horizon=horizon, catch_up=CatchUp(limit=limit, order=order), limit=room)

    on_time = len(TIMES) - missed
    caught = min(limit, missed)
    assert len(due.fire) == caught + min(on_time, room)
    assert due.skipped == missed - caught
    assert due.is_complete == (on_time <= room)
    assert due.fire == sorted(due.fire)
    assert not set(due.fire) & set(due.skip)
    accounted = caught + due.skipped + min(on_time, room)
    assert due.last == (TIMES[accounted - 1] if accounted else None)
    if caught and due.skip:
        kept = due.fire[0] > max(due.skip) if order is Order.NEWEST else due.fire[0] < min(due.skip)
        assert kept


def test_a_long_outage_is_counted_and_not_listed():
    times = [TIMES[0] + timedelta(minutes=n) for n in range(43_200)]

    due = policy.sort_due(times, horizon=times[-1] + timedelta(seconds=1), catch_up=CatchUp(), limit=10)

    assert (due.skipped, due.skip, due.skipped_first, due.skipped_last) == (43_200, [], times[0], times[-1])


@pytest.mark.parametrize(
    ("overlap", "is_open", "is_waiting", "is_busy", "decision"),
    [
        (Overlap.DEFAULT, False, False, False, "fire"),
        (Overlap.DEFAULT, False, False, True, "fire"),
        (Overlap.DEFAULT, True, False, False, "wait"),
        (Overlap.DEFAULT, True, True, False, "overlap: another"),
        (Overlap.SKIP, False, False, True, "overlap: the firing"),
        (Overlap.SKIP, True, False, False, "overlap: the firing"),
        (Overlap.WAIT, False, False, True, "wait"),
        (Overlap.WAIT, False, True, True, "overlap: another"),
    ],
)
def test_overlap(overlap, is_open, is_waiting, is_busy, decision):
    found = policy.overlapping(overlap, is_open=is_open, is_waiting=is_waiting, is_busy=is_busy)

    assert found.startswith(decision)


@pytest.mark.parametrize(
    "name",
    ["jobs/j", "projects/p/jobs/j", "projects/p/locations/r/jobs/a b", "projects/p/locations/r/jobs/" + "x" * 501],
)
def test_s53_a_job_name_of_another_form_is_refused(name):
    with pytest.raises(InvalidArgument, match="name"):
        policy.check(name, Options(schedule="* * * * *", target=TARGET))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("pubsubTarget.topicName", {"target": PubsubTarget(topic="train", data="e30=")}),
        ("pubsubTarget.topicName", {"target": PubsubTarget(topic="projects/other/topics/train", data="e30=")}),
        ("pubsubTarget", {"target": PubsubTarget(topic="projects/p/topics/train")}),
        ("pubsubTarget.data", {"target": PubsubTarget(topic="projects/p/topics/train", data="{}")}),
        ("httpTarget.uri", {"target": HttpTarget(uri="ftp://x/")}),
        ("httpTarget.httpMethod", {"target": HttpTarget(uri="http://x/", method="BREW")}),
        ("httpTarget.headers[a]", {"target": HttpTarget(uri="http://x/", headers={"a": "b\r\nc: d"})}),
        ("retryConfig.retryCount", {"retry": RetryConfig(retry_count=6)}),
        ("retryConfig.maxDoublings", {"retry": RetryConfig(max_doublings=17)}),
        ("retryConfig.minBackoffDuration", {"retry": RetryConfig(min_backoff_seconds=20, max_backoff_seconds=10)}),
        ("attemptDeadline", {"attempt_deadline_seconds": 5}),
        ("description", {"description": "x" * 501}),
        ("catchUp", {"catch_up": CatchUp(limit=-1)}),
    ],
)
def test_what_cloud_scheduler_would_not_take_is_refused_with_the_field(field, changes):
    options = Options(**{"schedule": "* * * * *", "target": TARGET} | changes)

    with pytest.raises(InvalidArgument) as refused:
        policy.check(JOB, options)

    assert refused.value.violations[0].field == field


def test_a_job_is_at_most_1_mb():
    data = base64.b64encode(b"x" * 900_000).decode()

    with pytest.raises(InvalidArgument, match=r"^job: comes to \d+ bytes; 1048576 are allowed"):
        policy.check(JOB, Options(schedule="* * * * *", target=PubsubTarget(topic=TARGET.topic, data=data)))


def near(uri):
    return "http://127.0.0.1:1" if "//aiplatform.googleapis.com/" in uri else ""


def test_an_access_token_is_sent_to_addresses_of_google_alone():
    for uri in ("https://elsewhere.example/", "http://127.0.0.1:9/", "https://aiplatform.googleapis.com@x.example/"):
        with pytest.raises(InvalidArgument, match=r"^httpTarget\.oauthToken: .*; use oidcToken$"):
            policy.check_oauth(HttpTarget(uri=uri, token="oauth", token_email="a@b.c"), near)

    policy.check_oauth(HttpTarget(uri="https://aiplatform.googleapis.com/v1", token="oauth"), near)
    policy.check_oauth(HttpTarget(uri="https://elsewhere.example/", token="oidc"), near)
    policy.check_oauth(TARGET, near)


@pytest.mark.parametrize("kind", ["oauth", "oidc"])
def test_a_token_is_of_a_service_account(kind):
    target = HttpTarget(uri="https://host/", token=kind)

    with pytest.raises(InvalidArgument, match=f"^httpTarget.{kind}Token.serviceAccountEmail: is empty"):
        policy.check(JOB, Options(schedule="* * * * *", target=target))
