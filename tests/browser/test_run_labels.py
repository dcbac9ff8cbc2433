"""What somebody writes on a run is on its pages, finds it again, and is compared."""

import urllib.error
import urllib.request

import pytest
from browser.doing import PLACE, ask, forgive
from browser.looks import audit
from playwright.sync_api import expect


@pytest.fixture
def jobs(shed):
    return [run["name"].rsplit("/", 1)[-1] for run in ask(shed, f"/trainshed/v1/{PLACE}/runs")["runs"]]


def stored(shed, job):
    return ask(shed, f"/v1/{PLACE}/pipelineJobs/{job}").get("labels", {})


def test_labels_are_written_on_a_run_and_find_it_again(page, shed, jobs):
    first, other, *_ = jobs
    page.open(f"/runs/{PLACE}/pipelineJobs/{first}?tab=details")
    field = page.get_by_label("One a line")
    assert audit(page) == []
    field.fill("no label")
    page.get_by_role("button", name="Save labels").click()
    expect(page.locator("#labels .wrong")).to_contain_text("'no label' is no label; write KEY=VALUE")
    forgive(page, "400")
    assert stored(shed, first) == {}

    field.fill("team=birds\nnote=the smaller rate & <b>")
    page.get_by_role("button", name="Save labels").click()
    expect(page.locator("#head").get_by_role("link", name="team=birds")).to_be_visible()
    assert stored(shed, first) == {"team": "birds", "note": "the smaller rate & <b>"}

    page.locator("#head").get_by_role("link", name="note=").click()
    expect(page.locator("#runs tbody tr")).to_have_count(1)
    expect(page.locator("#runs tbody tr")).to_contain_text("note=the smaller rate & <b>")
    assert audit(page) == []

    ask(shed, f"/trainshed/v1/{PLACE}/runs/{other}", {"labels": {"team": "fish"}}, "PATCH")
    page.open(f"/runs/compare?run={first}&run={other}")
    row = page.locator("#labels tbody tr", has_text="team")
    assert row.first.locator("td").all_inner_texts() == ["fish", "birds"]

    page.open(f"/runs/{PLACE}/pipelineJobs/{first}?tab=details")
    page.get_by_label("One a line").fill("")
    page.get_by_role("button", name="Save labels").click()
    expect(page.locator("#head").get_by_role("link", name="team=birds")).to_have_count(0)
    assert stored(shed, first) == {}
    assert stored(shed, other) == {"team": "fish"}


@pytest.mark.parametrize(
    ("job", "document", "code"),
    [("none", '{"labels": {}}', 404), (None, '{"state": "FAILED"}', 400), (None, "{}", 400)],
)
def test_nothing_but_labels_is_changed_of_a_run_that_is_there(shed, jobs, job, document, code):
    path = f"{shed.address}/trainshed/v1/{PLACE}/runs/{job or jobs[0]}"
    asked = urllib.request.Request(path, document.encode(), {"content-type": "application/json"}, method="PATCH")

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=60)

    with refused.value:
        assert refused.value.code == code
