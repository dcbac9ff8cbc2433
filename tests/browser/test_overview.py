"""The overview, the first run, and accounts, as a person sees them: every figure is the API's."""

import json
import re
import urllib.request
from datetime import datetime
from urllib.parse import quote

import pytest
from browser.conftest import looking
from browser.doing import exact, rows, start, table
from browser.looks import LOOKS, audit
from playwright.sync_api import expect

from trainshed import costs
from trainshed.testing import server, wait_until

_PARENT = "projects/local-project/locations/us-central1"
EMPTY = (
    "/builds", "/runs", "/functions", "/schedules", "/topics", "/triggers", "/schemas", "/receipts", "/buckets", "/artifacts",
    "/models", "/costs", "/runs/metrics", "/find?text=anything",
)  # fmt: skip
FORMS = ("/runs/new", "/runs/compare", "/triggers/new", "/triggers/new?kind=run-object")


def ask(shed, path, document=None, method=None):
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(shed.address + path, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def figures(page):
    labels = page.locator("#health dt").all_inner_texts()
    return dict(zip(labels, page.locator("#health dd").all_inner_texts(), strict=True))


@pytest.fixture(scope="module")
def last_run(shed):
    runs = ask(shed, f"/trainshed/v1/{_PARENT}/runs")["runs"]
    return next(run["name"] for run in runs if run["pipeline"] == "penguin-training")


def test_the_overview_says_what_is_due_how_fresh_models_are_and_what_was_spent(shed, page):
    due = shed.json("scheduler", "jobs", "preview", "hourly-training")["firings"][0]["time"]
    runs = ask(shed, f"/v1/{_PARENT}/pipelineJobs")["pipelineJobs"]

    page.open("/")

    assert audit(page) == []
    row = page.locator("#next tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator("time")).to_have_attribute("datetime", due)
    expect(row).to_contain_text("Etc/UTC")
    expect(page.locator("#models tbody tr")).to_contain_text("penguin-training")
    shown = figures(page)
    builds = ask(shed, "/v1/projects/local-project/builds")["builds"]
    spent = spent_in_the_cloud(shed, runs, builds)
    said = re.search(r"here; (\S+) USD on Google Cloud; (\d+) runs that ended", shown["Cost of 7 days"])
    assert (float(said[1]), int(said[2])) == (pytest.approx(spent, abs=0.0001), len(runs))
    assert shown["At work now"].startswith("0")
    assert shown["Needs you"].startswith("0")
    (listed,) = ask(shed, "/trainshed/v1/models")["models"]
    newest, before = ask(shed, f"/trainshed/v1/models/{listed['model']}")["versions"][:2]
    (model,) = table(page, "models")
    assert model["Newest version"] == f"{listed['newestVersion']} (live)" == f"{listed['liveVersion']} (live)"
    now, was = (version["metrics"]["evaluation.accuracy"] for version in (newest, before))
    assert f"accuracy {now:.4g}, was {was:.4g}" in model["Evaluation"]
    expect(page.locator("#models time")).to_have_attribute("title", exact(newest["createTime"]))
    assert "OK" in shown["Server"]


def spent_in_the_cloud(shed, runs, builds):
    """Add up what the API says of each run, and what each build took."""
    prices = costs.load()
    found = 0.0
    for run in runs:
        found += ask(shed, f"/trainshed/v1/{_PARENT}/runs/{run['name'].rpartition('/')[2]}")["cost"]["cloud"]
    for build in builds:
        took = datetime.fromisoformat(build["finishTime"]) - datetime.fromisoformat(build["startTime"])
        machine = build.get("options", {}).get("machineType", "")
        found += costs.of_build(prices, seconds=took.total_seconds(), machine_type=machine).cloud
    return found


def test_what_is_at_work_is_there_while_it_is_and_a_failed_run_says_why(shed, page, tmp_path):
    flag = tmp_path / "go"
    page.open("/")
    expect(page.locator("#now")).to_contain_text("Nothing runs at the moment")
    name = start(shed, "fails-here", f"while [ ! -e {flag} ]; do sleep 0.05; done; echo no >&2; exit 7")
    steps = [{"name": "ubuntu", "script": f"while [ ! -e {flag} ]; do sleep 0.05; done"}]
    build = ask(shed, "/v1/projects/local-project/builds", {"steps": steps})["metadata"]["build"]["id"]

    expect(rows(page, "now")).to_have_count(2)  # without a reload
    shown = {row["What"]: row for row in table(page, "now")}
    assert set(shown) == {"Run fails-here", f"Build {build[:8]}"}
    assert shown["Run fails-here"]["Of"] == "of-one-task"
    expect(page.locator("#health dd").nth(3)).to_contain_text("2")
    flag.touch()

    expect(page.locator("#now")).to_contain_text("Nothing runs at the moment")
    row = page.locator("#failures tbody tr", has_text="fails-here")
    wait_until(lambda: ask(shed, f"/v1/{name}")["state"] == "PIPELINE_STATE_FAILED", what="the failure")
    expect(row.locator(".badge")).to_have_text("FAILED")
    said = ask(shed, f"/trainshed/v1/{_PARENT}/runs/fails-here")["error"].partition("\n")[0]
    expect(row).to_contain_text(said)
    assert "7" in said


def test_what_needs_somebody_appears_and_goes_while_one_looks(shed, page):
    page.open("/")
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.locator("#waiting")).to_contain_text("Nothing waits")

    ask(shed, f"/v1/{_PARENT}/jobs/hourly-training:pause", {})
    expect(page.locator("#waiting tbody tr")).to_contain_text("trainshed scheduler jobs resume hourly-training")
    expect(page.locator("#next")).to_contain_text("No schedule fires by itself.")

    ask(shed, f"/v1/{_PARENT}/jobs/hourly-training:resume", {})
    expect(page.locator("#waiting")).to_contain_text("Nothing waits")


def test_a_failure_is_there_with_its_reason_and_leads_to_the_account(shed, page):
    page.open("/")
    steps = [{"id": "Break", "name": "ubuntu", "script": "echo no; exit 3"}]
    build = ask(shed, "/v1/projects/local-project/builds", {"steps": steps})["metadata"]["build"]["id"]

    row = page.locator("#failures tbody tr", has_text=build[:8])
    expect(row).to_contain_text("FAILURE")
    row.get_by_role("link", name="Why").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Why build {build[:8]}")
    expect(page.locator(f"#build-{build}")).to_contain_text('step 0 "Break" ended with exit code 3')
    expect(page.locator("#answer")).to_contain_text(f"trainshed builds log {build}")


def test_an_account_tells_the_same_on_the_page_in_the_api_and_in_one_file(shed, page, last_run):
    account = ask(shed, f"/trainshed/v1/explain/{last_run}")

    page.open(f"/why/{last_run}")

    assert audit(page) == []
    expect(page.locator("#answer .says")).to_have_text(account["says"])
    assert page.locator("section.told").count() == len(account["steps"])
    for step in account["steps"]:
        expect(page.locator(f"[id='{step['id']}'] .says")).to_contain_text(step["says"])
    assert {"run", "data", "environment", "decisions", "verdict", "cost", "made"} <= {s["id"] for s in account["steps"]}
    with urllib.request.urlopen(f"{shed.address}/why-file/html/{quote(last_run)}", timeout=60) as answer:
        file = answer.read().decode()
        assert answer.headers["content-disposition"].startswith("attachment")
    assert "<script" not in file
    assert "http" not in file.partition("<body>")[0].replace("http-equiv", "")
    assert all(step["heading"].split(",")[0].replace("'", "&#39;") in file for step in account["steps"])
    with urllib.request.urlopen(f"{shed.address}/why-file/json/{quote(last_run)}", timeout=60) as answer:
        assert json.load(answer) == account


def test_an_account_is_taken_along_as_a_file_that_needs_nothing_else(page, look, tmp_path, shed, last_run):
    account = ask(shed, f"/trainshed/v1/explain/{last_run}")
    page.open(f"/why/{last_run}")
    kept = {}
    for kind in ("HTML", "JSON"):
        with page.expect_download() as download:
            page.locator("#answer").get_by_role("link", name=kind, exact=True).click()
        kept[kind] = tmp_path / download.value.suggested_filename
        download.value.save_as(kept[kind])

    assert json.loads(kept["JSON"].read_text()) == account
    for scheme, width in LOOKS:
        with look(scheme, width) as reader:
            asked = []
            reader.on("request", lambda request, asked=asked: asked.append(request.url))
            reader.goto(kept["HTML"].as_uri())
            expect(reader.get_by_role("heading", level=1)).to_contain_text(account["title"])
            expect(reader.get_by_role("heading", level=2)).to_have_count(len(account["steps"]))
            for step in account["steps"]:
                expect(reader.locator("body")).to_contain_text(step["says"])
            assert asked == [kept["HTML"].as_uri()]
            assert audit(reader) == []
            assert reader.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_link_of_an_account_leads_somewhere(shed, page, last_run):
    page.open(f"/why/{last_run}")
    hrefs = {link.get_attribute("href") for link in page.locator("main a").all()}

    answers = {href: page.request.get(shed.address + href).status for href in hrefs}

    assert {href: status for href, status in answers.items() if status != 200} == {}


def test_a_store_without_anything_says_what_to_type_until_something_happens(chromium, make_home):
    with server(make_home()) as fresh, looking(chromium, fresh.address) as opened:
        opened.open("/")
        expect(opened.get_by_role("heading", level=1)).to_have_text("Nothing has happened here yet")
        expect(opened.get_by_role("button", name="Copy trainshed demo --keep")).to_be_visible()
        expect(opened.locator("#connection")).to_have_text("Live")
        problems = {}
        for path in ("/", *EMPTY, *FORMS):
            opened.open(path)
            if path in EMPTY:
                expect(opened.locator(".nothing").first).to_be_visible()
            for scheme, width in LOOKS:
                opened.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                opened.set_viewport_size({"width": width, "height": 900})
                is_wide = opened.evaluate("document.documentElement.scrollWidth > innerWidth")
                problems[f"{path} {scheme} {width}"] = audit(opened) + ["wider than its window"] * is_wide
        assert {where: found for where, found in problems.items() if found} == {}

        opened.open("/")
        steps = [{"name": "ubuntu", "script": "true"}]
        ask(fresh, "/v1/projects/local-project/builds", {"steps": steps})

        expect(opened.get_by_role("heading", level=1)).to_have_text("Overview")
