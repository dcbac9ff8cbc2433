"""Periodic runs, every three minutes, as they come due: on a clock that the test moves (S46)."""

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from browser.conftest import copy_of
from browser.doing import between, rows, said_seconds
from browser.looks import audit
from playwright.sync_api import expect

from trainshed.testing import server, wait_until

PLACE = "projects/local-project/locations/us-central1"
JOB = f"{PLACE}/jobs/hourly-training"
BEAT = f"{PLACE}/jobs/beat"
ZONE = "Asia/Kolkata"  # half an hour off the hour: its midnight is 18:30 in UTC
EVERY = timedelta(minutes=3)
SLOW_MS = 120_000  # a function starts, a run trains


@pytest.fixture(scope="module")
def shed(chromium, demonstrated, tmp_path_factory):  # without a browser nothing is worth starting
    home = copy_of(demonstrated.home, tmp_path_factory.mktemp("periodic"))
    with server(home, "--clock", "virtual") as running:
        yield running


def asked(shed, path, *, method="GET", body=None):
    content = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "accept": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(shed.address + path, content, headers, method=method), timeout=90
    ) as answer:
        return json.load(answer)


def advance(shed, to):
    asked(shed, "/trainshed/v1/clock:advance", method="POST", body={"to": utc(to)})


def utc(when):
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def here(when):
    return f"{when.astimezone(ZoneInfo(ZONE)):%Y-%m-%d %H:%M:%S} {ZONE}"


@pytest.fixture(scope="module")
def midnight(shed):
    """The next midnight of the zone, some minutes ahead; until then nothing was due."""
    now = datetime.fromisoformat(asked(shed, "/trainshed/v1/health")["time"])
    soon = (now + timedelta(minutes=10)).astimezone(ZoneInfo(ZONE))
    found = datetime.combine(soon.date() + timedelta(days=1), datetime.min.time(), ZoneInfo(ZONE))
    asked(shed, f"/v1/{JOB}:pause", method="POST", body={})
    asked(
        shed,
        f"/v1/{JOB}?updateMask=schedule,timeZone",
        method="PATCH",
        body={"schedule": "*/3 * * * *", "timeZone": ZONE},
    )
    advance(shed, found - timedelta(minutes=4))
    asked(shed, f"/v1/{JOB}:resume", method="POST", body={})
    return found


def days_of(shed, name, when):
    """The days of a month of the calendar, by their date, that have any firing."""
    month = f"{when.astimezone(ZoneInfo(ZONE)):%Y-%m}"
    document = asked(shed, f"/schedules/{name}?view=calendar&month={month}&format=json")
    found = next(part for part in document["parts"] if part["id"] == "calendar")
    return {day["date"]: day for week in found["weeks"] for day in week if day and day["came"]}


def test_s46_each_third_minute_starts_a_run_that_appears_under_its_schedule(page, shed, midnight):
    known = len(asked(shed, f"/trainshed/v1/receipts?trigger={JOB}")["receipts"])
    due = [midnight - EVERY, midnight, midnight + EVERY]
    page.open(f"/schedules/{JOB}")
    shown = rows(page, "next-firings").locator("td:nth-child(3) time").evaluate_all("all => all.map(t => t.dateTime)")
    assert shown == [utc(midnight + EVERY * n) for n in range(-1, 9)]
    assert rows(page, "next-firings").first.inner_text().split("\t")[1] == here(due[0])

    for count, time in enumerate(due, 1):
        advance(shed, time)

        newest = rows(page, "firings").first  # without a reload
        expect(newest.locator("time").first).to_have_attribute("datetime", utc(time))
        expect(newest.locator(".badge")).to_have_text(re.compile("SUCCEEDED|SKIPPED"), timeout=SLOW_MS)
        expect(newest.locator("td").nth(0)).to_have_text(here(time))
        expect(newest.locator("td").nth(1)).to_have_text(f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
        expect(page.locator("#strip svg a")).to_have_count(known + count)
        last = page.locator("#strip svg a").last
        expect(last).to_have_attribute(
            "aria-label", re.compile(f"^{here(time)}: (SUCCEEDED|SKIPPED), penguin-training")
        )
        run = newest.get_by_role("link", name=re.compile("^penguin-training-"))
        expect(last).to_have_attribute("href", run.get_attribute("href"))

    receipts = asked(shed, f"/trainshed/v1/receipts?trigger={JOB}")["receipts"][: len(due)]
    assert [r["stimulus"] for r in receipts] == [utc(time) for time in reversed(due)]
    runs = {run["name"]: run for run in asked(shed, f"/trainshed/v1/{PLACE}/runs")["runs"] if run["trigger"] == JOB}
    links = rows(page, "firings").get_by_role("link", name=re.compile("^penguin-training-"))
    assert {link.get_attribute("href") for link in links.all()} <= {f"/runs/{name}" for name in runs}
    assert {run["createTime"] for run in runs.values()} >= {utc(time) for time in due}

    page.open(f"/runs?trigger={JOB}")
    assert rows(page, "runs").get_by_role("link", name="schedule hourly-training").count() == len(runs)
    page.open("/schedules")
    row = rows(page, "schedules").filter(has_text="hourly-training")
    expect(row).to_contain_text("Every third minute")
    expect(row.locator(".marks a").last).to_have_attribute("aria-label", re.compile(f"^{here(due[-1])}"))
    assert audit(page) == []


def test_s46_a_bar_is_as_high_as_its_run_took(page, shed, midnight):
    page.open(f"/schedules/{JOB}")
    seconds, said = {}, {}
    for row in rows(page, "firings").all():
        link = row.locator('a[href^="/runs/"]').first
        if link.count():
            address = link.get_attribute("href")
            run = asked(shed, f"/v1/{address.removeprefix('/runs/')}")
            seconds[address] = between(run["startTime"], run["endTime"])
            said[address] = row.locator("td").nth(5).inner_text()

    assert len(set(seconds.values())) > 1  # on a clock that is moved by hand a run takes no time, before that it did
    assert said == {address: said_seconds(lasted) for address, lasted in seconds.items()}
    longest = max(seconds.values())
    for address, lasted in seconds.items():
        height = page.locator(f'#strip a[href="{address}"] .mark').get_attribute("height")
        assert float(height.removesuffix("%")) == pytest.approx(max(100 * lasted / longest, 4), abs=0.01)
    assert f"at most {said_seconds(longest)}" in page.locator("#strip .note").inner_text()


def test_s46_the_calendar_has_them_on_the_days_of_their_zone(page, shed, midnight):
    before, after = (str((midnight + n * EVERY).date()) for n in (-1, 0))
    found = days_of(shed, JOB, midnight - EVERY) | days_of(shed, JOB, midnight)

    assert sum(found[after]["came"].values()) == 2
    assert set(found[after]["came"]) <= {"SUCCEEDED", "SKIPPED"}
    page.open(f"/schedules/{JOB}?view=calendar&month={before[:7]}")
    cell = page.locator("td", has=page.get_by_role("link", name=f"Firings of {before}"))
    expect(cell.locator(".count")).to_have_text(re.compile(r"^\d+ firings?$"))
    assert sum(int(text.split()[0]) for text in cell.locator(".badge").all_inner_texts()) == int(
        cell.locator(".count").inner_text().split()[0]
    )
    page.open(f"/schedules/{JOB}?view=calendar&month={after[:7]}")
    page.get_by_role("link", name=f"Firings of {after}").click()
    expect(rows(page, "firings")).to_have_count(2)
    assert rows(page, "firings").locator("td:nth-child(1)").all_inner_texts() == [
        here(midnight + EVERY),
        here(midnight),
    ]


def test_s46_the_strip_holds_the_last_fifty_and_the_list_goes_on(page, shed, midnight):
    """A schedule that nobody hears, over three hours."""
    asked(shed, f"/v1/{JOB}:pause", method="POST", body={})
    topic = "projects/local-project/topics/beats"
    asked(shed, f"/v1/{topic}", method="PUT", body={})
    job = {
        "name": BEAT,
        "schedule": "*/3 * * * *",
        "timeZone": ZONE,
        "pubsubTarget": {"topicName": topic, "data": "e30="},
    }
    asked(shed, f"/v1/{PLACE}/jobs", method="POST", body=job)
    start = midnight + EVERY
    due = [start + EVERY * n for n in range(1, 61)]
    advance(shed, due[-1])
    wait_until(
        lambda: len(asked(shed, f"/trainshed/v1/receipts?trigger={BEAT}&pageSize=100")["receipts"]) == len(due),
        what="three hours of firings",
    )

    page.open(f"/schedules/{BEAT}")
    bars = page.locator("#strip svg a")
    expect(bars).to_have_count(50)
    expect(bars.first).to_have_attribute("aria-label", re.compile(f"^{here(due[10])}: STARTED"))
    expect(bars.last).to_have_attribute("aria-label", re.compile(f"^{here(due[-1])}: STARTED"))
    expect(rows(page, "firings")).to_have_count(50)
    page.get_by_role("link", name="Older ones").click()
    expect(rows(page, "firings")).to_have_count(10)
    expect(rows(page, "firings").last.locator("time").first).to_have_attribute("datetime", utc(due[0]))
    assert days_of(shed, BEAT, midnight)[str(midnight.date())]["came"] == {"STARTED": 60}


def test_a_schedule_of_runs_catches_up_with_what_came_due_while_it_was_paused(page, shed, midnight):
    now = datetime.fromisoformat(asked(shed, "/trainshed/v1/health")["time"])
    spec = "gs://local-project-penguins/pipeline_root/penguin-training.json"
    wanted = {
        "displayName": "catches up",
        "cron": "TZ=Etc/UTC 0 * * * *",
        "maxConcurrentRunCount": 5,
        "createPipelineJobRequest": {"parent": PLACE, "pipelineJob": {"templateUri": spec}},
    }
    name = asked(shed, f"/v1/{PLACE}/schedules", method="POST", body=wanted)["name"]
    page.open(f"/schedules/{name}")
    page.locator("#actions").get_by_role("button", name="Pause").click()
    expect(page.locator("#head .badge")).to_have_text("PAUSED")
    advance(shed, now + timedelta(hours=2))
    assert "startedRunCount" not in asked(shed, f"/v1/{name}") or asked(shed, f"/v1/{name}")["startedRunCount"] == "0"

    page.get_by_role("button", name="Resume and catch up").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave it").click()
    assert asked(shed, f"/v1/{name}")["state"] == "PAUSED"
    page.get_by_role("button", name="Resume and catch up").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume and catch up").click()

    expect(page.locator("#head .badge")).to_have_text("ACTIVE")
    expect(rows(page, "firings")).to_have_count(2)
    assert asked(shed, f"/v1/{name}")["startedRunCount"] == "2"
