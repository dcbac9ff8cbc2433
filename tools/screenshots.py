"""Pictures of every page of the dashboard, light and dark, from the demo's data: `make screenshots` writes docs/screenshots.

They are small: colours are reduced to what a page has, and a page that is very long is cut.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from trainshed.testing import server

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.places import places  # noqa: E402  (of the tests, which walk the same pages)

FOLDER = ROOT / "docs" / "screenshots"
WIDTH, TALLEST, COLOURS = 1100, 1500, 32
SCHEMES = ("light", "dark")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--hide-scrollbars")


def main() -> int:
    """Run the demo, look at each page, write what is seen."""
    home = Path(sys.argv[1]) if len(sys.argv) > 1 else _demonstrated()
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with server(home) as shed, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=OPTIONS)
        page = browser.new_page(
            base_url=shed.address, viewport={"width": WIDTH, "height": 800}, reduced_motion="reduce"
        )
        found = {
            name: path for name, path in places(shed.address).items() if not name.endswith("-version")
        }  # the same again
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        for name, path in found.items():
            page.goto(path)
            page.wait_for_load_state("load")
            page.wait_for_timeout(600)  # what scripts draw
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                (FOLDER / f"{name}-{scheme}.png").write_bytes(_small(_seen(page)))
        browser.close()
    (FOLDER / "README.md").write_text(_list(found), encoding="utf-8")
    return 0


def _demonstrated() -> Path:
    home = Path(tempfile.mkdtemp(prefix="trainshed-screenshots-")) / "home"
    subprocess.run([sys.executable, "-m", "trainshed", "demo", "--home", str(home)], check=True)
    return home


def _seen(page: Page) -> bytes:
    height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})


def _small(png: bytes) -> bytes:
    """Reduce a picture to few colours: flat pages lose nothing that one sees."""
    written = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS).save(written, "PNG", optimize=True)
    return written.getvalue()


def _list(found: dict[str, str]) -> str:
    lines = ["# Every page of the dashboard", "", "Made by `make screenshots` from what `trainshed demo` leaves.", ""]
    for name in found:
        lines += [f"## {name}", "", *(f"![{name}, {scheme}]({name}-{scheme}.png)" for scheme in SCHEMES), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
