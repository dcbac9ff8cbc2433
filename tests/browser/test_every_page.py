"""Every page in every look: nothing to complain about for a browser, for axe, and no wider than its window."""

from browser.looks import SEEN, audit
from browser.places import places


def test_every_page_is_fit_to_be_seen(page, shed):
    found = places(shed.address)
    problems = {}
    for name, path in found.items():
        answer = page.open(path)
        assert answer.status == 200, path
        for scheme, width in SEEN:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                problems[f"{name} {scheme} {width}"] = ["wider than its window"]
            for violation in audit(page):
                problems.setdefault(f"{name} {scheme} {width}", []).append(violation)
        problems |= {f"{name} says": list(page.wrong)} if page.wrong else {}
        page.wrong.clear()

    assert problems == {}
    assert {
        "runs-one-timeline",
        "functions-one-metrics",
        "builds-one",
        "why-one",
        "models-one",
        "runs-one-compare",
        "runs-one-metrics",
    } <= set(found)
