"""A run whose engine is this process, with one task at the terminal under a debugger."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from trainshed import home
from trainshed.app import App
from trainshed.app.debugging import Debugging
from trainshed.cli import session
from trainshed.client import Client
from trainshed.errors import FailedPrecondition
from trainshed.runs import Template, choose, job_id


@contextmanager
def connect(task: str, body: dict[str, Any]) -> Iterator[Client]:
    """Yield a client of a server in this process that runs `task` of the requested run at the terminal.

    Raises FailedPrecondition when another server owns the home, InvalidArgument when the pipeline has no such task.
    """
    found = session.current_settings()
    if found.address or (address := home.read_address(found.home)):
        raise FailedPrecondition(
            f"--debug-task runs the pipeline in this process, but the server at {found.address or address} owns "
            f"{found.home}: stop it first, or let this run have a home of its own with TRAINSHED_HOME=DIRECTORY.",
            reason="HOME_OWNED",
        )
    terminal = _Terminal(task)
    debugging = Debugging(attached=terminal.attached)
    with session.in_process(found, debugging) as (own, app):
        template = _read(app, body)
        debugging.chosen = choose(template.plan, task, field="--debug-task")
        body["jobId"] = debugging.job = body["jobId"] or job_id(template.plan.name, datetime.now(UTC))
        yield Client(own)
    if not terminal.was_used:
        click.echo(f"Task {task!r} was not reached; `trainshed pipelines describe {debugging.job}` says why.", err=True)


def _read(app: App, body: Mapping[str, Any]) -> Template:
    runs = app.features.runs
    return runs.read_template(body["uri"]) if "uri" in body else runs.catalog.read(body["text"].encode())


class _Terminal:
    def __init__(self, task: str) -> None:
        self._task = task
        self.was_used = False

    def attached(self, is_attached: bool) -> None:
        """Say who has the terminal."""
        if is_attached:
            self.was_used = True
            click.echo(f"Task {self._task} has this terminal now.", err=True)
        else:
            click.echo("The run goes on.", err=True)
