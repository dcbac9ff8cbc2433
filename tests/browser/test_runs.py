"""Runs: the list, several side by side, what came out of one, and what can be done with them."""

import json
import re
import urllib.request
from itertools import pairwise
from pathlib import Path

import pytest
from browser.doing import ask, forgive
from browser.looks import audit
from playwright.sync_api import expect

PARENT = "projects/local-project/locations/us-central1"
PIPELINE = Path(__file__).parents[1] / "fixtures" / "results" / "pipeline.py"
SWEEP = {"sweep-a": "0.001", "sweep-b": "0.01", "sweep-c": "0.2"}


def api(shed, path):
    with urllib.request.urlopen(f"{shed.address}/trainshed/v1/{PARENT}{path}", timeout=60) as answer:
        return json.load(answer)


def run_address(job):
    return f"/runs/{PARENT}/pipelineJobs/{job}"


def compared(*jobs):
    return "/runs/compare?" + "&".join(f"run={PARENT}/pipelineJobs/{job}" for job in jobs)


@pytest.fixture(scope="module")
def spec(shed, tmp_path_factory):
    compiled = tmp_path_factory.mktemp("results") / "pipeline.json"
    done = shed.run("pipelines", "compile", str(PIPELINE), "-o", str(compiled))
    assert done.returncode == 0, done.stderr
    return compiled


@pytest.fixture(scope="module")
def results(shed, spec):
    """A run that left one of everything, and a sweep."""

    def start(job, *parameters):
        words = [word for parameter in parameters for word in ("--parameter", parameter)]
        done = shed.run("pipelines", "run", str(spec), "--job-id", job, *words, "--wait")
        assert done.returncode == 0, done.stdout + done.stderr

    start("everything", "layers=[4, 8]")
    for job, rate in SWEEP.items():
        start(job, f"rate={rate}")
    return "everything"


def cells(row):
    return [re.sub(r"\s+", " ", text).strip() for text in row.locator("td").all_inner_texts()]


def table(page, part):
    """The rows of a part as {first cell: other cells}."""
    rows = page.locator(f"#{part} tbody").first.locator("tr").all()
    return {row.locator("th").inner_text(): cells(row) for row in rows}


def test_every_row_of_a_list_leads_to_its_account(shed):
    for address in ("/runs", "/builds", "/receipts", "/schedules", "/models"):
        with urllib.request.urlopen(f"{shed.address}{address}?format=json", timeout=60) as answer:
            rows = [row for part in json.load(answer)["parts"] for row in part.get("rows", ())]
        assert rows
        for row in rows:
            assert row[-1]["text"] == "Why"
            with urllib.request.urlopen(shed.address + row[-1]["href"], timeout=60) as answer:
                assert answer.status == 200


def test_s46_the_list_says_what_started_each_run(page, shed):
    known = {run["name"].rsplit("/", 1)[-1]: run for run in api(shed, "/runs")["runs"]}
    page.open("/runs")

    shown = {row.locator("td a").first.inner_text(): cells(row) for row in page.locator("#runs tbody tr").all()}
    assert set(known) == set(shown)
    for job, run in known.items():
        _, _, state, pipeline, because, _, duration, cost, parameters, _ = shown[job]
        assert state.startswith(run["state"])
        assert pipeline == run["pipeline"]
        assert because.endswith("receipt") == bool(run["receipt"])
        assert duration
        whole = api(shed, f"/runs/{job}")["cost"]
        here = f"{whole['local']:.4f}" if whole["local"] else "0"
        assert cost == f"{here} · {whole['cloud']:.4f} {whole['currency']}"
        assert f"num_epochs={run['parameters']['num_epochs']}" in parameters
    scheduled = [job for job, run in known.items() if run["trigger"].endswith("/jobs/hourly-training")]
    assert len(scheduled) == 2

    page.get_by_label("Started by").select_option(label="schedule hourly-training")
    page.get_by_role("button", name="Filter").click()

    expect(page.locator("#runs tbody tr")).to_have_count(2)
    assert {row.locator("td a").first.inner_text() for row in page.locator("#runs tbody tr").all()} == set(scheduled)
    schedule = page.locator("#runs tbody tr").first.get_by_role("link", name="schedule hourly-training")
    assert schedule.get_attribute("href").endswith("/jobs/hourly-training")

    page.open("/runs?value=num_epochs%3D5&state=SUCCEEDED")
    five = [job for job, run in known.items() if run["parameters"]["num_epochs"] == 5]
    expect(page.locator("#runs tbody tr")).to_have_count(len(five))
    page.open("/runs?text=nothing-is-called-so")
    expect(page.get_by_text("No run is like that")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#runs tbody tr")).to_have_count(len(known))
    assert audit(page) == []


def test_runs_are_chosen_in_the_list_and_what_differs_comes_first(page, shed):
    known = sorted(run["name"] for run in api(shed, "/runs")["runs"])
    first, second = known[0].rsplit("/", 1)[-1], known[1].rsplit("/", 1)[-1]
    page.open("/runs")
    for job in (second, first):
        page.get_by_role("checkbox", name=f"Choose {job}", exact=True).check()
    page.get_by_role("button", name="Compare").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Comparison of 2 runs")
    heads = page.locator("#parameters thead").first.locator("th").all_inner_texts()
    assert heads[1:] == [f"A {first}", f"B {second}", "Change"], "from the earlier one to the later one"
    one, other = (api(shed, f"/runs/{job}")["parameters"] for job in (first, second))
    different = {key for key in one if one[key] != other[key]}
    assert set(table(page, "parameters")) == different == {"num_epochs"}
    assert table(page, "parameters")["num_epochs"] == ["3", "5", "+2 (+66.7 %)"]
    alike = page.locator("#parameters details")
    expect(alike.locator("summary")).to_have_text(f"{len(one) - 1} the same")
    expect(alike.locator("table")).to_be_hidden()
    alike.locator("summary").click()
    expect(alike.get_by_text("learning_rate")).to_be_visible()
    assert audit(page) == []

    page.get_by_role("link", name="Leave out").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Comparison")


def test_what_differs_stands_below_each_other_on_a_phone(look, shed):
    first, second = sorted(run["name"].rsplit("/", 1)[-1] for run in api(shed, "/runs")["runs"])[:2]
    epochs = [api(shed, f"/runs/{job}")["parameters"]["num_epochs"] for job in (first, second)]

    with look("light", 390) as page:
        page.open(compared(first, second))
        block = page.locator("#parameters tbody tr").first
        boxes = [cell.bounding_box() for cell in block.locator("th, td").all()]

        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert all(above["y"] + above["height"] <= below["y"] + 1 for above, below in pairwise(boxes))
        assert len(boxes) == 4
        assert block.locator("td").all_inner_texts()[:2] == [str(value) for value in epochs]
        said = block.locator("td").evaluate_all("all => all.map(each => getComputedStyle(each, '::before').content)")
        assert said == ['"A"', '"B"', '"Change"']
        assert audit(page) == []


def test_a_run_stands_beside_the_one_before_it(page, shed):
    known = {run["name"]: run for run in api(shed, "/runs")["runs"]}
    scheduled = sorted(name for name, run in known.items() if run["trigger"].endswith("/jobs/hourly-training"))
    page.open(f"/runs/{scheduled[1]}")
    page.get_by_role("link", name="Compare with the previous one").click()

    expect(page.locator("#runs tbody tr")).to_have_count(2)
    shown = [row.locator("a").first.inner_text() for row in page.locator("#runs tbody tr").all()]
    assert shown == [f"{letter} {name.rsplit('/', 1)[-1]}" for letter, name in zip("AB", scheduled, strict=True)]

    page.open(compared(scheduled[0].rsplit("/", 1)[-1]) + "&previous")
    expect(page.get_by_text("There is no earlier run of the same trigger and pipeline.")).to_be_visible()
    page.open(compared(scheduled[1].rsplit("/", 1)[-1]))
    expect(page.get_by_text("Choose at least one other run")).to_be_visible()

    page.open(compared(*(name.rsplit("/", 1)[-1] for name in reversed(scheduled[:2]))))
    again = [row.locator("a").first.inner_text() for row in page.locator("#runs tbody tr").all()]
    assert again == shown, "the earlier one stands first, whichever was named first"


def test_a_sweep_is_drawn_and_reached_by_keyboard(page, shed, results):
    jobs = [results, *SWEEP]
    page.open(compared(*jobs))

    lines = page.locator("#sweep svg[role=group] a")
    expect(lines).to_have_count(4)
    metrics = table(page, "metrics")
    for place, job in enumerate(jobs):
        tasks = {task["name"]: task for task in api(shed, f"/runs/{job}")["tasks"]}
        accuracy = tasks["train"]["outputs"]["parameters"]["Output"]
        assert metrics["evaluate: accuracy"][place] == f"{accuracy:.6g}"
        assert f"evaluate: accuracy {accuracy:.6g}" in lines.nth(place).get_attribute("aria-label")
    assert table(page, "parameters")["rate"] == ["0.1", *SWEEP.values()]
    expect(page.locator("#chart-0")).to_contain_text("evaluate: accuracy")

    lines.nth(1).focus()
    page.keyboard.press("Tab")
    expect(lines.nth(2)).to_be_focused()
    assert audit(page) == []
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sweep-b$"))


def test_a_metric_is_followed_over_the_runs_and_leads_to_them(page, shed, results):
    page.open(f"{run_address(results)}?tab=results")
    row = page.locator("#metrics tr", has_text="accuracy")
    row.get_by_role("link", name="In other runs").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Metrics of results")
    page.wrong[:] = [said for said in page.wrong if "/rendered/" not in said]  # the report's attempts
    expect(page.get_by_label("Metric")).to_have_value("evaluate: accuracy")
    jobs = [results, *SWEEP]
    known = {}
    for job in jobs:
        tasks = {task["name"]: task for task in api(shed, f"/runs/{job}")["tasks"]}
        known[job] = tasks["train"]["outputs"]["parameters"]["Output"]
    page.get_by_text("As a table").click()
    drawn = [cells(row) for row in page.locator("#chart-0 tbody tr").all()]
    assert [(called.partition(",")[0], value) for called, value in drawn] == [
        (job, f"{value:.4g}") for job, value in known.items()
    ]
    listed = [cells(row) for row in page.locator("#runs tbody tr").all()]
    assert [(row[0], row[4]) for row in listed] == [(job, f"{known[job]:.6g}") for job in reversed(jobs)]
    assert listed[0][5].startswith(f"{known['sweep-c'] - known['sweep-b']:+.4g} (")
    assert listed[-1][5] == "–"
    assert audit(page) == []

    plot = page.locator(".plot")
    plot.focus()
    page.keyboard.press("Home")
    expect(page.locator("#chart-0 .value")).to_have_text(f"{known[results]:.4g}")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#chart-0 .at")).to_contain_text("sweep-a")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/pipelineJobs/sweep-a$"))

    page.open("/runs/metrics?pipeline=results&metric=none")
    expect(page.locator("#chart-0")).to_contain_text("None of these runs has the metric 'none'")
    page.open("/runs/metrics?trigger=hourly-training")
    expect(page.locator("section.chart")).to_have_count(7)  # every metric of the example, and how long runs took


def test_what_came_out_is_shown_and_can_do_nothing(page, shed, results):
    page.open(f"{run_address(results)}?tab=results")

    shown = {row[0]: row[1] for row in map(cells, page.locator("#metrics tbody tr").all())}
    assert shown == {"accuracy": "0.85", "loss": "0.15", "verdict": "<b>good</b>"}
    roc = page.locator("section.roc")
    expect(roc).to_have_count(2)
    expect(roc.first).to_contain_text("all data area under the curve 0.825")
    expect(roc.last).to_contain_text("Biscoe area under the curve 0.875")
    roc.first.get_by_text("As a table").click()
    assert cells(roc.first.locator("tbody tr").nth(1)) == ["all data", "0.8", "0.1", "0.6"]
    matrix = [cells(row) for row in page.locator("section.confusion tbody tr").all()]
    assert [row[:3] for row in matrix[:3]] == [["40", "2", "0"], ["1", "30", "3"], ["0", "0", "24"]]
    assert [row[3] for row in matrix] == ["95.2 %", "88.2 %", "100.0 %", "94.0 % right"]
    expect(page.locator("section.confusion")).to_contain_text("<i>Chinstrap")

    notes = page.locator("section.written")
    expect(notes.get_by_role("heading", name="Findings")).to_be_visible()
    expect(notes).to_contain_text("<script>document.title = 'Taken'</script>")
    assert notes.get_by_role("link").all_inner_texts() == ["a link", "a picture"]

    frame = page.locator("section.framed iframe")
    frame.scroll_into_view_if_needed()
    assert frame.get_attribute("sandbox") == ""
    expect(page.frame_locator("section.framed iframe").locator("#said")).to_have_text("Untouched")
    expect(page).to_have_title("SUCCEEDED: everything · Trainshed")
    answer = page.request.get(frame.get_attribute("src"))
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'; img-src data:;")
    assert page.request.get("/rendered/1").status == 404
    blocked = [said for said in page.wrong if "/rendered/" in said]
    assert len(blocked) >= 2  # the report's attempts, each refused
    page.wrong[:] = [said for said in page.wrong if said not in blocked]


def test_a_run_is_started_again_with_other_parameters(page, shed, results):
    page.open(run_address(results))
    page.get_by_role("link", name="Run again with changes").click()

    expect(page.get_by_label("layers")).to_have_value("[4, 8]")
    expect(page.get_by_label("rows")).to_have_value("3")
    assert audit(page) == []
    said = page.locator("#clone .said")
    page.get_by_label("layers").fill("[4, ")
    page.get_by_role("button", name="Start the run").click()
    expect(said).to_contain_text("layers: this is no JSON")
    expect(page.get_by_label("layers")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("layers")).to_be_focused()
    page.get_by_label("layers").fill('{"a": 1}')
    page.get_by_role("button", name="Start the run").click()
    expect(said).to_contain_text("parameters.layers")
    expect(page.locator("[id='clone-parameters.[layers]-wrong']")).to_contain_text("parameters.layers")
    expect(page.get_by_label("layers")).to_be_focused()
    assert audit(page) == []
    forgive(page, "400 (Bad Request)")
    page.get_by_label("layers").fill("[]")
    page.get_by_label("rows").fill("many")
    page.get_by_role("button", name="Start the run").click()
    expect(said).to_contain_text("rows: many is no whole number.")
    assert page.locator("[aria-invalid]").evaluate_all("found => found.map(each => each.name)") == ["parameters.[rows]"]
    page.get_by_label("rows").fill("9007199254740993")
    page.get_by_role("button", name="Start the run").click()
    expect(said).to_contain_text("rows: 9007199254740993 is too large to be sent exactly.")
    page.get_by_label("rows").fill("")  # as the pipeline has it
    page.get_by_label("rate").fill("2e-3")
    page.get_by_label("kind").fill("")
    page.get_by_label("is_deep").check()
    page.get_by_label("Run id").fill("again")
    page.get_by_role("button", name="Start the run").click()

    expect(page).to_have_url(re.compile("/pipelineJobs/again$"))
    expect(page.locator("h1")).to_contain_text("SUCCEEDED")
    assert api(shed, "/runs/again")["parameters"] == {
        "is_deep": True, "kind": "", "layers": [], "options": {"seed": 1}, "rate": 0.002, "rows": 3, "seconds": 0.0,
    }  # fmt: skip


def test_a_run_of_a_compiled_pipeline_that_never_ran_is_started_from_its_object(page, shed, spec):
    address = "gs://local-project-penguins/fresh/results.json"
    done = shed.run("storage", "cp", str(spec), address)
    assert done.returncode == 0, done.stderr
    page.open("/runs")
    page.get_by_role("link", name="Start a run", exact=True).click()
    assert audit(page) == []
    page.get_by_label("Compiled pipeline").fill(address)
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Start a run of results")

    page.open("/buckets/local-project-penguins?object=fresh%2Fresults.json")
    page.get_by_role("link", name="Start a run of it").click()
    assert audit(page) == []
    expect(page.get_by_label("Compiled pipeline")).to_have_value(address)
    page.get_by_label("rate").fill("quick")
    page.get_by_role("button", name="Start the run").click()
    expect(page.locator("#new .said")).to_contain_text("rate: quick is no number.")
    page.get_by_label("rate").fill("5e-3")
    page.get_by_label("Run id").fill("fresh")
    page.get_by_role("button", name="Start the run").click()

    expect(page).to_have_url(re.compile("/pipelineJobs/fresh$"))
    expect(page.locator("h1")).to_contain_text("SUCCEEDED")
    assert api(shed, "/runs/fresh")["parameters"]["rate"] == 0.005
    assert ask(shed, f"/v1/{PARENT}/pipelineJobs/fresh")["templateUri"] == address


def test_a_run_is_watched_cancelled_and_retried(page, shed, spec):
    page.open("/runs?pipeline=results")
    done = shed.run(
        "pipelines", "run", str(spec), "--job-id", "slow", "--parameter", "seconds=12", "--parameter", "rows=9"
    )
    assert done.returncode == 0, done.stderr
    row = page.locator("#runs tbody tr", has=page.get_by_role("link", name="slow", exact=True))
    expect(row).to_contain_text("RUNNING")  # without a reload

    row.get_by_role("link", name="slow", exact=True).click()
    state = page.locator("h1")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave it").click()
    expect(state).to_contain_text("RUNNING")
    assert api(shed, "/runs/slow")["state"] == "RUNNING"
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(state).to_contain_text("CANCELLED")
    assert api(shed, "/runs/slow")["state"] == "CANCELLED"
    expect(page.get_by_text("asked to end by the dashboard at")).to_be_visible()

    page.get_by_role("button", name="Retry what failed").click()
    expect(state).to_contain_text("RUNNING")
    expect(page).to_have_title("RUNNING: slow · Trainshed")  # for who looks at another tab
    expect(state).to_contain_text("SUCCEEDED")
    expect(page).to_have_title("SUCCEEDED: slow · Trainshed")
    assert api(shed, "/runs/slow")["state"] == "SUCCEEDED"
    expect(page.get_by_text(" of pauses")).to_be_visible()
    expect(page.get_by_text("asked to end by")).to_have_count(0)


def test_what_cannot_be_meant_is_said(page):
    for path, words in (
        ("/runs?state=DONE", "'DONE' is none of"),
        ("/runs?value=epochs", "num_epochs=3"),
        ("/runs?since=yesterday", "no time such as"),
        ("/runs?page=zzz", "page: leads to no part of this list"),
        (compared(*(f"job-{number}" for number in range(11))), "choose up to 10"),
        (compared("none"), "There is no run"),
    ):
        answer = page.request.get(path)
        assert answer.status in {400, 404}, path
        assert words in answer.text().replace("&#39;", "'"), path
    page.open("/runs/compare")
    expect(page.get_by_text("Choose two to ten runs")).to_be_visible()
