"""Pictures of every page of the dashboard, light and dark, from the demo's data: `make screenshots` writes docs/screenshots.

`python tools/screenshots.py HOME` takes a home directory that `trainshed demo --home HOME` left, instead of making one.
The pictures are small: colours are reduced to what a page has, and a page that is very long is cut. Where they show
a path of this machine it is written as that of somebody whose home directory is /home/you.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from trainshed.testing import server

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.places import places  # noqa: E402  (of the tests, which walk the same pages)

FOLDER = ROOT / "docs" / "screenshots"
WIDTH, TALLEST, COLOURS = 1100, 1500, 64
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--hide-scrollbars")
SHOWN_HOME = "/home/you/.trainshed-demo"
# Words alone are changed, and what stands in fields: nothing that a page has laid out.
NEUTRAL = """([home, shown]) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = walker.currentNode.data.replaceAll(home, shown);
  for (const field of document.querySelectorAll("input, textarea")) field.value = field.value.replaceAll(home, shown);
}"""


def main() -> int:
    """Run the demo, look at each page, write what is seen."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory(prefix="trainshed-screenshots-") as folder, sync_playwright() as playwright:
        home = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else _demonstrated(Path(folder) / "demo")
        browser = playwright.chromium.launch(executable_path=browser_path, args=OPTIONS)
        pictures: dict[str, bytes] = {}
        with server(Path(folder) / "new") as shed:
            page = browser.new_page(base_url=shed.address, viewport={"width": WIDTH, "height": 800})
            pictures |= _taken(page, "first-visit", "/", home)
        with server(home) as shed:
            found = {name: path for name, path in places(shed.address).items() if not _is_another(name)}
            found["not-found"] = "/runs/unknown"
            page = browser.new_page(base_url=shed.address, viewport={"width": WIDTH, "height": 800})
            for name, path in found.items():
                pictures |= _taken(page, name, path, home)
        browser.close()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name, picture in pictures.items():
        (FOLDER / f"{name}.png").write_bytes(picture)
    (FOLDER / "README.md").write_text(_list(["first-visit", *found]), encoding="utf-8")
    return 0


def _demonstrated(home: Path) -> Path:
    subprocess.run([sys.executable, "-m", "trainshed", "demo", "--home", str(home)], check=True)
    return home


def _is_another(name: str) -> bool:
    """Tell whether a page is one that has its picture: an earlier version of a function, the tab that comes first."""
    return name.endswith("-version") or name in {"functions-one-functions-metrics", "triggers-one-new-branch"}


def _taken(page: Page, name: str, path: str, home: Path) -> dict[str, bytes]:
    page.emulate_media(reduced_motion="reduce")
    page.goto(path)
    page.wait_for_load_state("load")
    page.wait_for_timeout(600)  # what scripts draw
    page.evaluate(NEUTRAL, [str(home), SHOWN_HOME])
    pictures = {}
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        pictures[f"{name}-{scheme}"] = _small(_seen(page))
    return pictures


def _seen(page: Page) -> bytes:
    height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})


def _small(png: bytes) -> bytes:
    """Reduce a picture to few colours: flat pages lose nothing that one sees."""
    written = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=3).save(
        written, "PNG", optimize=True
    )
    return written.getvalue()


def _list(names: list[str]) -> str:
    lines = [
        "# Every page of the dashboard",
        "",
        "Made by `make screenshots` from what `trainshed demo` leaves; the home directory of whoever made them is written",
        "as `/home/you`.",
        "",
    ]
    for name in names:
        lines += [f"## {name}", "", *(f"![{name}, {scheme}]({name}-{scheme}.png)" for scheme in SCHEMES), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
