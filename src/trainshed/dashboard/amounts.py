"""How amounts of money are written on pages. Pure."""

from trainshed.costs import Cost, written


def money(value: float, currency: str) -> str:
    """Write an amount."""
    return f"{written(value)} {currency}"


def brief_cost(found: Cost) -> str:
    """Write what something cost here and on Google Cloud, in a column whose head says which is which."""
    return f"{written(found.local)} · {money(found.cloud, found.currency)}"
