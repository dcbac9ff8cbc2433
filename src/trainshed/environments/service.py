"""Environments: built once each, found by digest; images bound to them."""

import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from trainshed.clock import Clock
from trainshed.environments import build, images, requirements, store
from trainshed.environments.model import Binding, Environment
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound
from trainshed.sql import Database

log = logging.getLogger(__name__)


class Environments:
    """The environments below one folder. Methods block; every one may be called from several threads and processes."""

    def __init__(self, root: Path, db: Database, clock: Clock) -> None:
        self._root = root.absolute()
        self._db = db
        self._clock = clock

    def key(self, lines: Sequence[str], *, python: str = "", base: str = "") -> str:
        """Answer the digest of what is asked for. Raises InvalidArgument naming a bad line."""
        parsed, python, floor = self._wanted(lines, python, base)
        return _digest(parsed, build.interpreter(python)[1], floor)

    def ensure(
        self, lines: Sequence[str], *, python: str = "", base: str = "", log: Callable[[str], None] | None = None
    ) -> Environment:
        """Answer the environment with these requirements (on top of those of `base`, a digest), built when missing.

        Raises InvalidArgument naming a bad line, FailedPrecondition with uv's last lines.
        """
        parsed, python, floor = self._wanted(lines, python, base)
        path, version = build.interpreter(python)
        folder = self._root / _digest(parsed, version, floor)
        return build.load(folder) or self._build(folder, parsed, path, floor, log or (lambda _: None))

    def adopt(self, path: Path) -> Environment:
        """Take an environment that the user keeps (venv, conda) as it is now; changed content is another digest."""
        root = Path(os.path.abspath(path))  # noqa: PTH100  (a venv's folder is its identity; links are kept)
        if not (root / "bin" / "python").exists():
            raise InvalidArgument.field("path", f"{path} has no bin/python; give the folder of an environment")
        values = build.describe(root, (), build.version_of(root / "bin" / "python"))
        digest = requirements.digest(requirements.Requirements(), python=f"{root} {values['installed_digest']}")
        folder = self._root / digest
        with build.lock(self._lock(digest)):
            folder.mkdir(parents=True, exist_ok=True)
            build.record(folder, values)
        return self._known(digest)

    def get(self, digest: str) -> Environment | None:
        """Find a complete environment."""
        return build.load(self._root / digest) if digest.isalnum() else None

    def list(self) -> Sequence[Environment]:
        """Answer every complete environment."""
        folders = sorted(self._root.iterdir()) if self._root.is_dir() else []
        return [found for folder in folders if (found := build.load(folder))]

    def broken(self) -> Mapping[str, str]:
        """Answer the images that are bound to what cannot be used any more, and why."""
        lost = {each: build.lost(self._root / each) for each in {binding.environment for binding in self.bindings()}}
        return {b.pattern: lost[b.environment] for b in self.bindings() if lost[b.environment]}

    def remove(self, digest: str) -> None:
        """Delete an environment from disk; one that is bound to an image is kept. Raises FailedPrecondition."""
        with build.lock(self._lock(digest)):
            if bound := [b.pattern for b in self.bindings() if b.environment == digest]:
                raise FailedPrecondition(f"Environment {digest} stands for image {bound[0]}; unbind it first.")
            folder = self._root / digest
            (folder / build.RECORD).unlink(missing_ok=True)  # incomplete from here on, whatever happens
            shutil.rmtree(folder, ignore_errors=True)

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
        """Let an environment stand for the images of a pattern. Raises NotFound, InvalidArgument."""
        if not images.parse(image_pattern).name:
            raise InvalidArgument.field("pattern", "give an image name, such as gcr.io/my-project/trainer")
        self._known(environment)
        binding = Binding(
            pattern=image_pattern,
            environment=environment,
            snapshot=snapshot,
            variables=dict(variables or {}),
            workdir=workdir,
            source=source,
            update_time=self._clock.now(),
        )
        with build.lock(self._lock(environment)):  # nobody removes it meanwhile
            self._known(environment)
            self._db.write(partial(store.put, binding=binding))
        return binding

    def unbind(self, image_pattern: str) -> None:
        """Take a binding back. Raises NotFound."""
        if not self._db.write(partial(store.remove, pattern=image_pattern)):
            raise NotFound(f"No image is bound by {image_pattern!r}; `trainshed images list` shows the bindings.")

    def bindings(self) -> Sequence[Binding]:
        """Answer every binding, by pattern."""
        return self._db.read(store.all_bindings)

    def resolve(self, image: str) -> Binding | None:
        """Answer the binding that stands for an image: of those that match, the most specific."""
        matching = [b for b in self.bindings() if images.matches(b.pattern, image)]
        return max(matching, key=lambda b: images.specificity(b.pattern), default=None)

    def _wanted(
        self, lines: Sequence[str], python: str, base: str
    ) -> tuple[requirements.Requirements, str, Environment | None]:
        """Check what is asked for; on top of an adopted environment, that is the floor, and nothing of it is built."""
        if isinstance(lines, str):
            raise InvalidArgument.field("requirements", "give a list of lines, not one text")
        if not base:
            return requirements.parse(lines), python, None
        below = self._known(base)
        is_adopted = below.path != self._root / base
        floor = below if is_adopted else self._known(below.floor) if below.floor else None
        return requirements.parse([*below.requirements, *lines]), python or str(below.python), floor

    def _build(
        self,
        folder: Path,
        wanted: requirements.Requirements,
        python: Path,
        floor: Environment | None,
        say: Callable[[str], None],
    ) -> Environment:
        with build.lock(self._lock(folder.name)) as held:
            if (found := build.load(folder)) is not None:  # built while we waited
                return found
            build.build(folder, wanted, python, held=held, log=say)
            if floor is not None:
                build.lay(folder, floor)
            version = build.version_of(folder / "bin" / "python")
            build.record(folder, build.describe(folder, wanted.lines, version, floor=floor))
        log.info(
            "Environment %s is complete.",
            folder.name,
            extra={"action": "environment_built", "environment": folder.name},
        )
        return self._known(folder.name)

    def _known(self, digest: str) -> Environment:
        if (found := self.get(digest)) is None:
            raise NotFound(f"There is no environment {digest!r}.")
        return found

    def _lock(self, digest: str) -> Path:
        return self._root / ".locks" / digest


def _digest(wanted: requirements.Requirements, version: str, floor: Environment | None) -> str:
    return requirements.digest(wanted, python=version if floor is None else f"{version} on {floor.digest}")
