"""What starts work by itself, as a person sees it and acts on it: schedules, topics, triggers, the ledger (S46)."""

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest
from browser.doing import agree, forgive, press, rows, unfold
from browser.looks import audit

playwright_api = pytest.importorskip("playwright.sync_api")
expect = playwright_api.expect

PLACE = "projects/local-project/locations/us-central1"
JOB = f"{PLACE}/jobs/hourly-training"
TOPIC = "projects/local-project/topics/trigger-penguin-training"
SPEC = "gs://local-project-penguins/pipeline_root/penguin-training.json"
PARAMETERS = '{"num_epochs": 3}'
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

    counted = {d["date"]: sum(d["came"].values()) for week in shown["weeks"] for d in week if d and d["came"]}
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
    form.get_by_role("button", name="Create schedule").click()
    expect(form.locator(".said")).to_contain_text("five")
    form.get_by_label("Cron").fill("0 4 * * *")
    form.get_by_label("Message").fill('{"grüße": 1}')
    form.get_by_role("button", name="Create schedule").click()
    page.wait_for_url("**/jobs/made-here")
    expect(page.locator("#facts")).to_contain_text('{"grüße": 1}')
    forgive(page, "400")  # Chromium notes what the form has said

    press(page, "actions", "Delete")
    agree(page, "Delete")

    page.wait_for_url("**/schedules")
    assert page.request.get(f"/v1/{PLACE}/jobs/made-here").status == 404


def test_messages_are_published_looked_at_and_passed(page):
    page.open("/topics")
    unfold(page, "new-topic")
    page.locator("#new-topic").get_by_label("Name").fill("looked-at")
    press(page, "new-topic", "Create topic")
    page.wait_for_url("**/topics/looked-at")
    unfold(page, "subscribe")
    page.locator("#subscribe").get_by_label("Name").fill("looker")
    page.locator("#subscribe").get_by_label("Keep acknowledged").check()
    press(page, "subscribe", "Create subscription")
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


def test_dead_letters_are_counted_and_shown(page):
    page.open("/topics")
    project = "projects/local-project"
    for topic in ("strict", "given-up"):
        asked(page, f"/v1/{project}/topics/{topic}", method="PUT", body={})
    policy = {"deadLetterTopic": f"{project}/topics/given-up", "maxDeliveryAttempts": 5}
    name = f"{project}/subscriptions/stricter"
    asked(page, f"/v1/{name}", method="PUT", body={"topic": f"{project}/topics/strict", "deadLetterPolicy": policy})
    page.open(f"/subscriptions/{name}")
    messages = {"messages": [{"data": "eyJhIjoxfQ=="}]}
    asked(page, f"/v1/{project}/topics/strict:publish", method="POST", body=messages)
    expect(page.locator("#backlog time")).to_have_count(1)  # the oldest
    for _ in range(5):
        (pulled,) = asked(page, f"/v1/{name}:pull", method="POST", body={"maxMessages": 1})["receivedMessages"]
        refused = {"ackIds": [pulled["ackId"]], "ackDeadlineSeconds": 0}
        asked(page, f"/v1/{name}:modifyAckDeadline", method="POST", body=refused)

    expect(rows(page, "dead")).to_have_count(1)
    expect(rows(page, "dead").first).to_contain_text('{"a":1}')
    expect(page.locator("#backlog dd").last).to_contain_text("1")
    expect(page.locator("#backlog time")).to_have_count(0)
    page.open("/topics?name=strict")
    expect(rows(page, "topics").first.locator("td").nth(5)).to_have_text("1")


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


def runs_of(page, trigger):
    """Answer the runs because of a trigger; those of what other tests replayed may begin at any moment."""
    return [run["name"] for run in asked(page, f"/trainshed/v1/{PLACE}/runs")["runs"] if run["trigger"] == trigger]


def test_a_disabled_run_trigger_starts_nothing_and_its_receipt_says_why(page):
    page.open("/triggers")
    topic = "projects/local-project/topics/direct"
    asked(page, f"/v1/{topic}", method="PUT", body={})
    wanted = {"name": "direct", "topic": topic, "spec": SPEC}
    asked(page, f"/trainshed/v1/{PLACE}/runTriggers", method="POST", body=wanted)
    page.open("/triggers")
    page.get_by_role("link", name="direct", exact=True).first.click()
    press(page, "actions", "Disable")
    expect(page.locator("#head .badge")).to_have_text("DISABLED")
    assert asked(page, "/trainshed/v1/runTriggers/direct")["disabled"] is True

    unfold(page, "run")
    page.locator("#run").get_by_label("Parameters").fill(PARAMETERS)
    press(page, "run", "Publish")

    expect(rows(page, "events")).to_have_count(1)
    expect(rows(page, "events").first).to_contain_text("SKIPPED the run trigger direct is disabled")
    assert runs_of(page, f"{PLACE}/runTriggers/direct") == []
    page.open("/triggers")
    expect(rows(page, "run-triggers").filter(has_text="direct").locator(".badge").first).to_have_text("DISABLED")
    page.get_by_role("link", name="direct", exact=True).first.click()
    press(page, "actions", "Enable")
    expect(page.locator("#head .badge")).to_have_text("ENABLED")
    (receipt,) = receipts_of(page, f"{PLACE}/runTriggers/direct")
    page.get_by_role("link", name=receipt["receipt"]).click()
    press(page, "actions", "Replay")
    agree(page, "Replay")
    expect(page.locator("#head .badge")).to_have_text(re.compile("STARTED|SKIPPED"), timeout=SLOW_MS)
    expect(page.locator("#account").get_by_role("link", name=re.compile("^penguin-training-")).first).to_be_visible()
    assert len(runs_of(page, f"{PLACE}/runTriggers/direct")) == 1
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "actions", "Copy URL")
    page.wait_for_function("navigator.clipboard.readText().then((text) => text === location.href)")
    page.open(f"/triggers/{PLACE}/runTriggers/direct")
    press(page, "actions", "Delete")
    agree(page, "Delete")
    page.wait_for_url("**/triggers")
    assert page.request.get("/trainshed/v1/runTriggers/direct").status == 404


def test_a_run_trigger_fixes_values_in_fields_of_their_types(page):
    page.open("/triggers/new?kind=run-message")
    form = page.locator("#new-run-trigger")
    expect(form.get_by_label("Fixed values")).to_have_value("")
    page.get_by_label("Compiled pipeline whose parameters to read").fill(SPEC)
    page.get_by_role("button", name="Read it").click()
    page.wait_for_url("**spec=gs*")
    expect(form.get_by_label("Compiled pipeline")).to_have_value(SPEC)
    form.get_by_label("Name").fill("fixing")
    form.get_by_label("Topic").select_option(TOPIC)
    form.get_by_label("Fixed value of num_epochs").fill("several")
    press(page, "new-run-trigger", "Create run trigger")
    expect(form.get_by_label("Fixed value of num_epochs")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Fixed value of num_epochs").fill("5")
    audit(page)
    press(page, "new-run-trigger", "Create run trigger")
    page.wait_for_url("**/runTriggers/fixing")
    assert asked(page, "/trainshed/v1/runTriggers/fixing")["parameters"] == {"num_epochs": 5}
    expect(page.locator("#facts")).to_contain_text('{"num_epochs": 5}')
    parameter = rows(page, "parameters").filter(has_text="num_epochs").locator("td")
    expect(parameter).to_have_text(
        ["num_epochs", "NUMBER_INTEGER", "the message, or the trigger", "5", re.compile("^[0-9]+$")]
    )

    page.get_by_role("link", name="Edit").click()
    page.wait_for_url("**?view=edit")
    fixed = page.locator("#fixed")
    expect(fixed.get_by_label("Fixed value of num_epochs")).to_have_value("5")
    expect(fixed.get_by_label("Fixed value of learning_rate")).to_have_value("")
    audit(page)
    fixed.get_by_label("Fixed value of num_epochs").fill("")
    fixed.get_by_label("Fixed value of learning_rate").fill("0.5")
    press(page, "fixed", "Save the fixed values")
    expect(fixed.locator(".said")).to_have_text("Done.")
    assert asked(page, "/trainshed/v1/runTriggers/fixing")["parameters"] == {"learning_rate": 0.5}
    asked(page, "/trainshed/v1/runTriggers/fixing", method="DELETE")


def test_a_schedule_of_runs_is_made_run_paused_changed_and_deleted(page):
    page.open("/schedules")
    unfold(page, "new-schedule-of-runs")
    form = page.locator("#new-schedule-of-runs")
    form.get_by_label("Name").fill("at four")
    form.get_by_label("Cron").fill("TZ=Europe/Berlin 0 4 * * *")
    form.get_by_label("Compiled pipeline").fill(SPEC)
    form.get_by_label("Parameters").fill(PARAMETERS)
    form.get_by_role("button", name="Create schedule of runs").click()
    page.wait_for_url("**/schedules/projects/**")
    name = page.url.partition("/schedules/")[2]
    expect(page.locator("#head h1")).to_contain_text("at four")
    expect(page.locator("#head .about")).to_contain_text("Europe/Berlin")
    shown = rows(page, "next-firings")
    expect(shown).to_have_count(10)
    expect(shown.first.locator("td").nth(1)).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d 04:00:00 Europe/Berlin$"))
    expect(shown.first.locator("td").nth(2)).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d 0[23]:00:00 UTC$"))

    press(page, "actions", "Run now")
    newest = rows(page, "firings").first
    run = newest.get_by_role("link", name=re.compile("penguin-training-|at-four"))
    expect(run).to_be_visible(timeout=SLOW_MS)
    expect(newest.locator(".badge")).to_have_text(re.compile("SKIPPED|SUCCEEDED"), timeout=SLOW_MS)
    expect(page.locator("#strip svg a")).to_have_attribute("href", run.get_attribute("href"))
    started = asked(page, f"/trainshed/v1/{PLACE}/runs")["runs"]
    assert [r["name"] for r in started if r["trigger"] == name] == [run.get_attribute("href").removeprefix("/runs/")]

    press(page, "actions", "Pause")
    expect(page.locator("#head .badge")).to_have_text("PAUSED")
    press(page, "actions", "Resume")
    expect(page.locator("#head .badge")).to_have_text("ACTIVE")
    page.get_by_role("link", name="Calendar").click()
    expect(page.locator("#calendar .count")).to_have_text("1 firing")
    page.get_by_role("link", name="Edit").click()
    page.locator("#edit").get_by_label("Cron").fill("TZ=Asia/Kolkata */3 * * * *")
    press(page, "edit", "Save the schedule")
    expect(page.locator("#head .about")).to_contain_text("Asia/Kolkata")
    assert asked(page, f"/v1/{name}")["cron"] == "TZ=Asia/Kolkata */3 * * * *"
    assert audit(page) == []
    press(page, "actions", "Delete")
    agree(page, "Delete")
    page.wait_for_url("**/schedules")
    assert page.request.get(f"/v1/{name}").status == 404


def test_schemas_are_made_tried_revised_and_rolled_back(page):
    page.open("/topics")
    page.get_by_role("link", name="Schemas").click()
    expect(page.locator("#schemas")).to_contain_text("No schema yet")
    unfold(page, "new-schema")
    page.locator("#new-schema").get_by_label("Name").fill("training")
    press(page, "new-schema", "Create schema")
    page.wait_for_url("**/schemas/projects/local-project/schemas/training")
    expect(page.locator("#definition")).to_contain_text('"num_epochs"')

    unfold(page, "fit")
    press(page, "fit", "Look")
    expect(page.locator("#fit .said")).to_contain_text("num_epochs")
    forgive(page, "400")  # Chromium notes what the form has said
    page.locator("#fit").get_by_label("Message").fill('{"num_epochs": 3}')
    press(page, "fit", "Look")
    expect(page.locator("#fit .said")).to_have_text("Done.")

    first = asked(page, "/v1/projects/local-project/schemas/training")
    wider = first["definition"].replace("]}", ', {"name": "rate", "type": "double", "default": 0.1}]}')
    page.open("/schemas/projects/local-project/schemas/training")
    unfold(page, "revise")
    page.locator("#revise").get_by_label("Definition").fill(wider)
    press(page, "revise", "Create revision")
    expect(rows(page, "revisions")).to_have_count(2)
    expect(page.locator("#definition")).to_contain_text('"rate"')
    page.get_by_role("link", name=first["revisionId"]).click()
    expect(page.locator("#head .badge")).to_have_text("EARLIER")
    expect(page.locator("#definition")).not_to_contain_text('"rate"')
    assert audit(page) == []
    press(page, "actions", "Roll back to this revision")
    agree(page, "Roll back to this revision")
    expect(page.locator("#head .badge")).to_have_count(0)  # it has gone to the newest
    expect(rows(page, "revisions")).to_have_count(3)
    assert asked(page, "/v1/projects/local-project/schemas/training")["definition"] == first["definition"]
    press(page, "actions", "Delete")
    agree(page, "Delete")
    page.wait_for_url("**/schemas")
    assert page.request.get("/v1/projects/local-project/schemas/training").status == 404


def test_a_bucket_tells_a_topic_of_its_changes_until_it_is_told_not_to(page):
    page.open("/buckets")
    unfold(page, "create")
    page.locator("#create").get_by_label("Name").fill("watched-here")
    press(page, "create", "Create")
    page.wait_for_url("**/buckets/watched-here")
    asked(page, "/v1/projects/local-project/topics/watchers", method="PUT", body={})
    name = "projects/local-project/subscriptions/watcher"
    asked(page, f"/v1/{name}", method="PUT", body={"topic": "projects/local-project/topics/watchers"})

    unfold(page, "notify")
    page.locator("#notify").get_by_label("Topic").fill("watchers")
    prefix = page.locator("#notify").get_by_label("Object name prefix")
    prefix.fill("data/")
    prefix.press("Enter")
    expect(rows(page, "notifications").first).to_contain_text(
        re.compile("watchers.*OBJECT_FINALIZE.*data/.*JSON_API_V1")
    )
    expect(page.get_by_role("button", name="Remove notification 1")).to_be_visible()
    expect(prefix).to_be_focused()  # although a part of the page has come
    for told in ("data/new.csv", "other.csv"):
        asked(
            page,
            f"/upload/storage/v1/b/watched-here/o?uploadType=media&name={quote(told, safe='')}",
            method="POST",
            body={},
        )
    page.open("/buckets")
    expect(rows(page, "buckets").filter(has_text="watched-here").locator("td").nth(1)).to_have_text("2")
    page.open(f"/subscriptions/{name}")
    expect(rows(page, "waiting")).to_have_count(1)
    expect(rows(page, "waiting").first).to_contain_text("objectId=data/new.csv")

    page.open("/buckets/watched-here")
    page.get_by_role("button", name="Remove notification 1").click()
    agree(page, "Remove notification 1")
    expect(page.locator("#notifications")).to_contain_text("Nobody is told")


def test_a_button_is_not_to_be_pressed_before_its_script_is_there(page):
    page.open("/schedules")

    def hold(route):
        page.wait_for_timeout(700)
        route.continue_()

    page.route("**/static/actions.js", hold)
    page.get_by_role("link", name="hourly-training", exact=True).click()
    press(page, "actions", "Delete")
    agree(page, "Leave it")
    assert asked(page, f"/v1/{JOB}")["state"] == "ENABLED"


def _time(text):
    return datetime.fromisoformat(text)
