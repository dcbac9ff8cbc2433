"""The overview, the first run, and accounts, as a person sees them: every figure is the API's."""

import json
import urllib.request
from urllib.parse import quote

import pytest
from browser.looks import audit
from playwright.sync_api import expect

from trainshed.testing import server

_PARENT = "projects/local-project/locations/us-central1"


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
    return ask(shed, f"/v1/{_PARENT}/pipelineJobs?pageSize=1")["pipelineJobs"][0]["name"]


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
    assert f"{len(runs)} runs" in shown["Cost of 7 days"]
    assert "OK" in shown["Server"]


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


def test_every_link_of_an_account_leads_somewhere(shed, page, last_run):
    page.open(f"/why/{last_run}")
    hrefs = {link.get_attribute("href") for link in page.locator("main a").all()}

    answers = {href: page.request.get(shed.address + href).status for href in hrefs}

    assert {href: status for href, status in answers.items() if status != 200} == {}


def test_a_store_without_anything_says_what_to_type_until_something_happens(chromium, make_home):
    with server(make_home()) as fresh:
        context = chromium.new_context(base_url=fresh.address, viewport={"width": 390, "height": 800})
        opened = context.new_page()
        opened.goto("/")
        expect(opened.get_by_role("heading", level=1)).to_have_text("Nothing has happened here yet")
        expect(opened.get_by_role("button", name="Copy trainshed demo --keep")).to_be_visible()
        assert audit(opened) == []
        expect(opened.locator("#connection")).to_have_text("Live", timeout=30_000)

        steps = [{"name": "ubuntu", "script": "true"}]
        ask(fresh, "/v1/projects/local-project/builds", {"steps": steps})

        expect(opened.get_by_role("heading", level=1)).to_have_text("Overview", timeout=30_000)
        context.close()
