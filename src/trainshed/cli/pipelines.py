"""trainshed pipelines: compile, plan, run and look at pipelines."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.client import Client
from trainshed.errors import InvalidArgument

F = TypeVar("F", bound=Callable[..., Any])
_FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


@click.group(name="pipelines")
def command() -> None:
    """Compile, plan and run pipelines."""


def _run_options(function: F) -> F:
    for option in (
        click.option("--parameter", "parameters", multiple=True, metavar="K=V", help="A parameter; repeat for more."),
        click.option(
            "--parameters-file", type=click.Path(exists=True, dir_okay=False), help="JSON object of parameters."
        ),
        click.option("--no-caching", is_flag=True, help="Run every task, whatever was done before."),
        click.option("--job-id", default="", help="Identifier of the run; default: made from name and time."),
        click.option("--pipeline-root", "root", default="", help="gs:// location below which outputs are written."),
    ):
        function = option(function)
    return function


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
@_run_options
@click.option("--display-name", default="", help="Name to show.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="A label; repeat for more.")
@click.option("--failure-policy", type=click.Choice(["slow", "fast"]), default="slow", show_default=True)
@click.option("--wait", is_flag=True, help="Wait for the end; exit 1 when the run failed.")
@click.option(
    "--outputs", "outputs_file", type=click.Path(dir_okay=False), help="Write the pipeline's outputs as JSON; waits."
)
@project_options
@format_option
def run(spec: str, output_format: str, **given: Any) -> int:
    """Run a compiled pipeline: a file, or an object gs://…."""
    body = _body(spec, given) | {
        "displayName": given["display_name"],
        "labels": dict(_pairs(given["labels"], "--label")),
        "failurePolicy": f"FAIL_{given['failure_policy'].upper()}",
    }
    is_served = session.has_server()
    with session.connect() as client:
        path = f"/trainshed/v1/{_parent(given)}/runs"
        document = client.call("POST", path, body)
        # a server that lives only as long as this command has to see the run through
        is_waited = given["wait"] or bool(given["outputs_file"]) or not is_served
        if is_waited:
            document = _wait(client, f"{path}/{_short(document['name'])}")
    if given["outputs_file"]:
        Path(given["outputs_file"]).write_text(json.dumps(document["outputs"], indent=2) + "\n", encoding="utf-8")
    show(document if output_format == "json" else {}, output_format, lambda: _say(document))
    if is_waited and document["state"] != "SUCCEEDED":
        click.echo(document["error"] or f"The run ended {document['state']}.", err=True)
        return 1
    return 0


@command.command()
@click.argument("spec")
@_run_options
@project_options
@format_option
def plan(spec: str, output_format: str, **given: Any) -> None:
    """Say what would run, what is cached and why."""
    with session.connect() as client:
        document = client.call("POST", f"/trainshed/v1/{_parent(given)}/runs:plan", _body(spec, given))
    steps = document["steps"]

    def text() -> None:
        table(("TASK", "WOULD", "WHY"), [(s["task"], s["decision"], s["reason"]) for s in steps])
        for step in steps:
            for name in step["unseen"]:
                click.echo(f"Note: {step['task']}: the content behind parameter {name!r} is not part of the cache key.")
        click.echo(f"{sum(s['decision'] == 'run' for s in steps)} of {len(steps)} tasks would run.")
        click.echo(f"It would cost {_cost(document['cost'])}.")

    show(document, output_format, text)


@command.command(name="list")
@click.option("--state", default="", help="Only runs in this state.")
@click.option("--limit", default=50, show_default=True)
@project_options
@format_option
def list_(state: str, limit: int, output_format: str, **given: Any) -> None:
    """List runs, newest first."""
    with session.connect() as client:
        pages = client.pages(f"/trainshed/v1/{_parent(given)}/runs", "runs", query={"state": state})
        found = [run for run, _ in zip(pages, range(limit), strict=False)]
    rows = [(_short(r["name"]), r["displayName"], _state(r), r["createTime"][:19] + "Z", r["cause"]) for r in found]
    show(found, output_format, lambda: table(("ID", "NAME", "STATE", "CREATE_TIME", "CAUSE"), rows))


@command.command()
@click.argument("job")
@project_options
@format_option
def describe(job: str, output_format: str, **given: Any) -> None:
    """Show a run with its tasks; with `--format json`, Google's PipelineJob under `job`."""
    with session.connect() as client:
        document = client.call("GET", f"{_runs(given)}/{_short(job)}")
    show(document, output_format, lambda: _describe(document))


@command.command()
@click.argument("job")
@click.option("--task", default="", help="Only this task.")
@click.option("--stream", is_flag=True, help="Go on until the run has ended.")
@project_options
@format_option
def logs(job: str, task: str, stream: bool, output_format: str, **given: Any) -> None:
    """Print what tasks wrote."""
    with session.connect() as client:
        query = {"task": task, "stream": "1" if stream else ""}
        lines = client.lines(f"{_runs(given)}/{_short(job)}/logs", query=query)
        if output_format == "json":
            show({"lines": list(lines)}, output_format)
        else:
            for line in lines:
                click.echo(line)


@command.command()
@click.argument("job")
@project_options
@format_option
def cancel(job: str, output_format: str, **given: Any) -> None:
    """Ask a run to end."""
    with session.connect() as client:
        client.call("POST", f"/v1/{_parent(given)}/pipelineJobs/{_short(job)}:cancel", {})
    show({"cancelled": _short(job)}, output_format, lambda: click.echo(f"Asked run {_short(job)} to end."))


@command.command()
@click.argument("job")
@project_options
@format_option
def delete(job: str, output_format: str, **given: Any) -> None:
    """Forget a run that has ended; what it made stays."""
    with session.connect() as client:
        client.call("DELETE", f"/v1/{_parent(given)}/pipelineJobs/{_short(job)}")
    show({"deleted": _short(job)}, output_format, lambda: click.echo(f"Deleted run {_short(job)}."))


@command.command()
@click.argument("job")
@project_options
@format_option
def graph(job: str, output_format: str, **given: Any) -> None:
    """Show a run's tasks and the artifacts between them."""
    with session.connect() as client:
        document = client.call("GET", f"{_runs(given)}/{_short(job)}/graph")

    def text() -> None:
        for node in (n for n in document["nodes"] if n["kind"] == "task"):
            click.echo(f"{node['id']}  {node['state']}{'  (cached)' if node['cached'] else ''}")
            for edge in (e for e in document["edges"] if e["to"] == node["id"]):
                click.echo(f"  <- {edge['from']}")

    show(document, output_format, text)


@command.group()
def triggers() -> None:
    """Start runs by messages of a topic or new objects of a bucket."""


@triggers.command(name="create")
@click.argument("name")
@click.option("--topic", default="", help="Start a run for every message of this topic.")
@click.option("--bucket", default="", help="Start a run for every new object of this bucket.")
@click.option("--spec", required=True, metavar="gs://…", help="The compiled pipeline.")
@click.option(
    "--coalesce", type=click.Choice(["none"]), default="none", show_default=True, help="How bursts are merged."
)
@project_options
@format_option
def create_trigger(name: str, topic: str, bucket: str, spec: str, output_format: str, **given: Any) -> None:
    """Start a run for each event, without a function; the message body is a JSON object of parameters."""
    parent = _parent(given)
    if topic and "/" not in topic:
        topic = f"projects/{parent.split('/')[1]}/topics/{topic}"
    with session.connect() as client:
        body = {"name": name, "topic": topic, "bucket": bucket, "spec": spec}
        document = client.call("POST", f"/trainshed/v1/{parent}/runTriggers", body)
    show(document, output_format)


@triggers.command(name="list")
@format_option
def list_triggers(output_format: str) -> None:
    """List run triggers."""
    with session.connect() as client:
        found = client.call("GET", "/trainshed/v1/runTriggers")["triggers"]
    rows = [(t["name"], t["bucket"] or t["topic"], t["spec"]) for t in found]
    show(found, output_format, lambda: table(("NAME", "SOURCE", "SPEC"), rows))


@triggers.command(name="delete")
@click.argument("name")
@format_option
def delete_trigger(name: str, output_format: str) -> None:
    """Remove a run trigger."""
    with session.connect() as client:
        client.call("DELETE", f"/trainshed/v1/runTriggers/{name}")
    show({"deleted": name}, output_format, lambda: click.echo(f"Deleted run trigger {name}."))


def _wait(client: Client, path: str) -> dict[str, Any]:
    while True:
        document: dict[str, Any] = client.call("GET", f"{path}/wait")
        if document["state"] in _FINAL:
            return document


def _body(spec: str, given: Mapping[str, Any]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    if given["parameters_file"]:
        parameters |= _read_parameters(Path(given["parameters_file"]))
    parameters |= dict(_pairs(given["parameters"], "--parameter"))
    source = {"uri": spec} if spec.startswith("gs://") else {"text": _read_spec(Path(spec))}
    caching = False if given["no_caching"] else None
    return {**source, "parameters": parameters, "caching": caching, "jobId": given["job_id"], "root": given["root"]}


def _read_spec(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidArgument.field("SPEC", f"{path} cannot be read: {error.strerror}; compile it first") from error
    except UnicodeDecodeError as error:
        raise InvalidArgument.field("SPEC", f"{path} is not UTF-8 text (byte {error.start})") from error


def _read_parameters(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidArgument.field("--parameters-file", f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidArgument.field("--parameters-file", f"{path} does not hold a JSON object")
    return document


def _pairs(texts: tuple[str, ...], option: str) -> list[tuple[str, str]]:
    found = []
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise InvalidArgument.field(option, f"{text!r} is not KEY=VALUE")
        found.append((key, value))
    return found


def _parent(given: Mapping[str, Any]) -> str:
    settings = session.current_settings()
    return f"projects/{given['project'] or settings.project}/locations/{given['region'] or settings.region}"


def _runs(given: Mapping[str, Any]) -> str:
    return f"/trainshed/v1/{_parent(given)}/runs"


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _state(run: Mapping[str, Any]) -> str:
    return f"{run['state']} (nothing changed)" if run["needless"] else str(run["state"])


def _say(document: Mapping[str, Any]) -> None:
    click.echo(f"Run {_short(document['name'])}: {_state(document)}")
    if document["needless"]:
        click.echo(f"0 of {document['tasksTotal']} tasks ran.")
    if document["state"] in _FINAL:
        click.echo(f"It cost {_cost(document['cost'])}.")


def _cost(cost: Mapping[str, Any]) -> str:
    about, currency = "about " if cost["isGuess"] else "", cost["currency"]
    return f"{about}{cost['local']:.4f} {currency} here; on Google Cloud {cost['cloud']:.4f} {currency}"


def _describe(document: Mapping[str, Any]) -> None:
    for key in ("name", "pipeline", "displayName", "createTime", "startTime", "endTime", "cause", "receipt", "error"):
        if document[key]:
            click.echo(f"{key}: {document[key]}")
    click.echo(f"state: {_state(document)}")
    click.echo(f"parameters: {json.dumps(document['parameters'])}")
    click.echo(f"cost: {_cost(document['cost'])}")
    rows = [
        (
            t["name"],
            t["state"],
            "cached" if t["cachedFrom"] else "",
            len(t["attempts"]),
            f"{t['cpuSeconds']:.2f}",
            t["error"][:80],
        )
        for t in document["tasks"]
    ]
    table(("TASK", "STATE", "", "ATTEMPTS", "CPU_SECONDS", "ERROR"), rows)
