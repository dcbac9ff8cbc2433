"""How pages are arranged: what belongs together stands together, and nothing is cut off where there is little room."""

import pytest
from browser.doing import rows
from browser.looks import audit
from playwright.sync_api import expect

PLACE = "projects/local-project/locations/us-central1"
FUNCTION = f"/functions/{PLACE}/functions/trigger-penguin-training-fn"
SCHEDULE = f"/schedules/{PLACE}/jobs/hourly-training"

_RIGHT_OF_TEXT = """cells => cells.map(cell => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return Math.round(range.getBoundingClientRect().right);
})"""


@pytest.fixture
def run(shed):
    return f"/runs/{shed.json('pipelines', 'list')[0]['name']}"


def overflow(page, selector):
    return page.locator(selector).evaluate("element => element.scrollWidth - element.clientWidth")


def test_quantities_end_at_one_line(page):
    page.open("/costs?days=30")
    head = page.locator("#triggers th").filter(has_text="Cost here")

    ends = rows(page, "triggers").locator("td[data-of='On Google Cloud']").evaluate_all(_RIGHT_OF_TEXT)

    assert len(ends) > 1
    assert len(set(ends)) == 1
    expect(head).to_have_css("text-align", "right")


def test_charts_beside_each_other_begin_at_one_height(look):
    with look("light", 1100) as page:
        page.open(f"{FUNCTION}?window=7d")
        tops = {
            key: round(page.locator(f"#{key} .area").bounding_box()["y"])
            for key in ("rate", "time", "memory", "instances")
        }

        assert tops["rate"] == tops["time"] < tops["memory"] == tops["instances"]

        page.locator("#time summary").click()
        assert round(page.locator("#rate .area").bounding_box()["y"]) == tops["rate"]
        assert audit(page) == []


def test_what_deletes_comes_last(page, run):
    page.open(run)

    said = page.locator("#actions :is(a, button)").all_inner_texts()

    assert said[0] == "Run again"
    assert said[-1] == "Delete"


def test_the_line_below_a_name_says_what_its_values_are(page, run):
    page.open(run)

    expect(page.locator("#head .about")).to_contain_text("· took ")
    expect(page.locator("#head .about")).to_contain_text("· created ")
    expect(page.locator("#head .about")).to_contain_text("· cost 0 USD here")


def test_a_month_is_a_list_of_its_days_with_firings_on_a_phone(look):
    with look("light", 390) as page:
        page.open(f"{SCHEDULE}?view=calendar")

        assert overflow(page, ".wide:has(> .calendar)") <= 0
        shown = [day for day in page.locator(".calendar td").all() if day.is_visible()]
        assert shown
        assert all("firing" in day.inner_text() or "to come" in day.inner_text() for day in shown)
        assert audit(page) == []


def test_durations_stand_in_the_timeline_of_a_phone(look, run):
    with look("light", 390) as page:
        page.open(f"{run}?tab=timeline")

        names, durations = (rows(page, "timeline").locator(cell) for cell in ("td:first-child", "td.number"))
        for name, duration in zip(names.all(), durations.all(), strict=True):
            assert abs(name.bounding_box()["y"] - duration.bounding_box()["y"]) < 10
        assert overflow(page, ".wide:has(> .timeline)") <= 0
        assert audit(page) == []


def test_nothing_of_the_tools_of_a_log_is_cut_off(look, shed):
    build = shed.json("builds", "list")[0]["id"]
    with look("light", 1100) as page:
        page.open(f"/builds/{build}")
        field = page.locator(".log-search input")

        wide = field.evaluate(
            """input => {
              const canvas = document.createElement("canvas").getContext("2d");
              canvas.font = getComputedStyle(input).font;
              return canvas.measureText(input.placeholder).width;
            }"""
        )

        assert wide < field.evaluate("input => input.clientWidth - parseFloat(getComputedStyle(input).paddingLeft) * 2")
