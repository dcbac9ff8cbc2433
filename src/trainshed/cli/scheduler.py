"""trainshed scheduler: cron schedules, with gcloud's flags, and ours for what Google leaves open."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from trainshed.cli import session
from trainshed.cli.message import attributes_option, read_attributes, warn_about_body
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.cli.pubsub import seconds
from trainshed.cli.target import only_local
from trainshed.client import Client
from trainshed.errors import NotFound

F = TypeVar("F", bound=Callable[..., Any])
_COLUMNS = ("ID", "LOCATION", "SCHEDULE (TZ)", "TARGET_TYPE", "STATE")
_POLICY = only_local(
    "Cloud Scheduler has no such policy: it goes by the wall clock, makes up for nothing, and never overlaps"
)
_PREVIEW = ("DUE", "LOCAL TIME")
# What gcloud itself writes into a new job.
_RETRY = {
    "maxBackoffDuration": "3600s",
    "maxDoublings": 16,
    "maxRetryDuration": "0s",
    "minBackoffDuration": "5s",
}


@click.group(name="scheduler")
def command() -> None:
    """Cron schedules."""


@command.group()
def jobs() -> None:
    """Things that happen at the times a cron line names."""


@jobs.group()
def create() -> None:
    """Make a schedule."""


@jobs.group()
def update() -> None:
    """Change a schedule, from now on."""


def _flags(*, is_new: bool) -> Callable[[F], F]:
    options = (
        click.option("--schedule", required=is_new, help="Five cron fields, as in '*/3 * * * *'."),
        click.option("--time-zone", default="Etc/UTC" if is_new else None, help="IANA zone; default Etc/UTC."),
        click.option("--description", default=None, help="What it is for."),
        click.option("--max-retry-attempts", type=int, default=None, help="Tries after a failure, 0 to 5."),
        click.option("--max-retry-duration", default=None, help="Try for that long, like 600s; 0s: no limit."),
        click.option("--min-backoff", default=None, help="Shortest wait between tries; default 5s."),
        click.option("--max-backoff", default=None, help="Longest wait between tries; default 3600s."),
        click.option("--max-doublings", type=int, default=None, help="How often the wait doubles; default 16."),
        click.option("--overlap", type=click.Choice(["default", "skip", "wait"]), default=None, callback=_POLICY,
                     help="While the work of the last firing goes on: ignore that (Google), skip, or wait."),
        click.option("--catch-up", default=None, metavar="N[,newest|oldest]", callback=_POLICY,
                     help="Fire at most N times that were missed while the server was down; default 0."),
        click.option("--daylight-saving", default=None, metavar="POLICY", callback=_POLICY,
                     help="skip or run_next (spring), both or first_only (autumn), or one of each joined by a comma; "
                          "default skip,both: plain wall-clock time, as Google has it."),
    )  # fmt: skip

    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return format_option(project_options(function))

    return add


def _message_flags(function: F) -> F:
    for option in (
        attributes_option("--attributes"),
        click.option("--message-body-from-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     default=None, help="File that holds the body."),
        click.option("--message-body", default=None, help="Body of the message, as text."),
        click.option("--topic", default=None, help="Topic to publish to."),
    ):  # fmt: skip
        function = option(function)
    return function


def _http_flags(function: F) -> F:
    for option in (
        click.option("--attempt-deadline", default=None, help="How long one call may take, 15s to 30m."),
        click.option("--message-body-from-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     default=None, help="File that holds the body."),
        click.option("--message-body", default=None, help="Body of the call, as text."),
        click.option("--headers", multiple=True, metavar="KEY=VALUE,…", help="Headers of the call."),
        click.option("--http-method", default=None, help="Method of the call; default post."),
        click.option("--oidc-token-audience", "audience", default=None, help="Audience of the OIDC token; default: the URL."),
        click.option("--oidc-service-account-email", "oidc", default=None, help="Call with an OIDC token of this account."),
        click.option("--oauth-token-scope", "scope", default=None, help="Scope of the OAuth token."),
        click.option("--oauth-service-account-email", "oauth", default=None, help="Call with an OAuth token of this one."),
        click.option("--uri", default=None, help="URL to call; any 2xx acknowledges."),
    ):  # fmt: skip
        function = option(function)
    return function


@create.command(name="pubsub")
@click.argument("name")
@_message_flags
@_flags(is_new=True)
def create_pubsub(name: str, **flags: Any) -> None:
    """Publish a message at each due time."""
    if not flags["topic"]:
        raise click.UsageError("Missing option '--topic'.")
    _create(name, flags, {"pubsubTarget": _pubsub(flags)})


@create.command(name="http")
@click.argument("name")
@_http_flags
@_flags(is_new=True)
def create_http(name: str, **flags: Any) -> None:
    """Call a URL at each due time."""
    if not flags["uri"]:
        raise click.UsageError("Missing option '--uri'.")
    _create(name, flags, _http(flags))


@update.command(name="pubsub")
@click.argument("name")
@_message_flags
@_flags(is_new=False)
def update_pubsub(name: str, **flags: Any) -> None:
    """Change a schedule that publishes."""
    target = _pubsub(flags)
    paths = [f"pubsubTarget.{key}" for key in target]
    _update(name, flags, {"pubsubTarget": target}, paths)


@update.command(name="http")
@click.argument("name")
@_http_flags
@_flags(is_new=False)
def update_http(name: str, **flags: Any) -> None:
    """Change a schedule that calls a URL."""
    document = _http(flags)
    paths = [f"httpTarget.{key}" for key in document["httpTarget"]]
    paths += ["attemptDeadline"] if "attemptDeadline" in document else []
    _update(name, flags, document, paths)


@jobs.command(name="list")
@project_options
@format_option
def listing(project: str | None, region: str | None, output_format: str) -> None:
    """List schedules."""
    with session.connect() as client:
        found = list(client.pages(f"/v1/{_parent(project, region)}/jobs", "jobs"))
    show(found, output_format, lambda: table(_COLUMNS, [_row(job) for job in found]))


@jobs.command()
@click.argument("name")
@project_options
@format_option
def describe(name: str, project: str | None, region: str | None, output_format: str) -> None:
    """Show a schedule, with the policies that Google's document has no field for."""
    path = _name(name, project, region)
    with session.connect() as client:
        job, ours = client.call("GET", f"/v1/{path}"), client.call("GET", f"/trainshed/v1/{path}")
    policies = {key: ours[key] for key in ("overlap", "catchUp", "daylightSaving") if key in ours}
    show({**job, "trainshed": policies} if policies and output_format != "json" else job, output_format)


@jobs.command()
@click.argument("name")
@project_options
@format_option
def pause(name: str, project: str | None, region: str | None, output_format: str) -> None:
    """Stop a schedule from firing."""
    _verb(name, "pause", "Job has been paused.", project, region, output_format)


@jobs.command()
@click.argument("name")
@project_options
@format_option
def resume(name: str, project: str | None, region: str | None, output_format: str) -> None:
    """Let a schedule fire again; what came due meanwhile is not made up for."""
    _verb(name, "resume", "Job has been resumed.", project, region, output_format)


@jobs.command()
@click.argument("name")
@project_options
@format_option
def run(name: str, project: str | None, region: str | None, output_format: str) -> None:
    """Fire a schedule now."""
    _verb(name, "run", "Job has been run.", project, region, output_format)


@jobs.command()
@click.argument("name")
@project_options
@format_option
def delete(name: str, project: str | None, region: str | None, output_format: str) -> None:
    """Remove a schedule; its receipts stay."""
    path = _name(name, project, region)
    with session.connect() as client:
        client.call("DELETE", f"/v1/{path}")
    show({"name": path}, output_format, lambda: click.echo(f"Deleted job [{name}]."))


@jobs.command()
@click.argument("name")
@click.option("--until", default=None, help="Up to that time, like 2026-03-30T00:00:00Z; default: the next ten.")
@project_options
@format_option
def preview(name: str, until: str | None, project: str | None, region: str | None, output_format: str) -> None:
    """Show the next times a schedule is due, in UTC and in its own zone."""
    with session.connect() as client:
        path = f"/trainshed/v1/{_name(name, project, region)}:preview"
        document = client.call("GET", path, query={"until": until})
    rows = [(f["time"], f["localTime"]) for f in document["firings"]]
    show(document, output_format, lambda: table(_PREVIEW, rows))


def _create(name: str, flags: dict[str, Any], target: dict[str, Any]) -> None:
    path = _name(name, flags["project"], flags["region"])
    document = {"name": path, **_common(flags), **target}
    document["retryConfig"] = _RETRY | _retry(flags)
    parent = path.rpartition("/jobs/")[0]
    with session.connect() as client:
        job = client.call("POST", f"/v1/{parent}/jobs", document)
        try:
            _set_policies(client, path, flags)
        except Exception:
            client.call("DELETE", f"/v1/{path}")
            raise
        topic = target.get("pubsubTarget", {}).get("topicName")
        if topic and not client.is_google:
            _warn_about_topic(client, topic)
    show(_sorted(job), flags["output_format"])


def _warn_about_topic(client: Client, topic: str) -> None:
    """Say that a topic is missing; Cloud Scheduler takes the job all the same, and so do we."""
    try:
        client.call("GET", f"/v1/{topic}")
    except NotFound:
        made = f"make it: trainshed pubsub topics create {topic.rpartition('/')[2]}"
        click.echo(f"WARNING: there is no topic {topic}, so every firing will fail; {made}", err=True)


def _update(name: str, flags: dict[str, Any], target: dict[str, Any], paths: list[str]) -> None:
    path = _name(name, flags["project"], flags["region"])
    common, retry = _common(flags), _retry(flags)
    mask = [*common, *(f"retryConfig.{key}" for key in retry), *paths]
    document = {"name": path, **common, **target, "retryConfig": retry}
    with session.connect() as client:
        _set_policies(client, path, flags)
        if mask:
            job = client.call("PATCH", f"/v1/{path}", document, query={"updateMask": ",".join(mask)})
        else:
            job = client.call("GET", f"/v1/{path}")
    show(job, flags["output_format"])


def _common(flags: dict[str, Any]) -> dict[str, Any]:
    given = {"schedule": "schedule", "timeZone": "time_zone", "description": "description"}
    return {key: flags[flag] for key, flag in given.items() if flags[flag] is not None}


def _retry(flags: dict[str, Any]) -> dict[str, Any]:
    durations = {
        "maxRetryDuration": "max_retry_duration",
        "minBackoffDuration": "min_backoff",
        "maxBackoffDuration": "max_backoff",
    }
    found: dict[str, Any] = {
        key: seconds(flags[flag], f"--{flag.replace('_', '-')}") for key, flag in durations.items() if flags[flag]
    }
    counts = {"retryCount": "max_retry_attempts", "maxDoublings": "max_doublings"}
    return found | {key: flags[flag] for key, flag in counts.items() if flags[flag] is not None}


def _set_policies(client: Any, path: str, flags: dict[str, Any]) -> None:
    given = {"overlap": "overlap", "catchUp": "catch_up", "daylightSaving": "daylight_saving"}
    if document := {key: flags[flag] for key, flag in given.items() if flags[flag] is not None}:
        client.call("PATCH", f"/trainshed/v1/{path}", document)


def _pubsub(flags: dict[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = {}
    if flags["topic"]:
        topic, project = flags["topic"], flags["project"] or session.current_settings().project
        target["topicName"] = topic if topic.startswith("projects/") else f"projects/{project}/topics/{topic}"
    body = _body(flags)
    if body is not None:
        target["data"] = base64.b64encode(body).decode()
    if flags["attributes"]:
        target["attributes"] = read_attributes(flags["attributes"])
    return target


def _http(flags: dict[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = {}
    if flags["uri"]:
        target["uri"] = flags["uri"]
    if flags["http_method"]:
        target["httpMethod"] = flags["http_method"].upper()
    if flags["headers"]:
        target["headers"] = read_attributes(flags["headers"])
    body = _body(flags)
    if body is not None:
        target["body"] = base64.b64encode(body).decode()
    if flags["oidc"] and flags["oauth"]:
        raise click.UsageError("Give --oidc-service-account-email or --oauth-service-account-email, not both.")
    if flags["oidc"]:
        audience = {"audience": flags["audience"]} if flags["audience"] else {}
        target["oidcToken"] = {"serviceAccountEmail": flags["oidc"], **audience}
    if flags["oauth"]:
        scope = {"scope": flags["scope"]} if flags["scope"] else {}
        target["oauthToken"] = {"serviceAccountEmail": flags["oauth"], **scope}
    deadline = flags["attempt_deadline"]
    timing = {"attemptDeadline": seconds(deadline, "--attempt-deadline")} if deadline else {}
    return {"httpTarget": target, **timing}


def _body(flags: dict[str, Any]) -> bytes | None:
    text, file = flags["message_body"], flags["message_body_from_file"]
    if text is not None and file is not None:
        raise click.UsageError("Give --message-body or --message-body-from-file, not both.")
    if file is not None:
        found: bytes = file.read_bytes()
        warn_about_body(found.decode("utf-8", "replace"), "--message-body-from-file")
        return found
    if text is None:
        return None
    warn_about_body(text, "--message-body")
    return str(text).encode()


def _verb(name: str, verb: str, said: str, project: str | None, region: str | None, output_format: str) -> None:
    with session.connect() as client:
        job = client.call("POST", f"/v1/{_name(name, project, region)}:{verb}", {})
    show(job, output_format, lambda: click.echo(said))


def _row(job: dict[str, Any]) -> tuple[str, ...]:
    kind = "Pub/Sub" if "pubsubTarget" in job else "HTTP"
    parts = job["name"].split("/")
    return parts[-1], parts[3], f"{job['schedule']} ({job['timeZone']})", kind, job["state"]


def _sorted(document: Any) -> Any:
    """Order the keys by name, as gcloud prints a new job."""
    return {k: _sorted(document[k]) for k in sorted(document)} if isinstance(document, dict) else document


def _parent(project: str | None, region: str | None) -> str:
    found = session.current_settings()
    return f"projects/{project or found.project}/locations/{region or found.region}"


def _name(text: str, project: str | None, region: str | None) -> str:
    return text if text.startswith("projects/") else f"{_parent(project, region)}/jobs/{text}"
