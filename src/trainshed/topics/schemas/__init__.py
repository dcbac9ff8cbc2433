"""Schemas of messages: their revisions, and whether a message fits one.

- `model`: Schema.
- `avro`, `protobuf`: what a definition means and what fits it. `proto_language`: reads `.proto` text. Pure.
- `definitions`: either of them, by the type of the schema. Pure.
- `store`: tables and SQL.
- `service`: the verbs.
"""

from trainshed.topics.schemas.model import Definition, Schema, SchemaType
from trainshed.topics.schemas.service import Schemas
from trainshed.topics.schemas.store import CHANGED, check_settings

__all__ = ["CHANGED", "Definition", "Schema", "SchemaType", "Schemas", "check_settings"]
