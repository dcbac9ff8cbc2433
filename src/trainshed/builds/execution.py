"""One build from its start to its end: source, steps as waitFor lets them overlap, artifacts, images, log."""

import asyncio
import base64
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from trainshed.builds import clones, endings, processes, secret_versions, sources, steps
from trainshed.builds.endings import Ending, StepNote
from trainshed.builds.journal import Journal, StepOutput
from trainshed.builds.logkeeping import LogKeeper
from trainshed.builds.model import CLONES, Build, Config, Step
from trainshed.builds.ports import Objects
from trainshed.builds.repositories import Repositories
from trainshed.builds.service import Service
from trainshed.builds.workspace import read_output
from trainshed.clock import Clock, duration, rfc3339
from trainshed.duty import off_loop
from trainshed.errors import OUTAGES, StaleState, TrainshedError

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What executions use; made once by `app`."""

    tools: steps.Tools
    objects: Objects
    repositories: Repositories
    secrets: Path
    log_bytes: int = 64 * 1024 * 1024


_OUTAGE = timedelta(seconds=1)  # of the store, until it is asked again
_LAST_LINE = 200  # of what a step wrote last, in the reason of a failure


class _Failure(Exception):
    """The build fails: Google's failure type, and a sentence."""

    def __init__(self, kind: str, detail: str, *, told: str = "") -> None:
        super().__init__(detail)
        self.kind = kind
        self.told = told  # what a person wants to read first, where that is not the detail


class Execution:
    """Runs one build. `run` returns when the build is final in the store."""

    def __init__(self, service: Service, clock: Clock, around: Surroundings, build_id: str) -> None:
        self._service = service
        self._clock = clock
        self._around = around
        self._id = build_id
        self._results: dict[str, Any] = {}
        self._timing: dict[str, Any] = {}
        self._notes: dict[int, StepNote] = {}  # of the steps that began
        self._ending: Ending | None = None
        self._writes: list[asyncio.Task[None]] = []
        self._workspace = service.workspace(build_id)
        self._journal: Journal
        self._keeper: LogKeeper

    async def run(self) -> None:
        """Run the build; being cancelled means that somebody has ended it, or that the server stops."""
        try:
            build, config = await off_loop(self._service.reports.start, self._id)
        except StaleState:
            return
        await off_loop(self._workspace.prepare)
        with self._open_log(build):
            self._keeper.start()
            try:
                await self._watched(build, config)
            except asyncio.CancelledError:
                await self._ended_from_outside()
                raise
            except Exception as error:  # a defect of ours; the build must not hang in WORKING
                log.exception("Build %s broke.", self._id, extra={"action": "build_broken", "build_id": self._id})
                await self._finish("lose", f"Trainshed failed: {type(error).__name__}: {error}")
            finally:
                await asyncio.shield(processes.end(f"{self._id}/", grace_seconds=0))
                await self._keeper.stop()
                await self._written()
                await off_loop(self._workspace.clear)

    async def give_up(self, detail: str) -> bool:
        """End a build whose server went away, as it had ended by then or as one that is lost; whether it is lost."""
        build = await off_loop(self._service.get, self._id)
        self._ending = found = await off_loop(endings.read, self._workspace.folder)
        if found is not None:
            self._results, self._timing = dict(found.results), dict(found.timing)
            self._notes = {note.number: note for note in found.steps}
        with self._open_log(build):
            is_written = await self._finish("lose", detail)
        return is_written and (found is None or found.transition == "lose")

    def _open_log(self, build: Build) -> Journal:
        log_file = self._workspace.log
        self._journal = Journal(log_file, limit=self._around.log_bytes)
        self._keeper = LogKeeper(self._around.objects, build.log_uri, log_file, self._id)
        return self._journal

    async def _watched(self, build: Build, config: Config) -> None:
        """Run with the build's timeout, by our clock."""
        assert build.start_time is not None
        self._journal.say(f'starting build "{self._id}"\n')
        work = asyncio.create_task(self._work(build, config), name=f"build {self._id}")
        timer = asyncio.create_task(self._until(build.start_time + timedelta(seconds=config.timeout_seconds)))
        try:
            await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await _cancel(work)
                await self._finish(
                    "time_out", f"the build ran longer than its timeout ({_span(config)})", may_wait=True
                )
                return
        finally:
            await _cancel(timer)
            await _cancel(work)
        try:
            work.result()
        except _Failure as failure:
            why = {"type": failure.kind, "detail": str(failure)} | ({"told": failure.told} if failure.told else {})
            await self._finish("fail", str(failure), why, may_wait=True)
        else:
            await self._finish("succeed", "", may_wait=True)

    def _note_clones(self, folder: Path, before: set[str]) -> None:
        """Keep what the steps cloned: nothing else will say which commit a branch was then."""
        with suppress(OSError):
            new = [asdict(clone) for clone in clones.found(folder) if clone.path not in before]
            self._results |= {CLONES: new} if new else {}

    async def _until(self, deadline: datetime) -> None:
        while self._clock.now() < deadline:
            await self._clock.sleep_until(deadline)

    async def _work(self, build: Build, config: Config) -> None:
        if config.source or config.dependencies:
            source_dir = await self._phase("FETCHSOURCE", lambda: self._fetch(config))
        else:
            source_dir = ""
        secrets = await self._secrets(config)
        runner = steps.StepRunner(build, self._workspace, self._around.tools, secrets=secrets, source_dir=source_dir)
        before = await off_loop(clones.found, self._workspace.workspace)
        try:
            await self._phase("BUILD", lambda: self._steps(config, runner))
        finally:
            await asyncio.shield(
                off_loop(self._note_clones, self._workspace.workspace, {clone.path for clone in before})
            )
        if config.images or config.objects_location:
            await self._phase("PUSH", lambda: self._push(config, self._workspace.workspace / source_dir))

    async def _phase(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        self._journal.say(name)
        start = self._clock.now()
        try:
            return await work()
        finally:
            end = self._clock.now()
            self._timing[name] = {"startTime": rfc3339(start), "endTime": rfc3339(end)}
            with suppress(TrainshedError):  # the end of the build says it again
                await asyncio.shield(off_loop(self._service.reports.phase, self._id, self._timing))

    async def _fetch(self, config: Config) -> str:
        around = self._around
        try:
            found = await off_loop(
                sources.fetch,
                config.source,
                self._workspace.workspace,
                objects=around.objects,
                repositories=around.repositories,
                say=self._journal.say,
            )
            for wanted in config.dependencies:
                await off_loop(
                    sources.fetch_dependency,
                    wanted,
                    self._workspace.workspace,
                    repositories=around.repositories,
                    say=self._journal.say,
                )
        except TrainshedError as error:
            raise _Failure("FETCH_SOURCE_FAILED", error.message) from error
        return found

    async def _secrets(self, config: Config) -> Mapping[str, str]:
        try:
            values = {s.variable: await off_loop(secret_versions.read, self._around.secrets, s) for s in config.secrets}
        except TrainshedError as error:
            raise _Failure("USER_BUILD_STEP", error.message) from error
        self._journal.hide(values.values())
        return values

    async def _steps(self, config: Config, runner: steps.StepRunner) -> None:
        found = await off_loop(steps.unusable, config.steps, self._around.tools.docker)
        if found is not None:
            raise _Failure("USER_BUILD_STEP", f"{found[0].label}: {found[1]}")
        waiting = {s.number: s for s in config.steps}
        ended: set[int] = set()
        running: dict[asyncio.Task[None], int] = {}
        try:
            while waiting or running:
                for step in [s for s in waiting.values() if ended.issuperset(s.after)]:
                    del waiting[step.number]
                    running[asyncio.create_task(self._step(step, runner))] = step.number
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    ended.add(running.pop(task))
                    task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _step(self, step: Step, runner: steps.StepRunner) -> None:
        self._notes[step.number] = StepNote(number=step.number, start_time=self._clock.now())
        self._writes.append(asyncio.create_task(self._note()))  # on disk while the process starts
        self._journal.say(f"Starting {step.label}")
        output = StepOutput(self._journal, step.label)
        run = asyncio.create_task(runner.run(step, output))
        try:
            done, _ = await asyncio.wait({run}, timeout=step.timeout_seconds)
        finally:
            await _cancel(run)
        if not done:
            self._record_end(step, "time_out", None)
            raise _Failure(
                "USER_BUILD_STEP", f"build {_named(step)} ran longer than its timeout ({step.timeout_seconds:g}s)"
            )
        code = run.result()
        self._record_end(step, "break" if code else "pass", code)
        self._journal.say(f"Finished {step.label}")
        if code and not step.tolerates(code):
            why = f"step exited with non-zero status: {code}"
            told = f"build {_named(step)} failed: {_short(output.last)} ({why})" if output.last else ""
            raise _Failure("USER_BUILD_STEP", f"build {_named(step)} failed: {why}", told=told)
        if code:
            self._journal.say(f"{step.label}: its exit status {code} is allowed; the build goes on.")

    def _record_end(self, step: Step, transition: str, code: int | None) -> None:
        """Write how a step ended while the next ones start; `_written` waits for it before the build ends."""
        when = self._clock.now()

        async def write() -> None:
            output = await off_loop(lambda: read_output(self._workspace.outputs(step)))
            self._notes[step.number] = replace(
                self._notes[step.number],
                transition=transition,
                end_time=when,
                exit_code=code,
                output=base64.b64encode(output).decode(),
            )
            await self._note()

        self._writes.append(asyncio.create_task(write()))

    async def _note(self) -> None:
        with suppress(*OUTAGES):  # the next note says it again, and the end of the build
            await off_loop(self._service.reports.note_steps, self._id, tuple(self._notes.values()))

    async def _written(self) -> None:
        """Wait for what is being written; whoever stops waiting does not stop that."""
        while self._writes:
            await asyncio.wait(self._writes)
            ended = [write for write in self._writes if write.done()]
            self._writes = [write for write in self._writes if write not in ended]
            for write in ended:
                write.result()

    async def _push(self, config: Config, folder: Path) -> None:
        for name in config.images:
            image = await off_loop(self._around.tools.docker.describe, name)
            if image is None or "*" in image.binding.pattern:
                raise _Failure(
                    "PUSH_IMAGE_NOT_FOUND",
                    f"images: {name} does not exist after the steps; build it in a step: docker build -t {name} .",
                )
            self._journal.say(
                f"Pushing {name}\n{name}: digest: {image.digest} (environment and snapshot, not an OCI image)"
            )
            self._results.setdefault("images", []).append({"name": name, "digest": image.digest})
        if config.objects_location:
            try:
                await off_loop(self._upload, config, folder)
            except TrainshedError as error:
                raise _Failure("PUSH_FAILED", f"artifacts.objects: {error.message}") from error

    def _upload(self, config: Config, folder: Path) -> None:
        bucket, _, prefix = config.objects_location.removeprefix("gs://").partition("/")
        manifest = []
        for pattern in config.objects_paths:
            try:
                found = [p for p in sorted(folder.glob(pattern.lstrip("/"))) if p.is_file()]
            except ValueError as error:
                raise _Failure("PUSH_FAILED", f"artifacts.objects.paths: {pattern!r} is no pattern: {error}") from error
            if not found:
                raise _Failure("PUSH_FAILED", f"artifacts.objects.paths: no file matches {pattern!r}")
            for path in found:
                generation = self._around.objects.put(bucket, f"{prefix}{path.name}", path)
                uri = f"gs://{bucket}/{prefix}{path.name}#{generation}"
                self._journal.say(f"Uploaded {uri}")
                with path.open("rb") as file:  # it may be larger than memory
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                manifest.append(json.dumps({"location": uri, "file_hash": [{"type": 2, "value": digest}]}))
        record = folder.parent / "artifacts.json"
        record.write_text("\n".join(manifest) + "\n")
        name = f"{prefix}artifacts-{self._id}.json"
        self._around.objects.put(bucket, name, record)
        self._results |= {"artifactManifest": f"gs://{bucket}/{name}", "numArtifacts": str(len(manifest))}

    async def _finish(
        self, transition: str, detail: str, failure: Mapping[str, str] | None = None, *, may_wait: bool = False
    ) -> bool:
        """Say how the build ended: in its log, beside it, and in its row; False when it had ended otherwise before.

        What was said first holds. It `may_wait` while the store takes nothing; else the next server reads what is
        beside the log.
        """
        if self._ending is None:
            self._ending = Ending(transition=transition, when=self._clock.now(), detail=detail, failure=failure or {})
            self._journal.say("DONE" if transition == "succeed" else f"ERROR\nERROR: {detail}")
        await self._written()
        notes = tuple(self._notes.values())
        self._ending = replace(self._ending, results=self._results, timing=self._timing, steps=notes)
        with suppress(OSError):  # a full disk: then it is known as long as we live
            await off_loop(endings.save, self._workspace.folder, self._ending)
        await self._keeper.finish()
        is_written = await self._report(self._ending, may_wait=may_wait)
        await off_loop(endings.remove, self._workspace.folder)
        return is_written

    async def _report(self, ending: Ending, *, may_wait: bool) -> bool:
        while True:
            try:
                return await off_loop(self._service.reports.finish, self._id, ending)
            except OUTAGES:
                if not may_wait:
                    raise
                await self._clock.sleep_until(self._clock.now() + _OUTAGE)

    async def _ended_from_outside(self) -> None:
        build = await off_loop(self._service.get, self._id)
        if build.is_final:
            if self._ending is None:
                self._journal.say(f"{build.state}: {build.status_detail}")
            await self._keeper.finish()
            await off_loop(endings.remove, self._workspace.folder)
        else:
            with suppress(*OUTAGES):  # the next server reads it
                await self._finish("lose", "the server stopped while the build ran")


async def _cancel(task: "asyncio.Task[Any]") -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait({task})


def _named(step: Step) -> str:
    return f'step {step.number} "{step.name}"'


def _short(line: str) -> str:
    return line if len(line) <= _LAST_LINE else f"{line[: _LAST_LINE - 1]}…"


def _span(config: Config) -> str:
    return duration(config.timeout_seconds)
