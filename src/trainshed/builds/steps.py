"""One step: what its image means, its command line, environment and folder; then run, watched and ended."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainshed.builds import processes
from trainshed.builds.images import builders
from trainshed.builds.images.docker import Docker, Image
from trainshed.builds.journal import StepOutput
from trainshed.builds.model import Build, Step
from trainshed.builds.ports import ImageBook, Reach
from trainshed.builds.workspace import PathMap, Workspace
from trainshed.duty import off_loop
from trainshed.errors import FailedPrecondition, TrainshedError

_NOT_FOUND, _NOT_STARTED = 127, 126


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What every step of every build uses."""

    book: ImageBook
    docker: Docker
    shims: Path  # folder with gsutil, gcloud, docker
    reach: Reach
    grace_seconds: float


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line, ready to run."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]


class StepRunner:
    """Runs the steps of one build."""

    def __init__(
        self, build: Build, workspace: Workspace, tools: Tools, *, secrets: Mapping[str, str], source_dir: str
    ) -> None:
        self._build = build
        self._workspace = workspace
        self._tools = tools
        self._secrets = secrets
        self._source_dir = source_dir

    async def run(self, step: Step, output: StepOutput) -> int:
        """Run a step to its end; answer its exit code. Cancelling ends its process tree first."""
        try:
            command = await off_loop(self._prepare, step, output.line)
        except TrainshedError as error:
            output.line(f"ERROR: {error.message}")
            return _NOT_STARTED
        if _is_docker(step):
            return await self._docker(step, command.cwd, output)
        return await self._process(step, command, output)

    async def _process(self, step: Step, command: Command, output: StepOutput) -> int:
        program = shutil.which(command.argv[0], path=command.env["PATH"])
        if program is None and "/" in command.argv[0]:
            program = str(command.cwd / command.argv[0])
        if program is None:
            output.line(
                f"ERROR: the program {command.argv[0]!r} is not on this machine, nor in the image's environment"
            )
            return _NOT_FOUND
        mark = f"{self._build.build_id}/{step.number}"
        try:
            child = await processes.Child.start(
                (program, *command.argv[1:]), cwd=command.cwd, env=command.env, mark=mark, out=output.feed
            )
        except (OSError, ValueError) as error:
            output.line(f"ERROR: {command.argv[0]!r} cannot be started: {error}")
            return _NOT_STARTED
        try:
            return await child.wait()
        except asyncio.CancelledError:
            await child.end(grace_seconds=self._tools.grace_seconds)
            raise
        finally:
            output.finish()

    async def _docker(self, step: Step, cwd: Path, output: StepOutput) -> int:
        arguments = [self._workspace.mapping(step).apply(a) for a in step.args]
        source = f"build {self._build.build_id}"
        return await off_loop(self._tools.docker.run, arguments, cwd=cwd, say=output.line, source=source)

    def _prepare(self, step: Step, say: Callable[[str], None]) -> Command:
        image = self._tools.docker.describe(step.name)
        builder = builders.known(step.name) or builders.Builder()
        places = _image_places(image)
        mapping = self._workspace.mapping(step, places)
        env = self._environment(step, mapping, image, builder, say)
        entrypoint = image.entrypoint if image else builder.entrypoint
        command = image.command if image else ()
        cwd = self._workspace.directory(step, source_dir=self._source_dir)
        return Command(argv=self._argv(step, mapping, entrypoint, command), cwd=cwd, env=env)

    def _argv(
        self, step: Step, mapping: PathMap, entrypoint: tuple[str, ...], command: tuple[str, ...]
    ) -> tuple[str, ...]:
        if step.script:
            return (str(self._workspace.script(step, mapping)),)
        args = tuple(mapping.apply(a) for a in step.args)
        if step.entrypoint:
            return (mapping.apply(step.entrypoint), *args)
        if step.name.partition(":")[0].endswith("bash") and args and args[0].startswith("-"):
            return ("bash", *args)
        words = (*(mapping.apply(e) for e in entrypoint), *(args or command))
        return words or ("true",)

    def _environment(
        self,
        step: Step,
        mapping: PathMap,
        image: Image | None,
        builder: builders.Builder,
        say: Callable[[str], None],
    ) -> dict[str, str]:
        env = self._workspace.variables()
        folders = [str(self._tools.shims)]
        if image is not None:
            env |= {k: mapping.apply(v) for k, v in image.binding.variables.items() if k != "PATH"}
            found = self._tools.book.get(image.binding.environment)
            if found is None:
                raise FailedPrecondition(
                    f"the environment {image.binding.environment} of image {step.name} is gone; bind the image again"
                )
            folders.append(str(found.path / "bin"))
            if image.binding.snapshot:
                inner = Path(image.binding.snapshot) / image.binding.workdir.lstrip("/")
                env["PYTHONPATH"] = _join(env.get("PYTHONPATH", ""), str(inner))
        elif builder.kind is builders.Kind.PYTHON:
            folders += self._python(builder, env, say)
        if step.name.rpartition("/")[2].partition(":")[0] != "git":  # git is no client of Google's: no proxy for it
            env |= self._tools.reach(self._build.principal)
        env["PATH"] = _join(*folders, env.get("PATH", "/usr/local/bin:/usr/bin:/bin"))
        env["BUILDER_OUTPUT"] = str(self._workspace.outputs(step))
        env["TRAINSHED_BUILD"] = self._build.build_id
        for entry in step.env:
            key, _, value = entry.partition("=")
            env[key] = mapping.apply(value)
        return env | {name: self._secrets[name] for name in step.secret_env}

    def _python(self, builder: builders.Builder, env: dict[str, str], say: Callable[[str], None]) -> list[str]:
        """Prepare a clean Python; what pip installs stays in the build's home and is seen by its later steps."""
        try:
            found = self._tools.book.ensure(["pip"], python=builder.version, log=say)
        except FailedPrecondition:
            if not builder.version:
                raise
            found = self._tools.book.ensure(["pip"], log=say)
            say(f"WARNING: Python {builder.version} cannot be had here; this is Python {found.python_version}.")
        packages = self._workspace.home / "python"
        env["PIP_TARGET"] = str(packages)
        env["PIP_UPGRADE"] = "1"
        env["PYTHONPATH"] = str(packages)
        return [str(packages / "bin"), str(found.path / "bin")]


def unusable(steps: tuple[Step, ...], docker: Docker) -> tuple[Step, str] | None:
    """Find the first step that cannot run here, before anything runs; with what can be done about it."""
    built = " ".join(
        a for s in steps for a in (*s.args, s.script) if "docker" in s.name or "docker" in a or _is_docker(s)
    )
    for step in steps:
        if docker.describe(step.name) is not None or step.name in built:
            continue
        builder = builders.known(step.name)
        if builder is None:
            return step, (
                f"the image {step.name!r} means nothing here without a container engine. Ways out: bind it to an "
                f"environment (trainshed images bind {step.name} --packages P,… or --requirements FILE), build it in an "
                "earlier step (docker build -t), or use a well-known builder such as gcr.io/cloud-builders/git, "
                "python or ubuntu"
            )
        for program in builder.needs:
            if not step.entrypoint and shutil.which(program) is None:
                return step, f"the image {step.name!r} needs the program {program!r}, which is not here; install it"
    return None


def _is_docker(step: Step) -> bool:
    builder = builders.known(step.name)
    is_builder = builder is not None and builder.kind is builders.Kind.DOCKER
    return is_builder and not step.script and step.entrypoint in {"", "docker"}


def _image_places(image: Image | None) -> dict[str, Path]:
    """Answer the top folders of an image's own files, as absolute paths that commands may name."""
    if image is None or not image.binding.snapshot:
        return {}
    root = Path(image.binding.snapshot)
    return {
        f"/{entry.name}": entry for entry in sorted(root.iterdir()) if entry.name not in {"usr", "bin", "tmp", "etc"}
    }


def _join(*parts: str) -> str:
    return ":".join(p for p in parts if p)
