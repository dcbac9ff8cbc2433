"""Schedules: cron in wall-clock time; each due time fires once, or has a receipt that says why it did not.

- `cron`: which instants an expression names in a time zone. Pure.
- `model`: Schedule, Options, targets, Firing.
- `lifecycle`: what can become of a schedule and of a firing.
- `policy`: limits, retries, missed and overlapping due times. Pure.
- `store`: tables and SQL.
- `firing`: how due times become receipts, messages and calls, thousands in a transaction.
- `service`: the verbs.
- `loop`: the firing duty, which also calls HTTP endpoints.
- `of_runs`: the schedules that start runs themselves, as Vertex AI has them.
"""

from trainshed.schedules import of_runs
from trainshed.schedules.cron import Cron, DaylightSaving, Fold, Gap
from trainshed.schedules.lifecycle import FIRING, SCHEDULE
from trainshed.schedules.loop import Endpoints, Firer, duties, headers_of
from trainshed.schedules.model import (
    CatchUp,
    Firing,
    HttpTarget,
    Options,
    Order,
    Outgoing,
    Overlap,
    PubsubTarget,
    RetryConfig,
    Schedule,
)
from trainshed.schedules.service import Service

__all__ = [
    "FIRING",
    "SCHEDULE",
    "CatchUp",
    "Cron",
    "DaylightSaving",
    "Endpoints",
    "Firer",
    "Firing",
    "Fold",
    "Gap",
    "HttpTarget",
    "Options",
    "Order",
    "Outgoing",
    "Overlap",
    "PubsubTarget",
    "RetryConfig",
    "Schedule",
    "Service",
    "duties",
    "headers_of",
    "of_runs",
]
