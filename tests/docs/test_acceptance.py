"""Does every row of the acceptance page have tests, and do they exist?"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(
    r"^\| S(\d\d) \| [^|]+ \| (.+) \|$", (ROOT / "docs/reference/acceptance.md").read_text(), re.MULTILINE
)


def named(cell):
    """Pairs of file and test in a cell."""
    for part in cell.split("<br>"):
        file, *tests = re.findall(r"`([^`]+)`", part)
        yield from ((file, test) for test in tests)


def test_every_named_test_exists_and_is_named_after_its_row():
    for row, cell in ROWS:
        for file, test in named(cell):
            assert f"s{row}_" in test
            assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file} has no {test}"


def test_every_row_has_a_test():
    rows = [int(row) for row, cell in ROWS if list(named(cell))]

    assert rows == sorted(set(rows))
    assert len(rows) >= 55
