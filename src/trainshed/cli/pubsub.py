"""trainshed pubsub: topics, subscriptions, snapshots, schemas and messages, with gcloud's flags."""

import click

from trainshed.cli.pubsub_flags import seconds
from trainshed.cli.pubsub_schemas import schemas
from trainshed.cli.pubsub_snapshots import snapshots
from trainshed.cli.pubsub_subscriptions import subscriptions
from trainshed.cli.pubsub_topics import topics

__all__ = ["command", "seconds"]


@click.group(name="pubsub")
def command() -> None:
    """Topics, subscriptions, snapshots, schemas and messages."""


for _group in (topics, subscriptions, snapshots, schemas):
    command.add_command(_group)
