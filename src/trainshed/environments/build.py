"""One environment on disk: built by uv under a lock, complete or not at all.

Virtual environments cannot be moved, so one is built where it will stay; the record `environment.json`, written last,
says that it is complete. What lies there without a record is the rest of a broken build and is removed.
"""

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import uv

from trainshed.addresses import hide
from trainshed.environments.model import Environment
from trainshed.environments.requirements import Requirements
from trainshed.errors import FailedPrecondition

Log = Callable[[str], None]
RECORD = "environment.json"
_LAST_LINES = 12
# Importing them without bytecode takes seconds, each time that nobody may write it.
_HEAVY = {"tensorflow", "tensorflow-cpu", "keras", "jax", "torch", "xgboost", "xgboost-cpu", "lightgbm"} | {
    "scikit-learn",
    "pandas",
    "tfx",
}
# Of its output: what every environment has, and its packages one by one. What it could not do is told in full.
_CHATTER = re.compile(
    r" [-+~] |(Activate with|Creating virtual environment at|Using (CPython|PyPy)|Prepared|Checked) ?\b"
)
_OF_PIP = {"UV_DEFAULT_INDEX": "PIP_INDEX_URL", "UV_FIND_LINKS": "PIP_FIND_LINKS"}  # uv does not look at pip's
_OPTIONS_OF_UV = {"--trusted-host": "--allow-insecure-host"}
_FLAGS_OF_UV = {"--pre": ("--prerelease", "allow"), "--require-hashes": ("--require-hashes",)}


@contextmanager
def lock(path: Path) -> Iterator[int]:
    """Hold a lock among all processes; uv inherits it, so that it outlives us as long as uv does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def build(folder: Path, wanted: Requirements, python: Path, *, held: int, log: Log) -> None:
    """Make the environment in `folder`, but for its record. Raises FailedPrecondition with uv's last lines."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _uv(["venv", "--no-project", "--python", str(python), str(folder)], held=held, log=log)
    for packages, extra in ((wanted.bare, ["--no-deps"]), (wanted.packages, [])):
        if packages:
            _install(folder, [*_file_options(wanted), *packages], [*extra, *_arguments(wanted)], held=held, log=log)


def record(folder: Path, values: Mapping[str, Any]) -> None:
    """Mark the environment complete, on disk before we return."""
    pending = folder / f"{RECORD}.new"
    with pending.open("w") as file:
        json.dump(values, file)
        file.flush()
        os.fsync(file.fileno())
    pending.rename(folder / RECORD)


def load(folder: Path) -> Environment | None:
    """Read the environment in `folder`; None when there is none, or an incomplete one."""
    try:
        values = json.loads((folder / RECORD).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    python = Path(values["python"])
    if not python.exists():
        return None
    return Environment(
        digest=folder.name,
        path=Path(values["path"]),
        python=python,
        requirements=tuple(values["requirements"]),
        python_version=values["python_version"],
        floor=values.get("floor", ""),
        installed=values["installed"],
        installed_digest=values["installed_digest"],
    )


def lost(folder: Path) -> str:
    """Say what is missing in an environment that was complete; empty: nothing."""
    try:
        python = Path(json.loads((folder / RECORD).read_text())["python"])
    except (OSError, ValueError, KeyError):
        return f"the environment {folder} is gone or damaged"
    return "" if python.exists() else f"the interpreter of its environment, {python}, is gone"


def lay(folder: Path, floor: Environment) -> None:
    """Let an environment see the packages of another one below its own."""
    for site in _sites(folder):
        (site / "_floor.pth").write_text("".join(f"{below}\n" for below in _sites(floor.path)))


def _sites(path: Path) -> list[Path]:
    return sorted(path.glob("lib/python*/site-packages"))


def describe(
    path: Path, requirements: Sequence[str], python_version: str, *, floor: Environment | None = None
) -> dict[str, Any]:
    """Say what is installed in an environment, for its record."""
    found = distributions(path=[str(site) for site in _sites(path)])
    own = {d.metadata["Name"]: d.version for d in found if d.metadata["Name"]}
    installed = {**(floor.installed if floor else {}), **own}
    content = json.dumps([python_version, sorted(installed.items())])
    return {
        "version": 1,
        "path": str(path),
        "python": str(path / "bin" / "python"),
        "python_version": python_version,
        "requirements": list(requirements),
        "floor": floor.digest if floor else "",
        "installed": dict(sorted(installed.items())),
        "installed_digest": hashlib.sha256(content.encode()).hexdigest()[:32],
    }


def interpreter(python: str) -> tuple[Path, str]:
    """Find an interpreter by version or path ("" is ours) and say what it is. Raises FailedPrecondition."""
    ours = platform.python_version()
    if python in ("", ours, ours.rpartition(".")[0]):
        return Path(sys.executable), _identity()
    path = python
    if "/" not in python:
        path = _output([uv.find_uv_bin(), "python", "find", "--no-python-downloads", "--no-project", python], python)
    return Path(path), version_of(Path(path))


def version_of(python: Path) -> str:
    """Ask an interpreter what it is. Raises FailedPrecondition."""
    script = "import sys,platform as p;print(p.python_implementation(),p.python_version(),p.machine())"
    return _output([str(python), "-I", "-c", script], str(python))


def _identity() -> str:
    return f"{platform.python_implementation()} {platform.python_version()} {platform.machine()}"


def _output(command: Sequence[str], python: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise FailedPrecondition(f"The interpreter {python} does not run: {error.strerror}.") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise FailedPrecondition(f"There is no Python {python} on this machine: {last}", reason="PYTHON_MISSING")
    return done.stdout.strip()


def _file_options(wanted: Requirements) -> list[str]:
    return [o for o in wanted.options if o.split(" ")[0] not in (*_OPTIONS_OF_UV, *_FLAGS_OF_UV)]


def _arguments(wanted: Requirements) -> list[str]:
    arguments = ["--compile-bytecode"] if wanted.names & _HEAVY else []
    for option in wanted.options:
        name, _, value = option.partition(" ")
        if name in _OPTIONS_OF_UV:
            arguments += [_OPTIONS_OF_UV[name], value]
        arguments += _FLAGS_OF_UV.get(name, ())
    return arguments


def _install(folder: Path, lines: Sequence[str], arguments: Sequence[str], *, held: int, log: Log) -> None:
    """Install from a file that only we can read, since addresses in it may carry credentials.

    It is not in the environment's folder: packages put files of any name there.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as listing:
        listing.write("\n".join(lines) + "\n")
        listing.flush()
        command = ["pip", "install", "--python", str(folder / "bin" / "python"), "-r", listing.name, *arguments]
        _uv(command, held=held, log=log)


def _uv(arguments: Sequence[str], *, held: int, log: Log) -> None:
    environ = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")}
    command = [uv.find_uv_bin(), "--no-progress", "--color", "never", *arguments]
    environ.setdefault("UV_LINK_MODE", "hardlink")
    for theirs, pips in _OF_PIP.items():
        if pips in environ:
            environ.setdefault(theirs, ",".join(environ[pips].split()))
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(
        command,
        env=environ,
        cwd="/",  # the settings of a project that we may stand in are not for the environments of tasks
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(held,),
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(hide(line.rstrip()))
            if not _CHATTER.match(last[-1]):
                log(last[-1])
    if process.returncode:
        raise FailedPrecondition(
            "The environment could not be built:\n" + "\n".join(last), reason="ENVIRONMENT_NOT_BUILT"
        )
