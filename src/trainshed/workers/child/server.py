"""The fork server's loop: orders in, children started, watched, stopped and reaped, outcomes out.

One thread and no work of its own: a parent that has computed, or that has threads, hangs its children. It outlives the
Trainshed server: without a connection it goes on for the lease time, then ends its children and itself.
"""

import importlib
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, Optional

from . import VERSION, attempt, processes, spare
from .learning import Learning, share_pages
from .outcomes import Outcomes, outcome_of
from .peer import Peer
from .watching import Attempt

_SHORT_SECONDS = 0.005  # what an attempt that does next to nothing takes
_GOODBYE_SECONDS = 2.0
_CORES = len(os.sched_getaffinity(0))


class Server:
    """Everything of one environment: its socket, its peers, its children."""

    def __init__(
        self,
        *,
        socket_path: str,
        spool_folder: str,
        lessons_path: str,
        lease_seconds: float,
        idle_seconds: float,
        modules: list[str],
        learned: bool,
    ) -> None:
        self._learning = Learning(lessons_path)
        self._retired = False
        self._heard, self._said = os.pipe()
        self._path = socket_path
        self._lease_seconds = lease_seconds
        self._idle_seconds = idle_seconds
        self._attempts: dict[int, Attempt] = {}
        self._spare: Optional[spare.Spare] = None  # noqa: UP045  (runs on older interpreters)
        self._outcomes = Outcomes(spool_folder)
        self._peers: set[Peer] = set()
        self._alone_since = self._idle_since = time.monotonic()
        self._ending = False
        processes.adopt_orphans()
        attempt.import_executor()
        self._preload({"modules": modules})
        if learned:
            self._learning.import_learned()
        self._learning.compare()
        self._selector = selectors.DefaultSelector()
        self._listen()
        self._do: dict[str, Callable[[dict[str, Any]], None]] = {
            "start": self._start,
            "stop": self._stop,
            "preload": self._preload,
            "ping": lambda _: self._tell({"event": "pong"}),
            "retire": self._retire,
            "end": self._end,
        }

    def run(self) -> None:
        """Serve until idle, told to end, or left alone for the lease time."""
        while not self._is_over(time.monotonic()):
            for key, _ in self._selector.select(0) or self._wait():
                key.data()
            self._reap()
            self._look(time.monotonic())
            self._suggest(time.monotonic())
        self._leave()
        os._exit(0)

    def _wait(self) -> "list[tuple[selectors.SelectorKey, int]]":
        """Wait for something to happen; when there is nothing to do, fork the next attempt ahead.

        Not beside a short attempt, which is slowed down by it: there is time enough while its end is taken in.
        """
        if self._spare is None and self._peers and not self._ending and not self._retired:
            ready = self._selector.select(_SHORT_SECONDS) if self._attempts else []
            if ready:
                return ready
            self._fork_ahead()
        return self._selector.select(self._patience(time.monotonic()))

    def _leave(self) -> None:
        """Say that no later order is taken, and wait until that was heard: a closed socket may swallow the words."""
        with suppress(OSError):
            if os.stat(self._path).st_ino == self._inode:  # else another one took our place, unknown to it
                os.unlink(self._path)
        self._do = dict.fromkeys(self._do, lambda _: None)
        self._selector.unregister(self._listener)
        self._tell({"event": "bye"})
        until = time.monotonic() + _GOODBYE_SECONDS
        while self._peers and (left := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                key.data()

    def _listen(self) -> None:
        pending = f"{self._path}.{os.getpid()}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(pending)
        self._listener.listen()
        self._inode = os.stat(pending).st_ino
        os.rename(pending, self._path)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._woken, waker = socket.socketpair()
        self._waker = waker
        for end in (self._woken, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._end({}))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._selector.register(self._woken, selectors.EVENT_READ, self._drain)
        for pipe in (self._heard, self._said):
            os.set_blocking(pipe, False)
        self._selector.register(self._heard, selectors.EVENT_READ, self._hear)

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            peer = Peer(self._listener.accept()[0], self._selector, self._serve, self._forget)
            self._peers.add(peer)
            self._idle_since = time.monotonic()
            self._learning.suggest_soon()
            under_way = [a.described() for a in self._attempts.values()]
            ahead = sorted(self._learning.shelf.names)
            hello = {"event": "hello", "version": VERSION, "pid": os.getpid(), "attempts": under_way, "ahead": ahead}
            peer.send(hello)
            for outcome in self._outcomes.unstored:
                peer.send({"event": "ended", **outcome})

    def _forget(self, peer: Peer) -> None:
        self._peers.discard(peer)
        self._alone_since = time.monotonic()
        if not self._peers:
            self._outcomes.force()

    def _serve(self, message: dict[str, Any]) -> None:
        self._do[message["do"]](message)

    def _tell(self, event: dict[str, Any]) -> None:
        for peer in list(self._peers):
            peer.send(event)

    def _start(self, order: dict[str, Any]) -> None:
        key = (order["task_id"], order["attempt"])
        outcome = self._outcomes.get(key)
        if outcome is not None or any(a.key == key for a in self._attempts.values()):
            self._tell({"event": "started", "task_id": key[0], "attempt": key[1], "pid": 0})
            if outcome is not None:
                self._tell({"event": "ended", **outcome})
            return
        try:
            pid = self._fork(order)
        except OSError as error:
            reason = f"{error.filename or 'fork'}: {error.strerror}"
            self._tell({"event": "refused", "task_id": key[0], "attempt": key[1], "reason": reason})
            return
        self._tell({"event": "started", "task_id": key[0], "attempt": key[1], "pid": pid})

    def _fork(self, order: dict[str, Any]) -> int:
        """Start an order in the child that waits for one, or in a new one. Raises OSError."""
        start_time = time.time()
        log = os.open(order["log_file"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            os.stat(order["folder"])
            pid = self._hand_over(order, log) or self._fork_for(order, log)
        finally:
            os.close(log)
        order["source"] = order["executor_input"] = ""  # the child has them
        self._attempts[pid] = Attempt(order, pid, start_time)
        return pid

    def _hand_over(self, order: dict[str, Any], log: int) -> int:
        """Give an order to the child that waits; answer its pid, 0 when it does not take it."""
        waiting, self._spare = self._spare, None
        if waiting is None:
            return 0
        took = waiting.take(order, log)
        waiting.close()  # without an order it ends, and is reaped like any other
        return waiting.pid if took else 0

    def _fork_for(self, order: dict[str, Any], log: int) -> int:
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # a child that is asked to end at once, ends
        try:
            pid = os.fork()
            if pid == 0:
                self._let_go()
                attempt.detach(parent)
                self._become(order, log)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        return pid

    def _fork_ahead(self) -> None:
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            self._spare, order, log = spare.fork(self._let_go, lambda: attempt.prepare(parent))
            if self._spare is None:
                self._become(order, log)
        except OSError:
            self._spare = None  # what keeps it from being forked will be told of an order
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _become(self, order: dict[str, Any], log: int) -> NoReturn:
        attempt.run(order, log, shelf=self._learning.shelf, lessons=self._said)

    def _let_go(self) -> None:
        """Close what is the parent's, in a child."""
        self._selector.close()
        for end in (self._listener, self._woken, self._waker):
            end.close()
        os.close(self._heard)
        for peer in self._peers:
            peer.close()
        self._drop_spare()

    def _stop(self, message: dict[str, Any]) -> None:
        for each in self._attempts.values():
            if each.key == (message["task_id"], message["attempt"]):
                each.end("stopped", message["grace_seconds"])

    def _preload(self, message: dict[str, Any]) -> None:
        self._drop_spare()
        for name in message["modules"]:
            with suppress(Exception):  # a child that needs it will say what is wrong with it
                importlib.import_module(name)
        share_pages()

    def _drop_spare(self) -> None:
        """Let the child that waits end, since it lacks what is imported now."""
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    def _hear(self) -> None:
        self._learning.hear(self._heard)

    def _suggest_at(self) -> Optional[float]:  # noqa: UP045
        """Answer when to say that another fork server would do better; None while no processor is free to make it."""
        is_possible = bool(self._peers) and len(self._attempts) < _CORES and not self._retired
        return self._learning.suggest_at if is_possible else None

    def _suggest(self, now: float) -> None:
        """Say, once each time that it may have changed, that another fork server with other imports would do better."""
        at = self._suggest_at()
        if at is not None and now >= at:
            self._learning.suggest_at = None
            self._tell({"event": "learned", "python": sys.executable})

    def _retire(self, _: dict[str, Any]) -> None:
        self._retired = True

    def _end(self, _: dict[str, Any]) -> None:
        self._ending = True
        for each in self._attempts.values():
            each.end("stopped", 2)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            ended = self._attempts.pop(pid, None)
            if ended is not None:
                self._record(ended, status, usage)
            elif self._spare is not None and self._spare.pid == pid:
                self._drop_spare()

    def _record(self, ended: Attempt, status: int, usage: Any) -> None:
        """Sweep what it left behind, put its outcome on disk, then tell."""
        processes.end_strangers(self._known())
        outcome = outcome_of(ended, status, usage)
        self._outcomes.add(outcome, is_forced=not self._peers)
        self._idle_since = time.monotonic()
        self._learning.suggest_soon()
        self._tell({"event": "ended", **outcome})

    def _known(self) -> "set[int]":
        """Answer every child that we started and need."""
        return {*self._attempts, *([self._spare.pid] if self._spare else [])}

    def _look(self, now: float) -> None:
        for each in list(self._attempts.values()):
            if each.kill_at is not None and now >= each.kill_at:
                each.kill()
            if each.deadline is not None and now >= each.deadline:
                each.deadline = None
                each.end("timed_out", each.order["grace_seconds"])
            if now >= each.look_at:
                each.look(now)
        if not self._peers and now >= self._alone_since + self._lease_seconds and not self._ending:
            self._ending = True
            for each in self._attempts.values():
                each.end("lease_expired", 2)

    def _is_over(self, now: float) -> bool:
        if self._attempts:
            return False
        return self._ending or self._retired or (bool(self._peers) and now >= self._idle_since + self._idle_seconds)

    def _patience(self, now: float) -> float:
        times = [a.wake_at for a in self._attempts.values()]
        if not self._peers:
            times.append(self._alone_since + self._lease_seconds)
        elif not self._attempts:
            times.append(self._idle_since + self._idle_seconds)
        if (at := self._suggest_at()) is not None:
            times.append(at)
        return max(0.0, min(times, default=now + 60) - now)
