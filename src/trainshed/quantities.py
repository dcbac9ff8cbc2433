"""How durations, counts and measures are written for people: on pages, in accounts, in a terminal. Pure."""

from math import copysign, floor, isfinite

_MINUTE, _HOUR, _DAY = 60, 3600, 86400  # seconds
_SIZES, _KIB = ("B", "KiB", "MiB", "GiB"), 1024


def duration(seconds: float | None) -> str:
    """Write how long something took: `250 ms`, `1.5 s`, `2 min 3 s`, `4 h 5 min`, `2 d 3 h`; nothing for None."""
    if seconds is None:
        return ""
    if half_up(seconds, 3) < 0:  # a clock was set back
        return f"-{duration(-seconds)}"
    if half_up(seconds, 3) < 1:
        return f"{half_up(abs(seconds) * 1000):.0f} ms"
    if half_up(seconds, 1) < _MINUTE:
        return f"{half_up(seconds, 1):.1f} s"
    seconds = max(seconds, _MINUTE)
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"
    hours, days = int(seconds // _HOUR), int(seconds // _DAY)
    return f"{days} d {hours % 24} h" if days else f"{hours} h {int(seconds % _HOUR // _MINUTE)} min"


def half_up(value: float, decimals: int = 0) -> float:
    """Round as people do, a half away from zero: a number is written alike in every unit and in the browser."""
    power = 10.0**decimals
    return copysign(floor(float(f"{abs(value) * power:.12g}") + 0.5) / power, value)  # 12: 0.5985 s are 598.5 ms


def of_pauses(seconds: float) -> str:
    """Write how long nobody did anything before a run was retried: `2 h 5 min of pauses`; nothing where nobody paused."""
    return f"{duration(seconds)} of pauses" if seconds else ""


def size(count: int) -> str:
    """Write a number of bytes: `12 B`, `2.0 KiB`, `1.9 GiB`."""
    amount, power = float(count), 0
    while round(amount, 1) >= _KIB and power < len(_SIZES) - 1:
        amount, power = amount / _KIB, power + 1
    return f"{amount:.{min(power, 1)}f} {_SIZES[power]}"


def counted(count: int, one: str) -> str:
    """Write `1 task`, `2,000 tasks`."""
    return f"{count:,} {one}{'s' * (count != 1)}"


def number(value: float) -> str:
    """Write a measure: as many digits as say something; nan and inf as they are."""
    if isfinite(value) and value == int(value) and abs(value) < 1e6:  # noqa: PLR2004  (above, an exponent is easier to read)
        return str(int(value))
    return f"{value:.4g}"
