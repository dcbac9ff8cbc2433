"""Every figure of a run's page is the store's: the graph's lines and times, the panel, the table, the chart, the details."""

import re
from datetime import datetime
from itertools import pairwise

import pytest
from browser.doing import PLACE, ask, exact, facts, lasted, parts, rows, said_bytes, said_seconds, start, table
from playwright.sync_api import expect

from trainshed import quantities


@pytest.fixture(scope="module")
def run(shed):
    """A run of the demo that reused some results, with its tasks and its cost."""
    found = ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"]
    chosen = min(found, key=lambda r: (not 0 < r["tasksRan"] < r["tasksTotal"], r["createTime"]))
    return ask(shed, f"/trainshed/v1/{PLACE}/runs/{chosen['name'].rpartition('/')[2]}")


def money(cost):
    """Write a cost as heads of pages do."""
    cloud = "<0.0001" if 0 < cost["cloud"] < 0.0001 else f"{cost['cloud']:.4f}"
    return f"{cost['local']:g} {cost['currency']} here, {cloud} {cost['currency']} on Google Cloud"


LINES = """(all) => {
  const canvas = document.querySelector(".graph-view canvas"), room = canvas.getBoundingClientRect();
  const near = document.querySelector(".graph-drawing .near").getScreenCTM(), ratio = canvas.width / room.width;
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const isDrawn = ([start, end]) => {
    const at = new DOMPoint((start[0] + end[0]) / 2, (start[1] + end[1]) / 2).matrixTransform(near);
    const [left, top] = [Math.round((at.x - room.left) * ratio), Math.round((at.y - room.top) * ratio)];
    for (let y = top - 3; y <= top + 3; y++)
      for (let x = left - 3; x <= left + 3; x++) if (data[4 * (y * width + x) + 3] > 60) return true;
    return false;
  };
  return all.map((segments) => segments.some(isDrawn));
}"""


def test_s45_the_graph_has_every_line_of_the_pipeline_and_how_long_each_task_took(page, shed, run):
    wanted = shed.json("pipelines", "graph", run["name"])
    address = f"/runs/{run['name']}?artifacts=show"
    shown = parts(shed, address)["graph"]
    assert {(edge["start"], edge["end"]) for edge in shown["edges"] if edge["kind"] == "data"} == {
        (edge["from"], edge["to"]) for edge in wanted["edges"]
    }
    page.open(address)
    page.locator(".graph-view[data-drawn]").wait_for()
    page.locator('[data-zoom="fit"]').click()

    lines = [
        list(pairwise([edge["points"][at : at + 2] for at in range(0, len(edge["points"]), 2)]))
        for edge in shown["edges"]
    ]
    nowhere = [[[x, y], [x, y]] for x, y in ((4, 4), (shown["width"] - 4, 4))]
    drawn = page.evaluate(LINES, [*lines, *[[each] for each in nowhere]])
    assert drawn == [True] * len(lines) + [False] * len(nowhere)
    for task in run["tasks"]:
        words = page.locator(f'.graph-drawing [data-node="{task["name"]}"] > a.box').get_attribute("aria-label")
        took = "reused" if task["cachedFrom"] else lasted(task["startTime"], task["endTime"])
        assert words.endswith(f", {took}") or task["startTime"] == task["endTime"], words


def test_s45_what_is_known_of_a_task_is_the_stores(page, shed, run):
    for name in ("trainer", "evaluator", next(task["name"] for task in run["tasks"] if task["cachedFrom"])):
        task = next(found for found in run["tasks"] if found["name"] == name)
        detail = next(found for found in run["job"]["jobDetail"]["taskDetails"] if found["taskName"] == name)
        page.open(f"/runs/{run['name']}?task={name}")
        shown = facts(page, "node")
        assert shown["State"].split()[0] == task["state"]
        assert ("reused" in shown["State"]) == bool(task["cachedFrom"])
        assert shown["Environment"].startswith(task["environment"])
        assert shown["Duration"] == lasted(task["startTime"], task["endTime"])
        began = page.locator("#node dt", has_text=re.compile("^Started$")).locator(
            "xpath=following-sibling::dd[1]/time"
        )
        expect(began).to_have_attribute("title", exact(task["startTime"]))
        given = {
            key.partition(":")[2]: value
            for key, value in detail["execution"]["metadata"].items()
            if key.startswith("input:")
        }
        assert {key: str(value).lower() for key, value in given.items()} == {
            key: value.lower() for key, value in (facts(page, "node-inputs") if given else {}).items()
        }
        artifacts = {(row["Artifact"], row["Use"]): row["Type"] for row in table(page, "node-artifacts")}
        assert artifacts == {
            (key, use): each["artifacts"][0]["schemaTitle"].rpartition(".")[2]
            for use, place in (("input", "inputs"), ("output", "outputs"))
            for key, each in detail.get(place, {}).items()
        }
        cost = run["cost"]["parts"][name]
        if task["cachedFrom"]:
            assert "outputs of" in shown["Cache"]
            assert "CPU used" not in shown
            continue
        assert shown["Cache"].startswith("ran; ")
        assert shown["CPU used"] == said_seconds(task["cpuSeconds"])
        assert shown["Peak memory"] == said_bytes(task["peakMemoryBytes"])
        assert shown["Cost"] == money(cost)
        (row,), (attempt,) = table(page, "node-attempts"), task["attempts"]
        assert (row["Attempt"], row["Outcome"]) == (str(attempt["attempt"]), attempt["outcome"])
        worked = lasted(attempt["start_time"], attempt["end_time"])
        assert (row["Worked"], shown["Worked"]) == (worked, f"{worked} in 1 attempt")
        assert (row["CPU"], row["Peak memory"]) == (
            said_seconds(attempt["cpu_seconds"]),
            said_bytes(attempt["peak_memory_bytes"]),
        )
        command = facts(page, "node-again")["Rerun"]
        assert f"--debug-task {name}" in command
        assert all(f"{key}=" in command for key in run["parameters"])


def test_s45_the_table_is_sorted_and_searched_and_its_figures_are_the_stores(page, run):
    tasks = {task["name"]: task for task in run["tasks"]}
    page.open(f"/runs/{run['name']}?tab=tasks")
    links = (
        rows(page, "tasks").locator("td:first-child a").evaluate_all("all => all.map(a => a.href.split('task=')[1])")
    )
    assert set(links) == set(tasks)
    for name, row in zip(links, table(page, "tasks"), strict=True):
        task = tasks[name]
        assert row["State"].split()[0] == task["state"]
        assert row["Duration"] == lasted(task["startTime"], task["endTime"])
        assert row["CPU"] == (said_seconds(task["cpuSeconds"]) if task["cpuSeconds"] else "–")
        assert row["Peak memory"] == (said_bytes(task["peakMemoryBytes"]) if task["peakMemoryBytes"] else "–")
        assert row["Attempts"] == (str(len(task["attempts"])) if task["attempts"] else row["Attempts"])

    page.get_by_role("button", name="CPU").click()
    page.get_by_role("button", name="CPU").click()
    expect(page.locator("#tasks th").filter(has_text="CPU")).to_have_attribute("aria-sort", "descending")
    order = (
        rows(page, "tasks").locator("td:first-child a").evaluate_all("all => all.map(a => a.href.split('task=')[1])")
    )
    used = [tasks[name]["cpuSeconds"] for name in order]
    assert used == sorted(used, reverse=True)
    page.get_by_label("Name").fill("eval")
    page.get_by_role("button", name="Filter").click()
    expect(rows(page, "tasks")).to_have_count(1)
    expect(rows(page, "tasks")).to_contain_text("Evaluator")
    page.get_by_role("link", name="Show all").first.click()
    page.get_by_label("State").select_option("SKIPPED")
    page.get_by_label("Order").select_option("name")
    page.get_by_role("button", name="Filter").click()
    skipped = sorted(name for name, task in tasks.items() if task["state"] == "SKIPPED")
    expect(rows(page, "tasks")).to_have_count(len(skipped))


def test_s45_bars_stand_where_tasks_were_at_work(page, run):
    page.open(f"/runs/{run['name']}?tab=timeline")
    length = seconds(run["createTime"], run["endTime"])
    for task in run["tasks"]:
        row = rows(page, "timeline").filter(has=page.locator(f"a[href$='?task={task['name']}']"))
        bar = row.locator(".segment:not(.wait)")
        left, width = (float(bar.get_attribute(side).rstrip("%")) for side in ("x", "width"))
        begun, over = seconds(run["createTime"], task["startTime"]), seconds(run["createTime"], task["endTime"])
        assert left + width == pytest.approx(100 * over / length, abs=0.5)
        if not task["cachedFrom"]:
            assert left >= 100 * begun / length - 0.5
            assert row.locator("td.number").inner_text() == lasted(task["startTime"], task["endTime"])
            took = row.locator("svg").get_attribute("aria-label").rpartition("after ")[2]
            waited = re.search(r"waited ([^;]+)", row.locator("svg").get_attribute("aria-label"))[1]
            assert in_seconds(took) + in_seconds(waited) == pytest.approx(over - begun, abs=0.2)


def seconds(start, end):
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def in_seconds(words):
    number, unit = words.split()
    return float(number) * {"ms": 0.001, "s": 1}[unit]


def test_s45_the_head_and_the_details_of_a_run_are_the_stores(page, shed, run):
    page.open(f"/runs/{run['name']}?tab=details")
    about = page.locator(".about")
    expect(about).to_contain_text(lasted(run["startTime"], run["endTime"]))
    expect(about).to_contain_text(money(run["cost"]))
    given = {key: value.removesuffix(" Copy") for key, value in facts(page, "parameters").items()}
    assert given == {key: str(value) for key, value in run["parameters"].items()}
    shown = facts(page, "about")
    assert shown["Name"].startswith(run["name"])
    assert shown["Pipeline"] == run["pipeline"]
    assert shown["Tasks"].startswith(run["done"])
    assert shown["Spec"].startswith(run["job"].get("templateUri", "sha256 "))
    assert shown["Outputs below"].startswith(run["job"]["runtimeConfig"]["gcsOutputDirectory"])
    titles = page.locator("#about time").evaluate_all("all => all.map(time => time.title)")
    assert titles[:3] == [exact(run[key]) for key in ("createTime", "startTime", "endTime")]
    expect(page.locator("#about")).to_contain_text(run["trigger"].rpartition("/")[2])
    answer = page.request.get(f"/runs/{run['name']}/spec")
    assert answer.status == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    stored = ask(shed, "/storage/v1/b/local-project-penguins/o/pipeline_root%2Fpenguin-training.json?alt=media")
    assert all(task in answer.text() for task in stored["root"]["dag"]["tasks"])


def test_s45_a_run_is_watched_from_queued_to_done(page, shed, tmp_path):
    """Two runs want every core: the second waits for the first."""
    flags = [tmp_path / name for name in ("first", "second")]
    cores = int(float(parts(shed, "/")["health"]["figures"][2][1]))
    runs = [
        start(shed, f"takes-all-{flag.name}", f"echo begun; while [ ! -e {flag} ]; do sleep 0.05; done", cores=cores)
        for flag in flags
    ]
    page.open(f"/runs/{runs[1]}")
    page.evaluate("window.stays = true")
    task = page.locator('.graph-drawing [data-node="try"] > a.box')
    expect(task).to_have_attribute("aria-label", re.compile("QUEUED|PENDING"))
    assert ask(shed, f"/v1/{runs[1]}")["jobDetail"]["taskDetails"][0]["state"] == "PENDING"  # as Vertex calls it
    task.click()
    expect(page.locator("#node")).to_contain_text(re.compile("QUEUED|PENDING"))

    flags[0].touch()
    expect(task).to_have_attribute("aria-label", re.compile("RUNNING"))
    expect(page.locator("#node")).to_contain_text("RUNNING")
    expect(page.locator("#node-log")).to_contain_text("begun")
    expect(page.locator("h1")).to_contain_text("RUNNING")
    flags[1].touch()
    expect(task).to_have_attribute("aria-label", re.compile("SUCCEEDED"))
    expect(page.locator("h1")).to_contain_text("SUCCEEDED")
    assert page.evaluate("window.stays")  # all that without a reload
    done = ask(shed, f"/trainshed/v1/{PLACE}/runs/takes-all-second")
    shown = facts(page, "node")
    assert shown["Duration"] == lasted(done["tasks"][0]["startTime"], done["tasks"][0]["endTime"])
    assert in_seconds(shown["Waited"]) > 0


@pytest.mark.parametrize(
    "seconds",
    [0.0, 0.25, 0.5985, 0.9995, 0.9996, 1.0, 1.25, 1.45, 59.94, 59.97, 119.7, 3599.6, 3725.0, 86399.9, 183_600.0],
)
def test_durations_that_the_browser_writes_are_written_as_the_servers(page, seconds):
    page.open("/runs")

    written = "async (seconds) => (await import('/static/duration.js')).duration(seconds)"
    assert page.evaluate(written, seconds) == quantities.duration(seconds)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-59, "in 59 s"), (-3599, "in 59 min"), (-6720, "in 1 h 52 min"), (-183_600, "in 2 d 3 h"), (6720, "1 h ago")],
)
def test_what_is_to_come_is_said_to_the_minute_and_what_was_is_not(page, seconds, said):
    page.open("/runs")

    assert page.evaluate("async (seconds) => (await import('/static/live.js')).ago(seconds)", seconds) == said
