"""Defects of a training project that only show in production: found in its files, before anything runs.

- `model`: Defect, and what each kind means.
- `project`: a folder as Python units, shell commands, YAML documents and pins, each line known.
- `python_checks`: settings, functions, pipelines, command lines, by their syntax trees.
- `config_checks`: deployments, messages, pins.
"""

from pathlib import Path

from trainshed.doctor.config_checks import CONFIG_CHECKS
from trainshed.doctor.model import KINDS, Defect, Kind
from trainshed.doctor.project import Project, read
from trainshed.doctor.python_checks import PYTHON_CHECKS

__all__ = ["KINDS", "Defect", "Kind", "Project", "examine", "read"]


def examine(folder: Path) -> list[Defect]:
    """Find every known defect of a project folder, in the order of its files."""
    project = read(folder)
    found = {defect for check in (*PYTHON_CHECKS, *CONFIG_CHECKS) for defect in check(project)}
    return sorted(found, key=lambda d: (d.path, d.line, int(d.kind.code[1:]), d.what))
