"""trainshed lineage: what something was made from, and what was made from it."""

from typing import Any

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, project_options, show, table

_DEPTH = 5  # tasks that a terminal shows


@click.group(name="lineage")
def command() -> None:
    """Say what artifacts were made from, and what was made from them."""


@command.command(name="show")
@click.argument("of", metavar="ARTIFACT|gs://URI|RUN")
@click.option("--upstream", is_flag=True, help="Only what it was made from.")
@click.option("--downstream", is_flag=True, help="Only what was made from it.")
@click.option("--depth", type=click.IntRange(0), help=f"How many tasks away; default {_DEPTH}, with json all.")
@format_option
def show_(of: str, upstream: bool, downstream: bool, depth: int | None, output_format: str) -> None:
    """Show where something comes from and what came of it.

    Of an artifact (its number), of stored data (gs://BUCKET/NAME, with #GENERATION of one version), of a run (its id) or
    of a task (RUN/tasks/TASK).
    """
    both = upstream == downstream
    direction = "both" if both else "upstream" if upstream else "downstream"
    is_text = output_format == "text"
    shown = _DEPTH if depth is None else depth
    asked = shown + 1 if is_text else depth  # one more, to tell whether there is more
    with session.connect() as client:
        query = {"of": of, "direction": direction, "depth": asked}
        document = client.call("GET", "/trainshed/v1/lineage", query=query)

    def text() -> None:
        from trainshed.cli.lineage_tree import lines

        for line in lines(document, shown):
            click.echo(line)

    show(document, output_format, text)


@command.command()
@click.argument("of", metavar="ARTIFACT|RUN/tasks/TASK")
@format_option
def code(of: str, output_format: str) -> None:
    """Print the code that a task ran, or that made an artifact."""
    with session.connect() as client:
        document = client.call("GET", "/trainshed/v1/lineage/code", query={"of": of})
    found = document["text"].strip() or document["executor"]

    def text() -> None:
        if isinstance(found, str):
            click.echo(found)
        else:
            show(found, output_format)

    show(document, output_format, text)


@command.command(name="list")
@click.option("--filter", "filter_", default="", help="Only these, as in 'schema_title=\"system.Model\"'.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@project_options
@format_option
def list_(filter_: str, limit: int, output_format: str, **given: Any) -> None:
    """List artifacts, newest first."""
    settings = session.current_settings()
    parent = f"projects/{given['project'] or settings.project}/locations/{given['region'] or settings.region}"
    with session.connect() as client:
        path = f"/v1/{parent}/metadataStores/default/artifacts"
        pages = client.pages(path, "artifacts", query={"filter": filter_, "pageSize": min(limit, 1000)})
        found = [artifact for artifact, _ in zip(pages, range(limit), strict=False)]
    rows = [_row(artifact) for artifact in found]
    show(found, output_format, lambda: table(("ARTIFACT", "NAME", "TYPE", "CREATE_TIME", "URI"), rows))


def _row(artifact: dict[str, Any]) -> tuple[str, ...]:
    short = artifact["name"].rsplit("/", 1)[-1]
    time = f"{artifact['createTime'][:19]}Z"
    return (short, artifact.get("displayName", ""), artifact.get("schemaTitle", ""), time, artifact.get("uri", ""))
