"""`gsutil`, `gcloud` and `docker` on the PATH of every step: they lead to our own commands, whatever is installed."""

import shlex
import sys
from pathlib import Path

TOOLS = ("gsutil", "gcloud", "docker")


def install_shims(folder: Path) -> Path:
    """Write the programs into `folder`; answer it."""
    folder.mkdir(parents=True, exist_ok=True)
    for tool in TOOLS:
        path = folder / tool
        program = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -m trainshed.builds.shims {tool} "$@"\n'
        if not path.exists() or path.read_text() != program:
            path.write_text(program)
        path.chmod(0o755)
    return folder
