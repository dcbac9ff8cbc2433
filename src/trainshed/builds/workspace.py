"""The folders of one build, and the paths that a container would see, mapped onto them.

`/workspace`, `/builder/home`, `/builder/outputs` and volume paths in args, env and scripts mean folders of the build.
"""

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from trainshed.builds.model import Step
from trainshed.errors import InvalidArgument

_INHERITED = ("PATH", "LANG", "TZ", "TMPDIR", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_INHERITED_PREFIXES = ("LC_", "PIP_", "UV_")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy", "ALL_PROXY")


class Workspace:
    """One build's folder: workspace, home, volumes, outputs, log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.home = folder / "home"
        self.log = folder / "log.txt"

    def prepare(self) -> None:
        """Make the folders, empty."""
        for path in (self.workspace, self.home, self.folder / "outputs", self.folder / "scripts"):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)

    def clear(self) -> None:
        """Remove everything but the log."""
        for path in (self.workspace, self.home, *(self.folder / n for n in ("outputs", "scripts", "volumes"))):
            shutil.rmtree(path, ignore_errors=True)

    def outputs(self, step: Step) -> Path:
        """Answer the step's $BUILDER_OUTPUT."""
        path = self.folder / "outputs" / str(step.number)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def directory(self, step: Step, *, source_dir: str = "") -> Path:
        """Answer the step's working directory, made when missing as Cloud Build does. Raises InvalidArgument."""
        if step.dir.startswith("/"):
            path = Path(self.mapping(step).apply(step.dir))
        else:
            path = self.workspace / source_dir / step.dir
            if not _is_inside(path, self.workspace):
                raise InvalidArgument.field(f"steps[{step.number}].dir", f"{step.dir!r} leaves the workspace")
        path.mkdir(parents=True, exist_ok=True)
        return path

    def mapping(self, step: Step, more: Mapping[str, Path] | None = None) -> "PathMap":
        """Answer what absolute paths mean in this step."""
        places = {"/workspace": self.workspace, "/builder/home": self.home}
        places["/builder/outputs"] = self.outputs(step)
        for volume in step.volumes:
            place = self.folder / "volumes" / volume.name
            place.mkdir(parents=True, exist_ok=True)
            places[volume.path] = place
        return PathMap({**places, **(more or {})})

    def script(self, step: Step, mapping: "PathMap") -> Path:
        """Write the step's script to a file that can be run."""
        text = mapping.apply(step.script)
        path = self.folder / "scripts" / str(step.number)
        shell = shutil.which("bash") or "/bin/sh"
        path.write_text(text if text.startswith("#!") else f"#!{shell} -e\n{text}")
        path.chmod(0o700)
        return path

    def variables(self) -> dict[str, str]:
        """Answer what every step gets from the machine: no secrets of the user's shell, no Python of the server's."""
        inherited = {
            k: v for k, v in os.environ.items() if k in _INHERITED or k in _PROXIES or k.startswith(_INHERITED_PREFIXES)
        }
        return {**inherited, "HOME": str(self.home), "PYTHONUNBUFFERED": "1"}


class PathMap:
    """Absolute paths of the container → folders of this machine."""

    def __init__(self, places: Mapping[str, Path]) -> None:
        self.places = dict(places)
        longest = sorted(self.places, key=len, reverse=True)
        self._pattern = re.compile(r"(?<![\w./-])(" + "|".join(map(re.escape, longest)) + r")(?=$|[^\w.-]|\.(?:$|\s))")

    def apply(self, text: str) -> str:
        """Replace the paths wherever they stand in a text."""
        return self._pattern.sub(lambda m: str(self.places[m[1]]), text)


def read_output(folder: Path, *, limit: int = 50 * 1024) -> bytes:
    """Read the first bytes of $BUILDER_OUTPUT/output."""
    with suppress(OSError), (folder / "output").open("rb") as file:
        return file.read(limit)
    return b""


def _is_inside(path: Path, root: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(root.absolute())  # noqa: PTH100  (links are the user's own)
