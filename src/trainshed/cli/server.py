"""trainshed up: the server in the foreground."""

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

import click

from trainshed import home, settings, telemetry
from trainshed.cli.loading import load_app

# An event goes from thread to thread a dozen times; with Python's five milliseconds, each time it may wait for a busy one.
_SWITCH_SECONDS = 0.0005


@click.command(name="up")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port; 0 takes a free one. Default 8484.")
@click.option(
    "--home", "home_folder", type=click.Path(path_type=Path), default=None, help="Home directory. Default ~/.trainshed."
)
@click.option("--host", default=None, help="Interface. Default 127.0.0.1.")
@click.option(
    "--clock",
    type=click.Choice(["system", "virtual"]),
    default=None,
    help="virtual: time stands still until told to move.",
)
@click.option(
    "--log-file",
    type=click.Path(path_type=Path),
    default=None,
    help="Where log lines go. Default: HOME/logs/server.jsonl.",
)
def command(
    port: int | None, home_folder: Path | None, host: str | None, clock: str | None, log_file: Path | None
) -> None:
    """Start the server with its dashboard; prints the address when ready. SIGTERM drains."""
    found = settings.load(port=port, home=home_folder, host=host, clock=clock)
    asyncio.run(_serve(found, log_file or found.home / "logs" / "server.jsonl"))


async def _serve(found: settings.Settings, log_file: Path) -> None:
    app = load_app()(replace(found))
    from trainshed.app.collecting import Collecting
    from trainshed.app.leaving import leave

    sys.setswitchinterval(_SWITCH_SECONDS)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    address = await app.start()
    collecting = Collecting()
    collecting.start()
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("a") as stream:
        telemetry.configure(stream)
        click.echo(f"Trainshed is ready on {address} (dashboard: {address}/, home: {found.home})")
        if app.reach.needs_token:
            token_file = home.token_file(found.home)
            click.echo(f"It listens beyond this machine, so every request needs a token; one is in {token_file}.")
        sys.stdout.flush()
        keeping = asyncio.create_task(collecting.run(), name="collecting")
        try:
            await stop.wait()
        finally:
            keeping.cancel()
            await app.stop()
            await leave()
