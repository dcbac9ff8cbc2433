"""Where the code of a containerised Python component is: `kfp_config.ini` in its image's working directory says so."""

import configparser
from dataclasses import replace
from pathlib import Path

from trainshed import ir
from trainshed.environments import Binding
from trainshed.errors import Finding

_FILE = "kfp_config.ini"  # written by `kfp component build`
_SECTION = "Components"


def located(work: ir.Python | ir.Shell, binding: Binding | None) -> ir.Python | ir.Shell:
    """Answer a component with its module as a file of this machine; without one where the image does not tell."""
    if binding is None or not isinstance(work, ir.Python) or work.source:
        return work
    module = work.module or _components(_inside(binding)).get(work.function, "")
    return replace(work, module=_here(module, binding) if module else "")


def is_lost(work: ir.Python | ir.Shell) -> bool:
    """Whether nobody knows where a component's code is."""
    return isinstance(work, ir.Python) and not work.source and not work.module


def missing(path: str, task: ir.Task, work: ir.Python | ir.Shell) -> Finding:
    """Say that an image does not tell where a component is."""
    assert isinstance(work, ir.Python)
    message = (
        f"task {path!r} runs {work.function!r} out of image {task.image!r}, whose {_FILE} does not say in which file it is:"
        " build the image with `trainshed builds submit` from the folder in which `kfp component build` wrote that file"
    )
    return Finding(severity="error", path=f"tasks.{path}", message=message, anchor="images")


def _inside(binding: Binding) -> Path | None:
    return Path(binding.snapshot, binding.workdir.strip("/")) if binding.snapshot else None


def _components(folder: Path | None) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of functions have capitals
    if folder is not None:
        try:
            parser.read(folder / _FILE, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            return {}
    return dict(parser[_SECTION]) if parser.has_section(_SECTION) else {}


def _here(module: str, binding: Binding) -> str:
    """Turn a path in the image into one of this machine; an image without files of its own has those of the machine."""
    folder = _inside(binding)
    if folder is None:
        return module
    return str(Path(binding.snapshot, module.lstrip("/")) if module.startswith("/") else folder / module)
