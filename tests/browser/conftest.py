"""Chromium on the dashboard of a server whose home `trainshed demo` has made.

- `shed`: that server, one per module, on a copy of the home: do with it what you like. `shed.address`, `shed.json(…)`.
- `page`: a page of a browser without history. What it must never do is checked when the test ends: no word of the
  console above a note, no failed request, no defect of a script. `page.open(path)` waits until everything is drawn.
- `look(scheme, width)`: more of them, as context managers.

What else tests need is in `browser.looks`: `audit(page)` for accessibility, `SEEN` and `LOOKS`, the ways of looking.

`make browser` installs Chromium where the machine has none; without one these tests are skipped.
"""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from trainshed.testing import server

playwright_api = pytest.importorskip("playwright.sync_api")

SECONDS = 30  # that anything may take on a busy machine
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(300, func_only=True))  # the demo may take longer


@pytest.fixture(scope="session")
def chromium():
    found = os.environ.get("TRAINSHED_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium on this machine: make browser installs one")
    with playwright_api.sync_playwright() as playwright:
        playwright_api.expect.set_options(timeout=SECONDS * 1000)
        browser = playwright.chromium.launch(executable_path=found, args=_OPTIONS)
        yield browser
        browser.close()


def copy_of(home, target):
    """A home of its own, with the environments of the other one."""
    left_out = shutil.ignore_patterns("environments", "lock", "address", "logs")
    shutil.copytree(home, target, symlinks=True, ignore=left_out, dirs_exist_ok=True)
    (target / "environments").symlink_to((home / "environments").resolve())
    return target


@pytest.fixture(scope="module")
def shed(chromium, demonstrated, tmp_path_factory):
    home = copy_of(demonstrated.home, tmp_path_factory.mktemp("shed"))
    with server(home) as running:
        yield running


@contextmanager
def looking(chromium, address, *, scheme="light", width=1440):
    """A page; at the end it has had nothing to complain about."""
    context = chromium.new_context(
        base_url=address, color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    wrong = []
    page.on("console", lambda said: said.type in {"error", "warning"} and wrong.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: wrong.append(f"defect: {error}"))
    page.on("requestfailed", lambda request: _is_lost(request) and wrong.append(f"{request.url}: {request.failure}"))

    def visit(path):
        answer = page.goto(path, wait_until="load")
        page.locator("#parts, form").first.wait_for(state="attached")
        return answer

    page.open = visit
    page.wrong = wrong
    try:
        yield page
    finally:
        context.close()
    assert wrong == []


def _is_lost(request):
    """Tell a failure from a request that a page let go of when it was left."""
    return "ERR_ABORTED" not in (request.failure or "")


@pytest.fixture
def page(chromium, shed):
    with looking(chromium, shed.address) as opened:
        yield opened


@pytest.fixture
def look(chromium, shed):
    """Make pages of other widths and schemes: `with look(scheme, width) as page:`."""

    def make(scheme, width):
        return looking(chromium, shed.address, scheme=scheme, width=width)

    return make
