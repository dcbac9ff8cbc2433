"""Pipelines inside a pipeline: each folds to one box that stands for all in it, and unfolds to what the store knows."""

import re

import pytest
from browser.doing import PLACE, ask
from browser.looks import audit
from browser.test_run import IMAGE, a_spec, a_task, drawn, node, run_address, submit
from playwright.sync_api import expect

INSIDE = {"outer.first", "outer.inner", "outer.inner.deep"}


@pytest.fixture(scope="module")
def nested(shed, tmp_path_factory):
    """A run of a pipeline in a pipeline in a pipeline, with its tasks."""
    container = {"container": {"image": IMAGE, "command": ["sh", "-c"], "args": ["echo said"]}}
    say = "comp-say"
    inner = {"dag": {"tasks": {"deep": a_task(say)}}}
    outer = {"dag": {"tasks": {"first": a_task(say), "inner": a_task("comp-inner", ["first"])}}}
    components = {say: {"executorLabel": "exec-say"}, "comp-inner": inner, "comp-outer": outer}
    tasks = {"outer": a_task("comp-outer"), "last": a_task(say, ["outer"])}
    spec = a_spec("pipelines-in-pipelines", tasks, components, {"exec-say": container})
    name = submit(shed, spec, tmp_path_factory.mktemp("nested"))
    ask(shed, f"/trainshed/v1/{PLACE}/runs/{name.rpartition('/')[2]}/wait")
    return ask(shed, f"/trainshed/v1/{PLACE}/runs/{name.rpartition('/')[2]}")


def shown(page):
    return set(page.locator(".graph-drawing [data-node]").evaluate_all("all => all.map((each) => each.dataset.node)"))


def test_a_pipeline_in_a_pipeline_folds_and_unfolds(page, nested):
    states = {task["name"]: task["state"] for task in nested["tasks"]}
    assert {"outer.first", "outer.inner.deep", "last"} <= set(states)
    page.open(run_address(nested["name"]))
    drawn(page)
    assert {"outer", "last", *INSIDE} <= shown(page)
    for name in ("outer.first", "outer.inner.deep", "last"):
        assert states[name] in node(page, name).get_attribute("aria-label")

    page.locator('.graph-drawing [data-node="outer.inner"] > a.fold').click()
    expect(node(page, "outer.inner.deep")).to_have_count(0)
    expect(node(page, "outer.first")).to_have_count(1)
    page.locator('.graph-drawing [data-node="outer"] > a.fold').click()
    expect(node(page, "outer.first")).to_have_count(0)
    assert not INSIDE & shown(page)
    expect(node(page, "outer")).to_have_attribute("aria-label", re.compile("SUCCEEDED"))
    assert audit(page) == []

    page.reload()  # what is folded stands in the address
    drawn(page)
    assert not INSIDE & shown(page)
    node(page, "outer").focus()
    page.keyboard.press("Space")
    expect(node(page, "outer.first")).to_have_count(1)


def test_a_task_deep_inside_has_its_panel_and_its_log(page, nested):
    page.open(run_address(nested["name"], "?task=outer.inner.deep"))

    expect(page.locator("#node")).to_contain_text("SUCCEEDED")
    expect(page.locator("#node-log")).to_contain_text("said")
    expect(page.locator("#node-again")).to_contain_text("--debug-task outer.inner.deep")
