"""trainshed pipelines: looking at runs that are there, ending them, beginning them anew."""

from typing import Any

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.cli.pipelines_end import follow, is_waited, tell
from trainshed.cli.pipelines_request import changes, pairs, parent, runs, short, wait_options
from trainshed.cli.pipelines_text import cause_text, state_text
from trainshed.cli.pipelines_text import describe as describe_text

_LISTED = ("ID", "NAME", "STATE", "CREATE_TIME", "CAUSE")


@click.command(name="list")
@click.option("--state", default="", help="Only runs in this state.")
@click.option("--commit", default="", help="Only runs whose code is of this commit: seven or more of its characters.")
@click.option(
    "--filter", "wanted", default="", help='Such as display_name="pen*" AND create_time>"2026-01-31T00:00:00Z".'
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@project_options
@format_option
def list_(state: str, commit: str, wanted: str, limit: int, output_format: str, **given: Any) -> None:
    """List runs, newest first."""
    with session.connect() as client:
        pages = client.pages(runs(given), "runs", query={"state": state, "commit": commit, "filter": wanted})
        found = [run for run, _ in zip(pages, range(limit), strict=False)]
    rows = [
        (short(r["name"]), r["displayName"], state_text(r), r["createTime"][:19] + "Z", cause_text(r)) for r in found
    ]
    show(found, output_format, lambda: table(_LISTED, rows))


@click.command()
@click.argument("job")
@project_options
@format_option
def describe(job: str, output_format: str, **given: Any) -> None:
    """Show a run with its tasks as a tree; with `--format json`, every task, and Google's PipelineJob under `job`."""
    path = f"{runs(given)}/{short(job)}"
    with session.connect() as client:
        document = client.call("GET", path if output_format == "json" else f"{path}/outline")
    show(document, output_format, lambda: describe_text(document))


@click.command()
@click.argument("job")
@click.option("--task", default="", help="Only this task and what is in it: train, loop-1, loop-1[3].train.")
@click.option("--stream", is_flag=True, help="Go on until the run has ended.")
@project_options
@format_option
def logs(job: str, task: str, stream: bool, output_format: str, **given: Any) -> None:
    """Print what tasks wrote."""
    with session.connect() as client:
        query = {"task": task, "stream": "1" if stream else ""}
        lines = client.lines(f"{runs(given)}/{short(job)}/logs", query=query)
        if output_format == "json":
            show({"lines": list(lines)}, output_format)
            return
        is_silent = True
        for line in lines:
            click.echo(line)
            is_silent = False
        if is_silent:
            click.echo("Nothing was logged.", err=True)


@click.command()
@click.argument("job")
@project_options
@format_option
def cancel(job: str, output_format: str, **given: Any) -> None:
    """Ask a run to end: what runs is stopped, exit tasks still clean up."""
    with session.connect() as client:
        client.call("POST", f"/v1/{parent(given)}/pipelineJobs/{short(job)}:cancel", {})
    show({"cancelled": short(job)}, output_format, lambda: click.echo(f"Asked run {short(job)} to end."))


@click.command()
@click.argument("job")
@wait_options
@project_options
@format_option
def retry(job: str, output_format: str, **given: Any) -> int:
    """Let a run that failed, or was cancelled, go on: what succeeded is not run again."""
    waits = is_waited(given)
    with session.connect() as client:
        path = runs(given)
        document = client.call("POST", f"{path}/{short(job)}:retry", {})
        document = follow(client, path, document, waits=waits, outputs_file=given["outputs_file"])
    return tell(document, output_format)


@click.command()
@click.argument("job")
@click.option("--parameter", "parameters", multiple=True, metavar="K=V", help="What is to differ; repeat for more.")
@click.option("--no-caching", is_flag=True, help="Run every task, whatever was done before.")
@click.option("--job-id", default="", help="Identifier of the new run; default: made from name and time.")
@wait_options
@project_options
@format_option
def clone(job: str, output_format: str, **given: Any) -> int:
    """Run a run's pipeline again, with its parameters where no others are given."""
    body = {
        "parameters": dict(pairs(given["parameters"], "--parameter")),
        "jobId": given["job_id"],
        "caching": False if given["no_caching"] else None,
    }
    waits = is_waited(given)
    with session.connect() as client:
        path = runs(given)
        document = client.call("POST", f"{path}/{short(job)}:clone", body)
        document = follow(client, path, document, waits=waits, outputs_file=given["outputs_file"])
    return tell(document, output_format)


@click.command()
@click.argument("job")
@click.argument("labels", nargs=-1, required=True, metavar="KEY=VALUE|KEY-...")
@project_options
@format_option
def label(job: str, labels: tuple[str, ...], output_format: str, **given: Any) -> None:
    """Set labels of a run, or remove them.

    team=birds sets one, team- removes it; all others stay as they are, whatever the state of the run.
    """
    update, remove = changes(labels)
    with session.connect() as client:
        wanted = {"updateLabels": update, "removeLabels": remove}
        document = client.call("PATCH", f"{runs(given)}/{short(job)}", wanted)

    def text() -> None:
        written = ", ".join(f"{key}={value}" for key, value in document["labels"].items())
        click.echo(f"Run {short(job)} has {f'the labels {written}' if written else 'no labels'}.")

    show(document, output_format, text)


@click.command()
@click.argument("job")
@project_options
@format_option
def delete(job: str, output_format: str, **given: Any) -> None:
    """Forget a run that has ended, with its logs; what it made stays."""
    with session.connect() as client:
        client.call("DELETE", f"/v1/{parent(given)}/pipelineJobs/{short(job)}")
    show({"deleted": short(job)}, output_format, lambda: click.echo(f"Deleted run {short(job)}."))


@click.command()
@click.argument("job")
@project_options
@format_option
def graph(job: str, output_format: str, **given: Any) -> None:
    """Show a run's tasks and the artifacts between them; the iterations of a loop are one."""
    with session.connect() as client:
        document = client.call("GET", f"{runs(given)}/{short(job)}/graph")

    def text() -> None:
        for node in (n for n in document["nodes"] if n["kind"] != "artifact"):
            kind = "" if node["kind"] == "task" else f"  {node['kind']}"
            click.echo(f"{node['id']}{kind}  {node['state']}{'  (cached)' if node['cached'] else ''}")
            for edge in (e for e in document["edges"] if e["to"] == node["id"] and e["kind"] != "inside"):
                click.echo(f"  <- {edge['from']}")

    show(document, output_format, text)
