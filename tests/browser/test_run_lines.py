"""Two runs line by line: what changed in the pipeline, and what a task wrote otherwise."""

import urllib.request

import pytest
from browser.doing import PLACE, ask, start
from browser.looks import audit
from playwright.sync_api import expect

OLD = "echo epoch 1 loss 0.5; echo saved"
NEW = "echo epoch 1 loss 0.25; echo '<b>no space</b>'; exit 3"


@pytest.fixture(scope="module")
def pair(shed):
    names = [start(shed, job, script, cores=0.1) for job, script in (("lines-old", OLD), ("lines-new", NEW))]
    for job in ("lines-old", "lines-new"):
        ask(shed, f"/trainshed/v1/{PLACE}/runs/{job}/wait")
    return names


def changed(page, tag):
    return [line[2:] for line in page.locator(f".changes {tag}:not(.of)").all_inner_texts()]


def test_what_changed_in_the_pipeline_of_a_run_since_the_one_before_it(page, shed, pair):
    page.open(f"/runs/{pair[1]}")
    page.get_by_role("link", name="Compare with the previous one").click()
    expect(page.locator(".tabs a")).to_have_text(["Comparison", "Pipeline", "Logs"])
    page.locator(".tabs").get_by_role("link", name="Pipeline").focus()
    page.keyboard.press("Enter")

    expect(page.locator("#pipeline .note")).to_have_text("1 line gone, 1 new")
    assert [line.strip() for line in changed(page, "del")] == [f"- {OLD}"]
    assert [line.strip() for line in changed(page, "ins")] == [f"- {NEW}"]
    scripts = [
        ask(shed, f"/v1/{name}")["pipelineSpec"]["deploymentSpec"]["executors"]["exec-try"]["container"]["command"][-1]
        for name in pair
    ]
    assert scripts == [OLD, NEW]
    assert audit(page) == []

    page.locator(".tabs").get_by_role("link", name="Comparison").click()
    expect(page.locator("#made-of tbody").first).to_contain_text("pipeline spec")


def test_what_a_task_wrote_otherwise_without_its_numbers(page, shed, pair):
    page.open(f"/runs/compare?run={pair[0]}&run={pair[1]}&tab=logs")

    expect(page.get_by_label("Log of")).to_have_value("try")
    assert changed(page, "del") == ["saved"]
    assert changed(page, "ins")[0] == "<b>no space</b>"
    expect(page.locator("#log")).to_contain_text("epoch 1 loss 0.5")  # of the first one, beside what changed
    expect(page.locator("#log .note")).to_contain_text("numbers and times are not compared")
    assert audit(page) == []
    for name, word in zip(pair, ("saved", "no space"), strict=True):
        with urllib.request.urlopen(f"{shed.address}/runs/{name}/log?task=try&download=1", timeout=60) as answer:
            assert word in answer.read().decode()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("?run=lines-old&tab=pipeline", "lines of two runs are compared"),
        ("?run=lines-old&run=lines-new&tab=logs&task=none", "not both 'none'"),
        ("?run=lines-old&run=lines-new&tab=none", "'none' is none of"),
    ],
)
def test_what_cannot_be_compared_is_said(page, pair, address, words):
    answer = page.request.get(f"/runs/compare{address}")

    assert answer.status == 400
    assert words in answer.text().replace("&#39;", "'")


def test_what_has_no_log_is_said(page, shed, pair):
    jobs = {run["name"]: run for run in ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"]}
    needless = next(name for name, run in jobs.items() if run["needless"])
    other = next(name for name, run in jobs.items() if run["pipeline"] == "penguin-training" and name != needless)

    page.open(f"/runs/compare?run={other}&run={needless}&tab=logs&task=trainer")

    expect(page.locator("#log")).to_contain_text("Trainer wrote no log in ")
    expect(page.locator("#log")).to_contain_text("it was reused, or did not begin")
    page.open(f"/runs/compare?run={needless}&run={other}&tab=pipeline")
    expect(page.locator("#pipeline")).to_contain_text("Both runs have the same pipeline.")
