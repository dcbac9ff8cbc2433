"""What the buttons and forms of the dashboard do: each does what it says, and the API tells the same afterwards."""

import re
from urllib.parse import quote

import pytest
from browser.doing import PLACE, actions, agree, ask, forgive, parts, press, rows, status, unfold
from playwright.sync_api import expect

PROJECT = "projects/local-project"
JOB = f"{PLACE}/jobs/hourly-training"
MODEL = "local-project-penguins/serving_model/penguin-training"
NOTE = quote("folder/note.txt", safe="")
SLOW_MS = 120_000  # a function starts, a run trains


def runs(shed):
    return ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"]


def test_a_run_is_started_again_as_it_was(page, shed):
    before = runs(shed)
    page.open(f"/runs/{before[0]['name']}")

    press(page, "actions", "Run again")

    page.wait_for_url(lambda url: "/runs/" in url and before[0]["name"] not in url)
    expect(page.locator("h1")).to_contain_text("SUCCEEDED", timeout=SLOW_MS)
    (made,) = [run for run in runs(shed) if run["name"] not in {known["name"] for known in before}]
    assert page.url.endswith(f"/runs/{made['name']}")
    assert made["parameters"] == before[0]["parameters"]
    first, second = (ask(shed, f"/v1/{run['name']}") for run in (before[0], made))
    assert first["templateUri"] == second["templateUri"]


@pytest.mark.parametrize("has_versioning", [False, True])
def test_a_generation_that_was_replaced_is_restored_or_deleted_for_good(page, shed, has_versioning):
    bucket = f"keeps-{has_versioning}".lower()
    ask(shed, "/storage/v1/b?project=local-project", {"name": bucket, "versioning": {"enabled": has_versioning}})
    for word in ("first", "second"):
        ask(shed, f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name=folder/note.txt", word)
    (live,) = ask(shed, f"/storage/v1/b/{bucket}/o")["items"]
    address = f"/buckets/{bucket}?object={NOTE}"

    def known():
        return [row[0]["text"] for row in parts(shed, address)["generations"]["rows"]]

    (old,) = {*known()} - {live["generation"]}
    page.open(f"{address}&generation={old}")
    expect(page.locator("#content pre, #content li").first).to_contain_text("first")
    if has_versioning:
        press(page, "actions", "Delete this generation")
        agree(page, "Delete this generation")
        expect(rows(page, "objects")).to_have_count(1)
        assert set(known()) == {live["generation"], old}
        page.open(f"{address}&generation={old}")
        expect(page.get_by_role("button", name="Restore this generation")).to_be_visible()
        kept = ask(shed, f"/storage/v1/b/{bucket}/o?versions=true")["items"]
        assert [each["generation"] for each in kept] == [live["generation"]]
    else:
        press(page, "actions", "Restore this generation")
        page.wait_for_url(lambda url: "generation" not in url)
        expect(page.locator("#head .badge")).to_have_count(0)
        (now,) = ask(shed, f"/storage/v1/b/{bucket}/o")["items"]
        assert now["generation"] not in {old, live["generation"]}
        assert ask(shed, f"/storage/v1/b/{bucket}/o/{NOTE}?alt=media") == "first"


def test_a_bucket_is_deleted_once_it_is_empty(page, shed):
    ask(shed, "/storage/v1/b?project=local-project", {"name": "goes"})
    ask(shed, f"/upload/storage/v1/b/goes/o?uploadType=media&name={NOTE}", {})
    page.open("/buckets/goes")
    press(page, "actions", "Delete bucket")
    agree(page, "Delete bucket")
    expect(page.locator("#actions .said")).to_contain_text("not empty")
    forgive(page, "409")  # Chromium notes what the page has said
    assert status(shed, "/storage/v1/b/goes") == 200

    ask(shed, f"/storage/v1/b/goes/o/{NOTE}", method="DELETE")
    press(page, "actions", "Delete bucket")
    agree(page, "Delete bucket")
    page.wait_for_url("**/buckets")
    assert status(shed, "/storage/v1/b/goes") == 404


def test_a_version_is_chosen_on_the_page_of_its_model_and_made_live(page, shed):
    before = ask(shed, f"/trainshed/v1/models/{MODEL}")
    wanted = before["versions"][-1]
    assert wanted["version"] != before["liveVersion"]
    page.open(f"/models/{MODEL}")

    page.get_by_role("combobox", name="Version").select_option(wanted["version"])
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("dialog")).to_have_count(0)  # nobody has said why
    page.get_by_label("Why").fill("the first one was enough")
    page.get_by_role("button", name="Roll back").click()
    agree(page, "Roll back")

    page.wait_for_url("**/penguin-training?version=*")
    expect(page.locator("#head .badge")).to_have_text("LIVE")
    after = ask(shed, f"/trainshed/v1/models/{MODEL}")
    assert after["liveVersion"] == after["versions"][0]["version"] != before["liveVersion"]
    assert after["versions"][0]["metrics"] == wanted["metrics"]
    expect(page.locator("#about")).to_contain_text(f"rollback to {wanted['version']} by user: the first one was enough")


def test_what_google_has_no_field_for_is_changed_on_the_page_of_a_schedule(page, shed):
    page.open(f"/schedules/{JOB}?view=edit")
    policies = page.locator("#policies")
    policies.get_by_label("While the last firing is not done").select_option("wait")
    policies.get_by_label("Due times to catch up").fill("many")
    policies.get_by_role("button", name="Save").click()
    expect(policies.locator(".said")).to_contain_text("many")
    forgive(page, "400")
    policies.get_by_label("Due times to catch up").fill("5,oldest")
    policies.get_by_label("Daylight saving").select_option("run_next,first_only")
    policies.get_by_role("button", name="Save").click()
    expect(policies.locator(".said")).to_have_text("Done.")

    found = ask(shed, f"/trainshed/v1/{JOB}")
    assert (found["overlap"], found["catchUp"], found["daylightSaving"]) == ("wait", "5,oldest", "run_next,first_only")
    page.get_by_role("link", name="Firings", exact=True).click()
    expect(page.locator("#facts")).to_contain_text("oldest")


def test_a_schedule_that_calls_an_address_is_changed(page, shed):
    name = f"{PLACE}/jobs/caller"
    target = {"uri": "http://127.0.0.1:9/here", "httpMethod": "POST", "body": "e30="}
    ask(shed, f"/v1/{PLACE}/jobs", {"name": name, "schedule": "0 4 1 1 *", "timeZone": "UTC", "httpTarget": target})
    page.open(f"/schedules/{name}")
    expect(page.locator("#facts")).to_contain_text("POST http://127.0.0.1:9/here")

    page.get_by_role("link", name="Edit").click()
    edit = page.locator("#edit")
    edit.get_by_label("Address").fill("http://127.0.0.1:9/there?a=1")
    edit.get_by_label("Method").select_option("PUT")
    edit.get_by_label("Body").fill("größer")
    edit.get_by_role("button", name="Save").click()
    expect(edit.locator(".said")).to_have_text("Done.")

    found = ask(shed, f"/v1/{name}")["httpTarget"]
    assert (found["uri"], found["httpMethod"], found["body"]) == ("http://127.0.0.1:9/there?a=1", "PUT", "Z3LDtsOfZXI=")


def test_a_subscription_goes_back_to_a_snapshot_and_is_deleted(page, shed):
    topic, name = f"{PROJECT}/topics/kept-of", f"{PROJECT}/subscriptions/keeper"
    ask(shed, f"/v1/{topic}", {}, "PUT")
    ask(shed, f"/v1/{name}", {"topic": topic}, "PUT")
    ask(shed, f"/v1/{topic}:publish", {"messages": [{"data": "e30="}]})
    page.open(f"/subscriptions/{name}")
    expect(rows(page, "waiting")).to_have_count(1)

    unfold(page, "snapshot")
    page.locator("#snapshot").get_by_label("Name").fill("as-it-was")
    press(page, "snapshot", "Create snapshot")
    expect(page.locator("#snapshot .said")).to_have_text("Done.")
    kept = ask(shed, f"/v1/{PROJECT}/snapshots")["snapshots"]
    assert [(each["name"], each["topic"]) for each in kept] == [(f"{PROJECT}/snapshots/as-it-was", topic)]
    press(page, "actions", "Purge")
    agree(page, "Purge")
    expect(page.locator("#waiting")).to_contain_text("Nothing waits")
    page.reload()
    unfold(page, "seek-to-snapshot")
    press(page, "seek-to-snapshot", "Seek")
    agree(page, "Seek")
    expect(rows(page, "waiting")).to_have_count(1)
    pulled = ask(shed, f"/v1/{name}:pull", {"maxMessages": 5})["receivedMessages"]
    assert [each["message"]["data"] for each in pulled] == ["e30="]

    press(page, "actions", "Delete")
    agree(page, "Delete")
    page.wait_for_url("**/topics")
    assert status(shed, f"/v1/{name}") == 404


def test_a_topic_is_deleted_and_its_subscriptions_stay(page, shed):
    topic, name = f"{PROJECT}/topics/goes", f"{PROJECT}/subscriptions/stays"
    ask(shed, f"/v1/{topic}", {}, "PUT")
    ask(shed, f"/v1/{name}", {"topic": topic}, "PUT")
    page.open(f"/topics/{topic}")

    press(page, "actions", "Delete")
    agree(page, "Delete")

    page.wait_for_url("**/topics")
    assert status(shed, f"/v1/{topic}") == 404
    assert ask(shed, f"/v1/{name}")["topic"] == "_deleted-topic_"
    page.open(f"/subscriptions/{name}")
    expect(page.locator("#facts")).to_contain_text("_deleted-topic_")


def test_another_branch_is_built_and_a_build_trigger_deleted(page, shed):
    name = f"{PLACE}/triggers/on-push"
    known = {build["id"] for build in ask(shed, f"/v1/{PROJECT}/builds")["builds"]}
    page.open(f"/triggers/{name}")
    unfold(page, "run")
    branch = page.locator("#run").get_by_label("Branch, tag or commit")
    branch.fill("nowhere")
    press(page, "run", "Build it")
    expect(page.locator("#run .said")).to_contain_text("nowhere")
    forgive(page, "404")
    branch.fill("main")
    press(page, "run", "Build it")
    expect(page.locator("#run .said")).to_have_text("Done.")
    (made,) = [build for build in ask(shed, f"/v1/{PROJECT}/builds")["builds"] if build["id"] not in known]
    assert made["substitutions"]["BRANCH_NAME"] == "main"
    assert made["substitutions"]["TRIGGER_NAME"] == "on-push"
    ask(shed, f"/v1/{PROJECT}/builds/{made['id']}:cancel", {})

    press(page, "actions", "Delete")
    agree(page, "Delete")
    page.wait_for_url("**/triggers")
    assert status(shed, f"/v1/{name}") == 404


def test_what_one_types_elsewhere_is_copied(page, shed):
    (run, *_) = runs(shed)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.open(f"/runs/{run['name']}?task=trainer")
    copied = "navigator.clipboard.readText()"
    command = page.locator("#node-again .copy").first
    wanted = command.get_attribute("data-copy")
    assert wanted.startswith("trainshed pipelines run ")
    command.click()
    page.wait_for_function(f"wanted => {copied}.then((text) => text === wanted)", arg=wanted)

    press(page, "actions", "Copy URL")
    page.wait_for_function(f"wanted => {copied}.then((text) => text === wanted)", arg=page.url)


def test_what_one_has_in_hand_stays_while_the_page_changes(page, shed):
    topic, name = f"{PROJECT}/topics/busy", f"{PROJECT}/subscriptions/busy"
    ask(shed, f"/v1/{topic}", {}, "PUT")
    ask(shed, f"/v1/{name}", {"topic": topic}, "PUT")
    page.open(f"/topics/{topic}")
    expect(page.locator("#connection")).to_have_text("Live")
    unfold(page, "publish")
    page.locator("#publish").get_by_label("Data").fill("half a mess")
    link = page.locator("#subscriptions").get_by_role("link", name="busy")
    link.focus()
    page.evaluate("window.kept = [document.activeElement, ...document.querySelectorAll('#parts details, #parts h2')]")

    for count in (1, 2):  # the first news of a page, and the next
        ask(shed, f"/v1/{topic}:publish", {"messages": [{"data": "e30="}]})
        expect(rows(page, "subscriptions").first.locator("td").nth(2)).to_have_text(str(count))

        expect(link).to_be_focused()
        assert page.evaluate("kept.every((element) => element.isConnected)")
        expect(page.locator("#publish").get_by_label("Data")).to_have_value("half a mess")


@pytest.fixture(scope="module")
def grave(shed):
    """Pages with everything that cannot be taken back, made for it where the demo leaves none: {address: [...]}."""
    topic, name = f"{PROJECT}/topics/grave", f"{PROJECT}/subscriptions/grave"
    ask(shed, f"/v1/{topic}", {}, "PUT")
    ask(shed, f"/v1/{name}", {"topic": topic}, "PUT")
    ask(shed, f"/v1/{PROJECT}/snapshots/grave", {"subscription": name}, "PUT")
    schema = {"type": "AVRO", "definition": '{"type": "record", "name": "R", "fields": []}'}
    first = ask(shed, f"/v1/{PROJECT}/schemas?schemaId=grave", schema)
    ask(shed, f"/v1/{PROJECT}/schemas/grave:commit", {"schema": schema})
    wanted = {
        "name": "grave",
        "topic": topic,
        "spec": "gs://local-project-penguins/pipeline_root/penguin-training.json",
    }
    ask(shed, f"/trainshed/v1/{PLACE}/runTriggers", wanted)
    steps = [{"name": "ubuntu", "script": "while true; do sleep 0.2; done"}]
    build = ask(shed, f"/v1/{PROJECT}/builds", {"steps": steps})["metadata"]["build"]["id"]
    yield [
        f"/subscriptions/{name}",
        f"/topics/{topic}",
        f"/schemas/{PROJECT}/schemas/grave",
        f"/schemas/{PROJECT}/schemas/grave?revision={first['revisionId']}",
        f"/triggers/{PLACE}/runTriggers/grave",
        f"/builds/{build}",
        f"/schedules/{JOB}",
        f"/buckets/{MODEL.partition('/')[0]}",
        f"/buckets/{MODEL.partition('/')[0]}?object=pipeline_root%2Fpenguin-training.json",
        f"/models/{MODEL}",
        f"/functions/{PLACE}/functions/trigger-penguin-training-fn?tab=details",
        f"/receipts/{ask(shed, '/trainshed/v1/receipts?state=STARTED')['receipts'][-1]['receipt']}",
    ]
    ask(shed, f"/v1/{PROJECT}/builds/{build}:cancel", {})


GRAVE = re.compile("Delete|Purge|Seek|Roll back|Cancel|Reject|Remove|Replay")  # words of what cannot be taken back


def test_whatever_cannot_be_taken_back_is_asked_about_and_left_by_keyboard(page, shed, grave):
    sent = []
    page.on("request", lambda request: request.method != "GET" and sent.append(f"{request.method} {request.url}"))
    seen = set()
    for address in grave:
        page.open(address)
        for part, action in actions(shed, address):
            if not GRAVE.match(action["label"]):
                continue
            assert action["confirm"], f"{address}: {action['label']}"
            seen.add(action["label"].rstrip("0123456789 "))
            fill(page, part)
            reach(page, part, action["label"])
            page.keyboard.press("Enter")
            dialog = page.get_by_role("dialog", name=asked_of(page, part, action["confirm"]))
            expect(dialog).to_be_visible()
            expect(dialog.get_by_role("button", name="Leave it")).to_be_focused()
            page.keyboard.press("Escape")
            expect(dialog).to_have_count(0)
            page.keyboard.press("Enter")  # it has the focus again
            expect(dialog.get_by_role("button", name="Leave it")).to_be_focused()
            page.keyboard.press("Enter")
            expect(dialog).to_have_count(0)
    assert sent == []
    assert seen >= {
        "Delete", "Purge", "Seek", "Roll back", "Roll back to this revision", "Cancel build", "Delete bucket", "Replay",
    }  # fmt: skip


def asked_of(page, part, question):
    """Put what is chosen in the place of a field's name in braces."""
    return re.sub(r"\{(\w+)\}", lambda field: page.locator(f"#{part} [name='{field[1]}']").input_value(), question)


def fill(page, part):
    """Fill what has to be filled before a form is sent."""
    section = page.locator(f"#{part}")
    if section.locator("details:not([open])").count():
        unfold(page, part)
    for field in section.locator("input[required]").all():
        field.fill(field.input_value() or "2026-01-31T12:00:00Z")


def reach(page, part, name):
    """Go to a button by the key that goes from one to the next."""
    button = page.locator(f"#{part}").get_by_role("button", name=name, exact=True)
    button.locator("xpath=preceding::*[self::a or self::button or self::input or self::summary][1]").focus()
    for _ in range(3):
        if button.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(button).to_be_focused()


def test_a_schedule_is_paused_made_and_deleted_by_keyboard_alone(page, shed):
    page.open(f"/schedules/{JOB}")
    reach(page, "actions", "Pause")
    page.keyboard.press("Space")
    expect(page.locator("#head .badge")).to_have_text("PAUSED")
    reach(page, "actions", "Resume")
    page.keyboard.press("Enter")
    expect(page.locator("#head .badge")).to_have_text("ENABLED")

    page.open("/schedules")
    page.locator("#new-schedule summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("by-keyboard")
    page.keyboard.press("Enter")  # as a form is sent
    page.wait_for_url("**/jobs/by-keyboard")
    name = f"{PLACE}/jobs/by-keyboard"
    assert ask(shed, f"/v1/{name}")["schedule"] == "*/3 * * * *"
    reach(page, "actions", "Delete")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Leave it")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/schedules")
    assert status(shed, f"/v1/{name}") == 404
