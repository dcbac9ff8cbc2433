"""The logs of all tasks of a run: the end of each, a search in all of them, all as one text."""

import re
import urllib.request

import pytest
from browser.doing import PLACE, ask, rows, table
from browser.looks import audit
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def run(shed):
    known = ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"]
    return max((run for run in known if run["pipeline"] == "penguin-training"), key=lambda run: run["tasksRan"])["name"]


def written(shed, run):
    """The lines of each task, as the command line has them."""
    own = run.replace("/pipelineJobs/", "/runs/")
    with urllib.request.urlopen(f"{shed.address}/trainshed/v1/{own}/logs", timeout=60) as answer:
        text = answer.read().decode()
    lines = {}
    for task, line in re.findall(r"^\[([^\]]+)\] (.*)$", text, re.MULTILINE):
        lines.setdefault(task, []).append(line)
    return lines


def tasks_of(page):
    """The tasks whose logs are listed, by the addresses that their names lead to."""
    links = [link.get_attribute("href") for link in rows(page, "logs").get_by_role("link").all()]
    return [re.search("[?&]task=([^&]+)", link)[1] for link in links]


def test_a_text_is_looked_for_in_all_logs_and_leads_to_its_line(page, shed, run):
    lines = written(shed, run)
    page.open(f"/runs/{run}")
    page.locator(".tabs").get_by_role("link", name="Logs").click()
    shown = dict(zip(tasks_of(page), [row["Last line"] for row in table(page, "logs")], strict=True))
    assert "CsvExampleGen" in [row["Task"] for row in table(page, "logs")], "as the graph calls it"
    assert {task for task, line in shown.items() if line != "–"} == set(lines)
    assert all(" ".join(lines[task][-1].split()) == shown[task] for task in lines)
    assert audit(page) == []

    page.get_by_label("Lines that contain").fill("EPOCH")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"tab=logs&text=EPOCH"))
    wanted = [(task, n) for task in lines for n, line in enumerate(lines[task], 1) if "epoch" in line.lower()]
    found = zip(tasks_of(page), [int(row["Line"]) for row in table(page, "logs")], strict=True)
    assert list(found) == wanted != []
    assert audit(page) == []

    task, number = wanted[-1]
    rows(page, "logs").last.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"task={task}"))
    expect(page.locator(".log-row.chosen")).to_contain_text(lines[task][number - 1].strip()[:30])

    page.open(f"/runs/{run}?tab=logs&text=nobody-writes-this")
    expect(page.get_by_text("No line of these logs is like that.")).to_be_visible()
    link = page.get_by_role("link", name="All logs as one text").get_attribute("href")
    assert link == f"/trainshed/v1/{run.replace('/pipelineJobs/', '/runs/')}/logs"
