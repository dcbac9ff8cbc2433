"""Tables of topics.

A delivery row is in one of the states of `lifecycle`; its `due_time` is when the next thing may happen to it: being
handed out (PENDING), missing its deadline (OUTSTANDING), being cleaned away (ACKED and the other ends). One index
over (subscription, state, due time) therefore serves leasing, deadlines and cleaning alike.
"""

from enum import IntEnum

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from trainshed.sql import Json, Timestamp, metadata, state_columns, state_constraints
from trainshed.topics.lifecycle import DELIVERY


class Routing(IntEnum):
    """How messages of a topic come to a subscription of it."""

    DETACHED = 0  # not at all
    PLAIN = 1  # every one, in any order: to all such subscriptions by one statement
    BY_HAND = 2  # through a filter, or with the key of their order


topics_table = Table(
    "topics",
    metadata,
    Column("name", Text, primary_key=True),
    Column("options", Json, nullable=False),
    Column("held_until", Timestamp),  # a snapshot needs what is published until then
    Column("create_time", Timestamp, nullable=False),
)

subscriptions_table = Table(
    "subscriptions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("topic", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("routing", Integer, nullable=False),
    Column("options", Json, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    Column("active_time", Timestamp, nullable=False),
    sqlite_autoincrement=True,  # an ack id of a deleted subscription fits no later one
)

# One row: the last message id. Ids are never used again, though messages are cleaned away.
sequence_table = Table("message_ids", metadata, Column("last", Integer, primary_key=True))

messages_table = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("attributes", Json),
    Column("ordering_key", Text),
    Column("parent_receipt_id", Text),
    Column("publish_time", Timestamp, nullable=False),
    Column("retain_until", Timestamp),  # kept until then, whether or not somebody is to get it
)
Index(
    "ix_messages_retained",
    messages_table.c.topic,
    messages_table.c.retain_until,
    sqlite_where=messages_table.c.retain_until.is_not(None),  # nothing to pay for where nothing is retained
)

deliveries_table = Table(
    "deliveries",
    metadata,
    Column("message_id", Integer, primary_key=True),
    Column("subscription_id", Integer, primary_key=True),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("due_time", Timestamp, nullable=False),
    Column("forgiven", Integer),  # attempts that were nobody's fault: they do not lead to the dead letter
    Column("ordering_key", Text),  # where order matters
    *state_columns(DELIVERY),
    *state_constraints(DELIVERY),
    Index("ix_deliveries_due", "subscription_id", "state", "due_time"),
    sqlite_with_rowid=False,
)
Index(
    "ix_deliveries_ordered",
    deliveries_table.c.subscription_id,
    deliveries_table.c.ordering_key,
    deliveries_table.c.state,
    deliveries_table.c.message_id,
    sqlite_where=deliveries_table.c.ordering_key.is_not(None),
)
