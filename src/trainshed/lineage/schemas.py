"""Metadata schemas: what kinds of things, doings and groupings there are. The system's own, and what somebody adds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml
from sqlalchemy import Column, Connection, Table, Text, select

from trainshed import names
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, InvalidArgument, NotFound
from trainshed.lineage import filters
from trainshed.sql import Database, Timestamp, insert_new, metadata

ARTIFACT, EXECUTION, CONTEXT = "ARTIFACT_TYPE", "EXECUTION_TYPE", "CONTEXT_TYPE"
_SYSTEM = {
    ARTIFACT: ("Artifact", "Dataset", "Model", "Metrics", "ClassificationMetrics", "SlicedClassificationMetrics"),
    EXECUTION: ("ContainerExecution", "ImporterExecution", "ResolverExecution", "DagExecution", "Run"),
    CONTEXT: ("Pipeline", "PipelineRun", "Experiment", "ExperimentRun"),
}
_MADE = datetime(2021, 1, 1, tzinfo=UTC)  # the system's own are as old as the service
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_FIELDS = frozenset({"name", "schema_title", "schema_version", "schema_type", "description", "create_time"})
_EXAMPLE = 'schema_title="system.Model"'

table = Table(
    "metadata_schemas",
    metadata,
    Column("resource_id", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("create_time", Timestamp, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A kind of record, described in YAML as OpenAPI does it."""

    resource_id: str
    version: str
    text: str
    type: str
    description: str = ""
    create_time: datetime

    @property
    def title(self) -> str:
        """What records name as their schemaTitle."""
        return str(_read(self.text).get("title", ""))


class Schemas:
    """Reads and adds schemas."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._known = {schema.resource_id: schema for schema in _system()}

    def create(self, resource_id: str, *, version: str, text: str, kind: str, description: str) -> Schema:
        """Add a schema. Raises AlreadyExists, InvalidArgument."""
        chosen = resource_id or names.uid()
        if not _ID.fullmatch(chosen):
            hint = "use letters, digits, '.', '_' and '-', at most 128"
            raise InvalidArgument.field("metadata_schema_id", f"{chosen!r} cannot be an id: {hint}")
        if kind not in _SYSTEM:
            raise InvalidArgument.field("metadata_schema.schema_type", f"give one of {', '.join(_SYSTEM)}")
        if not _VERSION.fullmatch(version):
            raise InvalidArgument.field("metadata_schema.schema_version", f"{version!r} is not of the form 1.2.3")
        if not _read(text).get("title"):
            raise InvalidArgument.field(
                "metadata_schema.schema", "has no title; write YAML with a title and properties"
            )
        now = self._clock.now()
        made = Schema(
            resource_id=chosen, version=version, text=text, type=kind, description=description, create_time=now
        )

        if chosen in self._known or not self._db.write(lambda conn: insert_new(conn, table, vars(made))):
            raise AlreadyExists(f"There is a metadata schema {chosen!r} already.", reason="SCHEMA_EXISTS")
        return made

    def get(self, resource_id: str) -> Schema:
        """Read a schema. Raises NotFound."""
        found = {schema.resource_id: schema for schema in self._all()}.get(resource_id)
        if found is None:
            raise NotFound(f"There is no metadata schema {resource_id!r}.", reason="SCHEMA_NOT_FOUND")
        return found

    def list(self, filter: str, *, page_size: int, page_token: str) -> tuple[list[Schema], str]:  # noqa: A002
        """Read a page of schemas, by id, and the token of the next page. Raises InvalidArgument."""
        condition = filters.parse(filter, _FIELDS, example=_EXAMPLE)
        after = names.read_place(page_token, "after", "")
        found = [
            schema
            for schema in sorted(self._all(), key=lambda schema: schema.resource_id)
            if schema.resource_id > after
            and (condition is None or filters.holds(condition, _facts(schema), lambda _: False))
        ]
        page = found[:page_size]
        return page, names.page_token(after=page[-1].resource_id) if len(found) > page_size else ""

    def _all(self) -> Sequence[Schema]:
        def read(conn: Connection) -> Sequence[Schema]:
            return [Schema(**row._mapping) for row in conn.execute(select(table))]  # noqa: SLF001

        return [*self._known.values(), *self._db.read(read)]


def _system() -> list[Schema]:
    return [
        Schema(
            resource_id="system-" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", title).lower(),
            version="0.0.1",
            text=f"title: system.{title}\ntype: object\n",
            type=kind,
            create_time=_MADE,
        )
        for kind, titles in _SYSTEM.items()
        for title in titles
    ]


def _read(text: str) -> Mapping[str, Any]:
    """Read a schema's YAML. Raises InvalidArgument."""
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidArgument.field("metadata_schema.schema", "is not YAML; write a title and properties") from error
    return found if isinstance(found, Mapping) else {}


def _facts(schema: Schema) -> dict[str, Any]:
    return {
        "name": schema.resource_id,
        "schema_title": schema.title,
        "schema_version": schema.version,
        "schema_type": schema.type,
        "description": schema.description,
        "create_time": schema.create_time,
    }
