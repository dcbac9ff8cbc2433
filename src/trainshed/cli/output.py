"""What commands print: JSON, tables, `key: value` documents; and what is said when Trainshed itself fails."""

import json
import os
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from trainshed.cli import target

F = TypeVar("F", bound=Callable[..., Any])
_NEVER_FOLD = 1 << 30  # columns


def format_option(function: F) -> F:
    """Add `--format` to a command, and where it works: `--target`, `--dry-run`. Every command has them."""
    return _format_option(target.options(function, has_dry_run=True))


def format_option_beside_dry_run(function: F) -> F:
    """Add the same to a command that has a `--dry-run` of its own."""
    return _format_option(target.options(function, has_dry_run=False))


def _format_option(function: F) -> F:
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to print the result; json is Google's REST JSON where the resource is Google's.",
    )(function)


def quiet_option(function: F) -> F:
    """Add `--quiet`, which scripts give every command of gcloud: nothing asks here, so it changes nothing."""
    return click.option("--quiet", "-q", is_flag=True, expose_value=False, help="Never asks anyway.")(function)


def project_options(function: F) -> F:
    """Add `--project`, `--region` and `--quiet`, as gcloud has them; settings give the defaults."""
    function = quiet_option(function)
    function = click.option("--project", default=None, help="Project; default from TRAINSHED_PROJECT.")(function)
    return click.option(
        "--region", "--location", "region", default=None, help="Region; default from TRAINSHED_REGION."
    )(function)


def show(
    document: Mapping[str, Any] | Sequence[Any], output_format: str, text: Callable[[], None] | None = None
) -> None:
    """Print a resource: as JSON, or by `text`, or as `key: value` lines."""
    if output_format == "json":
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif text is not None:
        text()
    else:
        _lines(document, "")


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print columns as gcloud does: upper-case headings, two spaces between; a row is one line, whatever is in it."""
    lines = [tuple(headings), *(tuple("" if v is None else _one_line(str(v)) for v in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    for line in lines:
        click.echo("  ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)).rstrip())


def _one_line(text: str) -> str:
    return "; ".join(line.rstrip() for line in text.splitlines() if line.strip())


def report_defect(error: BaseException) -> None:
    """Say that Trainshed failed, and keep the trace in a file for a report."""
    trace = "".join(traceback.format_exception(error))
    if os.environ.get("TRAINSHED_TRACE"):
        click.echo(trace, err=True)
        return
    with tempfile.NamedTemporaryFile("w", prefix="trainshed-", suffix=".trace", delete=False) as file:
        file.write(trace)
    click.echo(
        f"ERROR: Trainshed failed, which is a defect of Trainshed ({type(error).__name__}). "
        f"The trace is in {Path(file.name)}; TRAINSHED_TRACE=1 prints it.",
        err=True,
    )


def _lines(document: Any, indent: str) -> None:
    if isinstance(document, Mapping):
        for key, value in document.items():
            if isinstance(value, (Mapping, list)) and value:
                click.echo(f"{indent}{key}:")
                _lines(value, indent + "  ")
            else:
                click.echo(f"{indent}{key}: {_scalar(value)}")
    elif isinstance(document, Sequence) and not isinstance(document, str):
        for value in document:
            if isinstance(value, Mapping):
                click.echo(f"{indent}-")
                _lines(value, indent + "  ")
            else:
                click.echo(f"{indent}- {_scalar(value)}")


def _scalar(value: Any) -> str:
    """Write one value as YAML has it, as gcloud does; text of several lines as it is."""
    if isinstance(value, (bool, list, dict)) or value is None:
        return json.dumps(value)
    if not isinstance(value, str) or "\n" in value:
        return str(value)
    import yaml  # here, because most commands print tables

    return yaml.safe_dump(value, allow_unicode=True, width=_NEVER_FOLD).removesuffix("...\n").rstrip("\n")
