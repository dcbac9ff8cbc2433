"""How a command finds its server: by address, by home directory, or by being one for its own duration."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainshed import home, settings
from trainshed.cli import target
from trainshed.cli.loading import load_app
from trainshed.client import Client
from trainshed.errors import FailedPrecondition

if TYPE_CHECKING:  # a client of a running server loads neither a server nor an event loop
    import asyncio

    from trainshed.app import App
    from trainshed.app.debugging import Debugging

_READY_SECONDS = 60.0
_STARTING_SECONDS = 30.0  # how long a server that owns the home may take to answer


@contextmanager
def connect(**given: Any) -> Iterator[Client]:
    """Yield a client: of Google with `--target gcp`; else of TRAINSHED_ADDRESS, of the server that owns the home, or of one that lives as long as this.

    Where there is none but that one, people are told: they may believe in another, or in another home. Raises what starting a server raises.
    """
    if (chosen := target.current()) is not None:
        yield target.connect(chosen)
        return
    found = settings.load(**given)
    address = found.address or home.read_address(found.home, patience_seconds=_STARTING_SECONDS)
    if address:
        yield Client(address, headers=_credentials(found))
        return
    click.echo(
        f"No server runs on {found.home}: this command does its work itself, and what is to follow waits for "
        "`trainshed up`.",
        err=True,
    )
    with in_process(found) as (own, _):
        yield Client(own)


def _credentials(found: settings.Settings) -> dict[str, str]:
    """Answer the header with the token that is meant for this server: any other is somebody else's.

    A command inside a build step or a function acts as that, by the token that the server has put there.
    """
    file = Path(os.environ.get("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", ""))
    if file.is_relative_to(found.home / "credentials") and file.is_file():
        token = file.read_text().strip()
    elif found.token or not found.address or found.address == home.read_address(found.home):
        token = found.token or home.read_token(found.home)
    else:
        token = ""
    return {"Authorization": f"Bearer {token}"} if token else {}


def has_server(**given: Any) -> bool:
    """Whether a server outlives this command; Google does."""
    if target.current() is not None:
        return True
    found = settings.load(**given)
    return bool(found.address or home.read_address(found.home))


def current_settings() -> settings.Settings:
    """Answer the settings of this command: project and region defaults, home."""
    chosen = target.current()
    return settings.load() if chosen is None else chosen.settings()


@contextmanager
def in_process(found: settings.Settings, debugging: "Debugging | None" = None) -> Iterator[tuple[str, "App"]]:
    """Be a server for as long as this lasts; yield its address, or that of one that took the home a moment earlier."""
    import asyncio
    from dataclasses import replace

    app = load_app()(replace(found, port=0), debugging=debugging)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="server", daemon=True)
    thread.start()
    try:
        yield _start_or_join(app, loop, found), app
    finally:
        asyncio.run_coroutine_threadsafe(app.stop(), loop).result(_READY_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _start_or_join(app: "App", loop: "asyncio.AbstractEventLoop", found: settings.Settings) -> str:
    """Start the server; one that took the home a moment earlier is used instead."""
    import asyncio

    try:
        return asyncio.run_coroutine_threadsafe(app.start(), loop).result(_READY_SECONDS)
    except FailedPrecondition as error:
        address = home.read_address(found.home, patience_seconds=_STARTING_SECONDS)
        if error.reason != "HOME_OWNED" or not address:
            raise
        return address
