"""The store: one writer with group commit, lifecycles, outbox. All truth is here; nothing lives only in memory.

- `engine`: `Database.write(verb)` runs a verb in the shared transaction and answers after COMMIT; `Database.read`.
- `channels`: what a transaction tells once it is on disk.
- `schema`: the one MetaData, column types, `insert_new`, `insert_many`.
- `prepared`: statements of the hot path, spelt out once; lists in statements.
- `lifecycle`: `fire`, `fire_many` and `Firing`, the only writers of a state, and the columns and constraints of a lifecycle.
- `outbox`: what has to happen after a transaction, written in it.
- `dialect`: everything that differs between databases.
"""

from trainshed.sql.channels import after_commit, notify
from trainshed.sql.dialect import has_member
from trainshed.sql.engine import Database
from trainshed.sql.lifecycle import Firing, changes, fire, fire_many, history, state_columns, state_constraints
from trainshed.sql.outbox import Outbox, append
from trainshed.sql.prepared import Prepared, among, chunks
from trainshed.sql.schema import Json, Timestamp, insert_many, insert_new, metadata

__all__ = [
    "Database",
    "Firing",
    "Json",
    "Outbox",
    "Prepared",
    "Timestamp",
    "after_commit",
    "among",
    "append",
    "changes",
    "chunks",
    "fire",
    "fire_many",
    "has_member",
    "history",
    "insert_many",
    "insert_new",
    "metadata",
    "notify",
    "state_columns",
    "state_constraints",
]
