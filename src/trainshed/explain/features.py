"""The features whose records accounts are made of, given by the composition root."""

from dataclasses import dataclass

from trainshed import builds, functions, ledger, lineage, runs, schedules, topics
from trainshed.environments import Environments
from trainshed.schedules import of_runs as schedules_of_runs


@dataclass(frozen=True, kw_only=True)
class Features:
    """Whose records accounts are made of."""

    build_triggers: builds.Triggers
    repositories: builds.Repositories
    builds: builds.Service
    run_triggers: runs.Triggers
    runs: runs.Service
    ledger: ledger.Service
    schedules: schedules.Service
    run_schedules: schedules_of_runs.Service
    functions: functions.Service
    topics: topics.Service
    lineage: lineage.Service
    environments: Environments
