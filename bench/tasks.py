"""What a task costs beyond its own work: a chain of no-ops, beside kfp.local doing the same chain."""

import contextlib
import io
import logging
import os
import statistics
from datetime import datetime
from pathlib import Path

import world
from harness import Effort, Figure, Skipped, seconds_of

_LENGTH = 20
_FAN = 20


def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Run both chains in turn; ours by the run's own start and end, and by what its submitter waits."""
    local = _Local(folder)
    specs = _specs(folder)
    ours: list[float] = []
    waited: list[float] = []
    fans: list[float] = []
    theirs: list[float] = []
    with world.running(folder / "home") as server:
        api = world.Api(server)
        for name in specs:
            _run(api, specs[name])  # makes the environment, warms the worker
        for _ in range(effort.times(3, 2)):
            theirs.append(seconds_of(local.run) / _LENGTH)
            for _ in range(2):
                run: dict[str, str] = {}
                waited.append(seconds_of(lambda run=run: run.update(_run(api, specs["chain"]))) / _LENGTH)
                ours.append(_lasted(run) / _LENGTH)
            fans.append(_lasted(_run(api, specs["fan"])))
    reference = {"reference": 1000 * statistics.median(theirs), "reference_name": "kfp.local, SubprocessRunner"}
    return [
        Figure(
            name=f"no-op task in a chain of {_LENGTH}", value=1000 * statistics.median(ours), unit="ms", budget=12,
            note="start to end of the run", samples=[1000 * s for s in ours], **reference,
        ),
        Figure(
            name="the same, as its submitter waits", value=1000 * statistics.median(waited), unit="ms",
            samples=[1000 * s for s in waited], **reference,
        ),
        Figure(
            name=f"fan-out of {_FAN} no-ops and a sum", value=statistics.median(fans), unit="s", samples=fans,
        ),
    ]  # fmt: skip


def _run(api: world.Api, spec: str) -> dict[str, str]:
    made = api.call("POST", f"/trainshed/v1/{world.PARENT}/runs", {"text": spec, "caching": False})
    ended = api.ended_run(made["name"])
    if ended["state"] != "SUCCEEDED":
        raise RuntimeError(f"the run {ended['state']}: {ended['error']}")
    return {key: ended[key] for key in ("startTime", "endTime")}


def _lasted(run: dict[str, str]) -> float:
    return (datetime.fromisoformat(run["endTime"]) - datetime.fromisoformat(run["startTime"])).total_seconds()


def _specs(folder: Path) -> dict[str, str]:
    from kfp import dsl

    step = _component()

    @dsl.component(**world.component_options())
    def total(numbers: list) -> int:
        return sum(map(int, numbers))

    @dsl.pipeline(name="bench-chain")
    def chain() -> None:
        last = step(number=0)
        for _ in range(_LENGTH - 1):
            last = step(number=last.output)

    @dsl.pipeline(name="bench-fan")
    def fan() -> None:
        total(numbers=[step(number=i).output for i in range(_FAN)])

    pipelines = {"chain": chain, "fan": fan}
    return {name: world.compile_to(p, folder / f"{name}.json").read_text() for name, p in pipelines.items()}


def _component() -> object:
    from kfp import dsl

    @dsl.component(**world.component_options())
    def step(number: int) -> int:
        return number + 1

    return step


class _Local:
    """The same chain under kfp.local, in the environment that this measurement runs in."""

    def __init__(self, folder: Path) -> None:
        try:
            from kfp import dsl, local
        except ImportError as error:
            raise Skipped("kfp is not installed here") from error
        local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(folder / "kfp-local"))
        step = _component()

        @dsl.pipeline(name="bench-chain")
        def chain() -> None:
            last = step(number=0)
            for _ in range(_LENGTH - 1):
                last = step(number=last.output)

        self._chain = chain

    def run(self) -> None:
        """Run it, without what it prints."""
        logging.disable(logging.CRITICAL)
        os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                self._chain()
        finally:
            logging.disable(logging.NOTSET)
