"""trainshed builds triggers: what makes a push start a build."""

from pathlib import Path
from typing import Any

import click

from trainshed.builds import document, flags
from trainshed.builds.triggers import workflows
from trainshed.cli import session, target
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.cli.target import only_local
from trainshed.client import Client, segment
from trainshed.errors import InvalidArgument

_CHANGES = only_local("Cloud Build has no place for it; use --included-files and --ignored-files")
_CHECK, _LOOK_SECONDS = {"check": "true"}, 900.0  # the first look at a repository fetches it
_COLUMNS = ("NAME", "REPOSITORY", "REF", "CONFIG", "INCLUDED", "IGNORED", "STATUS")


@click.group()
def triggers() -> None:
    """Make a push start a build."""


@triggers.command()
@click.argument("name")
@click.option("--repo", default="", help="Path or URL of the git repository; none: only by `triggers run`.")
@click.option("--repo-owner", default="", help="GitHub owner, with --repo-name.")
@click.option("--repo-name", default="", help="GitHub repository, with --repo-owner.")
@click.option("--branch-pattern", default="", help="RE2 pattern of branches, such as ^main$.")
@click.option("--tag-pattern", default="", help="RE2 pattern of tags.")
@click.option("--invert-regex", is_flag=True, help="Every ref that the pattern does not match.")
@click.option("--build-config", default="", help="File in the repository; default cloudbuild.yaml, .yml or .json.")
@click.option("--inline-config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A local config.")
@click.option("--included-files", default="", help="Globs, with **: one changed file at least must match.")
@click.option("--ignored-files", default="", help="Globs, with **: changes of these alone build nothing.")
@click.option(
    "--image-files",
    default="",
    callback=_CHANGES,
    help="Globs of what goes into the image; a change of one rebuilds it.",
)
@click.option(
    "--code-files", default="", callback=_CHANGES, help="Globs of the pipeline's code; a change compiles it again."
)
@click.option(
    "--module-files",
    default="",
    callback=_CHANGES,
    help="Globs of what tasks fetch from a bucket; a change is an upload.",
)
@click.option("--substitutions", default="", help="KEY=VALUE,…")
@click.option("--topic", default="", help="Build for every message of this Pub/Sub topic.")
@click.option("--webhook-secret", default="", help="Build for every post that has this secret: its name in secrets/.")
@click.option("--branch", default="", help="With --topic, --webhook-secret or by hand: the branch of --repo to build.")
@click.option("--filter", "filter_text", default="", help="CEL that an event has to pass, such as '_TAG != \"\"'.")
@click.option("--require-approval", is_flag=True, help="Builds wait for `builds approve`.")
@click.option("--description", default="", help="For people.")
@project_options
@format_option
def create(name: str, output_format: str, **given: Any) -> None:
    """Make a trigger. What the repository has now is the baseline; later pushes build.

    With --image-files, --code-files or --module-files the cheapest way is chosen for each push; `$_PLAN` in the name of
    the build config and in its steps is `image`, `compile` or `modules`. A push that needs nothing builds nothing.
    """
    wanted: dict[str, Any] = {"name": name, "description": given["description"]}
    repository = _absolute(given["repo"])
    if target.current() is not None:
        _check_hosted(repository)
    is_event = bool(given["topic"] or given["webhook_secret"])
    if is_event or given["branch"]:
        wanted |= _event(given, repository)
    elif given["repo_name"]:
        wanted["github"] = {"owner": given["repo_owner"], "name": given["repo_name"], "push": _refs(given, "")}
    elif repository:
        wanted["triggerTemplate"] = {"repoName": repository, **_refs(given, "Name")}
    if given["inline_config"]:
        wanted["build"] = document.load(given["inline_config"].read_bytes(), where=str(given["inline_config"]))
    else:
        wanted["filename"] = given["build_config"]
    wanted["filter"] = given["filter_text"]
    wanted["approvalConfig"] = {"approvalRequired": True} if given["require_approval"] else {}
    wanted["includedFiles"] = flags.list_of(given["included_files"])
    wanted["ignoredFiles"] = flags.list_of(given["ignored_files"])
    wanted["substitutions"] = flags.dictionary(given["substitutions"])
    wanted["changes"] = {
        kind: flags.list_of(given[option])
        for kind, option in (("image", "image_files"), ("code", "code_files"), ("modules", "module_files"))
        if given[option]
    }
    found = _create(wanted, given)
    show(found, output_format, lambda: click.echo(f"Created [{found['resourceName']}]."))


@triggers.command(name="import")
@click.argument("workflow", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--repo", default="", help="Path or URL of the git repository; default: the one the workflow lies in.")
@click.option("--build-config", default="cloudbuild.yaml", show_default=True, help="The build config to run.")
@project_options
@format_option
def import_(workflow: Path, repo: str, build_config: str, output_format: str, **given: Any) -> None:
    """Make the trigger that a GitHub Actions workflow describes, and list what it has beyond that."""
    repository = _absolute(repo) or _enclosing(workflow)
    found = workflows.read(
        document.load(workflow.read_bytes(), where=str(workflow)), repository=repository, filename=build_config
    )
    made = _create(found.trigger, given)
    answer = {"trigger": made, "runsByHand": found.by_hand, "notTakenOver": list(found.left_out)}

    def text() -> None:
        click.echo(f"Created [{made['resourceName']}].")
        if found.by_hand:
            click.echo(f"By hand: trainshed builds triggers run {made['name']}")
        if found.left_out:
            click.echo("Not taken over:\n" + "\n".join(f"  {item}" for item in found.left_out))

    show(answer, output_format, text)


@triggers.command(name="list")
@project_options
@format_option
def listing(output_format: str, **given: Any) -> None:
    """List triggers."""
    with session.connect() as client:
        found = list(client.pages(f"{_base(client, given)}/triggers", "triggers"))
    show(found, output_format, lambda: table(_COLUMNS, map(_row, found)))


@triggers.command()
@click.argument("name")
@project_options
@format_option
def describe(name: str, output_format: str, **given: Any) -> None:
    """Show one trigger."""
    with session.connect() as client:
        found = client.call("GET", f"{_base(client, given)}/triggers/{segment(name)}")
    show(found, output_format)


@triggers.command()
@click.argument("name")
@click.option("--branch", default="", help="Branch to build; default: the trigger's own.")
@click.option("--tag", default="", help="Tag to build.")
@click.option("--sha", default="", help="Commit to build.")
@click.option("--substitutions", default="", help="KEY=VALUE,… over the trigger's own.")
@project_options
@format_option
def run(name: str, branch: str, tag: str, sha: str, substitutions: str, output_format: str, **given: Any) -> None:
    """Build what a trigger builds, now; `trainshed builds log ID --stream` shows it."""
    chosen = {"branchName": branch, "tagName": tag, "commitSha": sha}
    source: dict[str, Any] = {k: v for k, v in chosen.items() if v}
    if len(source) > 1:
        raise InvalidArgument.field("--branch", "give one of --branch, --tag, --sha")
    source["substitutions"] = flags.dictionary(substitutions)
    with session.connect() as client:
        path = f"{_base(client, given)}/triggers/{segment(name)}:run"
        body = {"source": source} if client.is_google else source  # a region's and a project's method differ in that
        found = client.call("POST", path, body)["metadata"]["build"]
    show(found, output_format, lambda: click.echo(f"Created [{found['name']}]."))


@triggers.command()
@click.argument("name")
@project_options
@format_option
def disable(name: str, output_format: str, **given: Any) -> None:
    """Let a trigger build nothing until it is enabled; here it then builds what was pushed meanwhile.

    Of several commits pushed meanwhile the last one is built. Messages of a topic that come meanwhile are kept as receipts,
    which can be replayed; posts to its webhook are refused.
    """
    _switch(name, output_format, given, is_disabled=True)


@triggers.command()
@click.argument("name")
@project_options
@format_option
def enable(name: str, output_format: str, **given: Any) -> None:
    """Let a trigger build again."""
    _switch(name, output_format, given, is_disabled=False)


@triggers.command()
@click.argument("name")
@project_options
@format_option
def delete(name: str, output_format: str, **given: Any) -> None:
    """Delete a trigger; its builds and receipts stay."""
    with session.connect() as client:
        client.call("DELETE", f"{_base(client, given)}/triggers/{segment(name)}")
    show({}, output_format, lambda: click.echo(f"Deleted [{name}]."))


def _event(given: dict[str, Any], repository: str) -> dict[str, Any]:
    """Answer what starts builds beside pushes, and what of a repository they build."""
    project = given["project"] or session.current_settings().project
    found: dict[str, Any] = {}
    if given["topic"]:
        topic = given["topic"]
        found["pubsubConfig"] = {"topic": topic if "/" in topic else f"projects/{project}/topics/{topic}"}
    if given["webhook_secret"]:
        secret = given["webhook_secret"]
        version = secret if "/" in secret else f"projects/{project}/secrets/{secret}/versions/latest"
        found["webhookConfig"] = {"secret": version}
    if given["repo_name"] and not repository:
        repository = f"https://github.com/{given['repo_owner']}/{given['repo_name']}"
    if repository:
        branch = given["branch"]
        found["sourceToBuild"] = {"uri": repository, "ref": f"refs/heads/{branch}" if branch else ""}
    return found


def _create(wanted: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    with session.connect() as client:
        settings = session.current_settings()
        region = segment(given["region"] or settings.region)
        surface = "/trainshed/v1" if wanted.get("changes") else "/v1"  # Google's trigger has no place for them
        path = f"{surface}/projects/{segment(given['project'] or settings.project)}/locations/{region}/triggers"
        found: dict[str, Any] = client.call("POST", path, {k: v for k, v in wanted.items() if v})
        place = found["resourceName"].rpartition("/")[0]
        seen = client.call(
            "GET", f"/trainshed/v1/{place}/{segment(found['name'])}", query=_CHECK, timeout_seconds=_LOOK_SECONDS
        )
    for warning in seen.get("warnings", ()):
        click.echo(f"WARNING: {warning}", err=True)
    if problem := seen.get("error"):
        click.echo(f"WARNING: the repository cannot be read yet; the trigger waits for it. {problem}", err=True)
    return found


def _switch(name: str, output_format: str, given: dict[str, Any], *, is_disabled: bool) -> None:
    with session.connect() as client:
        path, change = f"{_base(client, given)}/triggers/{segment(name)}", {"disabled": is_disabled}
        found = client.call("PATCH", path, change, query={"updateMask": "disabled"})
    done = "Disabled" if is_disabled else "Enabled"
    show(found, output_format, lambda: click.echo(f"{done} [{name}]."))


def _base(client: Client, given: dict[str, Any]) -> str:
    """Answer where triggers are; on Google a region's are found there alone, here the whole project's are."""
    settings = session.current_settings()
    place = f"/v1/projects/{segment(given['project'] or settings.project)}"
    return f"{place}/locations/{segment(given['region'] or settings.region)}" if client.is_google else place


def _refs(given: dict[str, Any], suffix: str) -> dict[str, Any]:
    """Answer branch or tag pattern; `branch` in GitHub's part of the document, `branchName` in the other."""
    values: dict[str, Any] = {f"branch{suffix}": given["branch_pattern"], f"tag{suffix}": given["tag_pattern"]}
    if not any(values.values()):
        values[f"branch{suffix}"] = ".*"
    return {k: v for k, v in values.items() if v} | ({"invertRegex": True} if given["invert_regex"] else {})


def _absolute(repository: str) -> str:
    """Make a path absolute: the server has another working directory."""
    return str(Path(repository).absolute()) if repository and Path(repository).exists() else repository


def _check_hosted(repository: str) -> None:
    """Refuse a repository that Cloud Build cannot see."""
    if repository.startswith(("/", "file:")):
        raise InvalidArgument.field(
            "--repo",
            f"{repository} is on this machine, where Cloud Build sees nothing; connect the repository to the project "
            "and give --repo-owner and --repo-name",
        )


def _enclosing(workflow: Path) -> str:
    found = next((p for p in workflow.absolute().parents if (p / ".git").exists()), None)
    return str(found) if found else ""


def _row(trigger: dict[str, Any]) -> tuple[str, ...]:
    template, github = trigger.get("triggerTemplate", {}), trigger.get("github", {})
    push, source = github.get("push", {}), trigger.get("sourceToBuild", {})
    owned = "/".join(filter(None, (github.get("owner"), github.get("name"))))
    repository = template.get("repoName") or owned or source.get("uri") or "-"
    ref = template.get("branchName") or push.get("branch") or template.get("tagName") or push.get("tag")
    ref = ref or trigger.get("pubsubConfig", {}).get("topic") or ("webhook" if "webhookConfig" in trigger else "-")
    return (
        trigger["name"],
        repository,
        ref,
        trigger.get("filename") or ("inline" if "build" in trigger else "cloudbuild.yaml"),
        ",".join(trigger.get("includedFiles", [])) or "-",
        ",".join(trigger.get("ignoredFiles", [])) or "-",
        "DISABLED" if trigger.get("disabled") else "ENABLED",
    )
