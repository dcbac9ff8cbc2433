"""What is said of images that stand for nothing on this machine, and the way out of it."""

import platform
import re
from collections.abc import Iterator, Mapping, Sequence

from trainshed import ir
from trainshed.errors import Finding

_EXECUTOR = "--executor_class_path"
_RELEASE = re.compile(r"tfx-(\d+\.\d+\.\d+)")
_GLIBC = (2, 39)  # asked for by ml-metadata, which TFX needs and which comes as a wheel only
_ELSEWHERE = "use one with Debian 13, Ubuntu 24.04 or newer"
_CONTAINER_MODULE = "tfx.orchestration."


def findings(tasks: Mapping[str, ir.Task], plan: ir.Plan) -> list[Finding]:
    """Say of each task, by path, that its image stands for nothing; of TFX's images, once each, what they need."""
    tasks = {path: task for path, task in tasks.items() if not task.drives}  # which has its task's image
    with_tfx = {path: task for path, task in tasks.items() if _is_tfx(task)}
    found = [_without_tfx(path, task) if path in with_tfx else _unbound(path, task) for path, task in tasks.items()]
    for image in dict.fromkeys(task.image for task in with_tfx.values()):
        users = [task for task in with_tfx.values() if task.image == image]
        found.append(_way_out(image, users, _version(plan)))
    return found


def _unbound(path: str, task: ir.Task) -> Finding:
    image = task.image or "(none)"
    return Finding(
        severity="error",
        path=f"tasks.{path}",
        message=(
            f"task {path!r} runs a command in image {image!r}, which stands for nothing on this machine: bind it "
            f"(`trainshed images bind {task.image or 'IMAGE'} --packages …` or --requirements F), or build it with "
            "`trainshed builds submit`"
        ),
        anchor="images",
    )


def _without_tfx(path: str, task: ir.Task) -> Finding:
    executor = _executor_of(task)
    what = f"TFX's {executor}" if executor.startswith("tfx.") else f"{executor} through TFX" if executor else "TFX"
    return Finding(
        severity="error",
        path=f"tasks.{path}",
        message=f"task {path!r} runs {what}, and its image {task.image!r} stands for no environment with TFX here",
        anchor="tfx",
    )


def _way_out(image: str, tasks: Sequence[ir.Task], version: str) -> Finding:
    wanted = f"tfx[kfp]{f'=={version}' if version else ''}"
    command = f"trainshed images bind {image} --packages '{wanted}' --python 3.11"
    return Finding(
        severity="error",
        path=f"images.{image}",
        message=(
            f"a TFX environment is missing: `{command}` makes one, or give `--environment FOLDER` of one that you "
            f"keep; TFX 1.21 takes about 3 GB, Python 3.10 to 3.13 and glibc {_text(_GLIBC)} or newer, "
            f"{_of_this_machine()}{_own_code(image, tasks)}"
        ),
        anchor="tfx",
    )


def _own_code(image: str, tasks: Sequence[ir.Task]) -> str:
    modules = sorted({path.rpartition(".")[0] for task in tasks if not (path := _executor_of(task)).startswith("tfx.")})
    named = ", ".join(repr(module) for module in modules if module)
    if not named:
        return ""
    return (
        f"; the image also carries the pipeline's own {named}: bind the image that it is built FROM in this way, then "
        f"`trainshed builds submit FOLDER --tag {image}` with the folder of its Dockerfile"
    )


def _of_this_machine() -> str:
    name, version = platform.libc_ver()
    if name != "glibc":
        return f"which this machine does not have, so it cannot be installed here: {_ELSEWHERE}"
    known = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if known >= _GLIBC:
        return f"which this machine has ({version})"
    return f"and cannot be installed on this machine, which has {version}: {_ELSEWHERE}"


def _is_tfx(task: ir.Task) -> bool:
    words = list(_words(task))
    return _EXECUTOR in words or any(word.startswith(_CONTAINER_MODULE) for word in words)


def _executor_of(task: ir.Task) -> str:
    words = list(_words(task))
    return words[words.index(_EXECUTOR) + 1] if _EXECUTOR in words[:-1] else ""


def _words(task: ir.Task) -> Iterator[str]:
    container = task.executor.get("container", {})
    yield from (str(word) for word in (*container.get("command", ()), *container.get("args", ())))


def _version(plan: ir.Plan) -> str:
    found = _RELEASE.fullmatch(plan.sdk_version)
    return found[1] if found else ""


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
