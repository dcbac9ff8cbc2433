"""trainshed pipelines: compile, plan, run and look at pipelines.

- this module: what there is before a run, and starting one. `pipelines_runs`: runs that are there.
- `pipelines_triggers`, `pipelines_schedules`: what starts runs by itself. `pipelines_debug`: one task at the terminal.
- `pipelines_request`: options and addresses. `pipelines_text`, `pipelines_end`: what people read.
"""

from pathlib import Path
from typing import Any

import click

from trainshed.cli import pipelines_runs, session
from trainshed.cli.output import format_option, project_options, show
from trainshed.cli.pipelines_end import follow, is_waited, tell
from trainshed.cli.pipelines_request import body, pairs, run_options, runs, wait_options
from trainshed.cli.pipelines_schedules import schedules
from trainshed.cli.pipelines_text import plan as plan_text
from trainshed.cli.pipelines_triggers import triggers
from trainshed.cli.target import only_local

_AT_TERMINAL = only_local("a task of Vertex AI has no terminal; debug with the server of this machine")


@click.group(name="pipelines")
def command() -> None:
    """Compile, plan and run pipelines."""


@command.command(name="compile")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="Where to write; .json or .yaml.")
@click.option("--function", "function_name", default="", help="Name of the pipeline function, if the file has several.")
@click.option("--package", "packages", multiple=True, help="What the file imports beside kfp; repeat for more.")
@format_option
def compile_(file: str, output: str, function_name: str, packages: tuple[str, ...], output_format: str) -> None:
    """Compile a file written with the kfp SDK, in an environment of its own."""
    from trainshed.cli.pipelines_compile import compile_file

    compile_file(Path(file), Path(output), function_name=function_name, packages=packages)
    show({"output": output}, output_format, lambda: click.echo(f"Wrote {output}."))


@command.command()
@click.argument("spec")
@run_options
@click.option("--display-name", default="", help="Name to show.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="A label; repeat for more.")
@click.option(
    "--failure-policy",
    type=click.Choice(["slow", "fast"]),
    help="After a failure: go on with what does not need it (slow), or begin nothing more. Default: the document's, else slow.",
)
@click.option(
    "--debug-task",
    default="",
    metavar="TASK",
    callback=_AT_TERMINAL,
    help="Run this task at the terminal, under a debugger.",
)
@wait_options
@project_options
@format_option
def run(spec: str, output_format: str, **given: Any) -> int:
    """Run a compiled pipeline: a file, or an object gs://…."""
    wanted = body(spec, given) | {
        "displayName": given["display_name"],
        "labels": dict(pairs(given["labels"], "--label")),
        "failurePolicy": f"FAIL_{given['failure_policy'].upper()}" if given["failure_policy"] else "",
    }
    waits = is_waited(given)
    if given["debug_task"]:
        from trainshed.cli.pipelines_debug import connect

        connection = connect(given["debug_task"], wanted)
    else:
        connection = session.connect()
    with connection as client:
        path = runs(given)
        document = client.call("POST", path, wanted)
        document = follow(client, path, document, waits=waits, outputs_file=given["outputs_file"])
    return tell(document, output_format)


@command.command()
@click.argument("spec")
@run_options
@project_options
@format_option
def plan(spec: str, output_format: str, **given: Any) -> None:
    """Say what would run, what is cached and why."""
    with session.connect() as client:
        document = client.call("POST", f"{runs(given)}:plan", body(spec, given))
    show(document, output_format, lambda: plan_text(document))


for one in (
    pipelines_runs.list_,
    pipelines_runs.describe,
    pipelines_runs.logs,
    pipelines_runs.cancel,
    pipelines_runs.retry,
    pipelines_runs.clone,
    pipelines_runs.label,
    pipelines_runs.delete,
    pipelines_runs.graph,
    triggers,
    schedules,
):
    command.add_command(one)
