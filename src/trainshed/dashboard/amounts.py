"""How numbers of things and of money are written. Pure."""

from trainshed.costs import Cost

_LEAST = 0.0001  # of a currency; what is less is not written as nothing


def counted(count: int, one: str) -> str:
    """Write `1 task`, `2 tasks`."""
    return f"{count:,} {one}{'s' * (count != 1)}"


def money(value: float, currency: str) -> str:
    """Write an amount."""
    return f"{_number(value)} {currency}"


def cost(found: Cost) -> str:
    """Write what something cost, and what the same would have cost on Google Cloud."""
    about = "about " if found.is_guess else ""
    return f"{about}{money(found.local, found.currency)} here, {money(found.cloud, found.currency)} on Google Cloud"


def brief_cost(found: Cost) -> str:
    """Write the same in a column whose head says which is which."""
    return f"{_number(found.local)} · {money(found.cloud, found.currency)}"


def _number(value: float) -> str:
    if not value:
        return "0"
    return f"<{_LEAST}" if value < _LEAST else f"{value:.4f}"
