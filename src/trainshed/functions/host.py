"""Runs functions: deploys versions, keeps their instances, and hands each event to exactly one of them.

Everything here runs on the event loop of the server; what is durable goes through `Service`, in threads.
"""

import asyncio
import hashlib
import logging
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from trainshed import names
from trainshed.clock import Clock
from trainshed.duty import Background, off_loop
from trainshed.errors import (
    OUTAGES,
    FailedPrecondition,
    Finding,
    InvalidArgument,
    NotFound,
    TrainshedError,
    Unavailable,
)
from trainshed.functions import addresses, ceiling, envelope, runtimes, signature, source, tree
from trainshed.functions.addresses import check_name
from trainshed.functions.calls import Begun, Call
from trainshed.functions.contract import Instance, Launch, StartFailed
from trainshed.functions.deployment import Deployment
from trainshed.functions.logs import Log
from trainshed.functions.model import Configuration, Ended, Function, Version
from trainshed.functions.placement import Placement
from trainshed.functions.pool import Pool, Retired
from trainshed.functions.service import Asked, Service
from trainshed.functions.serving import Causes
from trainshed.ledger import Cause, Message

log = logging.getLogger(__name__)
T = TypeVar("T")
_INTERPRETER = f"{sys.version_info.major}.{sys.version_info.minor}"
_OUTAGE = timedelta(seconds=1)  # of the store, until it is asked again
_KEPT_DEPLOYMENTS = 100


class BuiltEnvironment(Protocol):
    """What functions need to know of an environment."""

    @property
    def digest(self) -> str:
        """Its name."""
        ...

    @property
    def python(self) -> Path:
        """Its interpreter."""
        ...


class Environments(Protocol):
    """What functions need of environments."""

    def ensure(self, lines: Sequence[str], *, log: Callable[[str], None] | None = None) -> BuiltEnvironment:
        """Build once, answer ever after. Raises FailedPrecondition with the last lines of the installer."""
        ...


class Host:
    """The functions of one server, running."""

    def __init__(
        self,
        root: Path,
        service: Service,
        clock: Clock,
        *,
        environments: Environments,
        reach: Callable[[str], Mapping[str, str]],
        secrets: Path | None = None,
        launch: Launch | None = None,
        start_seconds: float = 240.0,
    ) -> None:
        self.sources = source.Sources(root / "sources")
        self.causes = Causes()
        self._service = service
        self._clock = clock
        self._environments = environments
        self._cookie = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
        self._placement = Placement(
            root,
            self.sources,
            clock,
            reach=reach,
            secrets=secrets,
            cookie=self._cookie,
            start_seconds=start_seconds,
        )
        self._launch = launch or self._placement.make
        self._pools: dict[str, Pool] = {}
        self._deletions = 0  # of functions; what was read before one may be gone
        self._retired: set[Pool] = set()
        self._in_flight: dict[tuple[str, str], asyncio.Task[tuple[str, Ended]]] = {}
        self._asked: set[asyncio.Task[Any]] = set()  # what somebody waits for, or waited
        self._deployments: dict[str, Deployment] = {}
        self._background = Background()
        self._stopping = False

    # -- from start to stop

    async def start(self) -> None:
        """End what a dead server left running, close what it left open, warm what has to be warm."""
        await off_loop(tree.kill_orphans, self._cookie)
        await off_loop(ceiling.sweep, f"{self._cookie}-")
        await off_loop(self._service.recover)

    async def stop(self) -> None:
        """End every instance; calls under way are interrupted and their events delivered again."""
        self._stopping = True
        await self._background.close()
        await asyncio.gather(*(pool.close() for pool in (*self._pools.values(), *self._retired)))
        await asyncio.gather(*self._in_flight.values(), *self._asked, return_exceptions=True)
        await off_loop(tree.kill_orphans, self._cookie)

    async def keep(self, idle_seconds: float) -> None:
        """End idle instances, keep the minimum of each function warm: one turn of the duty."""
        for function in await off_loop(self._service.list, "projects/-/locations/-"):
            if function.version and function.version.configuration.min_instances:
                await self._warm(await self._pool(function.name))
        for pool in list(self._pools.values()):
            pool.cool(idle_seconds)

    # -- deploying

    async def deploy(
        self, name: str, configuration: Configuration, archive: bytes | None, *, generation: int = 1, verb: str = ""
    ) -> Deployment:
        """Check everything that can be checked without running it, then build and try in the background.

        Without an archive, the source of the version that serves is deployed again. `generation` is that of the API
        which asks, `verb` is create or update where it must be one of them.
        Raises InvalidArgument before anything is recorded, Aborted while another deployment of it is under way.
        """
        check_name(name)
        findings = runtimes.check(configuration.runtime, _INTERPRETER)
        digest = await self._source(name, archive)
        folder = self.sources.folder(digest)
        kind = await off_loop(_signature, folder, configuration)
        findings += signature.check_generation(kind, configuration.entry_point, configuration.generation)
        wanted = await off_loop(source.requirements, folder)
        await off_loop(self._placement.check, configuration)
        asked = Asked(
            operation=addresses.operation(name, generation, self._clock.now()), generation=generation, verb=verb
        )
        deployment = Deployment(asked.operation, name)
        deployment.plan(has_trigger=not configuration.http, warnings=[f.message for f in findings])

        async def begin() -> Deployment:
            number = await off_loop(self._service.open_deployment, name, configuration, asked)
            self._keep_deployment(deployment)
            draft = Version(
                function=name,
                number=number,
                source=digest,
                environment="",
                python=Path(),
                signature=kind,
                configuration=configuration,
                deploy_time=self._clock.now(),
            )
            self._background.spawn(self._deploy(deployment, draft, wanted, findings), name=f"deployment of {name}")
            return deployment

        return await self._to_its_end(begin())  # opened and not begun it would stand in the way of every other

    def deployment(self, operation: str) -> Deployment | None:
        """Find a recent deployment by its operation's name."""
        return self._deployments.get(operation)

    async def delete(self, name: str, *, generation: int = 1) -> str:
        """Remove a function and end its instances; answer the name of the operation."""
        return await self._to_its_end(self._delete(name, generation))

    async def _delete(self, name: str, generation: int) -> str:
        asked = Asked(operation=addresses.operation(name, generation, self._clock.now()), generation=generation)
        await off_loop(self._service.delete, name, asked)
        self._deletions += 1
        if pool := self._pools.pop(name, None):
            await pool.close()
        return asked.operation

    # -- calling

    async def deliver(self, name: str, event: Message) -> bool:
        """Hand one delivery to the function; True acknowledges it, False asks for another delivery."""
        key = (name, event.stimulus)
        task = self._in_flight.get(key)
        if task is None:  # else a second delivery of what is being served joins the first
            task = asyncio.ensure_future(self.call(name, Call(event=event)))
            self._in_flight[key] = task
            task.add_done_callback(lambda done: self._settled(key, done))
        try:
            _, ended = await asyncio.shield(task)
        except NotFound:
            log.warning("An event came for %s, which is gone.", name, extra={"action": "function_gone"})
            return True
        if ended.transition == "interrupt":
            return False
        return ended.ok or not await self._retries(name)

    def _settled(self, key: tuple[str, str], task: "asyncio.Task[tuple[str, Ended]]") -> None:
        self._in_flight.pop(key, None)
        if not task.cancelled():
            task.exception()  # taken, because whoever delivered may be gone; then the event is delivered again

    async def call(self, name: str, call: Call) -> tuple[str, Ended]:
        """Call a function and record it; answer its execution id and how it ended. It ends so without who asked, too."""
        return await self._to_its_end(self._call(name, call))

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for what somebody asked for; it goes on when they go away."""
        task = asyncio.ensure_future(work)
        self._asked.add(task)
        task.add_done_callback(self._answered)
        return await asyncio.shield(task)

    def _answered(self, task: "asyncio.Task[Any]") -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # taken, because whoever asked may be gone

    async def _call(self, name: str, call: Call) -> tuple[str, Ended]:
        try:
            pool, instance = await self._acquire(name)
        except StartFailed as error:
            version = (await self._pool(name)).version
            begun = await off_loop(self._service.begin, version, call, instance="")
            return await self._finish(begun, Ended(transition="fail_start", error=str(error)), asked=False)
        try:
            begun = await off_loop(self._service.begin, pool.version, call, instance=instance.id)
            serving = self.causes.serve(instance.principal, begun.cause)
            try:
                carried = self._carry(pool.version, call, begun.invocation.id)
            except InvalidArgument as error:  # a message by hand on the topic of a bucket
                ended = Ended(transition="fail_start", error=error.message)
            else:
                ended = await instance.call(carried, execution_id=begun.invocation.id)
        finally:
            if not instance.alive:
                self.causes.forget(instance.principal)
            pool.release(instance)
        return await self._finish(begun, ended, asked=bool(serving.ordinals))

    def cause_of(self, principal: str) -> Cause | None:
        """Answer the event that an instance's requests belong to; None for anybody else."""
        return self.causes.cause_of(principal)

    def next_ordinal(self, principal: str, digest: str) -> int:
        """Count a request among the equal ones of the same delivery."""
        return self.causes.next_ordinal(principal, digest)

    def log_of(self, name: str) -> Log:
        """Answer the log of a function."""
        return self._placement.log(name)

    def instances(self, name: str) -> int:
        """Answer how many instances of a function there are now."""
        pool = self._pools.get(name)
        return pool.size if pool else 0

    # -- inside

    async def _source(self, name: str, archive: bytes | None) -> str:
        if archive is not None:
            return await off_loop(self.sources.add, archive)
        function = await off_loop(self._service.get, name)
        if function.version is None:
            raise InvalidArgument.field("source", "the function was never deployed well; give its source")
        return function.version.source

    async def _deploy(self, deployment: Deployment, draft: Version, wanted: list[str], findings: list[Finding]) -> None:
        for finding in findings:
            deployment.say(f"{finding.severity.upper()}: {finding.message}")
        try:
            function = await self._build(deployment, draft, wanted)
        except asyncio.CancelledError:
            await self._failed(deployment, Unavailable("the server ended while this was deployed; deploy again"))
            raise
        except TrainshedError as error:
            await self._failed(deployment, error)
        except Exception:
            await self._failed(
                deployment, Unavailable("Trainshed failed while this was deployed; its log has the trace.")
            )
            raise
        else:
            deployment.say(f"Version {draft.number} serves.")
            deployment.end(function=function)

    async def _failed(self, deployment: Deployment, error: TrainshedError) -> None:
        await self._write(partial(self._service.fail_deployment, deployment.name, error))
        deployment.end(error=error)

    async def _write(self, verb: Callable[[], object]) -> None:
        """Write how something ended, once the store takes it: else it would go on until the next start, which says it."""
        while True:
            try:
                await off_loop(verb)
            except OUTAGES:
                if self._stopping:
                    raise
                await self._clock.sleep_until(self._clock.now() + _OUTAGE)
            else:
                return

    async def _build(self, deployment: Deployment, draft: Version, wanted: list[str]) -> Function:
        deployment.enter("BUILD", "Installing requirements…")
        built = await off_loop(self._environments.ensure, wanted, log=deployment.say)
        version = replace(draft, environment=built.digest, python=built.python)
        deployment.enter("SERVICE", "Starting one instance…")
        pool = Pool(version, self._launch, self._clock)
        try:
            instance = await pool.acquire()
        except StartFailed as error:
            await pool.close()
            raise FailedPrecondition(
                f"{names.short(version.function)} does not start: {error}", reason="FUNCTION_START_FAILED"
            ) from error
        try:
            function = await off_loop(self._service.complete_deployment, version)
        except BaseException:  # not recorded: the version does not serve, so its instance must not stay
            await pool.close()
            raise
        old = self._pools.get(version.function)
        self._pools[version.function] = pool
        pool.release(instance)
        if old is not None:
            old.retire()
            self._retired = {p for p in self._retired if p.size} | {old}
        return function

    async def _finish(self, begun: Begun, ended: Ended, *, asked: bool) -> tuple[str, Ended]:
        if self._stopping and not ended.ok:
            ended = Ended(transition="interrupt", error="the server ended under it")
        await self._write(partial(self._service.finish, begun, ended, asked=asked))
        return begun.invocation.id, ended

    async def _acquire(self, name: str) -> tuple[Pool, Instance]:
        while True:
            pool = await self._pool(name)
            try:
                return pool, await pool.acquire()
            except Retired:
                if self._stopping:
                    raise Unavailable("The server is ending.") from None

    async def _pool(self, name: str) -> Pool:
        if self._stopping:
            raise Unavailable("The server is ending.")
        if (pool := self._pools.get(name)) is not None:
            return pool
        deletions = -1
        while deletions != self._deletions:  # else it may be one that is deleted
            deletions = self._deletions
            function = await off_loop(self._service.get, name)
        if function.version is None:
            raise FailedPrecondition(f"{names.short(name)} has no version that works: {function.error}")
        made = Pool(function.version, self._launch, self._clock)
        return self._pools.setdefault(name, made)

    async def _warm(self, pool: Pool) -> None:
        try:
            await pool.warm()
        except StartFailed as error:
            log.warning("An instance does not start: %s", error, extra={"action": "instance_failed"})

    async def _retries(self, name: str) -> bool:
        function = await off_loop(self._service.get, name)
        return function.version is not None and function.version.configuration.retry

    def _carry(self, version: Version, call: Call, execution_id: str) -> envelope.Request:
        if call.request is not None:
            return call.request
        if call.event is not None:
            return envelope.of_event(call.event, version.signature, bucket=version.configuration.bucket)
        return envelope.of_call(call.data, version.signature, execution_id=execution_id, now=self._clock.now())

    def _keep_deployment(self, deployment: Deployment) -> None:
        while len(self._deployments) >= _KEPT_DEPLOYMENTS:
            self._deployments.pop(next(iter(self._deployments)))
        self._deployments[deployment.operation] = deployment


def _signature(folder: Path, configuration: Configuration) -> str:
    text = (folder / source.MAIN).read_text(encoding="utf-8", errors="replace")
    trigger = "http" if configuration.http else "event"
    return signature.check(text, configuration.entry_point, trigger=trigger, generation=configuration.generation)
