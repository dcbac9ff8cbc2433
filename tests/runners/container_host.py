"""A container engine that works, an image without a registry, and the suite's work as containers of it."""

import io
import subprocess
import sys
import tarfile
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from trainshed.runners.containers.engines import Engines
from trainshed.runners.contract import Command, Container

_TOPS = ("usr", "lib", "lib64", "bin", "sbin", "etc")
_EMPTY = ("tmp", "proc", "sys", "dev", "run", "gcs")
_PLACE = 'cd "$0" && exec "$@"'
_BELOW_A_SHELL = 'cd "$0" && "$@"; exit $?'  # the first process of a container does not hear its own SIGKILL


def options(*folders):
    """The programs of this machine, read-only: an image without a registry has none of its own."""
    tops = [Path("/", top) for top in _TOPS]
    real = [path for path in (*tops, *folders) if path.is_dir() and not path.is_symlink()]
    return " ".join(f"--volume {path}:{path}:ro" for path in real)


def base_of_python():
    """The folder of this interpreter, where it is not one of the machine's own."""
    base = Path(sys.base_prefix).resolve()
    return [] if base.is_relative_to("/usr") else [base]


def find(*folders):
    """Answer the engine, or skip the test, saying what is missing."""
    engine = Engines("auto", options(*folders)).current()
    if engine is None:
        finder = Engines("auto")
        finder.current()
        pytest.skip("no container engine works here: " + "; ".join(finder.why_not))
    return engine


def make_image(engine):
    """Make an image that has next to nothing; skip the test where the engine cannot run it."""
    name = f"localhost/trainshed-test-{uuid.uuid4().hex[:10]}:1"
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for top in _TOPS:
            entry = tarfile.TarInfo(top)
            if Path("/", top).is_symlink():
                entry.type, entry.linkname = tarfile.SYMTYPE, str(Path("/", top).readlink())
            else:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for folder in _EMPTY:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            archive.addfile(entry)
    made = subprocess.run(
        [engine.program, "import", "-", name], input=file.getvalue(), capture_output=True, timeout=100
    )
    command = [engine.program, "run", "--rm", "--network", "host", *engine.options, name, "true"]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=100) if made.returncode == 0 else made
    if tried.returncode:
        remove_image(engine, name)
        pytest.skip(f"{engine.program} cannot run a container here: {tried.stderr.strip().splitlines()[-1:]}")
    return name


def remove_image(engine, name):
    subprocess.run([engine.program, "rmi", "--force", name], capture_output=True)


class Dresser:
    """Turns the suite's work into containers that run KFP's own executor, as compiled components do."""

    def __init__(self, image, python):
        self._image = image
        self._python = str(python)

    def __call__(self, launch):
        work, folder = launch.work, launch.folder
        if isinstance(work, Command):
            made = Container(image=self._image, command=work.arguments[:1], arguments=work.arguments[1:])
            return replace(launch, work=made)
        module = folder / "ephemeral_component.py"
        module.write_text(work.source)
        place = _BELOW_A_SHELL if work.function == "vanish" else _PLACE
        executor = ("-m", "kfp.dsl.executor_main", "--component_module_path", str(module))
        made = Container(
            image=self._image,
            command=("sh", "-c", place, str(folder), "env", "_KFP_RUNTIME=true", self._python, *executor),
            arguments=("--executor_input", launch.executor_input, "--function_to_execute", work.function),
        )
        return replace(launch, work=made)


def living(folder):
    """Processes that work in an attempt's folder, wherever their numbers count."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if (process / "cwd").readlink() == folder:
                    found.append(int(process.name))
            except OSError:
                continue
    return found


class Chosen:
    """Stands for `Engines` that have found theirs."""

    why_not = ()

    def __init__(self, engine):
        self._engine = engine

    def current(self):
        return self._engine
