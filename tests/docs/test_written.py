"""Do the documents written by hand agree with the code?"""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from trainshed.cli import trainshed as root

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    file
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    if "reference" not in file.parts
)
ADVISERS = sorted(
    file for file in (ROOT / "src" / "trainshed").rglob("*.py") if re.search(r'command=f?"trainshed ', file.read_text())
)


def commands(page):
    """Every `trainshed …` in code: inline, or a line of a block; a backslash continues a line."""
    text = page.read_text().replace("\\\n", " ")
    inline = re.findall(r"`(trainshed [^`\n]+)`", text)
    blocks = [line for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [*inline, *(line.strip().removeprefix("$ ") for line in blocks if re.match(r"\s*(\$ )?trainshed ", line))]


def resolve(line):
    """Find the command that a line names, and the options on it."""
    words = [word for word in shlex.split(line, comments=True)[1:] if word not in {"…", "...", "[…]"}]
    words = words[2:] if words[:1] == ["--home"] and words[2:] != ["COMMAND"] else words
    command, context = root, click.Context(root)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        child = command.get_command(context, words[0])
        assert child is not None, f"there is no command {words[0]!r} in: {line}"
        command, words = child, words[1:]
    return command, words


def check(line):
    """Look that the command of a line is there, with the options on it."""
    command, words = resolve(line)
    if command.name == "exec":
        return
    known = {name for option in command.params for name in [*option.opts, *option.secondary_opts]} | {"--help"}
    unknown = {word.partition("=")[0] for word in words if word.startswith("--")} - known
    assert not unknown, f"{command.name} has no {', '.join(sorted(unknown))}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_the_documents_exists(page):
    for line in commands(page):
        check(line)


@pytest.mark.parametrize("source", ADVISERS, ids=lambda source: str(source.relative_to(ROOT)))
def test_every_command_that_is_advised_exists(source):
    for line in re.findall(r'command=f?"(trainshed [^"]+)"', source.read_text()):
        check(re.sub(r"\{[^}]*\}", "X", line))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())

    for target in targets:
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_package_table_is_the_import_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    contract = [set(re.findall(r"\w+", layer)) for layer in layers]
    rows = re.findall(r"^\| (.*?) ?\| `(\w+)` \|", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)

    ranks = {package: rank for rank, packages in enumerate(contract) for package in packages}
    written = [package for _, package in rows]

    assert set(written) == set(ranks)
    assert [ranks[package] for package in written] == sorted(ranks.values())


def test_the_glossary_is_in_order_and_has_each_word_once():
    words = re.findall(r"^\| \*\*(.+?)\*\*", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)

    assert len(words) > 40
    assert words == sorted(set(words), key=str.lower)


def test_decisions_are_newest_first():
    dates = re.findall(r"^\*\*(\d{4}-\d\d-\d\d):", (ROOT / "docs" / "why.md").read_text(), re.MULTILINE)

    assert dates
    assert dates == sorted(dates, reverse=True)


def test_the_changelog_has_an_unreleased_section_first():
    sections = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert sections[0] == "Unreleased"
