"""Templates, and how times, durations and states are written on every page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

_HERE = Path(__file__).parent
_LOG_BYTES = 200_000
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def pages() -> Environment:
    """Make the template environment: everything is escaped, an unknown variable is a defect."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"time": time, "duration": duration, "short": short, "size": size}
    return environment


def page(environment: Environment, template: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Render one page."""
    return HTMLResponse(environment.get_template(template).render(**context), status_code=status)


def time(when: datetime | None) -> str:
    """Write a time with its zone, to the second; a dash when there is none."""
    return "–" if when is None else when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float | None) -> str:
    """Write a duration the way people say it."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE)} min"
    return f"{int(seconds // _DAY)} d {int(seconds % _DAY // _HOUR)} h"


def size(count: int | None) -> str:
    """Write a number of bytes."""
    if count is None:
        return "–"
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":  # noqa: PLR2004  (bytes in the next unit)
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def short(name: str) -> str:
    """Write a resource name by its last part."""
    return name.rsplit("/", 1)[-1]


def seconds_between(start: datetime | None, end: datetime | None, now: datetime) -> float | None:
    """Answer how long something took, or has taken so far."""
    return None if start is None else ((end or now) - start).total_seconds()


def tail(path: Path) -> str:
    """Read the end of a log, which may not be there yet."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return "Nothing was logged yet."
