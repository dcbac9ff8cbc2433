"""What is spread how: the same for every store of a scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T")
_GOLDEN = 0x9E3779B97F4A7C15
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_DAY = 86_400.0

PROJECT = "local-project"
REGION = "us-central1"
PARENT = f"projects/{PROJECT}/locations/{REGION}"


def scattered(number: int, salt: int = 0) -> int:
    """Answer a 60-bit number that no other number of the same salt has."""
    return ((number * _GOLDEN) ^ (salt * 0x5851F42D4C957F2D)) % 2**60


def share(number: int, salt: int = 0) -> float:
    """Answer a number from 0 to below 1, evenly spread."""
    return (number + 1) * ((0.6180339887498949 + salt * 0.7548776662466927) % 1.0) % 1.0


def pick(choices: Sequence[tuple[T, float]], number: int, salt: int = 0) -> T:
    """Choose by weights that are 1 together."""
    left = share(number, salt)
    for choice, weight in choices:
        left -= weight
        if left < 0:
            return choice
    return choices[0][0]


def letters(number: int, salt: int = 0) -> str:
    """Write a short identifier, as the product makes them."""
    left = scattered(number, salt)
    found = ""
    for _ in range(12):
        left, digit = divmod(left, 36)
        found += _DIGITS[digit]
    return found


def uuid(number: int, salt: int = 0) -> str:
    """Write an identifier of a build."""
    digits = f"{scattered(number, salt):016x}{scattered(number, salt + 1):016x}"
    return f"{digits[1:9]}-{digits[9:13]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def moment(seconds: float) -> str:
    """Write a time since 1970 as the store does."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:26] + "Z"


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The time that a store covers."""

    until: datetime
    days: int

    @property
    def end(self) -> float:
        """The last moment, in seconds since 1970."""
        return self.until.timestamp()

    @property
    def start(self) -> float:
        """The first moment."""
        return self.end - self.days * _DAY

    @property
    def next_month(self) -> float:
        """When the next thing is due."""
        return self.end + 40 * _DAY

    def place(self, number: int, many: int) -> float:
        """Spread many things evenly, the last one a minute before the end; each at a moment of its own."""
        step = (self.end - 60 - self.start) / many
        return self.start + step * (number + 0.9 * share(number, 7))
