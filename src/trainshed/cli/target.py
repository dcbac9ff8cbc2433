"""Where a command works: this machine's server, or Google Cloud (`--target gcp`), for real or as a rehearsal.

Every command that reaches a server has the options through `output.format_option`. The choice lasts as long as the
command and is read by `session`.
"""

import contextlib
import functools
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trainshed import home, settings
from trainshed.client import Client
from trainshed.errors import InvalidArgument, TrainshedError, Unimplemented

if TYPE_CHECKING:
    from trainshed.targets import Credentials, Script

F = TypeVar("F", bound=Callable[..., Any])
_TARGETS = LOCAL, GCP = ("local", "gcp")
_PROJECTS = ("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")  # as Google's clients and gcloud read them
_REGIONS = ("CLOUDSDK_FUNCTIONS_REGION", "GOOGLE_CLOUD_REGION")


@dataclass(kw_only=True)
class Choice:
    """What one command was told about where to work."""

    project: str
    region: str
    is_rehearsal: bool
    credentials: "Credentials"
    script: "Script"
    _known: dict[str, str] = field(default_factory=dict)

    def settings(self) -> settings.Settings:
        """Answer the settings, with project and region as Google's own tools find them."""
        found = settings.load()
        return replace(found, project=self._project(), region=self._region(found.region), address="")

    def _project(self) -> str:
        if "project" not in self._known:
            given = self.project or os.environ.get("TRAINSHED_PROJECT", "")
            self._known["project"] = given or _first(_PROJECTS) or self._project_of_credentials()
        return self._known["project"]

    def _project_of_credentials(self) -> str:
        from trainshed.targets import NoCredentials

        try:
            return self.credentials.project or self.credentials.quota_project
        except NoCredentials:
            return ""

    def _region(self, default: str) -> str:
        return self.region or os.environ.get("TRAINSHED_REGION") or _first(_REGIONS) or default


_choice: ContextVar[Choice | None] = ContextVar("target", default=None)


def current() -> Choice | None:
    """Answer the choice of the running command; None on this machine."""
    return _choice.get()


def connect(chosen: Choice) -> Client:
    """Answer a client of Google, or one that rehearses."""
    from trainshed.targets import Endpoints, Place, Rehearsal, TargetClient, read_overrides

    found = chosen.settings()
    place = Place(project=found.project, region=found.region)
    endpoints = Endpoints(region=found.region, overrides=read_overrides(found.api_endpoint_overrides))
    if chosen.is_rehearsal:
        made: TargetClient = Rehearsal(place, endpoints, chosen.credentials, chosen.script)
    else:
        made = TargetClient(place, endpoints, chosen.credentials)
    made.bound_images = functools.partial(_bound_images, found)
    return made


def options(function: F, *, has_dry_run: bool) -> F:
    """Add `--target`, and `--dry-run` where the command has none of its own, and keep to what they say."""

    @functools.wraps(function)
    def wrapped(*arguments: Any, **given: Any) -> Any:
        target = given.pop("chosen_target", None) or settings.load().target
        dry_run = given.pop("dry_run", False) if has_dry_run else given.get("dry_run", False)
        if target not in _TARGETS:
            raise InvalidArgument.field("TRAINSHED_TARGET", f"{target!r} is none of {', '.join(_TARGETS)}")
        if target != GCP:
            if dry_run and has_dry_run:
                raise click.UsageError("--dry-run goes with --target gcp.")
            return function(*arguments, **given)
        with _chosen(given, is_rehearsal=dry_run) as chosen:
            if dry_run and has_dry_run:
                return _rehearse(chosen, lambda: function(*arguments, **given), given.get("output_format", "text"))
            return function(*arguments, **given)

    made: Any = wrapped
    if has_dry_run:
        made = click.option(
            "--dry-run", is_flag=True, help="With --target gcp: print the requests and what they need; change nothing."
        )(made)
    choice = click.Choice(_TARGETS)
    made = click.option(
        "--target", "chosen_target", type=choice, help="This machine's server, or Google Cloud; default local."
    )(made)
    done: F = made
    return done


def only_local(reason: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Make the callback of an option that Google has nothing for: it is refused before anything is sent."""

    def check(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if value not in {None, "", False, ()}:
            ctx.meta.setdefault("trainshed.only_local", []).append((parameter.opts[0], reason))
        return value

    return check


def show_rehearsal(
    chosen: Choice,
    output_format: str,
    more: Mapping[str, Any] | None = None,
    *,
    policy: Mapping[str, Any] | None = None,
    member: str = "",
) -> bool:
    """Print what a rehearsal noted; `more` goes before it. Answer whether everything is granted by `policy`, if given."""
    from trainshed.targets import report

    caller = member or _caller(chosen)
    found = report.document(chosen.script, chosen.settings().project, caller=caller, policy=policy)
    if output_format == "json":
        click.echo(json.dumps({**(more or {}), **found}, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(report.lines(found)))
    return all(one.get("granted", True) for one in found["bindings"])


def note_requirements(function: str, source: Path) -> None:
    """Note what a function's code asks for: its own account has to be allowed what that does."""
    chosen, path = current(), source / "requirements.txt"
    if chosen is not None and path.is_file():
        names = re.findall(r"^\s*([A-Za-z0-9][\w.-]*)", path.read_text(errors="replace"), re.MULTILINE)
        chosen.script.requirements[function] = [name.lower().replace("_", "-") for name in names]


@contextlib.contextmanager
def _chosen(given: Mapping[str, Any], *, is_rehearsal: bool) -> Iterator[Choice]:
    from trainshed.targets import Credentials, Script, why_refused

    context = click.get_current_context()
    command = " ".join(_words(context))
    if why := why_refused(command):
        raise Unimplemented(f"--target gcp: {command} is not there: {why}.")
    for option, reason in context.meta.get("trainshed.only_local", ()):
        raise Unimplemented(f"{option}: is not there with --target gcp: {reason}.")
    chosen = Choice(
        project=given.get("project") or "",
        region=given.get("region") or "",
        is_rehearsal=is_rehearsal,
        credentials=Credentials(quota_project=settings.load().quota_project),
        script=Script(),
    )
    token = _choice.set(chosen)
    try:
        yield chosen
    finally:
        _choice.reset(token)


def _rehearse(chosen: Choice, run: Callable[[], Any], output_format: str) -> int:
    """Run a command without its output, and print what it would have sent."""
    from trainshed.targets import Supposed

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), contextlib.suppress(Supposed):
        run()
    show_rehearsal(chosen, output_format)
    return 0


def _words(context: click.Context) -> list[str]:
    """Answer the command as it is typed, without the program's name."""
    words: list[str] = []
    found: click.Context | None = context
    while found is not None and found.parent is not None:
        words.insert(0, found.info_name or "")
        found = found.parent
    return words


def _caller(chosen: Choice) -> str:
    try:
        return chosen.credentials.principal
    except TrainshedError:
        return ""


def _bound_images(found: settings.Settings) -> dict[str, str]:
    """Ask the server of this machine, if one runs, which image names stand for environments."""
    address = home.read_address(found.home)
    if not address:
        return {}
    try:
        images = Client(address).call("GET", "/trainshed/v1/images")["images"]
    except TrainshedError:
        return {}
    return {binding["image"]: binding["environment"] for binding in images}


def _first(names: tuple[str, ...]) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")
