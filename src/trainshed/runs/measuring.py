"""What runs measured: every metric under one name, and the numbers among them for many runs at once.

Of the numbers tasks in loops are left out, as where runs are compared: they have no number of the run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from trainshed import lineage
from trainshed.runs import searching
from trainshed.runs.model import Run
from trainshed.runs.searching import Search

METRICS = ("system.Metrics", "system.ClassificationMetrics", "system.SlicedClassificationMetrics")
_MODEL = "system.Model"
_CURVES = frozenset({"confidenceMetrics", "confusionMatrix", "evaluationSlices"})
_MOST = 4000  # artifacts that are looked at
_WIDE = 500  # tasks; runs with more are nearly all loops, and to read what they made takes longer than anybody waits


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One value that a task said of what it made."""

    label: str  # `task: metric`; `task, output: metric` where several outputs of the task have one that is called so
    product: lineage.Product
    key: str
    value: Any


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A run and its numbers, by what its metrics are called."""

    run: Run
    numbers: Mapping[str, float]


def measured(conn: Connection, wanted: Search) -> tuple[list[Measured], str]:
    """Answer a page of runs with their numbers, newest first, and the token of the next one. Raises InvalidArgument."""
    runs, token = searching.page(conn, wanted)
    contexts = [run.context_id for run in runs if run.tasks_total <= _WIDE]
    made = lineage.products_of_contexts(conn, contexts, titles=(*METRICS, _MODEL), limit=_MOST)
    return [Measured(run=run, numbers=numbers(made.get(run.context_id, ()))) for run in runs], token


def numbers(made: Sequence[lineage.Product]) -> dict[str, float]:
    """Answer the numbers that tasks said of what they made."""
    outside = [product for product in made if "[" not in product.task]
    return {metric.label: float(metric.value) for metric in metrics(outside) if _is_number(metric.value)}


def metrics(made: Sequence[lineage.Product]) -> list[Metric]:
    """Answer every single value among metrics, and the numbers that models say of themselves."""
    found = [(p, key, value) for p in made for key, value in p.artifact.metadata.items() if _says(p, key, value)]
    outputs: dict[tuple[str, str], set[str]] = {}
    for product, key, _ in found:
        outputs.setdefault((product.task, key), set()).add(product.key)
    several = {named for named, keys in outputs.items() if len(keys) > 1}
    return [
        Metric(
            label=f"{p.task}, {p.key}: {key}" if (p.task, key) in several else f"{p.task}: {key}",
            product=p,
            key=key,
            value=value,
        )
        for p, key, value in found
    ]


def _says(product: lineage.Product, key: str, value: Any) -> bool:
    if product.artifact.schema_title == _MODEL:
        return _is_number(value)
    return (
        product.artifact.schema_title in METRICS and key not in _CURVES and isinstance(value, bool | int | float | str)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
