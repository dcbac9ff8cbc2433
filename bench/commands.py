"""How long the command line takes to say something."""

import subprocess
import sys
from pathlib import Path

from harness import Effort, Figure, medians

_TRAINSHED = Path(sys.executable).with_name("trainshed")


def measure(_folder: Path, effort: Effort) -> list[Figure]:
    """Time `trainshed --help` against an interpreter that does nothing."""
    kinds = {
        "help": lambda: _run([_TRAINSHED, "--help"]),
        "group": lambda: _run([_TRAINSHED, "pipelines", "run", "--help"]),
        "bare": lambda: _run([sys.executable, "-c", "pass"]),
    }
    medians(kinds, 1)
    found = medians(kinds, effort.times(15, 5))
    bare = {"reference": 1000 * found["bare"], "reference_name": "python -c pass"}
    return [
        Figure(name="trainshed --help", value=1000 * found["help"], unit="ms", budget=150, **bare),
        Figure(name="trainshed pipelines run --help", value=1000 * found["group"], unit="ms", budget=150, **bare),
    ]


def _run(command: list[str | Path]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
