"""The engine of a service, put together; its duty is the one background duty of runs."""

import os
from collections.abc import Callable

from trainshed.runners.contract import Runner
from trainshed.runs.engine import Engine, Parts
from trainshed.runs.engine.admission import Admission
from trainshed.runs.engine.beginning import MustRun
from trainshed.runs.engine.launch import Around, Reach
from trainshed.runs.engine.launching import Launcher
from trainshed.runs.engine.writer import Writer
from trainshed.runs.service import Service


def build_engine(
    service: Service,
    runner: Runner,
    *,
    reach: Reach,
    workers: int = 0,
    accelerators: int = 0,
    grace_seconds: float = 10.0,
    must_run: MustRun = lambda *_: False,
    reached: Callable[[str], None] = lambda _: None,
) -> Engine:
    """Make the engine that goes on with a service's runs: `engine.duty(…)` runs it, `engine.close()` lets go."""
    around = Around(
        blobs=service.blobs,
        reach=reach,
        secrets=service.secrets,
        grace_seconds=grace_seconds,
        read=service.db.read,
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    parts = Parts(
        db=service.db,
        clock=service.clock,
        runner=runner,
        writer=Writer(service.blobs, must_run=must_run),
        launcher=Launcher(runner, service.workplaces, around),
        take_up=service.recovery.take_up,
        foresee=service.recovery.foresee,
        ended_lately=service.ended_lately,
        admission=Admission(cpus=float(workers or os.cpu_count() or 1), memory_bytes=memory, accelerators=accelerators),
        grace_seconds=grace_seconds,
        reached=reached,
    )
    return Engine(parts)
