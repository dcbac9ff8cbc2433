"""How a command finds its server: by address, by home directory, or by being one for its own duration."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from trainshed import home, settings
from trainshed.client import Client

_READY_SECONDS = 60.0
_STARTING_SECONDS = 30.0  # how long a server that owns the home may take to answer


@contextmanager
def connect(**given: object) -> Iterator[Client]:
    """Yield a client: of TRAINSHED_ADDRESS, of the server that owns the home, or of one that lives as long as this.

    Raises what starting a server raises.
    """
    found = settings.load(**given)
    address = found.address or home.read_address(found.home, patience_seconds=_STARTING_SECONDS)
    if address:
        yield Client(address)
        return
    with _in_process(found) as own:
        yield Client(own)


def has_server(**given: object) -> bool:
    """Whether a server outlives this command."""
    found = settings.load(**given)
    return bool(found.address or home.read_address(found.home))


def current_settings() -> settings.Settings:
    """Answer the settings of this command: project and region defaults, home."""
    return settings.load()


@contextmanager
def _in_process(found: settings.Settings) -> Iterator[str]:
    from dataclasses import replace

    from trainshed.app import App

    app = App(replace(found, port=0))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="server", daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(app.start(), loop).result(_READY_SECONDS)
    finally:
        asyncio.run_coroutine_threadsafe(app.stop(), loop).result(_READY_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
