"""Outcomes on disk: one file per ended attempt, complete or not there, until its server has taken it over."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def path_of(folder: str, task_id: str, attempt: int) -> Path:
    """Answer the file of an attempt's outcome."""
    return Path(folder) / f"{hashlib.sha256(task_id.encode()).hexdigest()[:32]}-{attempt}.json"


def write(folder: str, outcome: dict[str, Any]) -> None:
    """Store an outcome, on disk before we return."""
    path = path_of(folder, outcome["task_id"], outcome["attempt"])
    pending = path.with_suffix(".new")
    with pending.open("w") as file:
        json.dump(outcome, file)
        file.flush()
        os.fsync(file.fileno())
    pending.rename(path)


def read(path: Path) -> "dict[str, Any] | None":
    """Read an outcome; None when there is none."""
    try:
        outcome: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return outcome
