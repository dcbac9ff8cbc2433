"""What a container gets of this machine, as options of `create`: folders, network, variables, limits, a user."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainshed.runners.containers.engines import Engine, EngineFailed
from trainshed.runners.contract import Container, Launch, Limits

VARIABLES = "variables"  # file of a container's private folder
_GCS = "/gcs"  # where KFP's own executor looks for `gs://`
_OBJECT_STORES = ("s3", "minio", "oci")  # and for these, below folders of their own
_PLAIN_EXTRA = "\"'`\\#\n\r\0"  # what engines read differently in a file of variables
# variables that the engine's own command line heeds: these must not reach it
_HEEDED = ("PATH", "HOME", "TMPDIR", "USER", "LD_", "XDG_", "DOCKER_", "BUILDAH_", "CONTAINER", "PODMAN_", "STORAGE_")
_DEFAULTS = {"PYTHONUNBUFFERED": "1"}  # a log is read while it grows


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """Folders of a home that containers may look into."""

    buckets: Path
    reach: Sequence[Path]  # certificates and credentials by which Google's clients find this server


@dataclass(frozen=True, kw_only=True)
class Confined:
    """How a container is to be made."""

    words: tuple[str, ...]  # options
    named: Mapping[str, str]  # variables that the words name, and that the engine's command line is given


def confine(
    launch: Launch, work: Container, engine: Engine, grounds: Grounds, *, private: Path, image_user: str
) -> Confined:
    """Answer the options for an attempt; its variables lie in `private` afterwards. Raises EngineFailed, OSError."""
    user = _user(engine, image_user, uid=os.getuid(), gid=os.getgid())
    home = {"HOME": "/tmp"} if "--user" in user else {}  # noqa: S108  (whom the image does not know has no home in it)
    variables = {**_DEFAULTS, **home, **launch.variables}
    variables["TRAINSHED_ATTEMPT"] = f"{launch.task_id}@{launch.attempt}"
    plain, named = _sorted_out(variables)
    file = private / VARIABLES
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
        opened.writelines(f"{name}={value}\n" for name, value in plain.items())
    words = [
        *_network(engine.options),
        "--security-opt",
        "label=disable",  # where SELinux is, folders of this machine would be out of bounds
        *user,
        "--env-file",
        str(file),
        *(word for name in named for word in ("--env", name)),
        *(word for mount in _mounts(launch, work, grounds) for word in ("--mount", mount)),
        *_limits(launch.limits, engine.controllers),
    ]
    return Confined(words=tuple(words), named=named)


def accelerators(engine: Engine, devices: Sequence[str]) -> list[str]:
    """Answer the options for accelerators of its own; without any it sees none."""
    if not devices:
        return []
    if engine.name == "docker":
        return ["--gpus", f'"device={",".join(devices)}"']
    return [word for device in devices for word in ("--device", f"nvidia.com/gpu={device}")]


def _network(options: Sequence[str]) -> list[str]:
    """Choose this machine's network, where the server is, unless the user wants another."""
    is_given = any(option.partition("=")[0] in {"--network", "--net"} for option in options)
    return [] if is_given else ["--network", "host"]


def _user(engine: Engine, image_user: str, *, uid: int, gid: int) -> list[str]:
    """Let files belong to whoever runs this server.

    Root of a rootless engine is that user already, and where the server runs as root nothing is in the way. A user that
    the image names is made the invoking one by podman. Docker cannot do so: there the invoking user takes the place of
    whom the image names, root included.
    """
    if any(option.partition("=")[0] in {"--user", "-u", "--userns"} for option in engine.options):
        return []
    name, _, group = image_user.partition(":")
    is_root = name in {"", "0", "root"}
    if engine.is_rootless:
        if is_root:
            return []
        if engine.name == "docker":
            return ["--user", "0:0"]
        mapped = f":uid={name},gid={group if group.isdigit() else name}" if name.isdigit() else ""
        return ["--userns", f"keep-id{mapped}"]
    return [] if uid == 0 else ["--user", f"{uid}:{gid}"]


def _limits(limits: Limits, controllers: Sequence[str]) -> Iterator[str]:
    if limits.cpus and "cpu" in controllers:
        yield from ("--cpus", f"{min(limits.cpus, float(os.cpu_count() or 1)):g}")
    if limits.memory_bytes and "memory" in controllers:
        yield from ("--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes))


def _mounts(launch: Launch, work: Container, grounds: Grounds) -> Iterator[str]:
    for folder in dict.fromkeys((launch.folder, launch.mount, *work.folders)):
        if folder == launch.folder or not folder.is_relative_to(launch.folder):
            yield _bind(folder, folder)
    yield _bind(launch.mount, _GCS)
    for scheme in _OBJECT_STORES:
        if f"{scheme}://" in launch.executor_input:
            below = launch.mount / ".s3"
            below.mkdir(exist_ok=True)
            yield _bind(below, f"/{scheme}")
    for folder in _linked(launch.mount, grounds.buckets):
        yield _bind(folder, folder, is_read_only=True)
    for path, is_read_only in _reach(launch.variables, grounds.reach):
        yield _bind(path, path, is_read_only=is_read_only)


def _linked(mount: Path, buckets: Path) -> list[Path]:
    """Answer the buckets that links to inputs lead to."""
    found: dict[Path, None] = {}
    for folder, folders, files in os.walk(mount):
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118  (once for each input)
            if os.path.islink(path):  # noqa: PTH114
                target = Path(os.readlink(path))  # noqa: PTH115
                if target.is_relative_to(buckets) and target != buckets:
                    found[buckets / target.relative_to(buckets).parts[0]] = None
    return list(found)


def _reach(variables: Mapping[str, str], folders: Sequence[Path]) -> list[tuple[Path, bool]]:
    """Answer the files that variables lead Google's clients to; a folder is the tool's own to write to."""
    found: dict[Path, bool] = {}
    for value in variables.values():
        path = Path(value)
        is_ours = any(path.is_relative_to(folder) and path != folder for folder in folders)
        if is_ours and ".." not in path.parts and path.exists():
            found[path] = not path.is_dir()
    return list(found.items())


def _bind(source: Path, target: Path | str, *, is_read_only: bool = False) -> str:
    fields = ["type=bind", f"source={source}", f"target={target}", *(["readonly"] if is_read_only else [])]
    return ",".join(f'"{each.replace(chr(34), chr(34) * 2)}"' if {",", '"'} & set(each) else each for each in fields)


def _sorted_out(variables: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Tell variables that a file can carry from those that are named, with their values in the engine's own variables.

    Neither shows them to whoever lists processes. Raises EngineFailed for one that can go neither way.
    """
    plain: dict[str, str] = {}
    named: dict[str, str] = {}
    for name, value in variables.items():
        if not name or "=" in name or any(char.isspace() or char == "\0" for char in name) or name[0] == "#":
            raise EngineFailed(f"{name!r} cannot be the name of a variable in a container")
        if not set(value) & set(_PLAIN_EXTRA) and value == value.strip():
            plain[name] = value
        elif name.startswith(_HEEDED) or "\0" in value:
            raise EngineFailed(f"the variable {name} has lines or quotes, which it cannot have in a container")
        else:
            named[name] = value
    return plain, named
