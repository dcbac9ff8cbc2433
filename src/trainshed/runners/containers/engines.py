"""Container engines, driven by their command lines: which one there is, and the few things that are asked of it.

Always argument lists, never a shell. What a machine needs beyond that is the user's to say: the engine's own
configuration (`CONTAINERS_CONF`, `DOCKER_HOST`, a docker context) is inherited, and `TRAINSHED_ENGINE_OPTIONS` are
added to each `create`.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from trainshed.errors import FailedPrecondition, InvalidArgument

NAMES = ("docker", "podman")
_AUTO, _NONE = "auto", "none"
_PROBES: Mapping[str, tuple[str, ...]] = {  # answer something only where containers can be run, and who their root is
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("info", "--format", "{{.Host.Security.Rootless}} {{.Host.CgroupControllers}}"),
}
_SECURITY = ("info", "--format", "{{.SecurityOptions}}")
_ALL_CONTROLLERS = ("cpu", "memory")
_SECONDS = 120.0  # for anything but a pull, on a machine that is very busy
_PROBE_SECONDS = 20.0
_NEVER_STARTED = frozenset({"created", "configured", "initialized", "unknown"})
_DIGEST = "sha256:"
_MISSING = re.compile(r"no such (image|container|object)|not known|not found|does not exist", re.IGNORECASE)
_DAEMON = "Error response from daemon: "
_LAST = 500  # characters of a line that is shown


class EngineFailed(FailedPrecondition):
    """The container engine could not do what it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image that is on this machine."""

    digest: str  # of its configuration: the same content is the same digest, whatever it is called
    user: str = ""  # whom its processes run as; empty: root


@dataclass(frozen=True, kw_only=True)
class State:
    """A container as the engine knows it."""

    name: str
    is_running: bool
    was_started: bool
    code: int = 0
    is_out_of_memory: bool = False
    pid: int = 0  # of its first process, on this machine
    start_time: datetime | None = None
    end_time: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class Engine:
    """One engine that works. Methods block; every one may be called from several threads."""

    def __init__(
        self,
        name: str,
        program: str,
        *,
        options: Sequence[str] = (),
        is_rootless: bool = False,
        controllers: Sequence[str] = _ALL_CONTROLLERS,
    ) -> None:
        self.name = name
        self.program = program
        self.options = tuple(options)
        self.is_rootless = is_rootless  # root in a container is whoever started the engine
        self.controllers = tuple(controllers)  # of control groups: what can be limited

    def image(self, name: str) -> Image | None:
        """Find an image on this machine. Raises EngineFailed when the engine cannot be asked."""
        done = self._call("image", "inspect", name)
        if done.returncode:
            _expect_missing(self.name, done)
            return None
        found = json.loads(done.stdout)[0]
        digest = str(found["Id"])
        user = str((found.get("Config") or {}).get("User") or "")
        return Image(digest=digest if digest.startswith(_DIGEST) else _DIGEST + digest, user=user)

    def pull(self, name: str, log: Callable[[str], None] = lambda _: None) -> None:
        """Get an image from its registry. Raises EngineFailed with the last line that the engine said."""
        command = [self.program, "pull", name]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace"
            )
        except OSError as error:
            raise EngineFailed(f"{self.program}: {error.strerror}") from error
        last = ""
        with process:
            for line in process.stdout or ():
                if line.strip():
                    last = line.strip()
                    log(last)
        if process.returncode:
            raise EngineFailed(f"{self.name} pull {name}: {_short(last)}")

    def obtain(self, name: str, log: Callable[[str], None] = lambda _: None) -> Image:
        """Answer an image, pulled where it is not here. Raises EngineFailed."""
        found = self.image(name)
        if found is None:
            log(f"Pulling image {name} with {self.name}.")
            self.pull(name, log)
            found = self.image(name)
        if found is None:
            raise EngineFailed(f"{self.name} pulled {name} and does not know it")
        return found

    def create(self, words: Sequence[str], variables: Mapping[str, str]) -> None:
        """Make a container, not started; `variables` are those that words name only. Raises EngineFailed."""
        self._need("create", *words, variables=variables)

    def start(self, name: str, folder: Path) -> None:
        """Start a container that was made, from a folder of its own. Raises EngineFailed."""
        self._need("start", name, folder=folder)

    def signal(self, name: str, signal: str) -> None:
        """Send a signal to its first process; one that has ended gets none."""
        with suppress(EngineFailed):
            self._call("kill", "--signal", signal, name)

    def remove(self, name: str) -> None:
        """End and forget a container; one that is not there is forgotten already."""
        with suppress(EngineFailed):
            self._call("rm", "--force", "--volumes", name)

    def state(self, name: str) -> State | None:
        """Find a container. Raises EngineFailed when the engine cannot be asked."""
        found = self._inspect([name])
        return found[0] if found else None

    def containers(self, *labels: str) -> list[State]:
        """Find the containers with these labels, ended ones too. Raises EngineFailed."""
        wanted = [word for label in labels for word in ("--filter", f"label={label}")]
        listed = self._need("ps", "--all", "--quiet", "--no-trunc", *wanted).split()
        return self._inspect(listed) if listed else []

    def logs(self, name: str, *, follow: bool) -> list[str]:
        """Answer the command that prints what a container said, from the beginning."""
        return [self.program, "logs", *(["--follow"] if follow else []), name]

    def wait(self, name: str) -> list[str]:
        """Answer the command that ends when a container does."""
        return [self.program, "wait", name]

    def _inspect(self, names: Sequence[str]) -> list[State]:
        done = self._call("container", "inspect", *names)  # those that are gone are missing in the answer
        if done.returncode:
            _expect_missing(self.name, done)
        try:
            return [_state(each) for each in json.loads(done.stdout or "[]")]
        except ValueError as error:
            raise EngineFailed(f"{self.name}: {_last_line(done.stderr)}") from error

    def _need(self, *words: str, variables: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
        done = self._call(*words, variables=variables, folder=folder)
        if done.returncode:
            raise EngineFailed(f"{self.name}: {_last_line(done.stderr)}")
        return done.stdout

    def _call(
        self, *words: str, variables: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return run([self.program, *words], seconds=_SECONDS, variables=variables, folder=folder)


class Engines:
    """The engine of this machine, looked for when it is first needed, and again as long as there is none."""

    def __init__(self, setting: str, options: str = "") -> None:
        if setting not in (_AUTO, _NONE, *NAMES):
            raise InvalidArgument.field("TRAINSHED_ENGINE", f"{setting!r} is none of auto, {', '.join(NAMES)}, none")
        try:
            self._options = tuple(shlex.split(options))
        except ValueError as error:
            raise InvalidArgument.field("TRAINSHED_ENGINE_OPTIONS", f"{options!r}: {error}") from error
        self._setting = setting
        self._lock = threading.Lock()
        self._found: Engine | None = None
        self.why_not: tuple[str, ...] = ()  # what was found of each engine that cannot be used

    def current(self) -> Engine | None:
        """Answer the engine to use; None where there is none. Blocks."""
        with self._lock:
            if self._found is None and self._setting != _NONE:
                self._found = self._find()
            return self._found

    def _find(self) -> Engine | None:
        reasons: list[str] = []
        for name in NAMES if self._setting == _AUTO else (self._setting,):
            program = shutil.which(name)
            if program is None:
                reasons.append(f"{name} is not installed")
                continue
            try:
                found = self._probe(name, program)
            except EngineFailed as error:
                reasons.append(f"{program} does not work: {error}")
                continue
            self.why_not = ()
            return found
        self.why_not = tuple(reasons)
        return None

    def _probe(self, name: str, program: str) -> Engine:
        said = _said([program, *_PROBES[name]])
        if name == "docker":
            is_rootless = "rootless" in _said([program, *_SECURITY])
            return Engine(name, program, options=self._options, is_rootless=is_rootless)
        rootless, _, listed = said.partition(" ")
        controllers = listed.strip("[]").split()
        return Engine(name, program, options=self._options, is_rootless=rootless == "true", controllers=controllers)


def run(
    command: Sequence[str], *, seconds: float, variables: Mapping[str, str] | None = None, folder: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run one command of an engine to its end. Raises EngineFailed when it cannot be run, or takes too long."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            env={**os.environ, **(variables or {})},
            cwd=folder,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineFailed(f"{' '.join(command[:2])} did not answer within {seconds:g} s") from error
    except OSError as error:
        raise EngineFailed(f"{command[0]}: {error.strerror}") from error


def _expect_missing(engine: str, done: "subprocess.CompletedProcess[str]") -> None:
    """Tell an answer of no from no answer. Raises EngineFailed."""
    if not _MISSING.search(done.stderr):
        raise EngineFailed(f"{engine}: {_last_line(done.stderr)}")


def _said(command: Sequence[str]) -> str:
    done = run(command, seconds=_PROBE_SECONDS)
    if done.returncode or not done.stdout.strip():
        raise EngineFailed(_last_line(done.stderr))
    return done.stdout.strip()


def _state(found: Mapping[str, Any]) -> State:
    state, config = found["State"], found.get("Config") or {}
    return State(
        name=str(found["Name"]).lstrip("/"),
        is_running=bool(state.get("Running")),
        was_started=str(state.get("Status", "")).lower() not in _NEVER_STARTED,
        code=int(state.get("ExitCode") or 0),
        is_out_of_memory=bool(state.get("OOMKilled")),
        pid=int(state.get("Pid") or 0),
        start_time=_time(state.get("StartedAt")),
        end_time=_time(state.get("FinishedAt")),
        labels=config.get("Labels") or {},
    )


def _time(text: object) -> datetime | None:
    """Read a time with a fraction of any length; the year 1 stands for never."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.year > 1 and found.tzinfo is not None else None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reasons = [line for line in lines if line.startswith(_DAEMON)]  # docker says afterwards what it could not do
    return _short((reasons or lines)[-1]) if lines else "it failed without a word"


def _short(line: str) -> str:
    return line.removeprefix("Error: ").removeprefix(_DAEMON)[:_LAST]
