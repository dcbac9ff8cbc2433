"""How numbers of things and of money are written. Pure."""

from trainshed.costs import Cost, written


def counted(count: int, one: str) -> str:
    """Write `1 task`, `2 tasks`."""
    return f"{count:,} {one}{'s' * (count != 1)}"


def money(value: float, currency: str) -> str:
    """Write an amount."""
    return f"{written(value)} {currency}"


def brief_cost(found: Cost) -> str:
    """Write what something cost here and on Google Cloud, in a column whose head says which is which."""
    return f"{written(found.local)} · {money(found.cloud, found.currency)}"
