"""What starts work by itself, as a person sees it and acts on it: schedules, topics, triggers, the ledger (S46)."""

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest

playwright_api = pytest.importorskip("playwright.sync_api")
expect = playwright_api.expect

PLACE = "projects/local-project/locations/us-central1"
JOB = f"{PLACE}/jobs/hourly-training"
TOPIC = "projects/local-project/topics/trigger-penguin-training"
SLOW_MS = 120_000  # a function starts, a run is decided about


def asked(page, path, *, method="GET", body=None):
    """What the API answers to a client that is no browser."""
    url = page.evaluate("location.origin") + path
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.load(answer)


def receipts_of(page, trigger):
    return asked(page, f"/trainshed/v1/receipts?trigger={quote(trigger)}")["receipts"]


def rows(page, part):
    return page.locator(f"#{part} tbody tr")


def press(page, part, name):
    page.locator(f"#{part}").get_by_role("button", name=name, exact=True).click()


def agree(page, name):
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()


def unfold(page, part):
    page.locator(f"#{part} summary").click()


def test_s46_periodic_runs_stand_under_their_schedule(page):
    page.open("/triggers")
    page.get_by_role("link", name="Schedules").click()
    expect(rows(page, "schedules").first.locator(".marks a").first).to_have_attribute("aria-label", re.compile("UTC"))
    page.get_by_role("link", name="hourly-training", exact=True).click()
    before = receipts_of(page, JOB)
    expect(rows(page, "firings")).to_have_count(len(before))

    press(page, "actions", "Run now")

    expect(rows(page, "firings")).to_have_count(len(before) + 1)
    newest = rows(page, "firings").first
    expect(newest).to_contain_text("penguin-training-", timeout=SLOW_MS)
    expect(newest.locator(".badge")).to_have_text(re.compile("SKIPPED|SUCCEEDED"), timeout=SLOW_MS)
    receipt = receipts_of(page, JOB)[0]
    account = asked(page, f"/trainshed/v1/receipts/{receipt['receipt']}")
    (child,) = account["children"]
    expect(newest).to_contain_text(receipt["receipt"])
    expect(newest).to_contain_text(child["reason"])
    run = newest.get_by_role("link", name=re.compile("penguin-training-"))
    expect(run).to_have_attribute("href", f"/runs/{child['link']}")
    expect(page.locator("#strip svg a")).to_have_count(len(before) + 1)
    expect(page.locator("#strip svg a").last).to_have_attribute("href", f"/runs/{child['link']}")


def test_s46_a_calendar_counts_the_firings_of_each_day(page):
    page.open(f"/schedules/{JOB}?view=calendar")
    days = {r["createTime"][:10] for r in receipts_of(page, JOB)}
    shown = asked(page, f"/schedules/{JOB}?view=calendar&format=json")["parts"][1]

    counted = {d["date"]: sum(d["fired"].values()) for week in shown["weeks"] for d in week if d and d["fired"]}
    month = {day for day in days if day.startswith(shown["word"])}
    assert set(counted) == month
    assert sum(counted.values()) == sum(r["createTime"][:7] == shown["word"] for r in receipts_of(page, JOB))
    day = max(counted)
    page.get_by_role("link", name=f"Firings of {day}").click()
    expect(rows(page, "firings")).to_have_count(counted[day])
    page.go_back()
    page.get_by_role("link", name="Month after").click()
    expect(page).to_have_url(re.compile(r"month=\d{4}-\d\d"))


def test_a_schedule_is_paused_resumed_and_changed_from_its_page(page):
    page.open(f"/schedules/{JOB}")
    state = page.locator("#head .badge")

    press(page, "actions", "Pause")
    expect(state).to_have_text("PAUSED")
    assert asked(page, f"/v1/{JOB}")["state"] == "PAUSED"
    expect(page.locator("#next-firings")).to_contain_text("It is paused")

    press(page, "actions", "Resume")
    expect(state).to_have_text("ENABLED")

    page.get_by_role("link", name="Edit").click()
    edit = page.locator("#edit")
    edit.get_by_label("Cron").fill("*/3 * * * *")
    edit.get_by_label("Time zone").fill("Europe/Berlin")
    edit.get_by_role("button", name="Save").click()
    expect(page.locator("#head .about")).to_contain_text("Every third minute")
    job = asked(page, f"/v1/{JOB}")
    assert (job["schedule"], job["timeZone"], job["pubsubTarget"]["topicName"]) == (
        "*/3 * * * *",
        "Europe/Berlin",
        TOPIC,
    )

    page.get_by_role("link", name="Firings", exact=True).click()
    due = [f["time"] for f in asked(page, f"/trainshed/v1/{JOB}:preview")["firings"]]
    shown = page.locator("#next-firings tbody tr td:nth-child(3) time")
    expect(shown).to_have_count(10)
    times = [shown.nth(n).get_attribute("datetime") for n in range(10)]
    assert len(set(times) & set(due)) >= 9
    assert {_time(b) - _time(a) for a, b in pairwise(times)} == {timedelta(minutes=3)}
    asked(
        page,
        f"/v1/{JOB}?updateMask=schedule,timeZone",
        method="PATCH",
        body={"schedule": "16 * * * *", "timeZone": "UTC"},
    )


def test_a_schedule_is_made_and_deleted(page):
    page.open("/schedules")
    unfold(page, "new-schedule")
    form = page.locator("#new-schedule")
    form.get_by_label("Name").fill("made-here")
    form.get_by_label("Cron").fill("not a cron")
    form.get_by_role("button", name="Make schedule").click()
    expect(form.locator(".said")).to_contain_text("five")
    form.get_by_label("Cron").fill("0 4 * * *")
    form.get_by_label("Message").fill('{"grüße": 1}')
    form.get_by_role("button", name="Make schedule").click()
    page.wait_for_url("**/jobs/made-here")
    expect(page.locator("#facts")).to_contain_text('{"grüße": 1}')
    page.wrong.clear()  # Chromium notes the answer 400, which the form has said

    press(page, "actions", "Delete")
    agree(page, "Delete")

    page.wait_for_url("**/schedules")
    assert page.request.get(f"/v1/{PLACE}/jobs/made-here").status == 404


def test_messages_are_published_looked_at_and_passed(page):
    page.open("/topics")
    unfold(page, "new-topic")
    page.locator("#new-topic").get_by_label("Name").fill("looked-at")
    press(page, "new-topic", "Make topic")
    page.wait_for_url("**/topics/looked-at")
    unfold(page, "subscribe")
    page.locator("#subscribe").get_by_label("Name").fill("looker")
    page.locator("#subscribe").get_by_label("Keep acknowledged").check()
    press(page, "subscribe", "Make subscription")
    page.wait_for_url("**/subscriptions/looker")
    start = datetime.now(UTC)

    page.open("/topics/projects/local-project/topics/looked-at")
    unfold(page, "publish")
    publish = page.locator("#publish")
    publish.get_by_label("Data").fill('{"größe": "<b>7</b>"}')
    publish.get_by_label("Attributes").fill('{"kind": "new"}')
    publish.get_by_role("button", name="Publish").click()
    expect(rows(page, "messages").first).to_contain_text('{"größe": "<b>7</b>"}')
    expect(rows(page, "subscriptions").first.locator("td").nth(2)).to_have_text("1")

    name = "projects/local-project/subscriptions/looker"
    page.get_by_role("link", name="looker").click()
    waiting = page.locator("#backlog dd").first
    expect(waiting).to_contain_text("1")
    expect(rows(page, "waiting")).to_have_count(1)
    expect(rows(page, "waiting").first).to_contain_text("kind=new")
    (pulled,) = asked(page, f"/v1/{name}:pull", method="POST", body={"maxMessages": 5})["receivedMessages"]
    expect(rows(page, "out")).to_have_count(1)
    expect(page.locator("#waiting")).to_contain_text("Nothing waits")
    asked(
        page,
        f"/v1/{name}:modifyAckDeadline",
        method="POST",
        body={"ackIds": [pulled["ackId"]], "ackDeadlineSeconds": 0},
    )
    expect(rows(page, "waiting")).to_have_count(1)

    press(page, "actions", "Purge")
    agree(page, "Purge")
    expect(page.locator("#waiting")).to_contain_text("Nothing waits")
    unfold(page, "seek")
    page.locator("#seek").get_by_label("Time").fill(start.strftime("%Y-%m-%dT%H:%M:%SZ"))
    press(page, "seek", "Seek")
    agree(page, "Seek")
    expect(rows(page, "waiting")).to_have_count(1)
    page.open("/topics?name=looked")
    expect(rows(page, "topics").first.locator("td").nth(2)).to_have_text("1")


def test_triggers_say_what_they_watch_and_are_switched_and_run(page):
    page.open("/triggers")
    expect(rows(page, "run-triggers").first).to_contain_text("new objects of local-project-penguins-data")
    build_trigger = rows(page, "build-triggers").first
    expect(build_trigger).to_contain_text("branch ^main$ of")
    build_trigger.get_by_role("link", name="on-push").click()
    name = f"{PLACE}/triggers/on-push"
    expect(rows(page, "events")).to_have_count(len(receipts_of(page, name)))

    press(page, "actions", "Disable")
    expect(page.locator("#head .badge")).to_have_text("DISABLED")
    assert asked(page, f"/v1/{name}")["disabled"] is True
    press(page, "actions", "Enable")
    expect(page.locator("#head .badge")).to_have_text("ENABLED")

    before = len(asked(page, "/v1/projects/local-project/builds")["builds"])
    press(page, "actions", "Run now")
    expect(page.locator("#actions .said")).to_have_text("Done.")
    assert len(asked(page, "/v1/projects/local-project/builds")["builds"]) == before + 1


def test_the_ledger_is_searched_and_an_event_is_replayed(page):
    page.open("/receipts")
    every = asked(page, "/trainshed/v1/receipts")["receipts"]
    expect(rows(page, "receipts")).to_have_count(len(every))
    page.get_by_label("What became of it").select_option("SKIPPED")
    page.get_by_label("Words of the reason").fill("baseline")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("state=SKIPPED.*text=baseline"))
    wanted = [r for r in every if r["state"] == "SKIPPED" and "baseline" in r["reason"]]
    expect(rows(page, "receipts")).to_have_count(len(wanted))
    page.get_by_role("link", name="Show all").click()
    expect(rows(page, "receipts")).to_have_count(len(every))

    forced = next(r for r in every if r["kind"] == "firing" and r["state"] == "STARTED")
    page.get_by_role("link", name=forced["receipt"]).click()
    expect(page.locator("#replay")).to_contain_text(f"would send firing {forced['stimulus']}")
    followed = asked(page, f"/trainshed/v1/receipts/{forced['receipt']}")["children"]
    expect(rows(page, "what-followed")).to_have_count(len(followed))
    press(page, "actions", "Replay")
    expect(page.get_by_role("dialog")).to_contain_text("would send firing")
    agree(page, "Replay")
    expect(rows(page, "what-followed")).to_have_count(len(followed) + 1, timeout=SLOW_MS)
    page.get_by_role("link", name=followed[0]["receipt"]).first.click()
    expect(rows(page, "because-of").first).to_contain_text(forced["receipt"])
    expect(page.locator("#the-event")).to_contain_text('"messageId"')


def _time(text):
    return datetime.fromisoformat(text)
