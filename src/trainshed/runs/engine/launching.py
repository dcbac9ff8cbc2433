"""Starting attempts: the environment is made once for all who wait for it, the folder is made, the runner is told."""

import asyncio
import logging
from dataclasses import replace
from functools import partial
from pathlib import Path

from trainshed import ir
from trainshed.duty import off_loop
from trainshed.runners.contract import NOTE, ExitedNonZero, Launch, OutputMissing, Runner, Succeeded
from trainshed.runs import workplace
from trainshed.runs.active import ActiveRun
from trainshed.runs.engine import kept_inputs, launch
from trainshed.runs.engine.ended import Ended
from trainshed.runs.engine.launch import Around
from trainshed.runs.outputs import Collector
from trainshed.runs.workplace import Workplace, Workplaces

log = logging.getLogger(__name__)
_FEW_LINKS = 20  # made faster than a thread is handed them


class Launcher:
    """Knows which attempts are under way; prepares, starts, collects."""

    def __init__(self, runner: Runner, workplaces: Workplaces, around: Around) -> None:
        self._runner = runner
        self._environments = workplaces.environments
        self._images = workplaces.images
        self._around = around
        self._collector = Collector(around.blobs)
        self._under_way: set[tuple[str, int]] = set()
        self._preparing: set[tuple[str, int]] = set()
        self._starting: dict[tuple[str, int], float | None] = {}  # with the runner, not under way -> grace of a stop
        self._ready: set[str] = set()  # environments that are there
        self._pulling: dict[str, asyncio.Lock] = {}
        self._building: dict[str, asyncio.Task[None]] = {}

    def under_way(self) -> set[tuple[str, int]]:
        """Answer the attempts that were started and not reported yet."""
        return set(self._under_way)

    def adopt(self, known: set[tuple[str, int]]) -> None:
        """Take over attempts that the runner knows of."""
        self._under_way |= known

    def expect(self, task_id: str, attempt: int) -> None:
        """Note that an attempt is about to be started."""
        self._under_way.add((task_id, attempt))
        self._preparing.add((task_id, attempt))

    def ended(self, task_id: str, attempt: int) -> None:
        """Note that an attempt was reported."""
        self._under_way.discard((task_id, attempt))

    def give_up(self, task_id: str, attempt: int) -> bool:
        """Withdraw an attempt that is still being prepared; False when it is with the runner."""
        is_preparing = (task_id, attempt) in self._preparing
        self._preparing.discard((task_id, attempt))
        return is_preparing

    async def start(self, active: ActiveRun, path: str, attempt: int) -> None:
        """Hand an attempt to the runner, unless it was withdrawn meanwhile. Raises what making the environment raises."""
        key = (active.nodes[path].id, attempt)
        place = active.place(path)
        if place.image and not place.environment:
            await self._image(active, path, attempt)
        elif not place.image and place.environment not in self._ready:
            await self._environment(place, active.attempt_folder(path, attempt))
        if key not in self._preparing:  # and its scope may be closed by now
            return
        if sum(map(len, active.inputs_of(path).artifacts.values())) <= _FEW_LINKS:
            prepared = launch.prepare(active, path, attempt, self._around)
        else:
            prepared = await off_loop(launch.prepare, active, path, attempt, self._around)
        if key in self._preparing:
            await self._hand_over(key, prepared)

    async def stop(self, task_id: str, attempt: int, *, grace_seconds: float) -> None:
        """Stop an attempt that is with the runner; one that is not under way there yet, as soon as it is."""
        if (task_id, attempt) in self._starting:
            self._starting[task_id, attempt] = grace_seconds
        await self._runner.stop(task_id, attempt, grace_seconds=grace_seconds)

    async def _hand_over(self, key: tuple[str, int], prepared: Launch) -> None:
        self._preparing.discard(key)
        self._starting[key] = None
        try:
            await self._runner.start(prepared)
        except Exception:
            self._preparing.add(key)  # it is ours again, to be reported
            raise
        finally:
            grace_seconds = self._starting.pop(key)
            if grace_seconds is not None:
                await self._runner.stop(*key, grace_seconds=grace_seconds)

    def collect(self, active: ActiveRun, ended: Ended) -> Ended:
        """Read what a successful attempt left; it fails when an output is missing, or an input is not what it was."""
        if not isinstance(ended.report.outcome, Succeeded):
            return ended
        path = active.paths[ended.report.task_id]
        given = active.inputs_of(path).artifacts
        reason = kept_inputs.changed(given, self._around.blobs, self._around.read, since=ended.report.start_time)
        if reason:
            return ended.failed(ExitedNonZero(code=0, message=reason))
        places = active.places_of(path, ended.report.attempt)
        mount = active.mount_of(path, ended.report.attempt)
        try:
            found = self._collector.collect(
                active.task(path),
                ended.report.outcome.output,
                places,
                mount,
                is_python=isinstance(active.place(path).work, ir.Python),
            )
        except ValueError as error:
            return ended.failed(ExitedNonZero(code=0, message=str(error)))
        if isinstance(found, OutputMissing):
            return ended.failed(found)
        return replace(ended, collected=found)

    async def _image(self, active: ActiveRun, path: str, attempt: int) -> None:
        """Have the image of a container on this machine, and note which one it is."""
        image, note = launch.image_of(active, path, attempt), partial(_note, active.attempt_folder(path, attempt))
        async with self._pulling.setdefault(image, asyncio.Lock()):  # whoever waited finds it here
            active.nodes[path].image = await off_loop(self._images.obtain, image, note)

    async def _environment(self, place: Workplace, folder: Path) -> None:
        building = self._building.get(place.environment)
        if building is None:
            building = asyncio.create_task(self._build(place, folder))
            self._building[place.environment] = building
            building.add_done_callback(lambda _: self._building.pop(place.environment, None))
        else:
            await off_loop(_note, folder, f"Waiting for environment {place.environment}, which another task makes.")
        await asyncio.shield(building)

    async def _build(self, place: Workplace, folder: Path) -> None:
        await off_loop(self._build_now, place, folder)
        self._ready.add(place.environment)

    def _build_now(self, place: Workplace, folder: Path) -> None:
        workplace.build(self._environments, place, partial(_note, folder))


def _note(folder: Path, line: str) -> None:
    """Add a line to an attempt's log before the attempt itself writes there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / launch.LOG).open("a", encoding="utf-8") as file:
        file.writelines(f"{NOTE}{one}\n" for one in line.splitlines())
