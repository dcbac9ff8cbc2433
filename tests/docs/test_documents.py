"""Do the documents say what the code does?"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_generated_documents_are_fresh():
    done = subprocess.run(
        [sys.executable, "tools/documents.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, f"{done.stdout}{done.stderr}: run `make docs`"


def test_readme_starts_with_the_two_commands():
    top = (ROOT / "README.md").read_text()[:1500]

    assert "make demo" in top
    assert "make test" in top


def test_architecture_names_every_package():
    text = (ROOT / "docs" / "architecture.md").read_text()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    names = re.findall(r"\w+", " ".join(contracts[0]["layers"]))

    missing = [n for n in names if f"`{n}" not in text and f"`trainshed.{n}" not in text]
    assert missing == []


def test_changelog_has_an_unreleased_section():
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()


def test_links_between_documents_lead_somewhere():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert broken == []
