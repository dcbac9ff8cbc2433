"""The command line: a client of the surface that mirrors gcloud. One module per command group.

Groups are imported when they are used, so that `trainshed --help` starts fast.
Exit codes: 0 done, 1 the user's build, run or function failed, 2 wrong usage or input, 3 Trainshed failed.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click
from click.exceptions import NoSuchCommand

from trainshed import __version__
from trainshed.errors import TrainshedError

# command -> (module that defines it under the same name, one line of help)
GROUPS: dict[str, tuple[str, str]] = {
    "up": ("server", "Start the server with its dashboard."),
    "demo": ("demo", "Run the whole loop on the penguin example."),
    "exec": ("exec", "Run a command with Google's clients reaching this server."),
    "builds": ("builds", "Submit, watch and trigger builds."),
    "pubsub": ("pubsub", "Topics, subscriptions and messages."),
    "functions": ("functions", "Deploy and watch functions."),
    "scheduler": ("scheduler", "Cron schedules."),
    "storage": ("storage", "Buckets and objects."),
    "images": ("images", "What an image name means without a container engine."),
    "pipelines": ("pipelines", "Compile, plan and run pipelines."),
    "lineage": ("lineage", "What artifacts were made from, and what was made from them."),
    "models": ("models", "What was pushed to serve, what is live, and rollback."),
    "receipts": ("receipts", "Why each event did or did not start something."),
    "explain": ("explain", "Why a run, a build or an event is as it is, on one page."),
    "apply": ("apply", "Converge to what trainshed.yaml declares."),
    "doctor": ("doctor", "What is missing or wrong, here and in your files."),
}
_OWN_HOME = ("up", "demo")  # have a --home themselves, which is stronger


class _Groups(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in GROUPS:
            return None
        module = importlib.import_module(f"trainshed.cli.{GROUPS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:  # click suggests from what is imported, which is nothing
            raise NoSuchCommand(error.command_name, possibilities=GROUPS, ctx=ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in GROUPS.items()])


@click.group(cls=_Groups, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trainshed")
@click.option(
    "--home", type=click.Path(path_type=Path), default=None, help="Home directory of any command. Default ~/.trainshed."
)
@click.pass_context
def trainshed(context: click.Context, home: Path | None) -> None:
    """Model training as a CI/CD system, whole, on one machine."""
    if home is not None:
        _live_in(home, context)


def _live_in(home: Path, context: click.Context) -> None:
    """Let a command, and whatever it starts, work with one home, whatever server the environment names."""
    context.default_map = {name: {"home_folder": home} for name in _OWN_HOME}
    os.environ["TRAINSHED_HOME"] = str(home.expanduser().absolute())
    for of_a_server in ("TRAINSHED_ADDRESS", "TRAINSHED_TOKEN"):
        os.environ.pop(of_a_server, None)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code; no traceback reaches a user."""
    try:
        result: Any = trainshed.main(arguments, prog_name="trainshed", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help'.", err=True)
        click.echo(f"ERROR: (INVALID_ARGUMENT) {_said(error)}", err=True)
        sys.exit(2)
    except TrainshedError as error:
        click.echo(f"ERROR: ({error.code}) {error.message}", err=True)
        sys.exit(_exit_code(error))
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:  # noqa: BLE001  (the last line of defence; the trace is kept for a report)
        from trainshed.cli.output import report_defect

        report_defect(error)
        sys.exit(3)
    sys.exit(result if isinstance(result, int) else 0)


def _said(error: click.ClickException) -> str:
    """Say what was typed wrong; an option of every command stands before the command, which click does not know."""
    if isinstance(error, click.NoSuchOption) and error.option_name == "--home" and error.ctx is not None:
        command = error.ctx.command_path.partition(" ")[2]
        return f"--home stands before the command: trainshed --home DIR {command} …"
    return error.format_message()


def _exit_code(error: TrainshedError) -> int:
    return 3 if error.code in {"INTERNAL", "UNAVAILABLE", "UNKNOWN"} else 2
