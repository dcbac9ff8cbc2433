"""Many runs at once: chosen in the list, then started again, cancelled, retried, deleted; as a table, as a file."""

import csv
import io
import urllib.request

import pytest
from browser.doing import PLACE, agree, ask, forgive, rows, start, status
from browser.looks import audit
from playwright.sync_api import expect

JOBS = ("many-1", "many-2", "many-3")
SHELL = "sleep 600"


def states(shed, jobs=JOBS):
    return [ask(shed, f"/trainshed/v1/{PLACE}/runs/{job}")["state"] for job in jobs]


def choose(page, *jobs):
    for job in jobs:
        page.get_by_role("checkbox", name=f"Choose {job}", exact=True).check()


def press(page, label):
    page.locator("#runs .chosen").get_by_role("button", name=label, exact=True).click()


@pytest.fixture
def said(page):
    return page.locator("#runs .said")


@pytest.fixture(scope="module")
def waiting(shed):
    """Runs that go on until somebody ends them."""
    for job in JOBS:
        start(shed, job, SHELL, cores=0.1)
    return JOBS


def test_runs_are_cancelled_started_again_and_deleted_together(page, shed, waiting, said):
    page.open("/runs?pipeline=of-one-task")
    expect(rows(page, "runs")).to_have_count(len(waiting))
    press(page, "Cancel")
    expect(said).to_have_text("Choose a run first.")

    page.get_by_label("all of this page").check()
    expect(said).to_have_text("3 chosen")
    assert audit(page) == []
    press(page, "Cancel")
    expect(page.get_by_role("dialog")).to_contain_text("Cancel 3 runs?")
    page.keyboard.press("Escape")
    assert "CANCELLED" not in states(shed)
    press(page, "Cancel")
    agree(page, "Cancel")
    expect(said).to_have_text("Cancel: 3 runs done")
    expect(page.locator("#runs .badge.cancelled")).to_have_count(3)  # without a reload
    assert states(shed) == ["CANCELLED"] * 3
    expect(page.locator("#runs tbody input:checked")).to_have_count(0)

    choose(page, "many-2")
    press(page, "Retry what failed")
    expect(said).to_have_text("Retry what failed: 1 run done")
    expect(page.locator("#runs .badge.running")).to_have_count(1)

    page.get_by_label("all of this page").check()
    press(page, "Delete")
    agree(page, "Delete")
    expect(said).to_contain_text("Delete: 2 runs done, 1 refused. Run many-2 is RUNNING; cancel it first.")
    forgive(page, "400")  # Chromium notes what the page has said
    expect(rows(page, "runs")).to_have_count(1)
    assert [status(shed, f"/trainshed/v1/{PLACE}/runs/{job}") for job in waiting] == [404, 200, 404]
    expect(page.get_by_role("checkbox", name="Choose many-2")).to_be_checked()  # what was refused stays chosen

    press(page, "Run again")
    agree(page, "Run again")
    expect(rows(page, "runs")).to_have_count(2)
    made = ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"][0]
    assert made["pipeline"] == "of-one-task"
    for name in (made["name"], f"{PLACE}/pipelineJobs/many-2"):
        ask(shed, f"/v1/{name}:cancel", {})


def test_rows_from_one_to_another_are_chosen_by_shift_and_a_click(page, said):
    page.open("/runs?pipeline=penguin-training")
    boxes = rows(page, "runs").locator("input")
    boxes.nth(0).click()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(said).to_have_text("4 chosen")
    expect(page.get_by_label("all of this page")).to_have_js_property("indeterminate", value=True)

    boxes.nth(3).focus()
    page.keyboard.press("Space")
    expect(said).to_have_text("3 chosen")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Comparison of 3 runs")


def test_what_is_asked_of_each_run_stands_in_the_json_form(shed):
    (part,) = [part for part in ask(shed, "/runs")["parts"] if part["id"] == "runs"]

    assert [action["label"] for action in part["each"]] == ["Run again", "Retry what failed", "Cancel", "Delete"]
    assert [key.replace("/pipelineJobs/", "/runs/") for key in part["keys"]] == part["own"]
    assert all(action["confirm"] for action in part["each"] if action["label"] != "Retry what failed")


def test_runs_are_sorted_by_a_metric_and_taken_along_as_a_file(page, shed):
    known = ask(shed, "/runs/metrics?pipeline=penguin-training")["parts"]
    (listed,) = [part for part in known if part["id"] == "runs"]
    metric = "trainer: accuracy"
    place, epochs = (listed["columns"].index(name) for name in (metric, "num_epochs"))
    page.open("/runs/metrics?pipeline=penguin-training")
    heads = page.locator("#runs thead th").all_inner_texts()
    assert heads == listed["columns"]

    def column(number):
        return page.locator(f"#runs tbody td:nth-child({number + 1})").all_inner_texts()

    head = page.locator("#runs").get_by_role("button", name=metric, exact=True)
    head.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#runs th[aria-sort=descending]")).to_have_text(metric)
    shown = [float(text) for text in column(place) if text != "–"]
    assert shown == sorted(shown, reverse=True)
    assert sorted(map(int, column(epochs))) == sorted(row[epochs] for row in listed["rows"])
    assert audit(page) == []

    link = page.get_by_role("link", name="As a CSV file")
    with urllib.request.urlopen(shed.address + link.get_attribute("href"), timeout=60) as answer:
        assert answer.headers["content-type"].startswith("text/csv")
        rows_ = list(csv.DictReader(io.StringIO(answer.read().decode())))
    stored = {run["name"].rsplit("/", 1)[-1]: run for run in ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"]}
    assert [row["run"] for row in rows_] == [j for j, run in stored.items() if run["pipeline"] == "penguin-training"]
    for row in rows_:
        run = stored[row["run"]]
        assert (row["state"], row["create_time"]) == (run["state"], run["createTime"])
        assert row["parameter num_epochs"] == str(run["parameters"]["num_epochs"])


def test_ten_runs_are_compared_and_an_eleventh_is_too_many(page, shed):
    def known():
        return [
            run for run in ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"] if run["pipeline"] == "penguin-training"
        ]

    of_one = next(run for run in known() if run["state"] == "SUCCEEDED")
    for number in range(11 - len(known())):
        changed = {"parameters": {"num_epochs": 20 + number % 3}}
        job = ask(shed, f"/trainshed/v1/{own(of_one)}:clone", changed)["name"].rpartition("/")[2]
        ask(shed, f"/trainshed/v1/{PLACE}/runs/{job}/wait")
    page.open("/runs?pipeline=penguin-training")
    boxes = rows(page, "runs").locator("input")
    boxes.nth(0).click()
    boxes.nth(9).click(modifiers=["Shift"])
    page.get_by_role("button", name="Compare").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Comparison of 10 runs")
    chosen = known()[9::-1]  # the oldest of them stands first
    jobs = [run["name"].rpartition("/")[2] for run in chosen]
    expect(rows(page, "runs")).to_have_count(10)
    epochs = [run["parameters"]["num_epochs"] for run in chosen]
    lines = page.locator("#sweep svg[role=group] a")
    expect(lines).to_have_count(10)
    for line, job, number in zip(lines.all(), jobs, epochs, strict=True):
        expect(line).to_have_attribute("href", f"/runs/{PLACE}/pipelineJobs/{job}")
        assert f"num_epochs {number}" in line.get_attribute("aria-label")
    cells = page.locator("#parameters tbody").first.locator("tr", has_text="num_epochs").locator("td").all_inner_texts()
    assert cells == [str(number) for number in epochs]
    assert audit(page) == []

    page.open("/runs?pipeline=penguin-training")
    page.get_by_label("all of this page").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("main")).to_contain_text("choose up to 10")
    forgive(page, "400")


def own(run):
    return run["name"].replace("/pipelineJobs/", "/runs/")
