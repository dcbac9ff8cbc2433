"""What those who look on cost: fifty pages held open, each told what changes, while a run works."""

import selectors
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import gauge
import homes
import pipelines
import world
from harness import Effort, Figure
from large_store.wandering import wander

from trainshed.testing import Server

_VIEWERS = 50
_SHARE = 10.0  # per cent of a core
_TASKS, _SECONDS = 10, 1.5
_TABS = ("", "?tab=tasks", "?tab=timeline", "?tab=results", "?tab=details")
_SETTLING = 3.0  # what the first drawing of each page costs is not counted


@dataclass(kw_only=True)
class Look:
    """Open pages, and what they were told."""

    address: str
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    news: int = 0
    received: int = 0
    ended: int = 0

    def at(self, page: str) -> None:
        """Open one."""
        host = urlsplit(self.address).netloc
        connection = socket.create_connection(tuple(host.split(":")), timeout=30)
        mark = "&" if "?" in page else "?"
        request = f"GET {page}{mark}live=none HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n"
        connection.sendall(request.encode())
        connection.setblocking(False)
        self.selector.register(connection, selectors.EVENT_READ)

    def read(self, over: threading.Event) -> None:
        """Read what comes, to the end."""
        while not over.is_set():
            for key, _ in self.selector.select(timeout=0.1) or ():
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                text = connection.recv(1 << 20)
                self.received += len(text)
                self.news += text.count(b'data: {"')
                if not text or b"event: end" in text:
                    self.ended += 1
                    self.selector.unregister(connection)
                    connection.close()

    def close(self) -> None:
        """Leave every page."""
        for key in list(self.selector.get_map().values()):
            self.selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]
        self.selector.close()


def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Run the same pipeline with and without them, in turn; the difference of the server's CPU is theirs."""
    made = homes.large(effort)
    spec = pipelines.text_of(pipelines.rests(_TASKS), folder)
    looks = []
    with world.running(made.home) as server:
        api = world.Api(server)
        pages = _pages(server)
        api.finish(spec, seconds=0.0)
        alone, watched = [], []
        for _ in range(effort.times(3, 1)):
            alone.append(_share(server, api, spec, None))
            with _looking_on(server, pages) as look:
                watched.append(_share(server, api, spec, look))
            looks.append(look)
    extra = [with_them - without for with_them, without in zip(watched, alone, strict=True)]
    told = f"{sum(o.news for o in looks):,} news, {sum(o.received for o in looks) / 1000:,.0f} kB"
    return [
        Figure(name=f"{_VIEWERS} who look on while a run works, CPU of a core", value=statistics.mean(extra), unit="%",
               budget=_SHARE, note=f"{statistics.mean(alone):.1f} % without them; {told}", samples=extra),
    ]  # fmt: skip


def _pages(server: Server) -> list[str]:
    """Answer different pages, each section's first."""
    found = wander(world.Pages(server).document, ["/"], each=1, most=150)
    return sorted((addresses[0] for addresses in found.values()), key=lambda page: (page.count("?"), len(page)))


def _share(server: Server, api: world.Api, spec: str, look: Look | None) -> float:
    """Answer how much of a core a server takes while a run works."""
    pid = world.pid_of(server)
    run = api.submit(spec, seconds=_SECONDS)
    if look is not None:
        for tab in _TABS:
            look.at(f"/runs/{run['name']}{tab}")
        time.sleep(_SETTLING)
    before, began = gauge.cpu_seconds(pid), time.monotonic()
    api.ended(run)
    return 100 * (gauge.cpu_seconds(pid) - before) / (time.monotonic() - began)


@contextmanager
def _looking_on(server: Server, pages: Sequence[str]) -> Iterator[Look]:
    look, over = Look(address=server.address), threading.Event()
    thread = threading.Thread(target=look.read, args=(over,), daemon=True)
    for page in pages[: _VIEWERS - len(_TABS)]:
        look.at(page)
    thread.start()
    time.sleep(_SETTLING)
    try:
        yield look
    finally:
        over.set()
        thread.join()
        look.close()
