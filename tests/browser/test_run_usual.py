"""A run that takes longer than the runs before it says so, and which task does."""

import pytest
from browser.doing import PLACE, ask, between, start, table
from browser.looks import audit
from playwright.sync_api import expect

EARLIER = ("usual-1", "usual-2", "usual-3")
SLOW_MS = 60_000


@pytest.fixture(scope="module")
def slow(shed):
    """A run whose task takes seconds, after three that took next to nothing."""
    for job in EARLIER:
        start(shed, job, "true", cores=0.1)
        ask(shed, f"/trainshed/v1/{PLACE}/runs/{job}/wait")
    name = start(shed, "usual-4", "sleep 6", cores=0.1)
    ask(shed, f"/trainshed/v1/{PLACE}/runs/usual-4/wait")
    return name


def test_a_run_that_is_slow_leads_to_the_task_that_is(page, shed, slow):
    tasks = {job: ask(shed, f"/trainshed/v1/{PLACE}/runs/{job}")["tasks"][0] for job in (*EARLIER, "usual-4")}
    took = {job: between(task["startTime"], task["endTime"]) for job, task in tasks.items()}
    usual = sorted(took[job] for job in EARLIER)[1]
    page.open(f"/runs/{slow}")
    expect(page.locator("h1")).to_contain_text("SUCCEEDED", timeout=SLOW_MS)

    page.locator("#head").get_by_role("link", name="slower than the 3 before").click()

    (row,) = table(page, "tasks")
    assert row["Usual duration"].endswith(f"(this time {took['usual-4'] / usual:.3g} times as long)")
    expect(page.get_by_label("Order")).to_have_value("slow")
    assert audit(page) == []

    page.locator("#tasks tbody a").first.click()
    expect(page.locator("#node dd", has_text="times as long")).to_be_visible()


def test_a_run_that_is_as_quick_as_ever_says_nothing(page, shed, slow):
    page.open(f"/runs/{PLACE}/pipelineJobs/{EARLIER[2]}")

    expect(page.locator("#head")).not_to_contain_text("slower")
    (part,) = [
        p for p in ask(shed, f"/runs/{PLACE}/pipelineJobs/{EARLIER[0]}?tab=tasks")["parts"] if p["id"] == "tasks"
    ]
    assert part["rows"][0][part["columns"].index("Usual duration")] is None  # nothing came before it
