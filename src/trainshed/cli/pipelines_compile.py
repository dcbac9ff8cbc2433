"""Compiling a pipeline file: kfp runs in an environment of its own, never in this process."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from trainshed.cli import session
from trainshed.errors import FailedPrecondition, InvalidArgument
from trainshed.home import require_home

_SECONDS = 600.0


def compile_file(file: Path, output: Path, *, function_name: str, packages: Sequence[str]) -> None:
    """Run kfp's compiler on a file. Raises InvalidArgument, FailedPrecondition with the compiler's last lines."""
    if file.suffix != ".py":
        raise InvalidArgument.field("FILE", f"{file} is not Python; name the .py file with the pipeline function")
    python = _python(packages)
    command = [str(python.parent / "kfp"), "dsl", "compile", "--py", str(file.resolve())]
    command += ["--output", str(output.resolve())]
    if function_name:
        command += ["--function", function_name]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_SECONDS, check=False, cwd=file.resolve().parent
    )
    if done.returncode != 0 or not output.exists():
        lines = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise FailedPrecondition(f"{file} did not compile:\n" + "\n".join(lines), reason="COMPILE_FAILED")


def _python(packages: Sequence[str]) -> Path:
    from trainshed.clock import SystemClock
    from trainshed.environments import Environments

    settings = session.current_settings()
    require_home(settings.home)
    environments = Environments(settings.home / "environments", None, SystemClock())  # type: ignore[arg-type]

    def say(line: str) -> None:
        if sys.stderr.isatty():
            click.echo(line, err=True)

    return environments.ensure(["kfp>=2.14", *packages], log=say).python
