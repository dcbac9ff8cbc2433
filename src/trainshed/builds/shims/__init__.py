"""`gsutil`, `gcloud`, `docker` and `trainshed` on the PATH of every step: our own commands, whatever is installed."""

import shlex
import sys
from pathlib import Path

TOOLS = ("gsutil", "gcloud", "docker")


def install_shims(folder: Path) -> Path:
    """Write the programs into `folder`; answer it."""
    folder.mkdir(parents=True, exist_ok=True)
    for tool in TOOLS:
        _write(folder / tool, f"trainshed.builds.shims {tool}")
    _write(folder / "trainshed", "trainshed")
    return folder


def _write(path: Path, module: str) -> None:
    program = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -m {module} "$@"\n'
    if not path.exists() or path.read_text() != program:
        path.write_text(program)
    path.chmod(0o755)
