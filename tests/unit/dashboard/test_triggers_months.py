"""Does a month of a calendar hold the right days, whatever its zone does?"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from trainshed.dashboard.triggers import months
from trainshed.dashboard.triggers.months import Ahead, Day, Month
from trainshed.errors import InvalidArgument
from trainshed.schedules import Cron

NOW = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)


def test_without_a_word_it_is_the_month_of_now_in_the_zone():
    assert Month.parse("", "UTC", NOW).word == "2026-11"
    assert Month.parse("", "Asia/Tokyo", NOW).word == "2026-12"


@pytest.mark.parametrize(
    ("word", "previous", "following", "days"),
    [
        ("2026-11", "2026-10", "2026-12", 30),
        ("2026-01", "2025-12", "2026-02", 31),
        ("2028-02", "2028-01", "2028-03", 29),
    ],
)
def test_months_follow_one_another(word, previous, following, days):
    month = Month.parse(word, "UTC", NOW)

    assert (month.previous.word, month.next.word, len(month.days)) == (previous, following, days)


@pytest.mark.parametrize("word", ["2026-13", "november", "2026-1", "0000-01", "9999-12"])
def test_a_word_that_is_no_month_is_refused(word):
    with pytest.raises(InvalidArgument, match="is no month such as 2026-11"):
        Month.parse(word, "UTC", NOW)


def test_a_day_that_is_none_is_refused():
    assert months.parse_day("2026-11-23") == date(2026, 11, 23)
    for word in ("yesterday", "2026-02-30", "0001-01-01", "9999-12-31"):
        with pytest.raises(InvalidArgument, match="is no day such as"):
            months.parse_day(word)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_a_day_lasts_as_long_as_its_zone_says(day, hours):
    begin, end = months.stretch(day, "Europe/Berlin")

    assert end - begin == timedelta(hours=hours)


def test_stretches_of_a_month_meet_without_gap():
    month = Month.parse("2026-03", "Europe/Berlin", NOW)
    stretches = [months.stretch(day, month.zone) for day in month.days]

    assert (stretches[0][0], stretches[-1][1]) == month.stretch
    assert all(before[1] == after[0] for before, after in pairwise(stretches))


def test_times_are_counted_by_the_day_of_the_zone():
    times = [datetime(2026, 11, 23, 22, tzinfo=UTC), datetime(2026, 11, 23, 23, 30, tzinfo=UTC)]

    assert months.by_day(times, "Europe/Berlin") == {date(2026, 11, 23): 1, date(2026, 11, 24): 1}


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Africa/Cairo", date(2026, 4, 24), 23),  # there is no midnight: the clock goes from 0:00 to 1:00
        ("Africa/Cairo", date(2026, 10, 29), 25),  # midnight comes twice
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Pacific/Apia", date(2011, 12, 30), 0),  # a day that was left out
    ],
)
def test_each_instant_belongs_to_the_day_that_its_zone_gives_it(zone, day, hours):
    begin, end = months.stretch(day, zone)
    inside = [begin + timedelta(minutes=n) for n in range(int(hours * 60))]

    assert end - begin == timedelta(hours=hours)
    assert months.by_day(inside, zone) == ({day: len(inside)} if inside else {})
    assert months.by_day([begin - timedelta(seconds=1)], zone) != {day: 1}


@pytest.mark.parametrize(
    ("month", "day", "third_minutes"), [("2026-03", date(2026, 3, 29), 460), ("2026-10", date(2026, 10, 25), 500)]
)
def test_what_is_to_come_is_counted_on_its_day_when_the_clock_is_changed(month, day, third_minutes):
    ahead = Ahead(cron=Cron("*/3 * * * *", time_zone="Europe/Berlin"), after=datetime(2026, 1, 31, tzinfo=UTC))
    found = months.by_day(ahead.due(*Month.parse(month, "Europe/Berlin", NOW).stretch), "Europe/Berlin")

    assert found[day] == third_minutes
    assert {count for other, count in found.items() if other != day} == {480}
    assert len(found) == 31


def test_what_is_to_come_ends_with_the_schedule():
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    daily = Cron("0 0 * * *")
    december = (midnight, datetime(2027, 1, 1, tzinfo=UTC))

    assert list(Ahead(cron=daily, after=None).due(*december)) == []
    assert next(Ahead(cron=daily, after=NOW).due(*december)) == midnight
    assert len(list(Ahead(cron=daily, after=NOW).due(*december))) == 31
    assert list(Ahead(cron=daily, after=NOW, until=midnight).due(*december)) == [midnight]
    few = Ahead(cron=daily, after=NOW - timedelta(days=2), most=4)
    assert [due.day for due in few.due(*december)] == [1, 2]
    assert [due.day for due in few.due()] == [29, 30, 1, 2]


def test_what_became_of_firings_is_told_by_their_runs_and_builds_whenever_those_began():
    run, late, build, gone = ("p/pipelineJobs/1", "p/pipelineJobs/2", "p/builds/3", "p/pipelineJobs/4")
    states = {run: "FAILED", late: "SUCCEEDED", build: "SUCCESS"}  # the second began the day after
    ended = [
        ("STARTED", run),
        ("JOINED", run),
        ("STARTED", late),
        ("STARTED", build),
        ("STARTED", gone),
        ("STARTED", ""),
    ]

    assert months.came_of([*ended, ("SKIPPED", late), ("FAILED", "")], states) == {
        "FAILED": 3, "SUCCEEDED": 1, "SUCCESS": 1, "STARTED": 2, "SKIPPED": 1,
    }  # fmt: skip
    assert months.came_of([], states) == {}


def test_weeks_begin_on_monday_and_are_whole():
    days = [Day(date=day, came={}) for day in Month.parse("2026-11", "UTC", NOW).days]
    weeks = months.weeks(days)

    assert [len(week) for week in weeks] == [7] * 6
    assert weeks[0][:6] == [None] * 6
    assert weeks[0][6].number == 1
    assert weeks[1][0].date.weekday() == 0
    assert [day.number for week in weeks for day in week if day] == list(range(1, 31))
