"""The verbs of schemas: one transaction each."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from trainshed import names, policies
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from trainshed.sql import Database
from trainshed.topics import policy
from trainshed.topics import store_resources as resources
from trainshed.topics.model import DELETED_SCHEMA, Encoding, PubsubMessage, SchemaSettings
from trainshed.topics.schemas import definitions, store
from trainshed.topics.schemas.model import Definition, Schema, UnfitError

_MOST_REVISIONS = 20


class Schemas:
    """Schemas, their revisions, and messages that fit them."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def create(self, name: str, definition: Definition) -> Schema:
        """Make a schema. Raises AlreadyExists, and InvalidArgument for a definition that means nothing."""
        policy.check_name(policy.SCHEMA, name, field="schemaId")
        definitions.check_definition(definition)

        def verb(conn: Connection) -> Schema:
            if not store.insert_schema(conn, name, now=self._clock.now()):
                raise AlreadyExists(f"There is a schema {name!r} already; commit a revision of it.")
            return self._add(conn, name, definition)

        return self._db.write(verb)

    def get(self, name: str) -> Schema:
        """Read a schema, `NAME` or `NAME@REVISION`. Raises NotFound."""
        schema, revision_id = _split(name)
        return self._db.read(lambda conn: store.get_revision(conn, schema, revision_id))

    def of_project(self, parent: str, *, page_size: int = 0, page_token: str = "") -> tuple[Sequence[Schema], str]:
        """Read a page of the newest revisions of the schemas of `projects/P`, and the token of the next page."""
        names.parse("projects/{project}", parent, field="parent")

        def read(after: str, limit: int) -> Sequence[Schema]:
            return self._db.read(partial(store.list_newest, prefix=f"{parent}/schemas/", after=after, limit=limit))

        return names.page(read, lambda schema: schema.name, size=page_size, token=page_token, start="")

    def list_revisions(self, name: str, *, page_size: int = 0, page_token: str = "") -> tuple[Sequence[Schema], str]:
        """Read a page of the revisions of a schema, newest first, and the token of the next page. Raises NotFound."""
        schema, _ = _split(name)
        self.get(schema)

        def read(before: int, limit: int) -> Sequence[tuple[int, Schema]]:
            return self._db.read(lambda conn: store.list_revisions(conn, schema, before=before, limit=limit))

        found, more = names.page(read, lambda revision: revision[0], size=page_size, token=page_token, start=0)
        return [revision for _, revision in found], more

    def commit(self, name: str, definition: Definition) -> Schema:
        """Add a revision. Raises NotFound, and InvalidArgument where it does not go with the one before."""
        definitions.check_definition(definition)
        definitions.check_revision(self.get(name).definition, definition)
        return self._db.write(partial(self._revise, name=_split(name)[0], definition_of=lambda _: definition))

    def rollback(self, name: str, revision_id: str) -> Schema:
        """Make a new revision that says what an earlier one said. Raises NotFound."""
        schema, _ = _split(name)
        if not revision_id:
            raise InvalidArgument.field("revisionId", "is empty; name the revision to go back to")

        def earlier(conn: Connection) -> Definition:
            return store.get_revision(conn, schema, revision_id).definition

        return self._db.write(partial(self._revise, name=schema, definition_of=earlier))

    def delete_revision(self, name: str, revision_id: str = "") -> Schema:
        """Remove a revision, `NAME@REVISION`. Raises NotFound, and FailedPrecondition for the only one."""
        schema, named = _split(name)
        wanted = named or revision_id
        if not wanted:
            raise InvalidArgument.field("name", "names no revision; write it as SCHEMA@REVISION")

        def verb(conn: Connection) -> Schema:
            found = store.get_revision(conn, schema, wanted)
            if len(store.list_revisions(conn, schema, limit=2)) == 1:
                raise FailedPrecondition(f"{wanted} is the only revision of {schema}; delete the schema instead.")
            store.delete_revision(conn, schema, wanted)
            return found

        return self._db.write(verb)

    def delete(self, name: str) -> None:
        """Remove a schema; topics that name it take nothing any more. Raises NotFound."""
        names.parse(policy.SCHEMA, name)

        def verb(conn: Connection) -> None:
            store.get_revision(conn, name)
            store.delete_schema(conn, name)
            for topic in resources.topics_with_schema(conn, name):
                schema = replace(topic.options.schema, schema=DELETED_SCHEMA) if topic.options.schema else None
                resources.change_topic(conn, topic.name, replace(topic.options, schema=schema))
            policies.forget(conn, name)

        self._db.write(verb)

    def validate(self, definition: Definition) -> None:
        """Look whether a definition means something. Raises InvalidArgument."""
        definitions.check_definition(definition)

    def validate_message(self, definition: Definition, data: bytes, encoding: Encoding) -> None:
        """Look whether a message fits a definition. Raises InvalidArgument."""
        definitions.check_definition(definition)
        try:
            definitions.check_message(definition, data, encoding)
        except UnfitError as error:
            raise InvalidArgument.field("message", f"does not fit: {error}", reason="MESSAGE_UNFIT") from error

    def accept(self, settings: SchemaSettings, messages: Sequence[PubsubMessage]) -> Sequence[PubsubMessage]:
        """Answer the messages with the attributes that say what they fit, the newest allowed revision first.

        Raises InvalidArgument naming the message that fits none.
        """
        found = self._db.read(lambda conn: store.list_revisions(conn, settings.schema))
        allowed = store.between([schema for _, schema in found], settings)
        if not allowed:
            raise InvalidArgument.field("topic", "its schema is gone; give the topic another one, or none")
        return [_marked(m, settings, allowed, f"messages[{n}]") for n, m in enumerate(messages)]

    def _revise(self, conn: Connection, *, name: str, definition_of: Callable[[Connection], Definition]) -> Schema:
        definition = definition_of(conn)
        if len(store.list_revisions(conn, name, limit=_MOST_REVISIONS)) == _MOST_REVISIONS:
            raise FailedPrecondition(f"{name} has {_MOST_REVISIONS} revisions, the most there can be; delete one.")
        return self._add(conn, name, definition)

    def _add(self, conn: Connection, name: str, definition: Definition) -> Schema:
        made = Schema(
            name=name,
            definition=definition,
            revision_id=secrets.token_hex(4),
            revision_create_time=self._clock.now(),
        )
        store.insert_revision(conn, made)
        return made


def _split(name: str) -> tuple[str, str]:
    schema, _, revision_id = name.partition("@")
    names.parse(policy.SCHEMA, schema)
    return schema, revision_id


def _marked(message: PubsubMessage, settings: SchemaSettings, allowed: Sequence[Schema], field: str) -> PubsubMessage:
    reason = ""
    for schema in allowed:
        try:
            definitions.check_message(schema.definition, message.data, settings.encoding)
        except UnfitError as error:
            reason = reason or str(error)
            continue
        marks = {
            "googclient_schemaencoding": settings.encoding.value,
            "googclient_schemaname": schema.name,
            "googclient_schemarevisionid": schema.revision_id,
        }
        return replace(message, attributes={**message.attributes, **marks})
    raise InvalidArgument.field(field, f"does not fit {settings.schema}: {reason}", reason="MESSAGE_UNFIT")
