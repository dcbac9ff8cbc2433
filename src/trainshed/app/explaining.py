"""Accounts, over every feature."""

from trainshed import explain
from trainshed.app.features import Features
from trainshed.settings import Settings


def explaining(settings: Settings, features: Features) -> explain.Service:
    """Make the service that explains."""
    return explain.Service(
        explain.Features(
            build_triggers=features.build_triggers,
            repositories=features.repositories,
            builds=features.builds,
            run_triggers=features.run_triggers,
            runs=features.runs,
            ledger=features.ledger,
            schedules=features.schedules,
            run_schedules=features.run_schedules,
            functions=features.functions,
            topics=features.topics,
            lineage=features.lineage,
            environments=features.environments,
        ),
        parent=f"projects/{settings.project}/locations/{settings.region}",
    )
