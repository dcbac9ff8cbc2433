"""How soon the graph of a large run is seen, and how it moves: in a real browser, by the marks that its script leaves."""

import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import homes
import world
from harness import Effort, Figure, Skipped, percentile

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SEEN_MS = 1000.0
_FRAME_MS = 100.0  # ten pictures a second: what one still takes for movement
_STEPS = 40
_FRAMES = """async () => {
  window.framesSeen = []; let last = performance.now(); window.isOver = false;
  const tick = (now) => { window.framesSeen.push(now - last); last = now; if (!window.isOver) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""
_MARK = "() => performance.getEntriesByName('graph seen')[0]?.startTime"


def measure(_: Path, effort: Effort) -> list[Figure]:
    """Open the graphs of large runs; drag them and zoom."""
    made = homes.large(effort)
    rows = []
    with world.running(made.home) as server, _browser() as browser:
        for many, name in sorted(made.wide_runs.items()):
            address = f"{server.address}/runs/{name}"
            seen = [_seen(browser, address) for _ in range(effort.times(6, 3) + 1)][1:]
            budget = _SEEN_MS if many <= 2_000 else None
            rows.append(Figure(name=f"graph of {many:,} tasks, until it is seen", value=statistics.median(seen), unit="ms",
                               budget=budget, samples=seen, note="from the navigation's start"))  # fmt: skip
            frames = _moved(browser, address)
            rows.append(Figure(name="the same, dragged and zoomed: a frame, p95", value=percentile(frames, 0.95), unit="ms",
                               budget=_FRAME_MS, samples=frames, note=f"p50 {statistics.median(frames):.0f}"))  # fmt: skip
    return rows


@contextmanager
def _browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise Skipped("playwright is not installed here") from error
    with sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(**_options())
        except Error as error:
            raise Skipped(f"no browser: {str(error).splitlines()[0]}") from error
        try:
            yield found
        finally:
            found.close()


def _options() -> dict[str, Any]:
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    return {"executable_path": path, "args": ["--no-sandbox"]} if path else {}


def _seen(browser: Any, address: str) -> float:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    try:
        page.goto(address)
        page.wait_for_function(_MARK, timeout=60_000)
        return float(page.evaluate(_MARK))
    finally:
        page.close()


def _moved(browser: Any, address: str) -> list[float]:
    """Drag a graph about and zoom into it; answer how long each picture took."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    try:
        page.goto(address)
        page.wait_for_function(_MARK, timeout=60_000)
        box = page.locator(".graph-drawing").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + min(box["height"], 400) / 2
        page.mouse.move(x, y)
        page.evaluate(_FRAMES)
        for step in range(_STEPS):
            page.mouse.wheel(0, -80 if step < _STEPS / 2 else 60)
        page.mouse.down()
        for step in range(_STEPS):
            page.mouse.move(x + 5 * step, y + 2 * step)
        page.mouse.up()
        page.evaluate("() => { window.isOver = true; }")
        return [float(t) for t in page.evaluate("() => window.framesSeen")][2:]
    finally:
        page.close()
