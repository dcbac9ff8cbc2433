"""Write the documents that are generated from the code; with --check, only say which ones are stale."""

import importlib
import json
import pkgutil
import sys
from dataclasses import fields
from pathlib import Path

import click

import trainshed
from trainshed.lifecycle import Lifecycle
from trainshed.settings import Settings
from trainshed.telemetry import ACTIONS

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
GCLOUD_FLAGS = Path(__file__).parent / "gcloud_flags.json"
NOTE = "<!-- Generated from the code by `make docs`; edit the code instead. -->\n\n"


def telemetry_page() -> str:
    """List every log action."""
    rows = "\n".join(f"| `{a.name}` | {a.level} | {a.meaning} |" for a in ACTIONS)
    return f"# Log actions\n\nEach log line is one JSON object; `action` is one of these.\n\n| action | level | meaning |\n|---|---|---|\n{rows}\n"


def settings_page() -> str:
    """List every setting with its variable and default."""
    comments = _comments(ROOT / "src" / "trainshed" / "settings.py")
    rows = "\n".join(
        f"| `{f.name}` | `TRAINSHED_{f.name.upper()}` | `{f.default}` | {comments.get(f.name, '')} |"
        for f in fields(Settings)
    )
    return f"# Settings\n\n| setting | environment variable | default | meaning |\n|---|---|---|---|\n{rows}\n"


def lifecycles_page() -> str:
    """Draw every lifecycle."""
    parts = ["# Lifecycles\n\nEvery state, and every way between two states.\n"]
    for table in _lifecycles():
        rows = "\n".join(f"| `{t.name}` | {', '.join(t.sources)} | {t.target} | {t.why} |" for t in table.transitions)
        arrows = "\n".join(f"    {s} --> {t.target}: {t.name}" for t in table.transitions for s in t.sources)
        parts.append(
            f"\n## {table.noun.capitalize()}\n\nFinal: {', '.join(sorted(table.final)) or 'none'}.\n\n"
            f"| transition | from | to | why |\n|---|---|---|---|\n{rows}\n\n"
            f"```mermaid\nstateDiagram-v2\n{arrows}\n```\n"
        )
    return "".join(parts)


def command_page() -> str:
    """Print the help of every command."""
    from trainshed.cli import trainshed as root

    return "# Command line\n\n" + "\n".join(_help(root, "trainshed", None))


def coverage_page() -> str:
    """Say which methods of Google's interfaces are served."""
    return importlib.import_module("trainshed.api.coverage").page()


def flags_page() -> str:
    """Say which flags of gcloud's commands our namesakes take."""
    gcloud = json.loads(GCLOUD_FLAGS.read_text())
    ours = own_flags()
    rows = []
    for path, flags in gcloud["commands"].items():
        taken = [f"`{flag}`" for flag in flags if flag in ours.get(path, ())]
        others = [f"`{flag}`" for flag in flags if flag not in ours.get(path, ())]
        rows.append(f"| `{path}` | {', '.join(taken)} | {', '.join(others)} |")
    return (
        "# Flags of gcloud's commands\n\n"
        f"Under `trainshed exec`, gcloud {gcloud['version']} itself runs, with all of its flags; what each of them means here "
        "follows from the field that it sets ([coverage-fields.md](coverage-fields.md)). This page is about `trainshed` typed "
        "in gcloud's place; what it does not take is a usage error, and the way out is gcloud.\n\n"
        "| command | flags that `trainshed` takes, too | flags of gcloud only |\n|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def own_flags() -> dict[str, set[str]]:
    """Answer path → flags of every command of ours."""
    from trainshed.cli import trainshed as root

    found: dict[str, set[str]] = {}

    def walk(command: click.Command, path: str) -> None:
        context = click.Context(command)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                if child is not None:
                    walk(child, f"{path} {name}".strip())
        else:
            found[path] = {option for given in command.params for option in (*given.opts, *given.secondary_opts)}

    walk(root, "")
    return found


PAGES = {
    "telemetry.md": telemetry_page,
    "settings.md": settings_page,
    "lifecycles.md": lifecycles_page,
    "command-line.md": command_page,
    "coverage.md": coverage_page,
    "coverage-flags.md": flags_page,
}


def _help(command: click.Command, path: str, parent: click.Context | None) -> list[str]:
    context = click.Context(command, info_name=path if parent is None else command.name, parent=parent)
    parts = [f"## `{path}`\n\n```\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                parts += _help(child, f"{path} {name}", context)
    return parts


def _comments(path: Path) -> dict[str, str]:
    found, name = {}, ""
    for line in path.read_text().splitlines():
        code, _, comment = line.partition("  # ")
        declared = code.strip().partition(":")[0]
        if declared.isidentifier():
            name = declared
        if comment and (
            declared == name or code.startswith("        ")
        ):  # also of a default in brackets below its name
            found[name] = comment
    return found


def _lifecycles() -> list[Lifecycle]:
    modules = [m.name for m in pkgutil.walk_packages(trainshed.__path__, "trainshed.") if m.name.endswith("lifecycle")]
    tables = {
        id(v): v for name in modules for v in vars(importlib.import_module(name)).values() if isinstance(v, Lifecycle)
    }
    return sorted(tables.values(), key=lambda t: t.noun)


def main() -> int:
    REFERENCE.mkdir(parents=True, exist_ok=True)
    stale = []
    for name, render in PAGES.items():
        text = NOTE + render()
        file = REFERENCE / name
        if not file.exists() or file.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                file.write_text(text)
    print("stale:" if "--check" in sys.argv else "written:", ", ".join(stale) or "none")
    return int("--check" in sys.argv and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
