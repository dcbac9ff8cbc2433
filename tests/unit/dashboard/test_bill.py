"""What the page of costs makes of what runs and builds used."""

from datetime import UTC, datetime

import pytest

from trainshed import costs
from trainshed.clock import VirtualClock
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.overview import bill
from trainshed.dashboard.overview.spending import Spending
from trainshed.errors import InvalidArgument
from trainshed.runs import Used

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NIGHTLY = "projects/p/locations/l/jobs/nightly"
HOUR = 3600.0
MACHINE = costs.load().default_machine


def used(pipeline, trigger, runs, hours):
    return Used(pipeline=pipeline, trigger=trigger, runs=runs, machines={MACHINE: [hours * HOUR, hours * HOUR]})


class _Store:
    """What ended runs and builds left."""

    def __init__(self, *groups, builds=None):
        self.groups, self.builds, self.asked = groups, builds or {}, []

    def used_since(self, since):
        self.asked.append(since)
        return self.groups

    def seconds_since(self, since):
        return self.builds


def shown(*groups, builds=None, **query):
    store = _Store(*groups, builds=builds)
    page = bill.page(Spending(store, store, VirtualClock(NOW)), Asked(path="/costs", query=tuple(query.items())), NOW)
    return store, {part.id: part for part in page.parts}


def test_the_costliest_pipeline_comes_first_and_all_that_started_it_is_added_up():
    _, parts = shown(
        used("cheap", "", 9, 0.0), used("dear", NIGHTLY, 1, 2.0), used("dear", "", 1, 1.0), builds={"": 600.0}
    )
    prices = costs.load()
    dear = 3 * prices.machine_hour[MACHINE] + 2 * prices.pipeline_run
    cheap = 9 * prices.pipeline_run

    rows = parts["pipelines"].rows
    assert [(row[0].text, row[1], row[2].seconds) for row in rows] == [("dear", 2, 3 * HOUR), ("cheap", 9, 0.0)]
    assert [row[4].rank for row in rows] == pytest.approx([dear, cheap])
    assert [row[5].text for row in rows] == [
        f"{100 * dear / (dear + cheap):.0f} %",
        f"{100 * cheap / (dear + cheap):.0f} %",
    ]
    whole = dear + cheap + 10 * prices.build_minute["UNSPECIFIED"]
    assert parts["figures"].figures[1][1] == f"{costs.written(whole)} USD"


def test_what_started_the_runs_leads_to_those_runs_in_the_same_time():
    _, parts = shown(used("p", NIGHTLY, 1, 2.0), used("q", "", 1, 1.0), days="1")

    nightly, by_hand = parts["triggers"].rows
    assert nightly[0].text == "schedule nightly"
    assert "since=2026-11-19T12%3A00" in nightly[0].href
    assert by_hand[0] == "by hand"


def test_what_was_added_up_is_kept_a_while_for_each_window():
    store = _Store(used("p", "", 1, 1.0))
    ticks = iter([0.0, 0.0, 10.0, 10.0, 10.0, 61.0, 61.0])
    spending = Spending(store, store, VirtualClock(NOW), tick=lambda: next(ticks))

    for days in (7, 7, 1, 7):
        spending.of(days)

    assert [(NOW - since).days for since in store.asked] == [7, 1, 7]


def test_another_window_is_refused():
    with pytest.raises(InvalidArgument, match="'8' is none of"):
        shown(days="8")


def test_without_runs_it_says_what_to_type():
    _, parts = shown()

    assert parts["pipelines"].rows == []
    assert parts["pipelines"].nothing.command
