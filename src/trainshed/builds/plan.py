"""waitFor → which step starts after which. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainshed.errors import Finding

AT_ONCE = "-"


def after(steps: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[int, ...]], list[Finding]]:
    """Answer for each step the numbers of those it waits for, and everything wrong with the ids.

    Empty waitFor: all steps before it. `['-']`: none. A step may only name steps above it, so there are no cycles.
    """
    findings: list[Finding] = []
    numbers = _numbers(steps, findings)
    waits: list[tuple[int, ...]] = []
    for number, step in enumerate(steps):
        wanted = step.get("waitFor") or []
        if not wanted:
            waits.append(tuple(range(number)))
            continue
        resolved = set()
        for i, step_id in enumerate(wanted):
            problem = _problem(step_id, number, step, numbers, steps)
            if problem:
                findings.append(Finding(severity="error", path=f"steps[{number}].waitFor[{i}]", message=problem))
            elif step_id != AT_ONCE:
                resolved.add(numbers[step_id])
        waits.append(tuple(sorted(resolved)))
    return waits, findings


def _numbers(steps: Sequence[Mapping[str, Any]], findings: list[Finding]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for number, step in enumerate(steps):
        step_id = step.get("id", "")
        path = f"steps[{number}].id"
        if step_id == AT_ONCE:
            findings.append(Finding(severity="error", path=path, message="'-' is reserved; choose another id"))
        elif step_id in numbers:
            message = f"{step_id!r} is the id of step {numbers[step_id]} already; ids are unique"
            findings.append(Finding(severity="error", path=path, message=message))
        elif step_id:
            numbers[step_id] = number
    return numbers


def _problem(
    step_id: str, number: int, step: Mapping[str, Any], numbers: Mapping[str, int], steps: Sequence[Mapping[str, Any]]
) -> str:
    if step_id == AT_ONCE:
        return ""
    if step_id not in numbers:
        known = ", ".join(repr(i) for i in numbers) or "none has an id"
        return f"{step_id!r} is not the id of a step; there are: {known}"
    target = numbers[step_id]
    if target == number:
        return f"the step waits for itself; remove {step_id!r}"
    if target > number:
        if step.get("id") in (steps[target].get("waitFor") or []):
            return f"steps {number} and {target} wait for each other; remove one of the two"
        return f"{step_id!r} is step {target}, below this one; move it above"
    return ""
