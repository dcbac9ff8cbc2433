"""Schemas of messages: the list, and one with its revisions, and whether a message fits."""

from collections.abc import Sequence

from trainshed import names
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Time
from trainshed.dashboard.page import Action, Actions, Empty, Facts, Field, Form, Page, Table, Text
from trainshed.dashboard.serve import Address
from trainshed.dashboard.triggers import SECTION as ABOVE
from trainshed.dashboard.triggers import tabs
from trainshed.topics import Encoding
from trainshed.topics.schemas import CHANGED, Schema, Schemas, SchemaType

SECTION = "/schemas"
_SHOWN = 50
_COLUMNS = ("Schema", "Language", "Newest revision", "Created")
_LANGUAGES = tuple(SchemaType)
_AVRO = '{"type": "record", "name": "Training", "fields": [{"name": "num_epochs", "type": "int"}]}'


class SchemaPages:
    """Pages over the schemas of messages."""

    def __init__(self, service: Schemas, project: str) -> None:
        self._service = service
        self._parent = f"projects/{project}"

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing, words=("page",)),
            Address(path=SECTION + "/{name:path}", make=self.detail, words=("revision", "page")),
        ]

    def listing(self, asked: Asked) -> Page:
        """List schemas by name. Raises InvalidArgument."""
        found, token = self._service.of_project(self._parent, page_size=_SHOWN, page_token=asked.word("page"))
        table = Table(
            id="schemas",
            columns=_COLUMNS,
            rows=[_row(schema) for schema in found],
            nothing=Empty(
                text="No schema yet. A topic that has one takes only messages that fit it.",
                command="trainshed pubsub schemas create NAME --type avro --definition-file FILE",
            ),
            more=asked.href(page=token) if token else "",
            more_text="More schemas",
        )
        return Page(
            title="Schemas of messages",
            section=ABOVE,
            tabs=tabs(SECTION),
            parts=(table, _creation(self._parent)),
            follows=(CHANGED,),
        )

    def detail(self, asked: Asked) -> Page:
        """One schema, its newest revision or the one that is asked for. Raises NotFound, InvalidArgument."""
        newest = self._service.get(asked.name)
        chosen = asked.word("revision")
        shown = self._service.get(f"{newest.name}@{chosen}") if chosen else newest
        revisions, token = self._service.list_revisions(newest.name, page_size=_SHOWN, page_token=asked.word("page"))
        return Page(
            title=names.short(newest.name),
            section=ABOVE,
            state=None if shown.revision_id == newest.revision_id else Badge(state="EARLIER"),
            about=(str(shown.definition.kind), f"revision {shown.revision_id}", Time(when=shown.revision_create_time)),
            trail=(Link(text="Schemas", href=SECTION),),
            parts=(
                _actions(shown, newest),
                Text(id="definition", heading="Definition", text=_written(shown)),
                _fitting(self._parent, shown),
                _revising(newest),
                _revisions(asked, revisions, shown, token),
                Facts(id="facts", heading="The schema", pairs=_facts(newest)),
            ),
            follows=(CHANGED,),
        )


def _row(schema: Schema) -> tuple[Cell, ...]:
    return (
        Link(text=names.short(schema.name), href=links.href(SECTION, schema.name)),
        str(schema.definition.kind),
        Code(text=schema.revision_id),
        Time(when=schema.revision_create_time),
    )


def _written(schema: Schema) -> str:
    compiled = schema.definition.compiled
    if not compiled:
        return schema.definition.text
    return f"A compiled set of protocol buffer files ({len(compiled)} bytes); messages are {schema.definition.root_message}."


def _revisions(asked: Asked, found: Sequence[Schema], shown: Schema, token: str) -> Table:
    return Table(
        id="revisions",
        heading="Revisions",
        columns=("Revision", "Created", "Shown"),
        rows=[
            (
                Link(text=each.revision_id, href=asked.href(revision=each.revision_id, page=None)),
                Time(when=each.revision_create_time),
                "above" if each.revision_id == shown.revision_id else None,
            )
            for each in found
        ],
        nothing=Empty(text="None is kept."),
        more=asked.href(page=token) if token else "",
    )


def _actions(shown: Schema, newest: Schema) -> Actions:
    path, short, revision = f"/v1/{newest.name}", names.short(newest.name), shown.revision_id
    gone = f"Delete the schema {short} with all its revisions? Topics that use it refuse every message then."
    again = f"Create a new revision of {short} that says what {revision} said?"
    href = links.href(SECTION, newest.name)
    rollback = Action(
        label="Roll back to this revision",
        path=f"{path}:rollback",
        body={"revisionId": revision},
        confirm=again,
        then=href,
    )
    delete = Action(label="Delete", path=path, method="DELETE", confirm=gone, then=SECTION)
    is_newest = revision == newest.revision_id
    return Actions(id="actions", actions=(delete,) if is_newest else (rollback, delete), copies_address=True)


def _creation(parent: str) -> Form:
    return Form(
        id="new-schema",
        heading="Create a schema",
        is_folded=True,
        fields=(
            Field(name="name", label="Name", is_required=True, help="Letters, digits and -._~+%."),
            Field(name="type", label="Language", choices=_LANGUAGES, value=SchemaType.AVRO),
            Field(name="definition", label="Definition", value=_AVRO, is_long=True, is_required=True),
        ),
        action=Action(
            label="Create schema", path=f"/v1/{parent}/schemas?schemaId={{name}}", then=f"{SECTION}/{{name}}"
        ),
    )


def _revising(newest: Schema) -> Form:
    kind = str(newest.definition.kind)
    return Form(
        id="revise",
        heading="Create a revision",
        is_folded=True,
        fields=(
            Field(
                name="schema.definition",
                label="Definition",
                value=newest.definition.text,
                is_long=True,
                is_required=True,
                help="It has to go with the one before.",
            ),
        ),
        action=Action(
            label="Create revision",
            path=f"/v1/{newest.name}:commit",
            body={"schema": {"type": kind}},
            then=links.href(SECTION, newest.name),
        ),
    )


def _fitting(parent: str, shown: Schema) -> Form:
    return Form(
        id="fit",
        heading="Does a message fit?",
        is_folded=True,
        fields=(
            Field(name="message", label="Message", value="{}", type="bytes", help="In JSON, as publishers send it."),
        ),
        action=Action(
            label="Look",
            path=f"/v1/{parent}/schemas:validateMessage",
            body={"name": f"{shown.name}@{shown.revision_id}", "encoding": str(Encoding.JSON)},
        ),
    )


def _facts(newest: Schema) -> list[tuple[str, Cell]]:
    return [
        ("Name", Code(text=newest.name, may_copy=True)),
        ("Language", str(newest.definition.kind)),
        ("Newest revision", Code(text=newest.revision_id)),
    ]
