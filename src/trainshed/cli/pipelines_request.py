"""What commands say about a run that is to be, and how they address one."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from trainshed.cli import session
from trainshed.cli.target import only_local
from trainshed.errors import InvalidArgument

F = TypeVar("F", bound=Callable[..., Any])


def wait_options(function: F) -> F:
    """Add `--wait` and `--outputs`."""
    function = click.option("--wait", is_flag=True, help="Wait for the end; exit 1 when the run failed.")(function)
    return click.option(
        "--outputs",
        "outputs_file",
        callback=only_local(
            "Vertex AI tells no outputs of a whole run; read what its tasks wrote below --pipeline-root"
        ),
        type=click.Path(dir_okay=False),
        help="Write the pipeline's outputs as JSON; waits.",
    )(function)


def parameter_options(function: F) -> F:
    """Add what gives parameters values."""
    function = click.option(
        "--parameters-file", type=click.Path(exists=True, dir_okay=False), help="JSON object of parameters."
    )(function)
    return click.option(
        "--parameter", "parameters", multiple=True, metavar="K=V", help="A parameter; repeat for more."
    )(function)


def run_options(function: F) -> F:
    """Add what `run` and `plan` have in common."""
    for option in (
        parameter_options,
        click.option("--no-caching", is_flag=True, help="Run every task, whatever was done before."),
        click.option("--job-id", default="", help="Identifier of the run; default: made from name and time."),
        click.option("--pipeline-root", "root", default="", help="gs:// location below which outputs are written."),
    ):
        function = option(function)
    return function


def body(spec: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the request of a run. Raises InvalidArgument for files and pairs that cannot be read."""
    parameters = parameters_of(given)
    source = {"uri": spec} if spec.startswith("gs://") else {"text": _read_spec(Path(spec))}
    caching = False if given["no_caching"] else None
    return {**source, "parameters": parameters, "caching": caching, "jobId": given["job_id"], "root": given["root"]}


def parameters_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the values of `parameter_options`. Raises InvalidArgument for files and pairs that cannot be read."""
    found = _read_parameters(Path(given["parameters_file"])) if given["parameters_file"] else {}
    return found | dict(pairs(given["parameters"], "--parameter"))


def _read_spec(path: Path) -> str:
    if path.suffix == ".py" and path.is_file():
        compiled = path.with_suffix(".json")
        raise InvalidArgument.field(
            "SPEC",
            f"{path} is Python; compile it: trainshed pipelines compile {path} -o {compiled}, and run {compiled}",
        )
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


def pairs(texts: tuple[str, ...], option: str) -> list[tuple[str, str]]:
    """Read KEY=VALUE pairs. Raises InvalidArgument naming the option."""
    found = []
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise InvalidArgument.field(option, f"{text!r} is not KEY=VALUE")
        found.append((key, value))
    return found


def parent(given: Mapping[str, Any]) -> str:
    """Answer projects/P/locations/L of the command."""
    settings = session.current_settings()
    return f"projects/{given['project'] or settings.project}/locations/{given['region'] or settings.region}"


def runs(given: Mapping[str, Any]) -> str:
    """Answer the address of our own runs below the server's."""
    return f"/trainshed/v1/{parent(given)}/runs"


def changes(texts: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """Read which labels are set (KEY=VALUE) and which are removed (KEY-). Raises InvalidArgument."""
    update: dict[str, str] = {}
    remove: list[str] = []
    for text in texts:
        key, separator, value = text.partition("=")
        if separator and key:
            update[key] = value
        elif not separator and len(text) > 1 and text.endswith("-"):
            remove.append(text[:-1])
        else:
            raise InvalidArgument.field(
                "LABEL", f"{text!r} is neither KEY=VALUE nor KEY-; team=birds sets a label, team- removes it"
            )
    return update, remove


def short(name: str) -> str:
    """Answer the identifier of a run, also from its whole name."""
    return name.rsplit("/", 1)[-1]
