"""Every page in every look: nothing to complain about for a browser, for axe, and no wider than its window."""

import pytest

from browser.looks import LOOKS, audit

SECTIONS = ["/", "/builds", "/runs", "/functions", "/schedules", "/topics", "/receipts", "/buckets"]


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_page_is_fit_to_be_seen(look, scheme, width):
    problems = {}
    with look(scheme, width) as page:
        for path in SECTIONS:
            answer = page.open(path)
            assert answer.status == 200, path
            too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            problems[path] = audit(page) + (["wider than its window"] if too_wide else [])

    assert {path: found for path, found in problems.items() if found} == {}
