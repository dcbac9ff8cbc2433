"""What runs measured: the numbers among their metrics, for many runs at once.

Tasks in loops are left out, as where runs are compared: they have no number of the run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from trainshed import lineage
from trainshed.runs import searching
from trainshed.runs.model import Run
from trainshed.runs.searching import Search

_METRICS = ("system.Metrics", "system.ClassificationMetrics", "system.SlicedClassificationMetrics", "system.Model")
_MOST = 4000  # artifacts that are looked at
_WIDE = 500  # tasks; runs with more are nearly all loops, and to read what they made takes longer than anybody waits


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A run and its numbers, by `task: metric`."""

    run: Run
    numbers: Mapping[str, float]


def measured(conn: Connection, wanted: Search) -> tuple[list[Measured], str]:
    """Answer a page of runs with their numbers, newest first, and the token of the next one. Raises InvalidArgument."""
    runs, token = searching.page(conn, wanted)
    contexts = [run.context_id for run in runs if run.tasks_total <= _WIDE]
    made = lineage.products_of_contexts(conn, contexts, titles=_METRICS, limit=_MOST)
    return [Measured(run=run, numbers=numbers(made.get(run.context_id, ()))) for run in runs], token


def numbers(made: Sequence[lineage.Product]) -> dict[str, float]:
    """Answer the numbers that tasks said of what they made."""
    return {
        f"{product.task}: {key}": float(value)
        for product in made
        if "[" not in product.task
        for key, value in product.artifact.metadata.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
