"""Home directories with a large store, made once for all measurements of one go, or kept for the next."""

import atexit
import hashlib
import json
import shutil
import sqlite3
import sys
import tempfile
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from harness import Effort

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from large_store import LARGE, Made, Scale, fill

from trainshed.sql.migrations import open_store

_STALE_SECONDS = 86_400.0  # messages are kept for a week only
_SMALLER = 10
_READS = "wandering.py"  # of the modules beside it, the one that fills nothing


def large(effort: Effort) -> Made:
    """Answer a home with a large store; a tenth of it where things have to be quick."""
    return _made(_smaller(LARGE) if effort.is_quick else LARGE, effort.keep)


def megabytes(made: Made) -> float:
    """Answer how big the store is."""
    return (made.home / "trainshed.db").stat().st_size / 1e6


@cache
def _made(scale: Scale, keep: Path | None) -> Made:
    if keep is None:
        keep = Path(tempfile.mkdtemp(prefix="trainshed-bench-large-"))
        atexit.register(shutil.rmtree, keep, ignore_errors=True)
    home = keep / f"home-{_digest(scale)}"
    said = keep / f"{home.name}.json"
    if said.exists() and time.time() - said.stat().st_mtime < _STALE_SECONDS:
        known = json.loads(said.read_text())
        return Made(**known | {"home": home, "wide_runs": {int(k): v for k, v in known["wide_runs"].items()}})
    shutil.rmtree(home, ignore_errors=True)
    began = time.monotonic()
    made = fill(home, scale, until=datetime.now(UTC))
    said.write_text(json.dumps(asdict(made), default=str))
    print(
        f"a store of {megabytes(made):,.0f} MB was made in {time.monotonic() - began:.0f} s",
        file=sys.stderr,
        flush=True,
    )
    return made


def _smaller(scale: Scale) -> Scale:
    grows = ("runs", "schedules", "receipts", "builds", "messages", "invocations", "objects", "log_bytes")
    return replace(scale, **{name: getattr(scale, name) // _SMALLER for name in grows})


def _digest(scale: Scale) -> str:
    """Answer what changes when the tables do, or the code that fills them."""
    with tempfile.TemporaryDirectory() as empty:
        open_store(Path(empty) / "x.db")
        connection = sqlite3.connect(Path(empty) / "x.db")
        tables = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
        connection.close()
    folder = Path(sys.modules[Made.__module__].__file__ or "").parent
    code = [path.read_text() for path in sorted(folder.glob("*.py")) if path.name != _READS]
    return hashlib.sha256(repr((tables, code, scale)).encode()).hexdigest()[:12]
