"""How much there is."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much a store holds."""

    runs: int  # of twenty tasks each
    wide_runs: tuple[int, ...] = ()  # tasks of runs that have many, beside them
    schedules: int
    receipts: int
    builds: int
    messages: int
    invocations: int
    objects: int
    log_bytes: int  # of one build
    days: int = 180


LARGE = Scale(
    runs=50_000,
    wide_runs=(2_000, 10_000),
    schedules=1_000,
    receipts=1_000_000,
    builds=5_000,
    messages=100_000,
    invocations=200_000,
    objects=5_000,
    log_bytes=1_000_000_000,
)
SMALL = Scale(
    runs=60,
    wide_runs=(120,),
    schedules=20,
    receipts=300,
    builds=40,
    messages=200,
    invocations=200,
    objects=20,
    log_bytes=100_000,
)
