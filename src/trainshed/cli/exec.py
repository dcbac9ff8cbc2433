"""trainshed exec: any command, with Google's clients, gcloud and gsutil in it reaching the local server."""

import os
import shlex
import subprocess

import click

from trainshed.cli import session
from trainshed.errors import FailedPrecondition


@click.command(name="exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--print", "print_only", is_flag=True, help='Print the variables instead, for eval "$(trainshed exec --print)".'
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(context: click.Context, print_only: bool, arguments: tuple[str, ...]) -> None:
    """Run ARGUMENTS with Google's clients reaching this server; ends with its exit code.

    Your own gcloud configuration and credentials are not touched.
    """
    if not arguments and not print_only:
        raise click.UsageError("Say what to run: trainshed exec -- COMMAND…")
    if print_only and not session.has_server():
        raise FailedPrecondition("No server runs, so the variables would lead nowhere; start one first: trainshed up &")
    with session.connect() as client:
        variables = client.call("GET", "/trainshed/v1/environment")
        if print_only:
            for name, value in variables.items():
                click.echo(f"export {name}={shlex.quote(value)}")
            return
        try:
            done = subprocess.run(arguments, env=os.environ | variables, check=False)
        except OSError as error:
            raise click.UsageError(f"{arguments[0]} cannot be run: {error.strerror}.") from error
    context.exit(done.returncode if done.returncode >= 0 else 128 - done.returncode)
