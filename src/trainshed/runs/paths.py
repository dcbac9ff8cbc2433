"""What somebody means by a task of a run: a name, a path, one iteration of a loop or everything in it. Pure.

A path is what the row of a task is called: `train`, `inner.train`, `for-loop-1[3].train`. Without the brackets it means
every iteration; without what is around it, it will do where only one task is called so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trainshed import ir
from trainshed.errors import InvalidArgument

_ITERATION = re.compile(r"\[\d+\]")
_ANY = r"(?:\[\d+\])?"
_MOST_NAMED = 20


def static(path: str) -> str:
    """Answer a path without iterations, as the plan knows it."""
    return _ITERATION.sub("", path)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The tasks that somebody means."""

    pattern: re.Pattern[str]  # of their paths
    is_one: bool  # a single task, and not what may be many

    def __contains__(self, path: str) -> bool:
        return self.pattern.fullmatch(path) is not None


def choose(plan: ir.Plan, wanted: str, *, field: str = "task") -> Chosen:
    """Answer the tasks that are meant and those in them. Raises InvalidArgument naming the tasks that there are."""
    path = _find(plan, wanted, field)
    pattern = re.escape(path).replace(r"\.", rf"{_ANY}\.") + rf"{_ANY}(?:\..*)?"
    loops = sum(1 for p, task in plan.walk() if task.loop is not None and f"{static(path)}.".startswith(f"{p}."))
    is_one = plan.find(path).body is None and loops == len(_ITERATION.findall(path))
    return Chosen(pattern=re.compile(pattern), is_one=is_one)


def _find(plan: ir.Plan, wanted: str, field: str) -> str:
    try:
        plan.find(wanted)
    except KeyError:
        name = static(wanted)
        ends = [path for path, _ in plan.walk() if name and path.endswith(f".{name}")]
        if len(ends) == 1:
            return ends[0].removesuffix(name) + wanted
        if ends:
            problem = f"several tasks are called {wanted!r}; give the path of one: {_named(ends)}"
        else:
            problem = f"the pipeline has no task {wanted!r}; it has {_named([path for path, _ in plan.walk()])}"
        raise InvalidArgument.field(field, problem) from None
    return wanted


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return ", ".join(paths[:_MOST_NAMED]) + more
