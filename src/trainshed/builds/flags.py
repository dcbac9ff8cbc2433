"""Command-line values as the shell and gcloud give them: `K=V,K=V`, `^;^K=V;K=V`, `60m`, `e2-highcpu-8`. Pure."""

import re

from trainshed.errors import InvalidArgument

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s?)?")
_MACHINES = (
    "UNSPECIFIED",
    "N1_HIGHCPU_8",
    "N1_HIGHCPU_32",
    "E2_HIGHCPU_8",
    "E2_HIGHCPU_32",
    "E2_MEDIUM",
    "E2_STANDARD_2",
)


def dictionary(text: str, *, flag: str = "--substitutions") -> dict[str, str]:
    """Read gcloud's dictionary syntax: commas between pairs, or the delimiter that `^D^` in front names.

    Values are kept as gcloud keeps them, with quotes, colons and line ends; a later pair of the same key wins. White
    space around a key is not part of it.
    """
    delimiter, body = _delimiter(text)
    result: dict[str, str] = {}
    for piece in body.split(delimiter):
        if not piece.strip():
            continue
        key, equals, value = piece.partition("=")
        if not equals:
            raise InvalidArgument.field(
                flag,
                f"{piece.strip()!r} has no '='; write KEY=VALUE,KEY=VALUE"
                + (f" (a value that contains a comma: {flag}='^;^KEY=a,b;KEY2=c')" if result else ""),
            )
        result[key.strip()] = value
    return result


def list_of(text: str) -> list[str]:
    """Read gcloud's list syntax."""
    delimiter, body = _delimiter(text)
    return [piece.strip() for piece in body.split(delimiter) if piece.strip()]


def duration_seconds(text: str, *, flag: str = "--timeout") -> int:
    """Read `60m`, `1h30m`, `90s`, `90`. Raises InvalidArgument."""
    value = text.strip().lower()
    if not value or not _DURATION.fullmatch(value):
        raise InvalidArgument.field(flag, f"{text!r} is not a duration; write 60m, 1h30m or 90s")
    total = 0
    for number, unit in re.findall(r"(\d+)([dhms]?)", value):
        total += int(number) * _UNITS[unit or "s"]
    return total


def machine_type(text: str) -> str:
    """Write a machine type as the API does: e2-highcpu-8 → E2_HIGHCPU_8. Raises InvalidArgument."""
    value = text.strip().upper().replace("-", "_")
    if value not in _MACHINES:
        known = ", ".join(m.lower().replace("_", "-") for m in _MACHINES)
        raise InvalidArgument.field("--machine-type", f"{text!r} is not one of {known}")
    return value


def _delimiter(text: str) -> tuple[str, str]:
    match = re.match(r"\^([^^]+)\^", text)
    return (match[1], text[match.end() :]) if match else (",", text)
