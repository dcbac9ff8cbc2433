"""What one sends to somebody else, or has from somebody: the address of a line, a name to look for."""

import re

from browser.doing import PLACE, ask, status
from browser.looks import LOOKS, audit
from browser.test_run import IMAGE, a_spec, a_task, run_address, submit
from playwright.sync_api import expect

from trainshed.testing import wait_until


def failing(shed, folder, lines):
    """A run whose one task writes lines and fails, and what says how often it was tried."""
    says = f"for n in $(seq {lines}); do echo line $n; done; exit 1"
    executors = {"exec-say": {"container": {"image": IMAGE, "command": ["sh", "-c"], "args": [says]}}}
    spec = a_spec("says", {"say": a_task("comp-say")}, {"comp-say": {"executorLabel": "exec-say"}}, executors)
    return submit(shed, spec, folder)


def ended(shed, name, attempts):
    def is_so():
        found = ask(shed, f"{run_address(name)}?task=say&format=json")
        said = [part["heading"] for part in found["parts"] if part["kind"] == "log"]
        return said == [f"Log of say, attempt {attempts}"] and found["state"]["state"] == "FAILED"

    wait_until(is_so)


def test_the_address_of_a_line_goes_on_to_mean_the_attempt_whose_log_it_is(shed, page, tmp_path):
    name = failing(shed, tmp_path, 40)
    ended(shed, name, 1)
    page.open(f"{run_address(name)}?task=say")
    page.locator("#L7 .log-number").click()
    page.wait_for_url("**?task=say&attempt=1#L7")
    sent = page.url

    ask(shed, f"/trainshed/v1/{PLACE}/runs/{name.rpartition('/')[2]}:retry", {})
    ended(shed, name, 2)

    expect(page.get_by_role("heading", name="Log of say, attempt 1")).to_be_visible()  # live, and still the same
    page.goto("/runs")
    page.goto(sent)
    expect(page.get_by_role("heading", name="Log of say, attempt 1")).to_be_visible()
    expect(page.locator("#L7 .log-text")).to_have_text("line 7")


def test_anything_is_found_from_every_page_by_keyboard(shed, page):
    job = f"{PLACE}/jobs/hourly-training"
    page.open("/models")
    page.keyboard.press("/")
    expect(page.get_by_role("textbox", name="Find anything")).to_be_focused()
    page.keyboard.type("hourly-training")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/schedules/{job}")

    page.keyboard.press("/")
    page.keyboard.type("train/")  # in the box a character like any other
    expect(page.get_by_role("textbox", name="Find anything")).to_have_value("train/")
    page.get_by_role("textbox", name="Find anything").fill("train")
    page.keyboard.press("Enter")
    page.wait_for_url("**/find?text=train")
    expect(page.get_by_role("link", name="hourly-training")).to_have_attribute("href", f"/schedules/{job}")
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        assert audit(page) == []


def test_what_a_build_is_called_in_lists_leads_to_it(shed, page):
    build = ask(shed, "/v1/projects/local-project/builds")["builds"][0]["id"]

    page.open(f"/builds/{build[:8]}?tab=details")

    assert re.search(rf"/builds/{build}\?tab=details$", page.url)
    expect(page.get_by_role("heading", level=1)).to_contain_text(build[:8])


def test_the_address_of_a_list_has_only_the_words_that_narrow_it(page):
    page.open("/runs")
    page.get_by_label("State").select_option("SUCCEEDED")
    page.get_by_label("Pipeline").select_option("penguin-training")
    page.get_by_role("button", name="Filter").click()

    page.wait_for_url("**/runs?state=SUCCEEDED&pipeline=penguin-training")
    expect(page.get_by_label("State")).to_have_value("SUCCEEDED")


def test_each_half_of_a_schedule_says_what_it_saves(page):
    page.open(f"/schedules/{PLACE}/jobs/hourly-training?view=edit")

    saving = page.get_by_role("button", name=re.compile("^Save"))
    expect(saving).to_have_text(["Save the schedule", "Save these policies"])


def test_before_a_rollback_it_is_asked_by_the_version_that_is_chosen(page):
    page.open("/models/local-project-penguins/serving_model/penguin-training")
    choice = page.get_by_role("combobox", name="Version")
    wanted = choice.locator("option").last.get_attribute("value")
    choice.select_option(wanted)
    page.get_by_role("textbox", name="Why").fill("it was better")
    page.get_by_role("button", name="Roll back").click()

    expect(page.get_by_role("dialog")).to_contain_text(f"Make version {wanted} of penguin-training live again?")
    page.get_by_role("dialog").get_by_role("button", name="Leave it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_list_of_runs_says_why_one_failed_and_it_is_deleted_on_its_page(shed, page, tmp_path):
    name = failing(shed, tmp_path, 1)
    ended(shed, name, 1)
    page.open("/runs?state=FAILED")
    row = page.get_by_role("row").filter(has_text=name.rpartition("/")[2])
    expect(row).to_contain_text("Task 'say' failed: exited with code 1")
    row.get_by_role("link", name=name.rpartition("/")[2]).click()

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/runs")
    expect(page.get_by_role("row").filter(has_text=name.rpartition("/")[2])).to_have_count(0)
    assert status(shed, f"/v1/{name}") == 404
