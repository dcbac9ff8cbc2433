"""Schedules of runs: cron in, runs out, as Vertex AI's ScheduleService keeps them. One run, one receipt, per due time.

- `lifecycle`: what can become of one. `model`: RunSchedule, Options.
- `policy`: what is allowed, and what becomes of due times. Pure.
- `store`: table and SQL. `firing`: due times become receipts and runs, in one transaction.
- `service`: the verbs; `listing`: what lists of them can be asked for. `loop`: the duty.
"""

from trainshed.schedules.of_runs.firing import Ports
from trainshed.schedules.of_runs.lifecycle import RUN_SCHEDULE
from trainshed.schedules.of_runs.loop import duty
from trainshed.schedules.of_runs.model import Options, RunSchedule
from trainshed.schedules.of_runs.policy import NAME
from trainshed.schedules.of_runs.service import Service

__all__ = ["NAME", "RUN_SCHEDULE", "Options", "Ports", "RunSchedule", "Service", "duty"]
