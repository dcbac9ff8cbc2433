"""trainshed functions: deploy and watch functions. Flags are gcloud's."""

import json
import re
from pathlib import Path
from typing import Any

import click

from trainshed.cli import session, target
from trainshed.cli.functions_options import document
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.client import Client
from trainshed.errors import NotFound

_EXIT_CODES = {"INVALID_ARGUMENT": 2, "UNAVAILABLE": 3, "INTERNAL": 3}  # else it is the user's code: 1
_COLUMNS = ("NAME", "STATE", "TRIGGER", "REGION", "ENVIRONMENT")
_OURS = "/trainshed/v1"  # where functions of both generations are, in the form of the first
_PUBLIC = {"role": "roles/cloudfunctions.invoker", "members": ["allUsers"]}
_LOG_COLUMNS = ("LEVEL", "NAME", "EXECUTION_ID", "TIME_UTC", "LOG")


@click.group(name="functions")
def command() -> None:
    """Deploy and watch functions."""


@command.command()
@click.argument("name")
@click.option("--trigger-topic", default=None, help="Run on each message of this topic; it is made when missing.")
@click.option("--trigger-bucket", default=None, help="Run on each new object of this bucket.")
@click.option("--trigger-http", is_flag=True, help="Run on each request.")
@click.option("--source", type=click.Path(path_type=Path), default=None, help="Folder with main.py. Default: here.")
@click.option("--entry-point", default=None, help="Name of the Python function. Default: NAME.")
@click.option("--runtime", default=None, help="Python runtime by Google's name, such as python311.")
@click.option("--retry/--no-retry", default=None, help="Deliver failed events again. Default: not.")
@click.option("--memory", default=None, help="Limit of memory, like 256MB or 1Gi.")
@click.option("--timeout", default=None, help="Limit of time, like 60s.")
@click.option("--max-instances", type=int, default=None, help="Most instances at once.")
@click.option("--min-instances", type=int, default=None, help="Instances kept warm.")
@click.option("--set-env-vars", default=None, help="All variables of the function: K=V,…")
@click.option("--update-env-vars", default=None, help="Variables to add or change: K=V,…")
@click.option("--remove-env-vars", default=None, help="Variables to remove: K,…")
@click.option("--clear-env-vars", is_flag=True, help="Remove every variable.")
@click.option("--update-labels", default=None, help="Labels to add or change: K=V,…")
@click.option(
    "--service-account", "--run-service-account", "service_account", default=None, help="Kept for Google Cloud."
)
@click.option(
    "--stage-bucket", default=None, help="Where the source is put, on Google Cloud; the server here keeps it."
)
@click.option(
    "--gen2/--no-gen2",
    default=None,
    help="Generation: the form of its document and of its events' subscription.",
)
@click.option(
    "--allow-unauthenticated/--no-allow-unauthenticated", default=None, help="Who may call it, on Google Cloud."
)
@project_options
@format_option
def deploy(name: str, project: str | None, region: str | None, output_format: str, **flags: Any) -> int:
    """Deploy NAME from a folder; exit code 1 when its code does not install or start."""
    from trainshed.functions.source import pack

    path = _path(name, project, region)
    is_quiet = output_format == "json"
    with session.connect() as client:
        current = _current(client, path)
        wanted = document(current, _project(project), flags)
        if flags["source"] is not None or not current.get("versionId"):
            source = flags["source"] or Path()
            archive = pack(source)
            target.note_requirements(path, source)
            wanted["sourceUploadUrl"] = client.upload("/trainshed/v1/functions/uploads", archive)["sourceUploadUrl"]
        else:
            wanted.pop("sourceUploadUrl", None)
        result = _follow(client, path, wanted, is_quiet=is_quiet)
        if client.is_google and flags["allow_unauthenticated"] and "error" not in result:
            _let_everybody_call(client, path)
    if "error" in result:
        error = result["error"]
        click.echo(f"ERROR: ({error['status']}) {error['message']}", err=True)
        return _EXIT_CODES.get(error["status"], 1)
    show(result["function"], output_format)
    return 0


@command.command(name="list")
@project_options
@format_option
def listing(project: str | None, region: str | None, output_format: str) -> None:
    """List functions."""
    with session.connect() as client:
        parent = f"projects/{_project(project)}/locations/{region or '-'}"
        found = list(client.pages(f"{_OURS}/{parent}/functions", "functions"))
    show(found, output_format, lambda: table(_COLUMNS, [_row(f) for f in found]))


@command.command()
@click.argument("name")
@project_options
@format_option
def describe(name: str, project: str | None, region: str | None, output_format: str) -> None:
    """Show one function."""
    with session.connect() as client:
        path = _path(name, project, region)
        found = client.call("GET", f"{_OURS}/{path}")
        if found.get("generation", 1) > 1:
            found = client.call("GET", f"/v2/{path}")
    show(found, output_format)


@command.command()
@click.argument("name")
@click.option("--data", default="{}", help="JSON that the function gets as its event or body.")
@project_options
@format_option
def call(name: str, data: str, project: str | None, region: str | None, output_format: str) -> int:
    """Call NAME once; exit code 1 when it fails."""
    with session.connect() as client:
        answer = client.call("POST", f"{_OURS}/{_path(name, project, region)}:call", {"data": data})
    show(answer, output_format)
    return 1 if "error" in answer else 0


@command.command()
@click.argument("name")
@project_options
@format_option
def delete(name: str, project: str | None, region: str | None, output_format: str) -> None:
    """Delete NAME; its invocations and receipts stay."""
    path = _path(name, project, region)
    with session.connect() as client:
        client.call("DELETE", f"{_OURS}/{path}")
    show({"deleted": path}, output_format, lambda: click.echo(f"Deleted [{name}]."))


@command.group()
def logs() -> None:
    """Read what functions print."""


@logs.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many entries.")
@click.option("--execution-id", default=None, help="Only of this execution.")
@click.option("--min-log-level", default=None, help="Only from this severity on, like error.")
@click.option("--start-time", default=None, help="Only from this time on, like 2026-01-31T12:00:00Z.")
@project_options
@format_option
def read(
    name: str,
    limit: int,
    execution_id: str | None,
    min_log_level: str | None,
    start_time: str | None,
    project: str | None,
    region: str | None,
    output_format: str,
) -> None:
    """Show the newest log entries of NAME, oldest first."""
    query = {"limit": limit, "executionId": execution_id, "severity": min_log_level, "since": start_time}
    with session.connect() as client:
        path = f"/trainshed/v1/{_path(name, project, region)}:log"
        found = client.call("GET", path, query=query)["entries"]
    rows = [(e["severity"][0], name, e["executionId"], e["time"], e["text"]) for e in found]
    show(found, output_format, lambda: table(_LOG_COLUMNS, rows))


def _let_everybody_call(client: Client, path: str) -> None:
    """Add what lets a function be called without credentials to who may what already."""
    if client.call("GET", f"{_OURS}/{path}").get("generation", 1) > 1:
        command = f"gcloud run services add-iam-policy-binding {path.rpartition('/')[2]} --region {path.split('/')[3]}"
        click.echo(f"To let everybody call it: {command} --member=allUsers --role=roles/run.invoker", err=True)
        return
    policy = client.call("GET", f"/v1/{path}:getIamPolicy")
    if _PUBLIC not in policy.get("bindings", []):
        changed = {**policy, "bindings": [*policy.get("bindings", []), _PUBLIC]}
        client.call("POST", f"/v1/{path}:setIamPolicy", {"policy": changed})


def _follow(client: Client, path: str, wanted: dict[str, Any], *, is_quiet: bool) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for line in client.lines(f"/trainshed/v1/{path}:deploy", method="POST", body=wanted):
        last = json.loads(line)
        if "line" in last and not is_quiet:
            click.echo(last["line"], err=True)
    return last


def _current(client: Client, path: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = client.call("GET", f"{_OURS}/{path}")
    except NotFound:
        return {}
    return found


def _path(name: str, project: str | None, region: str | None) -> str:
    if re.fullmatch(r"projects/[^/]+/locations/[^/]+/functions/[^/]+", name):
        return name
    region = region or session.current_settings().region
    return f"projects/{_project(project)}/locations/{region}/functions/{name}"


def _project(project: str | None) -> str:
    return project or session.current_settings().project


def _row(function: dict[str, Any]) -> tuple[str, ...]:
    _, _, _, region, _, short = function["name"].split("/")
    trigger = function.get("eventTrigger", {}).get("resource", "").rsplit("/", 1)[-1]
    shown = f"topic: {trigger}" if trigger else "HTTP Trigger"
    generation = "1st gen" if function.get("generation", 1) == 1 else "2nd gen"
    return short, function.get("status", ""), shown, region, generation
