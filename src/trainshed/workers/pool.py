"""All fork servers of a home: found again at start, started on demand, asked to run, stop and end."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from trainshed.duty import Background, off_loop
from trainshed.errors import FailedPrecondition
from trainshed.workers.child import processes, spool
from trainshed.workers.link import Key, Left, Link, WorkerFailed, launch
from trainshed.workers.wire import Ended, Held, Order, token

log = logging.getLogger(__name__)
Listener = Callable[[Ended], Awaitable[object] | None]
_LESSONS = "learned"  # folder of what workers learned, by environment
_TRIES = 3
_CLOSE_SECONDS = 3.0  # on top of the grace that the attempts have


class Pool:
    """Runs orders in warm workers and hands over each outcome once, from the wire or from disk.

    `ended` may answer an awaitable: an outcome stays on disk, to be handed over again by the next pool, until that is
    done. All methods belong to one event loop.
    """

    def __init__(self, *, runtime: Path, home: Path, lease_seconds: float, idle_seconds: float) -> None:
        self._runtime = runtime
        self._spool = home / "workers"
        self._logs = home / "logs" / "workers"
        self._lease_seconds = lease_seconds
        self._idle_seconds = idle_seconds
        self._links: dict[str, Link] = {}  # the one of each environment that takes new attempts
        self._retired: set[Link] = set()  # these finish what they have
        self._succeeding: set[str] = set()
        self._importing: set[int] = set()  # pids of workers that do not listen yet
        self._closing = False
        self._starting: dict[str, asyncio.Lock] = {}
        self._told: set[Key] = set()  # handed over in this life
        self._unsettled: set[Key] = set()  # handed over, not yet confirmed
        self._changed = asyncio.Event()
        self._background = Background()
        self._listener: Listener | None = None

    async def open(self, ended: Listener) -> None:
        """Connect to the fork servers that outlived the last server, and hand over what ended meanwhile."""
        self._listener = ended
        self._spool.mkdir(parents=True, exist_ok=True)
        _private(self._runtime)
        sockets = sorted(self._runtime.glob("*.sock"))
        links = await asyncio.gather(*(Link.connect(path, self._hand_over) for path in sockets))
        for link in sorted((link for link in links if link is not None), key=lambda link: len(link.ahead)):
            self._add(link)
        for path in sorted(self._spool.glob("*.json")):
            if (outcome := spool.read(path)) is not None:
                self._hand_over(Ended.read(outcome))

    async def start(self, digest: str, python: Path, order: Order) -> None:
        """Run an order in the worker of an environment; return once it is under way. Raises WorkerFailed.

        An order that is known is not started again.
        """
        if self.knows(order.key):
            return
        for _ in range(_TRIES):
            with suppress(Left):
                link = await self.warm(digest, python)
                await link.start(order)
                return
        raise WorkerFailed("the worker ended each time before it took the attempt")

    async def warm(self, digest: str, python: Path, modules: Sequence[str] = ()) -> Link:
        """Answer the worker of an environment, started when there is none, with modules imported."""
        async with self._starting.setdefault(digest, asyncio.Lock()):
            link = self._links.get(digest)
            if link is None or not link.is_open:
                link = await self._launch(self._runtime / f"{digest}.sock", python, modules=modules)
                self._add(link)
            elif modules:
                link.send({"do": "preload", "modules": list(modules)})
        return link

    def stop(self, key: Key, *, grace_seconds: float) -> None:
        """Ask an attempt to end, and see that it does. Unknown ones are ignored."""
        message = {"do": "stop", "task_id": key[0], "attempt": key[1], "grace_seconds": grace_seconds}
        for link in self._all():
            if link.has(key):
                link.send(message)

    def knows(self, key: Key) -> bool:
        """Whether an attempt is under way, or ended and not yet confirmed."""
        return key in self._unsettled or any(link.has(key) for link in self._all())

    def held(self) -> list[Held]:
        """Answer the attempts under way, with what each was given."""
        return [held for link in self._all() for held in link.attempts.values()]

    def attempts(self) -> set[Key]:
        """Answer the attempts under way, or ended and not yet confirmed."""
        return self._unsettled.union(*(link.under_way() for link in self._all()))

    async def close(self, *, end_attempts: bool, grace_seconds: float) -> None:
        """Let go of the workers, or end them and hear how their attempts ended."""
        self._closing = True
        for pid in tuple(self._importing):
            self._imports(pid)
        if end_attempts:
            for link in self._all():
                for key in link.under_way():
                    self.stop(key, grace_seconds=grace_seconds)
            await self._until_quiet(grace_seconds + _CLOSE_SECONDS)
            for link in self._all():
                link.send({"do": "end"})
        for link in self._all():
            link.close()
        await self._background.close()

    async def _until_quiet(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while self.attempts():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            log.warning("%d attempts did not end in time.", len(self.attempts()), extra={"action": "attempts_left"})

    async def _launch(self, path: Path, python: Path, *, modules: Sequence[str] = (), learned: bool = False) -> Link:
        digest = path.name.partition(".")[0]
        options = {
            "socket_path": str(path),
            "spool_folder": str(self._spool),
            "lease_seconds": self._lease_seconds,
            "idle_seconds": self._idle_seconds,
            "modules": list(modules),
            "lessons_path": str(self._spool / _LESSONS / digest),
            "learned": learned,
        }
        log_file = self._logs / f"{digest}.log"
        try:
            pid = await off_loop(launch, python, options, log_file, self._imports)
        except OSError as error:
            raise WorkerFailed(f"the worker of {python} does not start: {error.strerror}") from error
        link = await Link.connect(path, self._hand_over)
        if link is None:
            raise Left(f"the worker of {python} ended at once; see {log_file}")
        self._importing.discard(pid)
        log.info("Worker %d of environment %s is warm.", pid, digest, extra={"action": "worker_started"})
        return link

    def _add(self, link: Link) -> None:
        """Follow a worker; of two in an environment, the later one that imported more takes the new attempts."""
        link.learned = self._succeed
        other = self._links.get(link.digest)
        if other is not None and other.is_open:
            self._retired.add(other)
            other.send({"do": "retire"})
        self._links[link.digest] = link
        self._background.spawn(self._follow(link), name=f"worker {link.digest}")
        self._background.spawn(link.watch(self._lease_seconds), name=f"watch of worker {link.digest}")

    def _all(self) -> list[Link]:
        return [*self._links.values(), *self._retired]

    def _succeed(self, link: Link, python: Path) -> None:
        """Start a worker that imports ahead what attempts imported, unless there are two workers already."""
        is_first = self._links.get(link.digest) is link
        if is_first and link.digest not in self._succeeding | {old.digest for old in self._retired}:
            self._succeeding.add(link.digest)
            self._background.spawn(self._replace(link, python), name=f"successor of worker {link.digest}")

    def _imports(self, pid: int) -> None:
        """Note a worker that imports; when we close, nobody waits for it. Called from other threads too."""
        self._importing.add(pid)
        if self._closing:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _replace(self, link: Link, python: Path) -> None:
        """Start the successor of a worker, which goes on until the new one has imported everything."""
        plain, other = (self._runtime / f"{link.digest}{suffix}" for suffix in (".sock", ".ahead.sock"))
        try:
            self._add(await self._launch(other if link.path == plain else plain, python, learned=True))
        except WorkerFailed as error:
            log.warning("Nothing is imported ahead: %s", error, extra={"action": "worker_lost"})
        finally:
            self._succeeding.discard(link.digest)

    async def _follow(self, link: Link) -> None:
        """Listen to a worker to its end; what was under way then ended with it, unless the spool knows better."""
        await link.listen()
        if self._links.get(link.digest) is link:
            del self._links[link.digest]
        self._retired.discard(link)
        for key, held in list(link.attempts.items()):
            outcome = spool.read(spool.path_of(str(self._spool), *key))
            if outcome is None:
                log.warning("The worker of task %s, attempt %d is gone.", *key, extra={"action": "worker_lost"})
                await off_loop(processes.kill_leftovers, held.pid, token(key), held.folder)
                outcome = {"task_id": key[0], "attempt": key[1], "cause": "lost", "end_time": time.time()}
            self._hand_over(Ended.read(outcome))

    def _hand_over(self, ended: Ended) -> None:
        """Hand over an outcome, once in this life, and take it off the disk when it is confirmed."""
        assert self._listener is not None, "the pool is not open"
        if ended.key in self._told:
            return
        self._told.add(ended.key)
        self._unsettled.add(ended.key)
        answer = self._listener(ended)
        if answer is None:
            self._settle(ended.key)
        else:
            self._background.spawn(self._confirm(ended.key, answer), name=f"report of {ended.key}")

    async def _confirm(self, key: Key, answer: Awaitable[object]) -> None:
        await answer
        self._settle(key)

    def _settle(self, key: Key) -> None:
        with suppress(OSError):  # what stays is handed over again by the next pool, and fenced
            os.unlink(spool.path_of(str(self._spool), *key))  # noqa: PTH108  (once an attempt)
        self._unsettled.discard(key)
        self._changed.set()


def _private(folder: Path) -> None:
    """Make a folder that nobody else can enter. Raises FailedPrecondition when it is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise FailedPrecondition(f"{folder} can be entered by others; remove it, or set XDG_RUNTIME_DIR.")
