"""Before a run is started from a page one sees what would run, with a script and without."""

from urllib.parse import parse_qs, urlsplit

import pytest
from browser.doing import ask, forgive, press, table

playwright_api = pytest.importorskip("playwright.sync_api")
expect = playwright_api.expect

PLACE = "projects/local-project/locations/us-central1"
SPEC = "gs://local-project-penguins/pipeline_root/penguin-training.json"


def a_run(shed):
    return next(r for r in ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"] if r["state"] == "SUCCEEDED")


def jobs(shed):
    return [run["name"] for run in ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"]]


def told(shed, run, parameters):
    """What the interface says of the same request, with tasks called as the graph does."""
    wanted = {"uri": SPEC, "parameters": {**run["parameters"], **parameters}}
    steps = ask(shed, f"/trainshed/v1/{PLACE}/runs:plan", wanted)["steps"]
    return {
        step["display_name"]: (step["decision"], f"{step['after']} runs before it" if step["after"] else step["reason"])
        for step in steps
    }


def test_what_would_run_follows_what_is_typed(page, shed):
    before = jobs(shed)
    page.open(f"/runs/{before[0]}/clone")
    press(page, "clone", "See what would run")
    expect(page.locator("#plan")).to_contain_text("Nothing changed: 5 tasks reused.")

    epochs = page.get_by_label("num_epochs")
    epochs.fill("9")
    expect(page.locator("#plan")).to_contain_text("4 tasks would run, 1 reused.")
    expect(epochs).to_be_focused()
    why = {row["Task"]: row["Why"] for row in table(page, "plan-tasks")}
    assert why["HyperparamsGen"] == "changed: parameter num_epochs"
    assert parse_qs(urlsplit(page.url).query)["parameters.[num_epochs]"] == ["9"]

    epochs.fill("many")
    expect(page.locator("[id='clone-parameters.[num_epochs]-wrong']")).to_contain_text("no whole number")
    expect(page.locator("#plan")).to_contain_text("could not be started")
    epochs.fill("9")
    page.get_by_label("Run id").fill("NOT LIKE THIS")
    expect(page.locator("[id='clone-jobId-wrong']")).to_contain_text("cannot be a job id")
    press(page, "clone", "Start the run")
    expect(page.locator("#clone .said")).to_contain_text("cannot be a job id")
    expect(page.get_by_label("Run id")).to_have_attribute("aria-invalid", "true")
    forgive(page, "400")
    assert jobs(shed) == before, "looking starts nothing"


def test_it_needs_no_script(chromium, shed):
    run, before = a_run(shed), jobs(shed)
    context = chromium.new_context(base_url=shed.address, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/runs/new?template={SPEC}")
    page.get_by_label("num_epochs").fill("11")
    page.get_by_role("button", name="See what would run").click()

    expect(page.get_by_label("num_epochs")).to_have_value("11")
    expected = told(shed, run, {"num_epochs": 11})
    shown = {row["Task"]: row["Why"] for row in table(page, "plan-tasks")}
    assert shown == {task: reason for task, (_, reason) in expected.items()}
    assert page.url.endswith("#plan")
    page.get_by_label("num_epochs").fill("1.5")
    page.get_by_role("button", name="See what would run").click()
    expect(page.locator("[id='new-parameters.[num_epochs]-wrong']")).to_contain_text("no whole number")
    expect(page.get_by_label("num_epochs")).to_have_value("1.5")
    context.close()
    assert jobs(shed) == before
