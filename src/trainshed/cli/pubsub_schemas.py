"""trainshed pubsub schemas."""

import base64
from pathlib import Path
from typing import Any

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.cli.pubsub_flags import definition_options, name_of, project_of, read_definition, say

_COLUMNS = ("NAME", "TYPE", "REVISION_ID")
_view = click.option(
    "--view", type=click.Choice(["basic", "full"]), default="basic", show_default=True, help="full: with definitions."
)


@click.group()
def schemas() -> None:
    """Manage what messages of topics have to look like."""


@schemas.command(name="create")
@click.argument("schema")
@definition_options
@project_options
@format_option
def create_schema(
    schema: str,
    kind: str,
    definition: str | None,
    definition_file: Path | None,
    project: str | None,
    region: str | None,
    output_format: str,
) -> None:
    """Make a schema."""
    del region
    body = read_definition(kind, definition, definition_file)
    parent, _, name = name_of(schema, "schemas", project).partition("/schemas/")
    with session.connect() as client:
        made = client.call("POST", f"/v1/{parent}/schemas", body, query={"schemaId": name})
    show(made, output_format, lambda: say("Created schema", [made]))


@schemas.command(name="commit")
@click.argument("schema")
@definition_options
@project_options
@format_option
def commit_schema(
    schema: str,
    kind: str,
    definition: str | None,
    definition_file: Path | None,
    project: str | None,
    region: str | None,
    output_format: str,
) -> None:
    """Add a revision to a schema; it has to go with the one before."""
    del region
    name = name_of(schema, "schemas", project)
    body = {"schema": {"name": name, **read_definition(kind, definition, definition_file)}}
    with session.connect() as client:
        made = client.call("POST", f"/v1/{name}:commit", body)
    show(made, output_format, lambda: _say_revision("Committed schema revision", made))


@schemas.command(name="rollback")
@click.argument("schema")
@click.option("--revision-id", required=True, help="The revision to go back to.")
@project_options
@format_option
def rollback_schema(schema: str, revision_id: str, project: str | None, region: str | None, output_format: str) -> None:
    """Make a new revision that says what an earlier one said."""
    del region
    with session.connect() as client:
        path = f"/v1/{name_of(schema, 'schemas', project)}:rollback"
        made = client.call("POST", path, {"revisionId": revision_id})
    show(made, output_format, lambda: _say_revision("Rolled back to schema revision", made))


@schemas.command(name="list")
@_view
@project_options
@format_option
def list_schemas(view: str, project: str | None, region: str | None, output_format: str) -> None:
    """List schemas."""
    del region
    with session.connect() as client:
        path = f"/v1/projects/{project_of(project)}/schemas"
        found = list(client.pages(path, "schemas", query={"view": view.upper()}))
    show(found, output_format, lambda: table(_COLUMNS, map(_row, found)))


@schemas.command(name="list-revisions")
@click.argument("schema")
@_view
@project_options
@format_option
def list_revisions(schema: str, view: str, project: str | None, region: str | None, output_format: str) -> None:
    """List the revisions of a schema, newest first."""
    del region
    with session.connect() as client:
        path = f"/v1/{name_of(schema, 'schemas', project)}:listRevisions"
        found = list(client.pages(path, "schemas", query={"view": view.upper()}))
    show(found, output_format, lambda: table(_COLUMNS, map(_row, found)))


@schemas.command(name="describe")
@click.argument("schema")
@project_options
@format_option
def describe_schema(schema: str, project: str | None, region: str | None, output_format: str) -> None:
    """Show a schema, or a revision of it: SCHEMA@REVISION."""
    del region
    with session.connect() as client:
        show(client.call("GET", f"/v1/{name_of(schema, 'schemas', project)}"), output_format)


@schemas.command(name="delete-revision")
@click.argument("schema")
@project_options
@format_option
def delete_revision(schema: str, project: str | None, region: str | None, output_format: str) -> None:
    """Remove a revision: SCHEMA@REVISION."""
    del region
    with session.connect() as client:
        gone = client.call("DELETE", f"/v1/{name_of(schema, 'schemas', project)}:deleteRevision")
    show(gone, output_format, lambda: _say_revision("Deleted schema revision", gone))


@schemas.command(name="delete")
@click.argument("schema", nargs=-1, required=True)
@project_options
@format_option
def delete_schema(schema: tuple[str, ...], project: str | None, region: str | None, output_format: str) -> None:
    """Remove schemas; topics that name one take nothing any more."""
    del region
    names = [name_of(s, "schemas", project) for s in schema]
    with session.connect() as client:
        for name in names:
            client.call("DELETE", f"/v1/{name}")
    gone = [{"name": n} for n in names]
    show(gone, output_format, lambda: say("Deleted schema", gone))


@schemas.command(name="validate-schema")
@definition_options
@project_options
@format_option
def validate_schema(
    kind: str,
    definition: str | None,
    definition_file: Path | None,
    project: str | None,
    region: str | None,
    output_format: str,
) -> None:
    """Look whether a definition means something."""
    del region
    body = {"schema": read_definition(kind, definition, definition_file)}
    with session.connect() as client:
        done = client.call("POST", f"/v1/projects/{project_of(project)}/schemas:validate", body)
    show(done, output_format, lambda: click.echo("Schema is valid."))


@schemas.command(name="validate-message")
@click.option("--message", required=True, help="The message, as text.")
@click.option(
    "--message-encoding", type=click.Choice(["json", "binary"], case_sensitive=False), required=True, help="Its form."
)
@click.option("--schema-name", required=True, help="The schema that it has to fit.")
@project_options
@format_option
def validate_message(
    message: str,
    message_encoding: str,
    schema_name: str,
    project: str | None,
    region: str | None,
    output_format: str,
) -> None:
    """Look whether a message fits a schema."""
    del region
    body = {
        "name": name_of(schema_name, "schemas", project),
        "message": base64.b64encode(message.encode()).decode(),
        "encoding": message_encoding.upper(),
    }
    with session.connect() as client:
        done = client.call("POST", f"/v1/projects/{project_of(project)}/schemas:validateMessage", body)
    show(done, output_format, lambda: click.echo("Message is valid."))


def _row(schema: dict[str, Any]) -> tuple[str, ...]:
    return schema["name"], schema["type"], schema["revisionId"]


def _say_revision(what: str, schema: dict[str, Any]) -> None:
    click.echo(f"{what} [{schema['name']}@{schema['revisionId']}].")
