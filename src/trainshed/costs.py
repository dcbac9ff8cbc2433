"""What tasks, runs and builds cost: here, and what the same would have cost on Google Cloud. Pure.

An estimate is made before (from durations seen in earlier runs, or a guess that is marked so), the actual cost after,
from measured durations. Prices come from `prices.json` beside this file, or from a file of the same shape.
A task that reused its result costs nothing; Google Cloud bills a run whose tasks were all reused like any other.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from trainshed.errors import InvalidArgument

_HOUR, _MINUTE, _WATT_HOURS = 3600.0, 60.0, 1000.0
_PRICES = Path(__file__).with_name("prices.json")
_LEAST = 0.0001  # of a currency, as it is written
_DIGITS = 6  # behind the point, in documents
GUESSED_SECONDS = 60.0  # of a task that has never run
_MEMORY_PER_CORE = {"n1-standard": 3.75, "n1-highmem": 6.5, "n1-highcpu": 0.9, "e2-standard": 4.0, "e2-highcpu": 1.0}
_GIGA = 1e9
_NOTHING: Final[Mapping[str, Any]] = {}  # one for all costs: there may be tens of thousands


def _nothing() -> Mapping[str, Any]:
    return _NOTHING


@dataclass(frozen=True, kw_only=True)
class Prices:
    """One price list."""

    currency: str
    pipeline_run: float
    machine_hour: Mapping[str, float]
    default_machine: str
    accelerator_hour: Mapping[str, float]
    build_minute: Mapping[str, float]
    kilowatt_hour: float = 0.0  # of electricity here
    watts_per_core: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one task used, or is expected to use."""

    name: str
    seconds: float
    cpu_seconds: float = 0.0
    machine_type: str = ""  # empty: the smallest that fits `cpus` and `memory_bytes`, or the default
    cpus: float | None = None
    memory_bytes: int | None = None
    accelerator_type: str = ""
    accelerator_count: int = 0
    is_reused: bool = False  # its result came from the cache
    is_guess: bool = False  # no earlier run says how long it takes


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """An amount on Google Cloud and an amount here, in one currency, with its parts."""

    currency: str
    cloud: float
    local: float = 0.0
    is_guess: bool = False
    parts: Mapping[str, "Cost"] = field(default_factory=_nothing)

    def __str__(self) -> str:
        """Both amounts, for people."""
        about = "about " if self.is_guess else ""
        here, there = (f"{written(amount)} {self.currency}" for amount in (self.local, self.cloud))
        return f"{about}{here} here, {there} on Google Cloud"


def written(amount: float) -> str:
    """Write an amount for people: what is little is not written as nothing."""
    if not amount:
        return "0"
    amount = round(amount, _DIGITS)  # as documents have it: what is made of them by others reads the same
    return f"<{_LEAST}" if amount < _LEAST else f"{amount:.4f}"


def load(file: Path | None = None) -> Prices:
    """Read a price list. Raises InvalidArgument naming what is wrong in it."""
    path = file or _PRICES
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidArgument.field("prices", f"{path} cannot be read as JSON: {error}") from error
    return read(document)


def read(document: Mapping[str, Any]) -> Prices:
    """Check a price list: every price is a number and none is negative. Raises InvalidArgument."""
    local = document.get("local", {})
    prices = Prices(
        currency=str(document.get("currency", "USD")),
        pipeline_run=_price("pipeline_run", document.get("pipeline_run", 0.0)),
        machine_hour=_table("machine_hour", document),
        default_machine=str(document.get("default_machine", "")),
        accelerator_hour=_table("accelerator_hour", document),
        build_minute=_table("build_minute", document),
        kilowatt_hour=_price("local.kilowatt_hour", local.get("kilowatt_hour", 0.0)),
        watts_per_core=_price("local.watts_per_core", local.get("watts_per_core", 0.0)),
    )
    if prices.default_machine not in prices.machine_hour:
        raise InvalidArgument.field("default_machine", f"{prices.default_machine!r} has no price in machine_hour")
    return prices


def of_task(prices: Prices, usage: Usage) -> Cost:
    """Price one task: its machine for as long as it ran, its accelerators, and electricity here."""
    if usage.is_reused:
        return Cost(currency=prices.currency, cloud=0.0)
    hours = usage.seconds / _HOUR
    machine = prices.machine_hour[machine_for(prices, usage)]
    accelerator = prices.accelerator_hour.get(usage.accelerator_type, 0.0) * usage.accelerator_count
    return Cost(
        currency=prices.currency,
        cloud=hours * (machine + accelerator),
        local=_electricity(prices, usage.cpu_seconds or usage.seconds),
        is_guess=usage.is_guess or _has_unknown_price(prices, usage),
    )


def of_run(prices: Prices, tasks: Iterable[Usage]) -> Cost:
    """Price one run: the fee of a run and its tasks. The same for an estimate before and the actual cost after."""
    parts = {usage.name: of_task(prices, usage) for usage in tasks}
    return _sum(prices, parts, fee=prices.pipeline_run)


def of_build(prices: Prices, *, seconds: float, machine_type: str = "", cpu_seconds: float = 0.0) -> Cost:
    """Price one build, by the second."""
    known = prices.build_minute.get(machine_type or "UNSPECIFIED")
    price = known if known is not None else prices.build_minute.get("UNSPECIFIED", 0.0)
    local = _electricity(prices, cpu_seconds or seconds)
    return Cost(currency=prices.currency, cloud=seconds / _MINUTE * price, local=local, is_guess=known is None)


def expected(name: str, earlier_seconds: Iterable[float], **given: Any) -> Usage:
    """Expect a task to take the median of what it took before, or a guess."""
    seen = sorted(earlier_seconds)
    if not seen:
        return Usage(name=name, seconds=GUESSED_SECONDS, is_guess=True, **given)
    middle = len(seen) // 2
    median = seen[middle] if len(seen) % 2 else (seen[middle - 1] + seen[middle]) / 2
    return Usage(name=name, seconds=median, **given)


def machine_for(prices: Prices, usage: Usage) -> str:
    """Answer the machine type that Vertex would bill: the named one, else the smallest that the request fits."""
    if usage.machine_type in prices.machine_hour:
        return usage.machine_type
    if usage.cpus is None and usage.memory_bytes is None:
        return prices.default_machine
    fitting = [name for name in prices.machine_hour if _fits(name, usage)]
    return min(fitting, key=lambda name: (_shape(name), prices.machine_hour[name]), default=prices.default_machine)


def machine_named(prices: Prices, usage: Usage) -> str:
    """Name what Vertex would bill, for a row: `n1-standard-8 + 2 NVIDIA_TESLA_T4`; nothing where nothing was asked for."""
    is_sized = usage.cpus is not None or usage.memory_bytes is not None
    machine = usage.machine_type or (machine_for(prices, usage) if is_sized else "")
    return machine + (f" + {usage.accelerator_count} {usage.accelerator_type}" if usage.accelerator_count else "")


def usage_on(machine: str, **given: Any) -> Usage:
    """Answer what was used on a machine that is named so."""
    machine_type, _, accelerators = machine.partition(" + ")
    count, _, kind = accelerators.partition(" ")
    return Usage(machine_type=machine_type, accelerator_type=kind, accelerator_count=int(count or 0), **given)


def total(prices: Prices, costs: Mapping[str, Cost]) -> Cost:
    """Add up builds and runs."""
    return _sum(prices, dict(costs), fee=0.0)


def to_document(cost: Cost) -> dict[str, Any]:
    """Write a cost as JSON."""
    document: dict[str, Any] = {
        "currency": cost.currency,
        "cloud": round(cost.cloud, _DIGITS),
        "local": round(cost.local, _DIGITS),
        "isGuess": cost.is_guess,
    }
    if cost.parts:
        document["parts"] = {name: to_document(part) for name, part in cost.parts.items()}
    return document


def _sum(prices: Prices, parts: Mapping[str, Cost], *, fee: float) -> Cost:
    return Cost(
        currency=prices.currency,
        cloud=fee + sum(part.cloud for part in parts.values()),
        local=sum(part.local for part in parts.values()),
        is_guess=any(part.is_guess for part in parts.values()),
        parts=parts,
    )


def _electricity(prices: Prices, cpu_seconds: float) -> float:
    return cpu_seconds / _HOUR * prices.watts_per_core / _WATT_HOURS * prices.kilowatt_hour


def _has_unknown_price(prices: Prices, usage: Usage) -> bool:
    has_unknown_machine = bool(usage.machine_type) and usage.machine_type not in prices.machine_hour
    return has_unknown_machine or (
        usage.accelerator_count > 0 and usage.accelerator_type not in prices.accelerator_hour
    )


def _fits(machine_type: str, usage: Usage) -> bool:
    cores, gigabytes = _shape(machine_type)
    return cores >= (usage.cpus or 0) and gigabytes * _GIGA >= (usage.memory_bytes or 0)


def _shape(machine_type: str) -> tuple[int, float]:
    family, _, cores = machine_type.rpartition("-")
    if family not in _MEMORY_PER_CORE or not cores.isdigit():
        return (0, 0.0)
    return int(cores), int(cores) * _MEMORY_PER_CORE[family]


def _table(name: str, document: Mapping[str, Any]) -> dict[str, float]:
    return {key: _price(f"{name}.{key}", value) for key, value in document.get(name, {}).items()}


def _price(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise InvalidArgument.field(name, f"{value!r} is not a price; write a number of the list's currency, 0 or more")
    return float(value)
