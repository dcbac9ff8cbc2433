"""Cron expressions in wall-clock time, against an oracle that knows nothing of ours."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise, product
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainshed.errors import InvalidArgument
from trainshed.schedules.cron import Cron, DaylightSaving, Fold, Gap

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICIES = [DaylightSaving(gap=gap, fold=fold) for gap in Gap for fold in Fold]


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def oracle(matches, zone, policy, start, end):
    """Walk every minute of UTC: what the wall clock shows there is all that counts.

    `matches` tells whether a wall-clock minute is named by the expression.
    """
    due, seen = [], set()
    before = None
    for now, wall in clock_faces(zone, start, end):
        is_repeat = wall in seen
        fires = matches(wall) and not (is_repeat and policy.fold is Fold.FIRST_ONLY)
        if before is not None and wall - before > timedelta(minutes=1) and policy.gap is Gap.RUN_NEXT:
            missing = (before + timedelta(minutes=n) for n in range(1, int((wall - before) / timedelta(minutes=1))))
            fires = fires or any(map(matches, missing))
        if fires:
            due.append(now)
        seen.add(wall)
        before = wall
    return due


@lru_cache(maxsize=4)
def clock_faces(zone, start, end):
    """Answer what the wall clock shows at each minute of UTC."""
    tz, count = ZoneInfo(zone), int((end - start) / timedelta(minutes=1)) + 1
    times = [start + timedelta(minutes=n) for n in range(count)]
    return [(t, t.astimezone(tz).replace(tzinfo=None)) for t in times]


@lru_cache(maxsize=32)
def switches(zone, first, last):
    """Find the days on which a zone changes its offset."""
    tz = ZoneInfo(zone)
    day, found = first, []
    while day < last:
        if day.astimezone(tz).utcoffset() != (day + timedelta(days=1)).astimezone(tz).utcoffset():
            found.append(day)
        day += timedelta(days=1)
    return found


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "America/Havana",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Europe/Dublin",
        "Asia/Beirut",
        "America/St_Johns",
        "Pacific/Apia",
    ],
)
def test_due_times_at_every_switch_are_those_of_a_minute_by_minute_wall_clock(zone):
    expressions = {
        "*/15 * * * *": lambda w: w.minute % 15 == 0,
        "30 2 * * *": lambda w: (w.hour, w.minute) == (2, 30),
        "5 0,23 * * *": lambda w: w.minute == 5 and w.hour in {0, 23},
    }
    years = (at("2010-01-01"), at("2013-01-01")) if zone in {"Pacific/Apia", "America/St_Johns"} else None
    first, last = years or (at("2017-01-01"), at("2019-01-01"))

    for day in switches(zone, first, last)[:2]:
        start, end = day - timedelta(hours=26), day + timedelta(hours=50)
        for policy, (expression, matches) in product(POLICIES, expressions.items()):
            expected = oracle(matches, zone, policy, start, end)
            found = list(Cron(expression, zone, policy).due_times(start - timedelta(minutes=1), until=end))
            assert [t for t in found if t >= start + timedelta(hours=1)] == [
                t for t in expected if t >= start + timedelta(hours=1)
            ], (expression, zone, str(policy), day)


def test_no_zone_of_the_database_throws_and_times_always_rise():
    for zone in sorted(available_timezones() - {"localtime", "Factory"}):
        times = Cron("30 2 * * *", zone, POLICIES[-1]).preview(START, limit=300)

        assert len(times) == 300
        assert all(a < b for a, b in pairwise(times)), zone


def test_a_year_of_three_minute_firings_has_every_minute_once():
    times = list(Cron("*/3 * * * *", "Europe/Berlin").due_times(START, until=at("2027-01-01")))

    assert len(times) == 365 * 480
    assert times[0] == at("2026-01-01T00:03")
    assert {b - a for a, b in pairwise(times)} == {timedelta(minutes=3)}


@pytest.mark.parametrize(
    ("policy", "spring", "autumn"),
    [
        ("skip", [], ["00:30", "01:30"]),
        ("run_next", ["01:00"], ["00:30", "01:30"]),
        ("both", [], ["00:30", "01:30"]),
        ("first_only", [], ["00:30"]),
        ("run_next,first_only", ["01:00"], ["00:30"]),
        ("first_only, run-next", ["01:00"], ["00:30"]),
    ],
)
def test_half_past_two_in_berlin_at_both_switches(policy, spring, autumn):
    cron = Cron("30 2 * * *", "Europe/Berlin", DaylightSaving.parse(policy))

    def on(day):
        found = cron.due_times(at(day), until=at(day) + timedelta(hours=20))
        return [t.strftime("%H:%M") for t in found]

    assert on("2026-03-29") == spring
    assert on("2026-10-25") == autumn
    assert on("2026-06-10") == ["00:30"]


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "never fires"),
        ("@daily", "write '0 0 * * *'"),
        ("@reboot", "five fields"),
        ("* * *", "3 fields"),
        ("* * * * * *", "6 fields"),
        ("61 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of month"),
        ("* * L * *", "day of month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of week"),
        ("* * * * 1#2", "day of week"),
        ("*/0 * * * *", "minute"),
        ("5-3 * * * *", "minute"),
        ("every 5 minutes", "3 fields"),
        ("", "0 fields"),
    ],
)
def test_a_bad_expression_is_refused_with_the_field_and_the_way_out(expression, named):
    with pytest.raises(InvalidArgument) as refused:
        Cron(expression)

    assert refused.value.violations[0].field == "schedule"
    assert named in refused.value.message


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe/"])
def test_an_unknown_time_zone_is_refused(zone):
    with pytest.raises(InvalidArgument, match="timeZone"):
        Cron("0 0 * * *", zone)


def test_a_policy_that_does_not_exist_is_refused():
    with pytest.raises(InvalidArgument, match="daylightSaving"):
        DaylightSaving.parse("skip,run_next")


def test_a_leap_day_on_a_monday_is_found_years_ahead():
    assert Cron("0 0 29 2 *").next_due(at("2096-03-01")) == at("2104-02-29")


def test_day_of_month_and_day_of_week_are_alternatives_as_in_unix_cron():
    times = Cron("0 0 13 * FRI").preview(START, limit=6)

    assert [t.day for t in times] == [2, 9, 13, 16, 23, 30]


@settings(max_examples=60, deadline=None)
@given(
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=5),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=5),
    offset=st.integers(0, 365 * 24 * 60),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Etc/UTC"]),
    policy=st.sampled_from(POLICIES),
)
def test_going_on_from_any_due_time_gives_the_same_times(minutes, hours, offset, zone, policy):
    text = f"{','.join(map(str, sorted(minutes)))} {','.join(map(str, sorted(hours)))} * * *"
    cron, start = Cron(text, zone, policy), START + timedelta(minutes=offset)
    at_once = cron.preview(start, limit=12)

    step_by_step, now = [], start
    for _ in range(12):
        now = cron.next_due(now)
        step_by_step.append(now)

    assert at_once == step_by_step
    assert all(t.astimezone(ZoneInfo(zone)).minute in minutes or policy.gap is Gap.RUN_NEXT for t in at_once)
