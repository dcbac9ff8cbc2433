"""What the overview makes of what was measured, and where a login may lead."""

import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from trainshed.dashboard.login import own_path
from trainshed.dashboard.overview import health, waiting
from trainshed.dashboard.overview.fresh import measured
from trainshed.dashboard.overview.health import Health
from trainshed.schedules.cron import Cron

_GIB = 1 << 30
_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_health(**changed):
    given = {"version": "1", "home": "/h", "free_bytes": 90 * _GIB, "total_bytes": 100 * _GIB, "cores": 2.0}
    return Health(**{**given, **changed})


@pytest.mark.parametrize(
    ("changed", "state", "words"),
    [
        ({}, "OK", ""),
        ({"free_bytes": 3 * _GIB}, "WARNING", "3.0 GiB are free on the disk of /h"),
        ({"free_bytes": 1}, "FAILED", "runs and builds will fail"),
        ({"failing": {"outbox": "ValueError: x"}}, "FAILED", "'outbox' failed in its last turn: ValueError: x"),
        ({"missing": ["git"]}, "WARNING", "git is not installed: builds clone"),
        ({"missing": ["uv"]}, "WARNING", "uv is not installed: it makes environments"),
        ({"trouble": "The home directory /h is gone."}, "FAILED", "/h is gone"),
        ({"turns": {"outbox": 61.0}}, "WARNING", "'outbox' is late: its turn has lasted 1 min 1 s"),
        ({"turns": {"outbox": 59.0}}, "OK", ""),
        ({"ahead_seconds": 7200.0}, "WARNING", "recorded last is 2 h 0 min in the future by this server's clock"),
        ({"ahead_seconds": 59.0}, "OK", ""),
        (
            {"broken": {"a:1": "/x is gone", "a:2": "/x is gone"}},
            "WARNING",
            "Image a:1 and 1 more cannot be used: /x is",
        ),
        ({"refused": {"1f": "it ended at once"}}, "FAILED", "environment 1f could not be started: it ended at once"),
        ({"engine": "docker is not installed"}, "WARNING", "TRAINSHED_ENGINE names is not used: docker is not"),
    ],
)
def test_health_is_judged_by_its_worst_finding(changed, state, words):
    found = health.findings(a_health(**changed))

    assert health.state(found) == state
    assert words in " ".join(finding.text for finding in found)


def test_the_worst_finding_comes_first_and_each_says_what_to_do():
    found = health.findings(a_health(missing=["git"], free_bytes=3 * _GIB, failing={"outbox": "x"}))

    assert [finding.state for finding in found] == ["FAILED", "WARNING", "WARNING"]
    assert all(finding.command for finding in found)


def test_the_measure_that_matters_is_shown_with_what_it_was():
    assert measured({"model.loss": 0.1, "evaluation.accuracy": 0.861}, {"evaluation.accuracy": 0.954}) == (
        "evaluation.accuracy 0.861, was 0.954, each on its own rows", True,
    )  # fmt: skip
    assert measured({"accuracy": 0.9}, {"accuracy": 0.9}) == ("accuracy 0.9, was 0.9, each on its own rows", False)
    assert measured({"loss": 0.2}, {"loss": 0.1})[1]
    assert measured({"accuracy": 0.9}, {}) == ("accuracy 0.9", False)
    assert measured({}, {"accuracy": 1.0}) == ("", False)


def test_what_a_gate_compared_on_the_same_rows_is_said_beside():
    assert measured({"accuracy": 0.9906, "baseline_accuracy": 0.9912}, {"accuracy": 0.9855}) == (
        "accuracy 0.9906, was 0.9855, each on its own rows; the model before on the same rows: 0.9912", True,
    )  # fmt: skip
    assert measured({"e.loss": 0.1, "e.baseline_loss": 0.2}, {}) == (
        "e.loss 0.1; the model before on the same rows: 0.2", False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/runs?state=FAILED", "/runs?state=FAILED"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\nSet-Cookie: a=b", "/"),
        ("runs", "/"),
        ("/login", "/"),
        ("/logout", "/"),
    ],
)
def test_a_login_leads_to_pages_of_this_server_alone(given, path):
    assert own_path(given) == path


def test_what_is_no_number_any_more_is_worse_and_what_never_was_is_not():
    assert measured({"loss": math.nan}, {"loss": 0.1}) == ("loss nan, was 0.1, each on its own rows", True)
    assert measured({"accuracy": math.nan}, {"accuracy": 0.9})[1]
    assert not measured({"loss": 0.2}, {"loss": math.nan})[1]
    assert not measured({"loss": math.nan}, {"loss": math.nan})[1]


def paused_for(hours, *, fired_until=None):
    """Answer what the overview says at noon of schedules that fire each full hour and are paused for some hours."""
    since = _NOON - timedelta(hours=hours)
    calls = SimpleNamespace(
        name="projects/p/locations/l/jobs/hourly",
        state="PAUSED",
        options=SimpleNamespace(cron=Cron("0 * * * *")),
        user_update_time=since,
        last_due_time=fired_until,
    )
    starts = SimpleNamespace(
        name="projects/p/locations/l/schedules/1",
        state="PAUSED",
        options=SimpleNamespace(ticks=Cron("0 * * * *"), display_name="hourly runs"),
        last_pause_time=fired_until or since,
    )
    of_builds = SimpleNamespace(newest=lambda _states, limit: [])
    messages = SimpleNamespace(
        backlogs=SimpleNamespace(with_dead_letters=lambda limit: [], untaken=lambda _before, limit: [])
    )
    found = (SimpleNamespace(in_state=lambda _state, limit, one=one: [one]) for one in (calls, starts))
    return [each.text for each in waiting.read(of_builds, messages, *found, now=_NOON, limit=10)]


def test_a_paused_schedule_that_missed_nothing_says_so():
    said = [f"It is paused and {does}; no due time has gone by since." for does in ("does not fire", "starts no run")]

    assert paused_for(0.5, fired_until=_NOON) == said
    assert paused_for(0) == said
    assert paused_for(5, fired_until=_NOON) == said  # what fired before the pause was not missed


@pytest.mark.parametrize(
    ("hours", "words"), [(0.5, "1 due time has gone by since."), (3, "3 due times have gone by since.")]
)
def test_a_paused_schedule_says_how_many_due_times_have_gone_by(hours, words):
    assert paused_for(hours) == [
        f"It is paused and does not fire; {words}",
        f"It is paused and starts no run; {words}",
    ]
