"""Axes of charts: which values get a tick, and how values are written. Nothing here does I/O."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import ceil, floor, isfinite, log10
from zoneinfo import ZoneInfo

from trainshed.quantities import duration, half_up

SECONDS, BYTES, SHARE, COUNT = "seconds", "bytes", "share", "count"  # written in ways of their own; other units follow
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_NICE = (1, 2, 5, 10)
_TIME_STEPS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR,
    _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY, 364 * _DAY,
)  # fmt: skip
_DURATIONS = (
    (0.001, 1.0, "ms"),
    (1.0, 120.0, "s"),
    (60.0, 7200.0, "min"),
    (3600.0, 172800.0, "h"),
    (86400.0, 0.0, "d"),
)
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")
_HUNDRED, _LARGE = 100, 1000
_HUGE, _TINY = 1e12, 1e-6  # of a number and of a step, from which on an exponent is easier to read
_FINEST = 300  # decimals
_FARTHEST, _NEAREST = 1e300, 1e-12  # beyond, differences are no numbers; of a value, within which they say nothing


def ticks(low: float, high: float, most: int = 5, least_step: float = 0.0) -> list[float]:
    """Answer round values that cover low to high: at most `most` steps of 1, 2 or 5 times a power of ten."""
    low, high = (max(-_FARTHEST, min(value, _FARTHEST)) for value in (low, high))
    if high <= low:
        high = low + (abs(low) or 1.0)
    high = max(high, low + max(abs(low), abs(high)) * _NEAREST, low + 1 / _FARTHEST)
    least = (high - low) / most
    power = 10.0 ** floor(log10(least))
    step = max(least_step, next(nice * power for nice in _NICE if nice * power >= least * (1 - 1e-9)))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    digits = max(12, 3 - floor(log10(step)))
    return [round(count * step, digits) for count in range(first, last + 1)]


def axis(low: float, high: float, unit: str, most: int = 5) -> list[tuple[float, str]]:
    """Answer the ticks of an axis with their labels, all written in the same unit."""
    factor, suffix = _written_in(max(abs(low), abs(high)), unit)
    found = ticks(low / factor, high / factor, most, least_step=1.0 if unit == COUNT else 0.0)
    step, largest = found[1] - found[0], max(abs(found[0]), abs(found[-1]))
    if largest >= _HUGE or step < _TINY:
        digits = 1 + floor(log10(largest)) - floor(log10(step))
        return [(value * factor, f"{value:.{digits}g}{suffix}") for value in found]
    decimals = max(0, -floor(log10(step) + 1e-9))
    return [(value * factor, f"{value:,.{decimals}f}{suffix}") for value in found]


def write(value: float | None, unit: str) -> str:
    """Write one value as precisely as somebody wants to read it."""
    if value is None:
        return "–"
    if not isfinite(value):
        return str(value)
    if unit == SECONDS and abs(value) >= _MINUTE:
        return duration(value)  # as everywhere else
    factor, suffix = _written_in(abs(value), unit)
    return f"{_number(value / factor)}{suffix}"


def write_all(values: Sequence[float | None], unit: str) -> str:
    """Write values that belong together in the same unit, which is said once."""
    if all(value is None for value in values):
        return "–"
    known = [abs(value) for value in values if value is not None and isfinite(value)]
    factor, suffix = _written_in(max(known, default=0.0), unit)
    return " / ".join("–" if value is None else _rounded(value / factor) for value in values) + (
        suffix if known else ""
    )


def time_ticks(since: datetime, until: datetime, zone: str = "UTC", most: int = 6) -> list[tuple[datetime, str]]:
    """Answer round times of a zone's clock between two times, with their labels."""
    length = max((until - since).total_seconds(), 1.0)
    step = next((s for s in _TIME_STEPS if length / s <= most), _TIME_STEPS[-1])
    place = ZoneInfo(zone)
    first, last = since.astimezone(place).date(), until.astimezone(place).date()
    found: list[tuple[datetime, str]] = []
    day = _anchored(first, step)
    while day <= last:
        for seconds in range(0, _DAY, min(step, _DAY)):
            local = datetime.combine(day, time(), place) + timedelta(seconds=seconds)
            if since <= local.astimezone(UTC) <= until:
                found.append((local.astimezone(UTC), _clock(local, step)))
        day += timedelta(days=max(1, step // _DAY))
    return found


def _anchored(day: date, step: int) -> date:
    days = max(1, step // _DAY)
    return date.fromordinal(day.toordinal() // days * days or 1)


def _clock(local: datetime, step: int) -> str:
    if step >= 91 * _DAY:
        return f"{local.day} {local:%b %Y}"
    if step >= _DAY or not (local.hour or local.minute or local.second):
        return f"{local.day} {local:%b}"
    return local.strftime("%H:%M" if step >= _MINUTE else "%H:%M:%S")


def _written_in(largest: float, unit: str) -> tuple[float, str]:
    if unit == SECONDS:
        factor, _, name = next(d for d in _DURATIONS if largest < d[1] or not d[1])
        return factor, f" {name}"
    if unit == BYTES:
        power = 0
        while largest >= 1024.0 ** (power + 1) and power < len(_SIZES) - 1:
            power += 1
        return 1024.0**power, f" {_SIZES[power]}"
    if unit == SHARE:
        return 0.01, " %"
    if unit == COUNT:
        return 1.0, ""
    return 1.0, f" {unit}" if unit and not unit.startswith("/") else unit


def _number(value: float) -> str:
    if abs(value) >= _HUGE:
        return f"{value:.4g}"
    if abs(value) >= _LARGE:
        return f"{half_up(value):,.0f}"
    return f"{_significant(value, 4):.4g}" if value % 1 else f"{value:.0f}"


def _rounded(value: float) -> str:
    if not isfinite(value):
        return str(value)
    if abs(value) >= _HUNDRED or not value % 1:
        return f"{half_up(value):,.0f}"
    return f"{Decimal(f'{_significant(value, 3):.3g}'):f}"  # without an exponent, however little it is


def _significant(value: float, digits: int) -> float:
    return half_up(value, min(digits - 1 - floor(log10(abs(value))), _FINEST))
