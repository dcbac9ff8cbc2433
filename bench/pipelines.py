"""The pipelines that are measured: no-ops in a chain, in a loop with a sum, and alone."""

from functools import cache
from pathlib import Path
from typing import Any

import world
from harness import Skipped


@cache
def _components() -> dict[str, Any]:
    try:
        from kfp import dsl
    except ImportError as error:
        raise Skipped("kfp is not installed here") from error

    @dsl.component(**world.component_options())
    def step(number: int) -> int:
        return number + 1

    @dsl.component(**world.component_options())
    def numbers(count: int) -> list:
        return list(range(count))

    @dsl.component(**world.component_options())
    def total(numbers: list) -> int:
        return sum(map(int, numbers))

    @dsl.component(**world.component_options())
    def rest(seconds: float) -> None:
        import time

        time.sleep(seconds)

    return {"step": step, "numbers": numbers, "total": total, "rest": rest}


def chain(length: int) -> Any:
    """Make a chain of no-ops, each with the output of the one before."""
    step = _components()["step"]
    from kfp import dsl

    @dsl.pipeline(name=f"bench-chain-{length}")
    def pipeline(number: int = 0) -> None:
        last = step(number=number)
        for _ in range(length - 1):
            last = step(number=last.output)

    return pipeline


def loop() -> Any:
    """Make a loop of no-ops over a list of any length, and the sum of what they gave."""
    made = _components()
    from kfp import dsl

    @dsl.pipeline(name="bench-loop")
    def pipeline(count: int) -> int:
        with dsl.ParallelFor(items=made["numbers"](count=count).output) as item:
            each = made["step"](number=item)
        return made["total"](numbers=dsl.Collected(each.output)).output

    return pipeline


def bare_loop() -> Any:
    """Make the loop alone: kfp.local fails on what is collected from one."""
    made = _components()
    from kfp import dsl

    @dsl.pipeline(name="bench-bare-loop")
    def pipeline(count: int) -> None:
        with dsl.ParallelFor(items=made["numbers"](count=count).output) as item:
            made["step"](number=item)

    return pipeline


def static_loop(count: int) -> Any:
    """Make the same with its list written into the document."""
    made = _components()
    from kfp import dsl

    @dsl.pipeline(name=f"bench-static-loop-{count}")
    def pipeline() -> int:
        with dsl.ParallelFor(items=list(range(count))) as item:
            each = made["step"](number=item)
        return made["total"](numbers=dsl.Collected(each.output)).output

    return pipeline


def rest() -> Any:
    """Make one task that only takes time."""
    made = _components()
    from kfp import dsl

    @dsl.pipeline(name="bench-rest")
    def pipeline(seconds: float) -> None:
        made["rest"](seconds=seconds)

    return pipeline


def rests(length: int) -> Any:
    """Make a chain of tasks that only take time."""
    made = _components()
    from kfp import dsl

    @dsl.pipeline(name=f"bench-rests-{length}")
    def pipeline(seconds: float) -> None:
        last = made["rest"](seconds=seconds)
        for _ in range(length - 1):
            last = made["rest"](seconds=seconds).after(last)

    return pipeline


def text_of(pipeline: Any, folder: Path) -> str:
    """Compile a pipeline."""
    return world.compile_to(pipeline, folder / "compiled.json").read_text()
