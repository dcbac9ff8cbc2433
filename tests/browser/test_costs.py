"""What the last days cost: every figure is the sum of what the API says of the runs and builds of those days."""

import re
from collections import defaultdict
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from browser.doing import PLACE, ask, between, facts, rows, table
from playwright.sync_api import expect

from trainshed import costs


@pytest.fixture(scope="module")
def ended(shed):
    """Every run that ended, with its cost."""
    listed = ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"]
    found = [ask(shed, f"/trainshed/v1/{PLACE}/runs/{run['name'].rpartition('/')[2]}") for run in listed]
    assert all(run["endTime"] for run in found)
    return found


def of_builds(shed):
    """What the builds would have cost on Google Cloud."""
    prices, found = costs.load(), 0.0
    for build in ask(shed, "/v1/projects/local-project/builds")["builds"]:
        took = datetime.fromisoformat(build["finishTime"]) - datetime.fromisoformat(build["startTime"])
        machine = build.get("options", {}).get("machineType", "")
        found += costs.of_build(prices, seconds=took.total_seconds(), machine_type=machine).cloud
    return found


@pytest.mark.parametrize("days", ["1", "7", "30"])
def test_the_sums_are_those_of_the_runs_and_builds(page, shed, ended, days):
    page.open("/costs")
    page.get_by_label("Time").select_option(days)
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile(rf"days={days}$"))

    shown = facts(page, "figures")
    runs, builds = sum(run["cost"]["cloud"] for run in ended), of_builds(shed)
    assert shown["Runs"].split() == [str(len(ended)), "that", "ended"]
    assert amount(shown["Builds on Google Cloud"]) == pytest.approx(builds, abs=0.0001)
    assert amount(shown["On Google Cloud"]) == pytest.approx(runs + builds, abs=0.0001)
    assert amount(shown["Here"]) == pytest.approx(sum(run["cost"]["local"] for run in ended), abs=0.0001)


@pytest.mark.parametrize(("part", "word"), [("pipelines", "pipeline"), ("triggers", "trigger")])
def test_each_group_is_the_sum_of_its_runs_and_leads_to_them(page, ended, part, word):
    groups = defaultdict(list)
    for run in ended:
        groups[run[word]].append(run)
    total = sum(run["cost"]["cloud"] for run in ended)
    page.open("/costs?days=30")
    expect(rows(page, part)).to_have_count(len(groups))
    links = {}
    for row, drawn in zip(table(page, part), rows(page, part).all(), strict=True):
        link = drawn.get_by_role("link").first
        href = link.get_attribute("href") if link.count() else ""
        mine = groups[parse_qs(urlsplit(href).query).get(word, [""])[0]]
        cost = sum(run["cost"]["cloud"] for run in mine)
        assert row["Runs"] == str(len(mine))
        assert amount(row["On Google Cloud"]) == pytest.approx(cost, abs=0.0001)
        assert amount(row["Share of cost"]) == pytest.approx(100 * cost / total, abs=0.51)
        worked = sum(between(each["start_time"], each["end_time"]) for run in mine for each in attempts(run))
        assert in_seconds(row["Tasks worked"]) == pytest.approx(worked, abs=0.1)
        links |= {href: len(mine)} if href else {}

    assert len(links) >= 1
    for href, count in links.items():
        page.open(href)
        expect(rows(page, "runs")).to_have_count(count)


def attempts(run):
    return [attempt for task in run["tasks"] for attempt in task["attempts"]]


def amount(words):
    return float(words.replace("<", "").split()[0])


def in_seconds(words):
    units = {"ms": 0.001, "s": 1, "min": 60, "h": 3600}
    numbers = words.split()
    return sum(float(number) * units[unit] for number, unit in zip(numbers[::2], numbers[1::2], strict=True))
