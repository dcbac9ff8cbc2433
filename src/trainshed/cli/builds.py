"""trainshed builds: submit, watch and trigger builds, with gcloud's words."""

import tarfile
import tempfile
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from trainshed.builds import config, document, flags, ignore
from trainshed.builds.triggers import planner
from trainshed.cli import session
from trainshed.cli.builds_triggers import triggers
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.client import Client, segment
from trainshed.clock import parse_rfc3339
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument

_COLUMNS = ("ID", "CREATE_TIME", "DURATION", "SOURCE", "IMAGES", "STATUS")
_CONFIGS = ("cloudbuild.yaml", "cloudbuild.yml", "cloudbuild.json")
_OPEN = {"PENDING", "QUEUED", "WORKING"}
_WHOLE = 36  # characters of a build's identifier


@click.group(name="builds")
def command() -> None:
    """Submit, watch and trigger builds."""


command.add_command(triggers)


@command.command()
@click.argument("source", required=False)
@click.option("--no-source", is_flag=True, help="Run in an empty workspace; nothing is uploaded.")
@click.option("--config", default="", help="The build config, YAML or JSON; default cloudbuild.yaml in SOURCE.")
@click.option("--tag", "-t", default="", help="Build SOURCE's Dockerfile as this image, without a config.")
@click.option("--substitutions", default="", help="KEY=VALUE,… ; ^;^K=V;K=V where values contain commas.")
@click.option("--timeout", default="", help="60m, 1h30m, 90s; default 60m, or what the config says.")
@click.option("--machine-type", default="", help="Such as e2-highcpu-8.")
@click.option("--async", "is_async", is_flag=True, help="Do not wait for the end.")
@click.option("--suppress-logs", is_flag=True, help="Do not show the log while it runs.")
@click.option("--gcs-source-staging-dir", "staging", default="", help="gs://BUCKET/PATH to upload the source to.")
@click.option("--gcs-log-dir", "logs", default="", help="gs://BUCKET to keep the log in.")
@project_options
@format_option
@click.pass_context
def submit(ctx: click.Context, /, **given: Any) -> None:
    """Run the build that a config describes, on SOURCE (a folder, an archive, gs://… or a git URL) or on nothing."""
    if bool(given["source"]) == given["no_source"]:
        if given["source"]:
            raise InvalidArgument.field("--no-source", "is given together with a source; drop one of the two")
        given["source"] = "."
    wanted = _document(given)
    project, region = _place(given)
    quiet = given["output_format"] == "json" or given["suppress_logs"]
    with session.connect() as client:
        if not given["no_source"]:
            wanted["source"] = _source(client, given["source"], given["staging"], project)
        path = f"/v1/projects/{segment(project)}/locations/{segment(region)}/builds"
        build = client.call("POST", path, wanted)["metadata"]["build"]
        if not quiet:
            click.echo(f"Created [{build['name']}].", err=True)
        if not given["is_async"]:
            for line in client.lines(f"/trainshed/v1/builds/{build['id']}/log", query={"follow": "true"}):
                if not quiet:
                    click.echo(line)
            build = _get(client, given, build["id"])
    show(build, given["output_format"], lambda: table(_COLUMNS, [_row(build)]))
    _leave(ctx, build)


@command.command(name="list")
@click.option("--ongoing", is_flag=True, help="Only those that have not ended.")
@click.option("--filter", "filter_text", default=None, help='status="WORKING" AND tags="nightly", as gcloud has it.')
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many at most.")
@project_options
@format_option
def listing(ongoing: bool, filter_text: str | None, limit: int, output_format: str, **given: Any) -> None:
    """List builds, newest first."""
    found: list[dict[str, Any]] = []
    with session.connect() as client:
        query = {"filter": filter_text, "pageSize": min(limit, 1000)}
        for build in client.pages(f"{_base(client, given)}/builds", "builds", query=query):
            if not ongoing or build["status"] in _OPEN:
                found.append(build)
            if len(found) == limit:
                break
    show(found, output_format, lambda: table(_COLUMNS, map(_row, found)))


@command.command()
@click.argument("build")
@project_options
@format_option
def describe(build: str, output_format: str, **given: Any) -> None:
    """Show one build: its steps, timing, results."""
    with session.connect() as client:
        found = _get(client, given, build)
    show(found, output_format)


@command.command()
@click.argument("build")
@click.option("--stream", is_flag=True, help="Go on until the build has ended.")
@project_options
@format_option
@click.pass_context
def log(ctx: click.Context, /, build: str, stream: bool, output_format: str, **given: Any) -> None:
    """Print a build's log."""
    with session.connect() as client:
        query = {"follow": "true"} if stream else None
        lines = client.lines(f"/trainshed/v1/builds/{_one(client, build)}/log", query=query)
        if output_format == "json":
            show({"lines": list(lines)}, output_format)
        else:
            for line in lines:
                click.echo(line)
        found = _get(client, given, build) if stream else {}
    if found:
        _leave(ctx, found)


@command.command()
@click.argument("builds", nargs=-1, required=True)
@project_options
@format_option
def cancel(builds: tuple[str, ...], output_format: str, **given: Any) -> None:
    """Cancel builds; their processes are ended at once."""
    with session.connect() as client:
        paths = [f"{_base(client, given)}/builds/{_one(client, build)}:cancel" for build in builds]
        found = [client.call("POST", path, {}) for path in paths]
    show(found, output_format, lambda: click.echo("\n".join(f"Cancelled [{b['name']}]." for b in found)))


@command.command()
@click.argument("build")
@click.option("--comment", default="", help="Kept with the decision.")
@click.option("--url", default="", help="Kept with the decision: where it was discussed.")
@project_options
@format_option
def approve(build: str, comment: str, url: str, output_format: str, **given: Any) -> None:
    """Let a build that waits for approval go on."""
    _decide("APPROVED", build, comment, url, output_format, given)


@command.command()
@click.argument("build")
@click.option("--comment", default="", help="Kept with the decision.")
@click.option("--url", default="", help="Kept with the decision: where it was discussed.")
@project_options
@format_option
def reject(build: str, comment: str, url: str, output_format: str, **given: Any) -> None:
    """End a build that waits for approval; it never runs."""
    _decide("REJECTED", build, comment, url, output_format, given)


@command.command()
@click.argument("build")
@project_options
@format_option
def retry(build: str, output_format: str, **given: Any) -> None:
    """Queue the same build again."""
    with session.connect() as client:
        path = f"{_base(client, given)}/builds/{_one(client, build)}:retry"
        found = client.call("POST", path, {})["metadata"]["build"]
    show(found, output_format, lambda: click.echo(f"Created [{found['name']}]."))


@command.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--since", default="", help="Commit, branch or tag that was built last; with --files: not needed.")
@click.option("--files", default="", help="The changed files: a,b,…")
@click.option(
    "--declaration",
    default="",
    help="File whose `changes:`, or whose build trigger's, say which paths are what; default trainshed.yaml.",
)
@format_option
def plan(folder: Path, since: str, files: str, declaration: str, output_format: str) -> None:
    """Say the cheapest way for a change: nothing, upload modules, compile, or rebuild the image; and why."""
    path = Path(declaration) if declaration else folder / "trainshed.yaml"
    declared = _changes(document.load(path.read_bytes(), where=str(path))) if path.is_file() else {}
    if bool(since) == bool(files):
        raise InvalidArgument.field("--since", "give either --since or --files")
    changed = _changed(folder, since) if since else flags.list_of(files)
    found = planner.choose(changed, planner.Declaration.from_document(declared))
    answer = {"way": found.way, "plan": found.way.word, "reason": found.reason, "files": dict(found.files)}
    show(answer, output_format, lambda: click.echo(f"{found.way.word}: {found.reason}"))


def _changed(folder: Path, since: str) -> list[str]:
    """Answer the files of a folder that differ from a commit. Raises InvalidArgument for what is no commit."""
    from trainshed.builds.repositories import git

    try:
        git(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{since}^{{commit}}"], cwd=folder)
    except FailedPrecondition:
        count = int(git(["rev-list", "--count", "--all"], cwd=folder))
        first = "; the first commit of a repository is built whole" if count <= 1 else ""
        has = {0: "no commit", 1: "one commit"}.get(count, f"{count} commits")
        raise InvalidArgument.field(
            "--since", f"there is no commit {since!r}; the repository has {has}{first}"
        ) from None
    return git(["diff", "--name-only", "--no-renames", "--relative", since, "--"], cwd=folder).splitlines()


def _changes(declared: dict[str, Any]) -> dict[str, Any]:
    """Answer what a file says of its paths: itself, or the first of its build triggers that does."""
    own: dict[str, Any] = declared.get("changes") or {}
    return own or next((t["changes"] for t in declared.get("buildTriggers") or () if t.get("changes")), {})


def _document(given: dict[str, Any]) -> dict[str, Any]:
    """Read and check the config, and lay the flags over it. Raises InvalidArgument with every finding."""
    if given["tag"]:
        step = {"name": "gcr.io/cloud-builders/docker", "args": ["build", "-t", given["tag"], "."]}
        wanted: dict[str, Any] = {"steps": [step], "images": [given["tag"]]}
    else:
        path = _config(given)
        wanted = config.shape(document.load(path.read_bytes(), where=str(path)))
    options = wanted.setdefault("options", {})
    if given["substitutions"]:
        wanted["substitutions"] = {**wanted.get("substitutions", {}), **flags.dictionary(given["substitutions"])}
    if given["timeout"]:
        wanted["timeout"] = f"{flags.duration_seconds(given['timeout'])}s"
    if given["machine_type"]:
        options["machineType"] = flags.machine_type(given["machine_type"])
    if given["logs"]:
        wanted["logsBucket"] = given["logs"]
    return wanted


def _config(given: dict[str, Any]) -> Path:
    if given["config"]:
        path = Path(given["config"])
    else:
        folder = Path(given["source"] or ".")
        path = next((folder / n for n in _CONFIGS if (folder / n).is_file()), folder / _CONFIGS[0])
    if not path.is_file():
        raise InvalidArgument.field("--config", f"there is no file {path}; name the build config, or use --tag IMAGE")
    return path


def _source(client: Client, source: str, staging: str, project: str) -> dict[str, Any]:
    """Upload a folder or archive as gcloud does, or name where the source is already."""
    if source.startswith("gs://"):
        bucket, _, name = source.removeprefix("gs://").partition("/")
        return {"storageSource": {"bucket": bucket, "object": name}}
    if "://" in source or source.endswith(".git"):
        return {"gitSource": {"url": source}}
    path = Path(source)
    if not path.exists():
        raise InvalidArgument.field("SOURCE", f"there is no folder or archive {source!r}")
    staged = staging.removeprefix("gs://") or f"{project}_cloudbuild/source"
    bucket, _, prefix = staged.partition("/")
    if client.is_google and not staging:
        _check_owner(client, bucket, project)
    else:
        with suppress(AlreadyExists):
            client.call("POST", "/storage/v1/b", {"name": bucket}, query={"project": project})
    name = f"{prefix.rstrip('/')}/{datetime.now(UTC).timestamp():.6f}-{uuid.uuid4().hex}.tgz".lstrip("/")
    with tempfile.NamedTemporaryFile(suffix=".tgz") as archive:
        if path.is_dir():
            count = _pack(path, Path(archive.name))
            click.echo(f"Uploading {count} files to [gs://{bucket}/{name}]", err=True)
        with open(archive.name if path.is_dir() else path, "rb") as file:  # noqa: PTH123  (one of two names)
            done = client.upload(
                f"/upload/storage/v1/b/{segment(bucket)}/o", file, query={"uploadType": "media", "name": name}
            )
    return {"storageSource": {"bucket": bucket, "object": name, "generation": str(done["generation"])}}


def _check_owner(client: Client, bucket: str, project: str) -> None:
    """Make the staging bucket; bucket names are the whole world's, and source goes to none of somebody else."""
    query = {"project": project, "prefix": bucket}
    if any(found["name"] == bucket for found in client.pages("/storage/v1/b", "items", query=query)):
        return
    try:
        client.call("POST", "/storage/v1/b", {"name": bucket}, query={"project": project})
    except AlreadyExists as error:
        raise FailedPrecondition(
            f"The bucket gs://{bucket} is not project {project}'s, so the source is not uploaded there; "
            "name a bucket of yours: --gcs-source-staging-dir gs://BUCKET/source"
        ) from error


def _pack(folder: Path, target: Path) -> int:
    files = list(ignore.walk(folder, ignore.of_source(folder)))
    with tarfile.open(target, "w:gz", compresslevel=1) as tar:
        for path in files:
            tar.add(folder / path, arcname=path.as_posix(), recursive=False)
    return len(files)


def _get(client: Client, given: dict[str, Any], build: str) -> dict[str, Any]:
    found: dict[str, Any] = client.call("GET", f"{_base(client, given)}/builds/{_one(client, build)}")
    return found


def _one(client: Client, build: str) -> str:
    """Answer a build's identifier as a part of an address; of one of this server the beginning is enough."""
    if len(build) < _WHOLE and not client.is_google:
        build = client.call("GET", f"/trainshed/v1/builds/{segment(build)}:identify")["build"]
    return segment(build)


def _base(client: Client, given: dict[str, Any]) -> str:
    """Answer where builds are; on Google a region's are found there alone, here the whole project's are."""
    project, region = _place(given)
    return f"/v1/projects/{segment(project)}" + (f"/locations/{segment(region)}" if client.is_google else "")


def _decide(decision: str, build: str, comment: str, url: str, output_format: str, given: dict[str, Any]) -> None:
    result = {"decision": decision, **{k: v for k, v in (("comment", comment), ("url", url)) if v}}
    with session.connect() as client:
        path = f"{_base(client, given)}/builds/{_one(client, build)}:approve"
        found = client.call("POST", path, {"approvalResult": result})["metadata"]["build"]
    show(found, output_format, lambda: click.echo(f"{decision.title()} [{found['name']}]."))


def _place(given: dict[str, Any]) -> tuple[str, str]:
    settings = session.current_settings()
    return given["project"] or settings.project, given["region"] or settings.region


def _row(build: dict[str, Any]) -> tuple[str, ...]:
    images = [i["name"] for i in build.get("results", {}).get("images", [])] or build.get("images", [])
    more = f" (+{len(images) - 1} more)" if len(images) > 1 else ""
    return (
        build["id"],
        build["createTime"][:19] + "+00:00",
        _duration(build),
        _source_text(build.get("source", {})),
        (images[0] + more) if images else "-",
        build["status"],
    )


def _duration(build: dict[str, Any]) -> str:
    if "startTime" not in build:
        return "-"
    end = parse_rfc3339(build["finishTime"]) if "finishTime" in build else datetime.now(UTC)
    seconds = int(max(timedelta(0), end - parse_rfc3339(build["startTime"])).total_seconds())
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return (f"{hours}H" if hours else "") + (f"{minutes}M" if hours or minutes else "") + f"{seconds}S"


def _source_text(source: dict[str, Any]) -> str:
    if storage := source.get("storageSource"):
        return f"gs://{storage['bucket']}/{storage['object']}"
    if git := source.get("gitSource"):
        revision = git.get("revision", "")
        return str(git["url"]) + (f"@{revision[:12]}" if revision else "")
    return "-"


def _leave(ctx: click.Context, build: dict[str, Any]) -> None:
    """Exit with 1 when the user's build did not succeed, 3 when Trainshed broke it."""
    status = build["status"]
    if status == "SUCCESS" or status in _OPEN:
        return
    detail = build.get("statusDetail", "")
    click.echo(f"ERROR: build {build['id']} ended with {status}" + (f": {detail}" if detail else ""), err=True)
    ctx.exit(3 if status == "INTERNAL_ERROR" else 1)
