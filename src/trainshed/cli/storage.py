"""trainshed storage: buckets and objects, with the words of `gcloud storage` and the output of `gsutil`."""

import sys
from typing import Any

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, quiet_option, show, table
from trainshed.cli.storage_objects import STANDARD, Copy, Objects
from trainshed.cli.storage_paths import Address, address, is_remote, long_lines
from trainshed.client import Client, segment
from trainshed.errors import InvalidArgument, NotFound

_RECURSIVE = ("-r", "-R", "--recursive")
_ELSEWHERE = {
    "mb": "a bucket is made with `trainshed storage buckets create gs://BUCKET`.",
    "rb": "a bucket is removed with `trainshed storage buckets delete gs://BUCKET`.",
    "notification": "see `trainshed storage buckets notifications --help`.",
    **dict.fromkeys(
        ("compose", "du", "hash", "iam", "lifecycle", "mv", "rsync", "setmeta", "signurl", "stat", "versioning"),
        "Google's own tool has it, on this server: `trainshed exec -- gsutil {} …`.",
    ),
}
_project_option = click.option(
    "--project", default=None, help="Whose buckets, on Google Cloud; here they are not divided by project."
)
_FORMATS = {"json": "JSON_API_V1", "none": "NONE"}


class _Words(click.Group):
    """A group that knows the words of gsutil, too, and says what they are here."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. Raises UsageError, which names the right one for a word of gsutil's."""
        if args and args[0] in _ELSEWHERE:
            raise click.UsageError(f"'{args[0]}' is not a command here; {_ELSEWHERE[args[0]].format(args[0])}", ctx)
        return super().resolve_command(ctx, args)


@click.group(name="storage", cls=_Words)
def command() -> None:
    """Buckets and objects."""


@command.command()
@click.argument("sources", nargs=-1, required=True, metavar="SRC…")
@click.argument("target", metavar="DST")
@click.option(*_RECURSIVE, "recursive", is_flag=True, help="Copy folders with everything in them.")
@click.option("-n", "--no-clobber", is_flag=True, help="Leave objects and files alone that exist already.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@format_option
def cp(
    sources: tuple[str, ...], target: str, recursive: bool, no_clobber: bool, quiet: bool, output_format: str
) -> None:
    """Copy files and objects: local to gs://, gs:// to local, gs:// to gs://. `-` is standard input or output."""
    with session.connect() as client:
        objects = Objects(client)
        if target == STANDARD:
            _print_all(objects, sources)
            return
        copies = objects.plan(sources, target, recursive=recursive)
        if no_clobber:
            copies = [copy for copy in copies if not _exists(objects, copy)]
        _perform(objects, copies, quiet=quiet or output_format == "json")
    if output_format == "json":
        done = [{"source": str(c.source or STANDARD), "target": str(c.target), "size": c.size} for c in copies]
        show(done, output_format)


@command.command(context_settings={"help_option_names": ["--help"]})
@click.argument("urls", nargs=-1, metavar="[gs://…]")
@click.option("-l", "--long", "is_long", is_flag=True, help="Size, time and total as well.")
@click.option("-h", "--readable-sizes", "is_human", is_flag=True, help="Sizes like 12.34 KiB.")
@click.option(*_RECURSIVE, "recursive", is_flag=True, help="Everything below, not only the next level.")
@_project_option
@format_option
def ls(
    urls: tuple[str, ...], is_long: bool, is_human: bool, recursive: bool, project: str | None, output_format: str
) -> None:
    """List buckets, or objects and folders."""
    with session.connect() as client:
        if not urls:
            found = list(client.pages("/storage/v1/b", "items", query=_project(project)))
            show(found, output_format, lambda: _echo([f"gs://{b['name']}/" for b in found]))
            return
        entries = [entry for url in urls for entry in _entries(Objects(client), address(url), recursive=recursive)]
    rows = [(int(o["size"]), o["timeCreated"][:19] + "Z", u) if o else (0, "", u) for u, o in entries]
    if output_format == "json":
        show([o or {"prefix": u} for u, o in entries], output_format)
    elif is_long:
        _echo(long_lines(rows, is_human=is_human))
    else:
        _echo([url for url, _ in entries])


@command.command()
@click.argument("urls", nargs=-1, required=True, metavar="gs://…")
@format_option
def cat(urls: tuple[str, ...], output_format: str) -> None:
    """Print the content of objects, end to end; with `--format json`, as a document of texts."""
    with session.connect() as client:
        if output_format == "json":
            show({url: _text(Objects(client), url) for url in urls}, output_format)
        else:
            _print_all(Objects(client), urls)


@command.command()
@click.argument("urls", nargs=-1, required=True, metavar="gs://…")
@click.option(*_RECURSIVE, "recursive", is_flag=True, help="Everything below; of a whole bucket, the bucket too.")
@click.option("-f", "--force", is_flag=True, help="Go on when something is not there.")
@quiet_option
@format_option
def rm(urls: tuple[str, ...], recursive: bool, force: bool, output_format: str) -> None:
    """Remove objects."""
    removed: list[str] = []
    with session.connect() as client:
        objects = Objects(client)
        for url in urls:
            removed += _remove(client, objects, address(url), recursive=recursive, force=force)
    show({"removed": removed}, output_format, lambda: _echo([f"Removed {url}" for url in removed]))


@command.group()
def buckets() -> None:
    """Make, list, describe and remove buckets; announce their changes."""


@buckets.command()
@click.argument("urls", nargs=-1, required=True, metavar="gs://BUCKET…")
@click.option("-l", "--location", "--region", "location", default=None, help="Kept with the bucket.")
@click.option("-c", "--default-storage-class", "storage_class", default=None, help="Kept with the bucket.")
@_project_option
@format_option
def create(
    urls: tuple[str, ...], location: str | None, storage_class: str | None, project: str | None, output_format: str
) -> None:
    """Make buckets."""
    with session.connect() as client:
        given = {"location": location.upper() if location else None, "storageClass": storage_class}
        body = {k: v for k, v in given.items() if v}
        made = [
            client.call("POST", "/storage/v1/b", {"name": _bucket(url), **body}, query=_project(project))
            for url in urls
        ]
    show(made, output_format, lambda: _echo([f"Created gs://{b['name']}/" for b in made]))


@buckets.command(name="list")
@_project_option
@format_option
def list_buckets(project: str | None, output_format: str) -> None:
    """List buckets."""
    with session.connect() as client:
        found = list(client.pages("/storage/v1/b", "items", query=_project(project)))
    columns = ("NAME", "LOCATION", "STORAGE_CLASS", "CREATE_TIME")
    rows = [(f"gs://{b['name']}/", b["location"], b["storageClass"], b["timeCreated"]) for b in found]
    show(found, output_format, lambda: table(columns, rows))


@buckets.command()
@click.argument("url", metavar="gs://BUCKET")
@format_option
def describe(url: str, output_format: str) -> None:
    """Show one bucket."""
    with session.connect() as client:
        show(client.call("GET", f"/storage/v1/b/{segment(_bucket(url))}"), output_format)


@buckets.command()
@click.argument("urls", nargs=-1, required=True, metavar="gs://BUCKET…")
@quiet_option
@format_option
def delete(urls: tuple[str, ...], output_format: str) -> None:
    """Remove empty buckets."""
    with session.connect() as client:
        for url in urls:
            client.call("DELETE", f"/storage/v1/b/{segment(_bucket(url))}")
    show({"removed": list(urls)}, output_format, lambda: _echo([f"Removed {url}" for url in urls]))


@buckets.group()
def notifications() -> None:
    """Announce the changes of a bucket on a topic."""


@notifications.command(name="create")
@click.argument("url", metavar="gs://BUCKET")
@click.option("--topic", required=True, help="Topic of the messages.")
@click.option("--event-types", default="", help="OBJECT_FINALIZE,OBJECT_DELETE,…; default all.")
@click.option("--object-prefix", default="", help="Only objects whose names begin so.")
@click.option("--payload-format", type=click.Choice(list(_FORMATS)), default="json", show_default=True)
@click.option("--project", default=None, help="Project of the topic.")
@format_option
def create_notification(
    url: str, topic: str, event_types: str, object_prefix: str, payload_format: str, project: str | None,
    output_format: str,
) -> None:  # fmt: skip
    """Send a message to a topic for each change of a bucket."""
    project = project or session.current_settings().project
    body = {
        "topic": topic if "/" in topic else f"//pubsub.googleapis.com/projects/{project}/topics/{topic}",
        "payload_format": _FORMATS[payload_format],
        "event_types": [e.strip() for e in event_types.split(",") if e.strip()],
        "object_name_prefix": object_prefix,
    }
    with session.connect() as client:
        made = client.call("POST", f"/storage/v1/b/{segment(_bucket(url))}/notificationConfigs", body)
    show(made, output_format)


@notifications.command(name="list")
@click.argument("url", metavar="gs://BUCKET")
@format_option
def list_notifications(url: str, output_format: str) -> None:
    """List where the changes of a bucket are announced."""
    with session.connect() as client:
        found = client.call("GET", f"/storage/v1/b/{segment(_bucket(url))}/notificationConfigs").get("items", [])
    columns = ("ID", "TOPIC", "EVENT_TYPES", "PREFIX")
    rows = [(n["id"], n["topic"], ",".join(n.get("event_types", [])), n.get("object_name_prefix", "")) for n in found]
    show(found, output_format, lambda: table(columns, rows))


@notifications.command(name="delete")
@click.argument("url", metavar="gs://BUCKET")
@click.argument("notification", metavar="ID")
@quiet_option
@format_option
def delete_notification(url: str, notification: str, output_format: str) -> None:
    """Announce changes there no more."""
    with session.connect() as client:
        client.call("DELETE", f"/storage/v1/b/{segment(_bucket(url))}/notificationConfigs/{segment(notification)}")
    show({"removed": notification}, output_format, lambda: click.echo(f"Removed notification {notification}"))


def _entries(objects: Objects, place: Address, *, recursive: bool) -> list[tuple[str, dict[str, Any] | None]]:
    if recursive or place.is_wild:
        return [(_url(o), o) for _, o in objects.matching(place, recursive=True)]
    single = objects.find(place)
    if single is not None:
        return [(_url(single), single)]
    found = [(f"gs://{place.bucket}/{name}", o) for name, o in objects.children(place)]
    if not found and place.name:
        raise NotFound(f"No object or folder matches {place}.")
    return found


def _remove(client: Client, objects: Objects, place: Address, *, recursive: bool, force: bool) -> list[str]:
    removed = []
    try:
        for _, found in objects.matching(place, recursive=recursive):
            objects.remove(Address(bucket=found["bucket"], name=found["name"]))
            removed.append(_url(found))
    except NotFound:
        if not force and (place.name or not recursive):
            raise
    if recursive and not place.name:
        client.call("DELETE", f"/storage/v1/b/{segment(place.bucket)}")
        removed.append(str(place))
    return removed


def _perform(objects: Objects, copies: list[Copy], *, quiet: bool) -> None:
    if quiet or not sys.stderr.isatty():
        for copy in copies:
            objects.perform(copy)
            if not quiet:
                click.echo(f"Copied {copy.source or STANDARD} to {copy.target}", err=True)
        return
    with click.progressbar(length=sum(c.size for c in copies) or 1, label="Copying", file=sys.stderr) as bar:
        for copy in copies:
            objects.perform(copy)
            bar.update(copy.size)
    click.echo(f"Copied {len(copies)} objects.", err=True)


def _exists(objects: Objects, copy: Copy) -> bool:
    return objects.find(copy.target) is not None if isinstance(copy.target, Address) else copy.target.exists()


def _print_all(objects: Objects, urls: tuple[str, ...]) -> None:
    for url in urls:
        for _, found in objects.matching(address(url), recursive=False):
            objects.read_into(Address(bucket=found["bucket"], name=found["name"]), sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _text(objects: Objects, url: str) -> str:
    import io

    out = io.BytesIO()
    for _, found in objects.matching(address(url), recursive=False):
        objects.read_into(Address(bucket=found["bucket"], name=found["name"]), out)
    return out.getvalue().decode("utf-8", "replace")


def _bucket(url: str) -> str:
    place = address(url if is_remote(url) else f"gs://{url}")
    if place.name:
        raise InvalidArgument.field("url", f"{url!r} names an object; name a bucket: gs://{place.bucket}")
    return place.bucket


def _project(project: str | None = None) -> dict[str, str]:
    return {"project": project or session.current_settings().project}


def _url(document: dict[str, Any]) -> str:
    return f"gs://{document['bucket']}/{document['name']}"


def _echo(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)
