"""A workbench for tests of builds: service, engine and small stand-ins for environments and buckets, in one folder."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trainshed.builds.execution import Surroundings
from trainshed.builds.images.docker import Docker
from trainshed.builds.loop import Engine
from trainshed.builds.model import Build
from trainshed.builds.ports import Feeds
from trainshed.builds.reports import Announce
from trainshed.builds.repositories import Repositories
from trainshed.builds.service import Service
from trainshed.builds.shims import install_shims
from trainshed.builds.steps import Tools
from trainshed.builds.triggers.events import Events
from trainshed.builds.triggers.pushes import Pushes
from trainshed.builds.triggers.service import Triggers
from trainshed.builds.triggers.triggered import Triggered
from trainshed.clock import Clock, SystemClock
from trainshed.environments import Binding, Environment
from trainshed.errors import NotFound
from trainshed.sql import Database

_PATIENCE_SECONDS = 60.0


@dataclass
class FakeBook:
    """Environments that are this interpreter, whatever is asked for; bindings in memory."""

    root: Path
    bound: dict[str, Binding] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def ensure(
        self, lines: Sequence[str], *, python: str = "", base: str = "", log: Callable[[str], None] | None = None
    ) -> Environment:
        """Answer an environment named by its requirements."""
        del python, base, log
        self.asked.append(tuple(lines))
        digest = "env" + "".join(c for c in "".join(sorted(lines)) if c.isalnum())
        folder = self.root / digest / "bin"
        if not folder.exists():
            folder.mkdir(parents=True)
            for name in ("python", "python3"):
                (folder / name).symlink_to(sys.executable)
        found = self.get(digest)
        assert found is not None, "it was just made"
        return found

    def get(self, digest: str) -> Environment | None:
        """Find an environment."""
        path = self.root / digest
        if not path.exists():
            return None
        return Environment(digest=digest, path=path, python=path / "bin" / "python", requirements=())

    def bind(
        self,
        image_pattern: str,
        environment: str,
        *,
        snapshot: str = "",
        variables: Mapping[str, str] | None = None,
        workdir: str = "",
        source: str = "user",
    ) -> Binding:
        """Bind one image name."""
        self.bound[image_pattern] = Binding(
            pattern=image_pattern,
            environment=environment,
            snapshot=snapshot,
            variables=dict(variables or {}),
            workdir=workdir,
            source=source,
            update_time=datetime.now(UTC),
        )
        return self.bound[image_pattern]

    def resolve(self, image: str) -> Binding | None:
        """Find the binding of an image name."""
        return self.bound.get(image)


@dataclass
class FakeObjects:
    """Buckets that are folders."""

    root: Path
    generation: int = 0

    def put(self, bucket: str, name: str, path: Path, *, content_type: str = "") -> int:
        """Copy a file in."""
        del content_type
        target = self.root / bucket / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        self.generation += 1
        return self.generation

    def fetch(self, bucket: str, name: str, generation: int | None, target: Path) -> int:
        """Copy a file out."""
        source = self.root / bucket / name
        if not source.exists():
            raise NotFound(f"There is no object gs://{bucket}/{name}.")
        shutil.copy(source, target)
        return generation or 1


class Workbench:
    """Everything that builds need, in one folder."""

    def __init__(
        self,
        folder: Path,
        db: Database,
        *,
        clock: Clock | None = None,
        feeds: Feeds | None = None,
        announce: Announce = lambda _conn, _build: None,
        **limits: Any,
    ) -> None:
        self.folder = folder
        self.clock = clock or SystemClock()
        self.book = FakeBook(folder / "environments")
        self.objects = FakeObjects(folder / "buckets")
        self.docker = Docker(folder / "images", self.book)
        self.repositories = Repositories(folder / "repositories")
        self.service = Service(db, self.clock, folder=folder / "builds", announce=announce)
        triggered = Triggered(self.service, self.repositories)
        self.pushes = Pushes(db, self.clock, triggered, self.repositories)
        self.triggers = Triggers(db, self.clock, triggered, self.pushes, feeds)
        self.events = Events(db, self.clock, triggered, folder / "secrets")
        tools = Tools(
            book=self.book,
            docker=self.docker,
            shims=install_shims(folder / "shims"),
            reach=lambda principal: {"WHO": principal},
            grace_seconds=0.5,
        )
        around = Surroundings(
            tools=tools,
            objects=self.objects,
            repositories=self.repositories,
            secrets=folder / "secrets",
            **limits,
        )
        self.engine = Engine(self.service, self.clock, around)
        self.duty = self.engine.duty(db, interval_seconds=5)

    def submit(self, *steps: Mapping[str, Any], substitutions: Mapping[str, str] | None = None, **fields: Any) -> Build:
        """Queue a build of these steps."""
        document = {"steps": list(steps), **fields}
        return self.service.create(document, project="p", region="us-central1", substitutions=substitutions)

    def run(self, build: Build, *, meanwhile: Callable[[Build, str], None] | None = None) -> Build:
        """Run until the build has ended; `meanwhile` is called again and again with the build and its log so far."""
        return asyncio.run(self._run(build.build_id, meanwhile))

    def log(self, build: Build) -> str:
        """Answer the log so far."""
        path = self.service.workspace(build.build_id).log
        return path.read_text() if path.exists() else ""

    async def _run(self, build_id: str, meanwhile: Callable[[Build, str], None] | None) -> Build:
        turning = asyncio.create_task(self.duty.run())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not (build := self.service.get(build_id)).is_final:
                    if meanwhile is not None:
                        meanwhile(build, self.log(build))
                    await asyncio.sleep(0.01)
                await self.engine.settled()
        finally:
            turning.cancel()
            await self.engine.close()
        return build
