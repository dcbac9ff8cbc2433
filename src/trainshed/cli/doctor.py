"""trainshed doctor: what is missing or wrong, on this machine and in a project's files."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainshed.cli import session, target
from trainshed.cli.output import format_option, show
from trainshed.doctor import machine
from trainshed.doctor.machine import Found as Finding
from trainshed.errors import TrainshedError
from trainshed.home import require_home

if TYPE_CHECKING:
    from trainshed.doctor import Defect

_OLDEST = (3, 11)
_MARKS = {"ok": "ok     ", "note": "note   ", "missing": "MISSING"}


@click.command(name="doctor")
@click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="[DIR]"
)
@format_option
def command(folder: Path | None, output_format: str) -> int:
    """Look at this machine and, with DIR, at a project's files. Exit code 1 when something is wrong.

    With --target gcp: at who would ask Google Cloud, and where.
    """
    from trainshed import doctor

    chosen = target.current()
    findings = list(_machine() if chosen is None else _google(chosen))
    defects = doctor.examine(folder) if folder else []
    document = {
        "machine": [asdict(f) for f in findings],
        "defects": [
            {"code": d.kind.code, "path": d.path, "line": d.line, "what": d.what,
             "consequence": d.kind.consequence, "fix": d.fix}
            for d in defects
        ],
    }  # fmt: skip
    show(document, output_format, lambda: _print(findings, defects, folder))
    return 1 if defects or any(f.state == "missing" for f in findings) else 0


def _print(findings: list[Finding], defects: "list[Defect]", folder: Path | None) -> None:
    for finding in findings:
        click.echo(f"{_MARKS[finding.state]} {finding.subject}: {finding.message}")
    if folder is None:
        return
    click.echo()
    for found in defects:
        click.echo(str(found))
        click.echo(f"    consequence: {found.kind.consequence}")
        click.echo(f"    fix: {found.fix}")
    count = len(defects)
    said = f"{count} defect{'' if count == 1 else 's'}" if defects else "No known defect"
    click.echo(f"{said} in {folder.absolute()}.")


def _machine() -> Iterator[Finding]:
    yield _python()
    yield machine.tool("git", shutil.which("git"))
    yield _uv()
    yield _engine()
    yield _ceiling()
    yield from _home()
    yield from _server()


def _google(chosen: target.Choice) -> Iterator[Finding]:
    """Say who would ask Google Cloud, and where; nothing is sent."""
    found = chosen.settings()
    try:
        who = chosen.credentials.principal or "a user's, or of another kind that does not name itself"
        yield Finding(state="ok", subject="credentials", message=who)
        quota = chosen.credentials.quota_project
        yield Finding(state="ok", subject="quota project", message=quota or "each resource's own")
    except TrainshedError as error:
        yield Finding(state="missing", subject="credentials", message=error.message)
    message = found.project or "none is known: give --project, or set TRAINSHED_PROJECT or GOOGLE_CLOUD_PROJECT"
    yield Finding(state="ok" if found.project else "missing", subject="project", message=message)
    yield Finding(state="ok", subject="region", message=found.region)
    if found.api_endpoint_overrides:
        yield Finding(state="note", subject="addresses", message=f"not Google's: {found.api_endpoint_overrides}")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = sys.version_info >= _OLDEST
    return Finding(
        state="ok" if fits else "missing",
        subject="python",
        message=f"{version} at {sys.executable}" if fits else f"{version}; Trainshed needs 3.11 or newer",
    )


def _uv() -> Finding:
    from uv import find_uv_bin

    try:
        return machine.tool("uv", str(find_uv_bin()))
    except FileNotFoundError:
        return machine.tool("uv", None)


def _engine() -> Finding:
    from trainshed.runners.containers.engines import Engines

    settings = session.current_settings()
    engines = Engines(settings.engine, settings.engine_options)
    if (found := engines.current()) is not None:
        who = ", rootless" if found.is_rootless else ""
        message = f"{found.name} at {found.program}{who}: images that are not bound run in it"
        return Finding(state="ok", subject="container engine", message=message)
    why = "; ".join(engines.why_not) or "TRAINSHED_ENGINE is none"
    message = f"none is used ({why}): images stand for environments, which is enough for Python"
    return Finding(state="note", subject="container engine", message=message)


def _ceiling() -> Finding:
    from trainshed.functions import ceiling

    made = ceiling.make(f"doctor-{os.getpid()}")
    made.remove()
    return machine.ceiling(has_group=made.group is not None, has_limit=os.geteuid() != 0)


def _home() -> Iterator[Finding]:
    home = session.current_settings().home
    existing = next(path for path in (home, *home.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        message = f"{home} cannot be written; set TRAINSHED_HOME to a folder of yours"
        yield Finding(state="missing", subject="home", message=message)
        return
    try:
        require_home(home)
    except TrainshedError as error:
        yield Finding(state="missing", subject="home", message=error.message)
        return
    yield Finding(state="ok", subject="home", message=f"{home}" + ("" if home.exists() else " (made at first use)"))
    yield machine.disk(shutil.disk_usage(existing).free, str(existing))


def _server() -> Iterator[Finding]:
    """Say where the server of this home is, and what it finds of itself; without one, whether it could start."""
    from trainshed import home

    address = home.read_address(session.current_settings().home)
    if not address:
        message = "none runs on this home: schedules do not fire and nothing goes on until `trainshed up`"
        yield Finding(state="note", subject="server", message=message)
        yield _port()
        return
    yield Finding(state="ok", subject="server", message=f"answers on {address}")
    try:
        with session.connect() as client:
            parts = client.call("GET", "/", query={"format": "json"})["parts"]
    except TrainshedError as error:
        yield Finding(state="missing", subject="server", message=f"does not say how it is: {error.message}")
        return
    rows: list[list[Any]] = next((part["rows"] for part in parts if part["id"] == "unwell"), [])
    for badge, text, *_ in rows:
        yield Finding(state="missing" if badge["state"] == "FAILED" else "note", subject="server", message=text)


def _port() -> Finding:
    settings = session.current_settings()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            message = f"{settings.port} is in use by something else; start with --port 0 or set TRAINSHED_PORT"
            return Finding(state="note", subject="port", message=message)
    return Finding(state="ok", subject="port", message=f"{settings.port} is free")
