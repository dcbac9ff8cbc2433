"""The logs of a run's tasks as lines, while they grow.

Files that are being written are looked at every moment; the store only after it has said that something changed.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from trainshed.duty import off_loop
from trainshed.runs import RUN, Chosen, Run, Service, run_channel, tasks_channel, wait, watch

_LOOK_SECONDS = 0.1
_IDLE_SECONDS = 30.0
_WRITING = {"RUNNING", "CANCELLING"}
_CLOCK_STEP = timedelta(seconds=5)  # a machine's clock may be set back
_CHUNK = 1 << 20  # of one log at a time


async def lines(runs: Service, run: Run, chosen: Chosen | None, *, is_followed: bool) -> AsyncIterator[bytes]:
    """Yield what tasks wrote, each line with its task unless only one is chosen; followed, until the run has ended."""
    logs = _Logs(runs, run, chosen)
    is_over = False
    with watch(runs.db, run_channel(run.name), tasks_channel(run.name)) as changed:
        changed.set()
        while True:
            if changed.is_set():
                changed.clear()
                is_over = not is_followed or RUN.is_final((await off_loop(runs.get, run.name)).state)
                await off_loop(logs.look)
            while data := await off_loop(logs.news):
                yield data
            if is_over:
                return
            await wait(changed, _LOOK_SECONDS if logs.is_growing else _IDLE_SECONDS)


@dataclass(kw_only=True)
class _Log:
    path: Path
    prefix: bytes
    is_over: bool = False
    position: int = 0

    def read(self) -> bytes:
        """Answer the next whole lines; the last one of a log that is over may lack its end."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.position)
                data = file.read(_CHUNK)
        except OSError:
            return b""
        is_last = len(data) < _CHUNK
        end = len(data) if self.is_over and is_last else data.rfind(b"\n") + 1
        if end == 0 and not is_last:
            end = len(data)  # a line longer than a chunk
        self.position += end
        return data[:end]


class _Logs:
    def __init__(self, runs: Service, run: Run, chosen: Chosen | None) -> None:
        self._runs = runs
        self._run = run
        self._chosen = chosen
        self._since: datetime | None = None
        self._open: dict[Path, _Log] = {}
        self._done: set[Path] = set()

    @property
    def is_growing(self) -> bool:
        """Whether some task writes."""
        return bool(self._open)

    def look(self) -> None:
        """Find out which logs there are."""
        for task in self._runs.begun(self._run.name, self._since):
            if task.end_time is not None:
                self._since = max(self._since or task.end_time - _CLOCK_STEP, task.end_time - _CLOCK_STEP)
            if self._chosen is not None and task.name not in self._chosen:
                continue
            for attempt in range(1, task.attempt + 1):
                self._note(task.name, attempt, is_over=attempt < task.attempt or task.state not in _WRITING)

    def news(self) -> bytes:
        """Answer what the logs have gained, of each a bounded piece."""
        found = []
        for log in list(self._open.values()):
            data = log.read()
            found += [log.prefix + line + b"\n" for line in data.removesuffix(b"\n").split(b"\n")] if data else []
            if log.is_over and not data:
                self._done.add(log.path)
                del self._open[log.path]
        return b"".join(found)

    def _note(self, task: str, attempt: int, *, is_over: bool) -> None:
        path = self._runs.log_file(self._run, task, attempt)
        if path in self._done:
            return
        is_alone = self._chosen is not None and self._chosen.is_one
        log = self._open.setdefault(path, _Log(path=path, prefix=b"" if is_alone else f"[{task}] ".encode()))
        log.is_over = is_over
