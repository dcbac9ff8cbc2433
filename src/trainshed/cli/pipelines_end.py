"""Waiting for a run, and saying how it ended."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from trainshed.cli import session, target
from trainshed.cli.output import show
from trainshed.cli.pipelines_request import short
from trainshed.cli.pipelines_text import cost_text, state_text
from trainshed.client import Client
from trainshed.errors import TrainshedError, Unavailable

FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


def is_waited(given: Mapping[str, Any]) -> bool:
    """Whether to wait for a run's end; a server that will live only as long as this command has to see it through."""
    return bool(given["wait"] or given["outputs_file"]) or not session.has_server()


def follow(client: Client, path: str, document: dict[str, Any], *, waits: bool, outputs_file: str) -> dict[str, Any]:
    """Answer a run as it is or, waited for, as it ended, its outputs written where they are wanted."""
    if waits:
        document = wait(client, f"{path}/{short(document['name'])}")
    if outputs_file:
        text = json.dumps(document["outputs"], indent=2) + "\n"
        Path(outputs_file).write_text(text, encoding="utf-8")
    return document


def wait(client: Client, path: str) -> dict[str, Any]:
    """Answer a run once it has ended. Raises Unavailable when the server ends before it."""
    while True:
        try:
            document: dict[str, Any] = client.call("GET", f"{path}/wait")
        except TrainshedError as error:
            if error.code not in {"UNAVAILABLE", "UNKNOWN", "INTERNAL"}:
                raise
            raise Unavailable(
                f"The server went away while run {short(path)} went on; the next one goes on with it, and "
                f"`trainshed pipelines describe {short(path)}` says how it stands. ({error.message})"
            ) from error
        if document["state"] in FINAL:
            return document


def tell(document: Mapping[str, Any], output_format: str) -> int:
    """Print a run and answer the command's exit code: 1 for one that ended without success."""
    show(document, output_format, lambda: _say(document))
    if document["state"] not in FINAL or document["state"] == "SUCCEEDED":
        return 0
    click.echo(document["error"] or f"The run ended {document['state']}.", err=True)
    if document["state"] == "FAILED" and target.current() is None:
        job = short(document["name"])
        click.echo(
            f"`trainshed pipelines describe {job}` shows every task; "
            f"`trainshed pipelines retry {job}` goes on from there, `trainshed explain {job}` says what else there is.",
            err=True,
        )
    return 1


def _say(document: Mapping[str, Any]) -> None:
    click.echo(f"Run {short(document['name'])}: {state_text(document)}")
    if done := document.get("done"):
        click.echo(f"{done[0].upper()}{done[1:]}.")
    if document["state"] in FINAL and document["cost"] is not None:
        click.echo(f"It cost {cost_text(document['cost'])}.")
