"""trainshed images: what an image name means where there is no container engine."""

from pathlib import Path

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, show, table
from trainshed.errors import InvalidArgument

_COLUMNS = ("IMAGE", "ENVIRONMENT", "SNAPSHOT", "SOURCE", "UPDATE_TIME")


@click.group(name="images")
def command() -> None:
    """Say what an image name means without a container engine."""


@command.command(name="list")
@format_option
def listing(output_format: str) -> None:
    """List the bindings of image names to environments."""
    with session.connect() as client:
        found = client.call("GET", "/trainshed/v1/images")["images"]
    rows = [
        (b["image"], b["environment"][:12], Path(b["snapshot"]).parent.name[:12], b["source"], b["updateTime"])
        for b in found
    ]
    show(found, output_format, lambda: table(_COLUMNS, rows))


@command.command()
@click.argument("image")
@click.option("--packages", default="", help="Packages of its environment: P,P==1.0,…")
@click.option(
    "--requirements", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A requirements file."
)
@click.option("--environment", default="", help="Digest of an environment, or the folder of one that you keep.")
@click.option("--python", default="", help="Python version or interpreter; default: the server's own.")
@format_option
def bind(
    image: str, packages: str, requirements: Path | None, environment: str, python: str, output_format: str
) -> None:
    """Let an environment stand for an image; `*` in IMAGE stands for any text."""
    given = [bool(packages), requirements is not None, bool(environment)]
    if sum(given) != 1:
        raise InvalidArgument.field("--packages", "give one of --packages, --requirements, --environment")
    body: dict[str, object] = {"image": image, "python": python}
    if environment:
        path = Path(environment).expanduser()
        body |= {"path": str(path.absolute())} if path.is_dir() else {"environment": environment}
    elif requirements is not None:
        from trainshed.environments import read_requirements

        body["requirements"] = list(read_requirements(requirements))
    else:
        from trainshed.builds import flags

        body["requirements"] = flags.list_of(packages)
    with session.connect() as client:
        found = client.call("POST", "/trainshed/v1/images:bind", body)
    show(found, output_format, lambda: click.echo(f"{found['image']} is environment {found['environment']}."))


@command.command()
@click.argument("image")
@format_option
def unbind(image: str, output_format: str) -> None:
    """Take a binding back."""
    with session.connect() as client:
        client.call("DELETE", "/trainshed/v1/images", query={"image": image})
    show({}, output_format, lambda: click.echo(f"{image} is not bound any more."))
