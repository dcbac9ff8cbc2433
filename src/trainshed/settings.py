"""Every setting, its environment variable and its default. Read once, by `app` and the command line."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from trainshed.errors import InvalidArgument


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one server. The environment variable of `home` is TRAINSHED_HOME, and so on."""

    home: Path = Path("~/.trainshed")  # everything durable
    address: str = ""  # http://host:port of a server to use; empty: the one that owns `home`
    token: str = field(default="", repr=False)  # for a server that asks for one; empty: the one that lies in `home`
    host: str = "127.0.0.1"  # interface to listen on; beyond this machine every request needs a token
    port: int = 8484  # 0: any free port
    project: str = "local-project"  # default project of the command line
    region: str = "us-central1"  # default region of the command line
    clock: str = "system"  # or "virtual"
    workers: int = 0  # tasks at once; 0: as many as cores
    accelerators: str = ""  # that tasks may be given, as CUDA numbers them: 0,1; -: none; empty: all there are
    engine: str = "auto"  # for images that are not bound: docker, podman, auto (the first that works), none
    engine_options: str = ""  # more options for its `create`, such as --ulimit nofile=4096:4096 --device /dev/kvm
    lease_seconds: float = 30.0  # how long a worker may be silent
    idle_environment_seconds: float = 600.0  # a warm environment without work ends after this
    poll_seconds: float = 5.0  # safety net behind every wake-up
    git_poll_seconds: float = 10.0  # how often watched repositories are looked at
    grace_seconds: float = 10.0  # between asking a process to end and ending it
    spec_bytes: int = 10_000_000  # largest pipeline spec
    tunnel: str = "*"  # hosts beside Google's that `exec`, builds, functions and tasks may reach through us: patterns; *: all; -: none
    target: str = "local"  # where commands work: local, or gcp, which is Google Cloud
    quota_project: str = (
        ""  # on Google Cloud: the project that requests are counted against; empty: what the credentials say
    )
    api_endpoint_overrides: str = (
        ""  # on Google Cloud: API=ADDRESS,… in place of Google's, as gcloud has them; *: every API
    )
    event_webhook: str = (
        ""  # URL that is told how builds and runs end, as CloudEvents; signed if there is a secret of this name
    )
    trace: bool = False  # a traceback after "internal error" on the command line

    @property
    def database(self) -> Path:
        """The store."""
        return self.home / "trainshed.db"

    @property
    def buckets(self) -> Path:
        """The folder whose folders are buckets."""
        return self.home / "buckets"

    @property
    def runtime(self) -> Path:
        """A short folder for unix sockets, whose paths may not exceed about 100 bytes; see `runtime_folder`."""
        return runtime_folder(self.home)


def is_loopback(host: str) -> bool:
    """Tell whether a host, by name or address, is this machine as seen from itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def runtime_folder(home: Path) -> Path:
    """Answer the folder for sockets of a home directory; private to the user, the same for each start."""
    import hashlib

    digest = hashlib.sha256(str(home).encode()).hexdigest()[:10]
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"trainshed-{os.getuid()}-{digest}"


def load(environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """Read settings: given ones, then TRAINSHED_* variables, then defaults. Raises InvalidArgument."""
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        variable = f"TRAINSHED_{setting.name.upper()}"
        raw = given.get(setting.name)
        if raw is None and variable in environ:
            raw = environ[variable]
        if raw is not None and raw != "":
            values[setting.name] = _convert(raw, setting.default, variable)
    settings = Settings(**values)
    object.__setattr__(settings, "home", settings.home.expanduser().resolve())
    return settings


_KINDS = {int: "whole number", float: "number"}


def _convert(raw: Any, default: Any, variable: str) -> Any:
    kind = type(default)
    try:
        if kind is bool:
            return str(raw).lower() in {"1", "true", "yes"}
        if isinstance(default, Path):
            return Path(raw)
        return kind(raw)
    except ValueError as error:
        raise InvalidArgument.field(variable, f"{raw!r} is not a {_KINDS[kind]}, such as {default}") from error
