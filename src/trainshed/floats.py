"""What computes to no number, as the metrics of a training that diverged do: how JSON carries it. Pure."""

from collections.abc import Mapping
from math import isfinite, isnan
from typing import Any


def written(value: float) -> float | str:
    """Answer a number as JSON can hold it: what is none by its name, as protobuf writes it."""
    if isfinite(value):
        return value
    return "NaN" if isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def writable(value: Any) -> Any:
    """Answer a document of which JSON can hold every number."""
    if isinstance(value, Mapping):
        return {str(key): writable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [writable(inner) for inner in value]
    return written(value) if isinstance(value, float) else value


def is_number(value: object) -> bool:
    """Whether something is an integer or a float that counts: neither a truth value nor infinite nor nan."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
