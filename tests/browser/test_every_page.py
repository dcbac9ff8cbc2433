"""Every page in every look: nothing to complain about for a browser, for axe, and no wider than its window."""

import importlib
import pkgutil
import re
from datetime import datetime
from unittest.mock import MagicMock
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from browser.doing import PLACE, ask
from browser.looks import SEEN, audit
from browser.places import places
from playwright.sync_api import expect
from starlette.routing import compile_path

from trainshed import dashboard

WRONG = (
    "/nothing/of/the/kind", "/runs/none", "/builds/none", "/functions/none", "/schedules/none", "/topics/none",
    "/subscriptions/none", "/schemas/none", "/triggers/none", "/receipts/none", "/buckets/none", "/artifacts/none",
    "/lineage/none", "/models/none", "/why/none", "/runs/none/clone", "/runs?state=DONE", "/runs?nothing=1",
    "/functions?window=1y", "/runs/compare?run=none", "/runs/new?template=none", "/costs?days=2", "/builds?since=yesterday",
    "/receipts?page=zzz", "/schedules?state=DONE", "/buckets/none?object=none",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(shed):
    """Every kind of page: {name: path}; what the demo leaves none of is made before."""
    project = "projects/local-project"
    schema = {"type": "AVRO", "definition": '{"type": "record", "name": "R", "fields": []}'}
    ask(shed, f"/v1/{project}/schemas?schemaId=seen", schema)
    request = {
        "parent": PLACE,
        "pipelineJob": {"templateUri": "gs://local-project-penguins/pipeline_root/penguin-training.json"},
    }
    wanted = {
        "displayName": "seen",
        "cron": "0 4 1 1 *",
        "maxConcurrentRunCount": 1,
        "createPipelineJobRequest": request,
    }
    ask(shed, f"/v1/{PLACE}/schedules", wanted)
    for steps in (["exit 3"], ["true"]):
        ask(shed, f"/v1/{project}/builds", {"steps": [{"name": "ubuntu", "script": script} for script in steps]})
    return places(shed.address)


def patterns():
    """Answer the paths of all pages, as the sections of the dashboard have them."""
    modules = [
        importlib.import_module(m.name) for m in pkgutil.walk_packages(dashboard.__path__, "trainshed.dashboard.")
    ]
    sections = {
        each for module in modules for each in vars(module).values()
        if isinstance(each, type) and hasattr(each, "addresses") and not getattr(each, "_is_protocol", False)
    }  # fmt: skip
    return {address.path for section in sections for address in section.addresses(MagicMock())}


def test_links_lead_to_every_page_that_there_is(found):
    missing = patterns()
    assert len(missing) > 20
    for path in found.values():
        missing -= {pattern for pattern in missing if compile_path(pattern)[0].match(urlsplit(path).path)}

    assert missing == set()
    assert {
        "runs-one-timeline", "functions-one-metrics", "builds-one", "why-one", "why-one-builds", "why-one-receipts",
        "why-one-jobs", "models-one", "models-one-version", "runs-one-compare", "runs-one-metrics", "schedules-one-jobs-calendar",
        "schedules-one-jobs-edit", "schedules-one-schedules-edit", "schemas-one-schemas", "triggers-one",
        "triggers-one-runtriggers", "subscriptions-one-subscriptions", "lineage-one", "find", "costs",
        "runs-one-logs", "runs-one-tasks", "runs-one-results", "runs-one-details", "runs-one-task", "runs-one-clone",
        "runs-one-clone-see", "runs-one-new", "runs-one-compare-logs", "runs-one-compare-pipeline", "builds-one-details",
        "builds-one-step", "functions-one-testing", "functions-one-logs", "buckets-one-folder", "buckets-one-object",
        "topics-one-message", "triggers-one-new-run-object", "artifacts-one",
    } <= set(found)  # fmt: skip


def test_every_page_is_fit_to_be_seen(page, found):
    problems = {}
    for name, path in found.items():
        answer = page.open(path)
        assert answer.status == 200, path
        drawn(page)
        problems |= looked_at(page, name) | times(page, name)
        problems |= {f"{name} says": list(page.wrong)} if page.wrong else {}
        page.wrong.clear()

    assert problems == {}


def test_every_page_that_says_what_is_wrong_is_fit_to_be_seen(page):
    problems = {}
    for path in WRONG:
        answer = page.open(path)
        assert answer.status in {400, 404}, path
        assert page.locator("main").inner_text().strip(), path
        problems |= looked_at(page, path)
        (said,) = page.wrong  # of the page itself, and of nothing beside it
        assert str(answer.status) in said
        page.wrong.clear()

    assert problems == {}


def drawn(page):
    """Wait for what scripts draw: graphs and logs."""
    expect(page.locator(".graph-view:not([data-drawn])")).to_have_count(0)
    expect(page.locator(".log-viewer:has(.log-lines:empty):has(.log-said:empty)")).to_have_count(0)


_TIMES = """() => [...document.querySelectorAll("time")].map((time) => [
  time.dateTime, time.title, time.textContent, "exact" in time.dataset
])"""


def times(page, name):
    """Answer the times that do not say exactly on hover when they were, or are not told as people say them."""
    wrong = []
    for when, title, said, is_exact in page.evaluate(_TIMES):
        day, clock, zone = title.split(" ")
        moment = datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=ZoneInfo(zone))
        is_so = moment == datetime.fromisoformat(when).replace(microsecond=0)
        is_said = said == title if is_exact else re.fullmatch(r"now|(in )?\d+ \w+( \d+ \w+)?( ago)?", said)
        wrong += [] if is_so and is_said else [(when, title, said)]
    return {f"{name} times": wrong} if wrong else {}


def looked_at(page, name):
    """Answer what axe finds in each look, and whether the page is wider than its window."""
    problems = {}
    for scheme, width in SEEN:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        violations = audit(page)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            violations.append("wider than its window")
        problems |= {f"{name} {scheme} {width}": violations} if violations else {}
    return problems
