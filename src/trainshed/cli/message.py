"""Message bodies and attributes on the command line."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def attributes_option(flag: str) -> Callable[[F], F]:
    """Add the option by which attributes are given; gcloud calls it --attribute or --attributes."""
    return click.option(
        flag,
        "attributes",
        multiple=True,
        metavar="KEY=VALUE,…",
        help="Attributes of the message.",
    )


def read_attributes(given: tuple[str, ...]) -> dict[str, str]:
    """Read KEY=VALUE,KEY=VALUE. Raises UsageError."""
    found: dict[str, str] = {}
    for part in (p for text in given for p in text.split(",") if p):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{part!r} is not an attribute; write KEY=VALUE.")
        found[key] = value
    return found


def warn_about_body(text: str, flag: str) -> None:
    """Say so when the body is JSON inside a JSON string, which no reader of the message expects."""
    if inner := doubly_encoded(text):
        click.echo(
            f"WARNING: {flag} is JSON that was encoded twice: a string that holds {inner}. Functions and triggers "
            f"expect the object itself; pass {inner} (json.dumps once, and quote it for the shell).",
            err=True,
        )


def doubly_encoded(text: str) -> str:
    """Answer the JSON inside, if the text is a JSON string that holds a JSON object or list."""
    try:
        outer = json.loads(text)
        inner = json.loads(outer) if isinstance(outer, str) else None
    except ValueError:
        return ""
    return str(outer) if isinstance(inner, dict | list) else ""
