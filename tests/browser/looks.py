"""What the tests of pages share."""

import os

from axe_playwright_python.sync_playwright import Axe

LOOKS = [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)]  # both schemes at two widths
# Two opposite looks tell nearly everything in half of the time; `make looks` takes all four.
SEEN = LOOKS if "TRAINSHED_TEST_LOOKS" in os.environ else [LOOKS[0], LOOKS[-1]]


def audit(page):
    """Let axe look for what shuts people out, once what changed is drawn; answer the violations as short sentences."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {v['help']}: " + "; ".join(f"{n['html'][:160]} ({n['target'][0]})" for n in v["nodes"][:3])
        for v in found
    ]
