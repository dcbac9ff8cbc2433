"""A Dockerfile → what an environment and a source snapshot can stand for. Pure.

`FROM`, `RUN pip install`, `RUN mkdir -p`, `COPY`/`ADD`, `ENV`, `ARG`, `WORKDIR`, `ENTRYPOINT`, `CMD`, and what has no
effect on files (`LABEL`, `EXPOSE`, `USER`, `MAINTAINER`, `SHELL`, `STOPSIGNAL`, `HEALTHCHECK`). Anything else is refused,
naming its line.
"""

import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

_VARIABLE = re.compile(r"\\\$|\$(?:\{(\w+)(?:(:[-+])([^}]*))?\}|(\w+))")
_NO_EFFECT = frozenset({"LABEL", "EXPOSE", "USER", "MAINTAINER", "SHELL", "STOPSIGNAL", "HEALTHCHECK", "VOLUME"})
_PIP = re.compile(r"(?:python[\d.]*\s+-m\s+)?(?:uv\s+)?pip[\d.]*\s+install\s+(.*)", re.DOTALL)
_PIP_IGNORED = frozenset(
    [
        "--no-cache-dir",
        "--upgrade",
        "-U",
        "--quiet",
        "-q",
        "-qq",
        "--user",
        "--no-input",
        "--disable-pip-version-check",
        "--system",
        "--prefer-binary",
        "--ignore-installed",
        "-I",
        "--force-reinstall",
        "--no-warn-script-location",
        "--break-system-packages",
    ]
)
_PIP_IGNORED_WITH_VALUE = frozenset({"--root-user-action", "--timeout", "--retries", "--progress-bar"})


_ENGINE = "needs a container engine, and builds use none, also where one works"


class DockerfileError(ValueError):
    """A line cannot be done without a container engine; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Files of the build context into the snapshot."""

    sources: tuple[str, ...]
    target: str  # absolute path in the image; ends with / for a folder
    line: int


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder to make in the snapshot."""

    path: str


@dataclass(frozen=True, kw_only=True)
class Install:
    """Python packages: requirement lines, or a requirements file of the context or the image."""

    requirements: tuple[str, ...] = ()
    files: tuple[str, ...] = ()  # absolute paths in the image
    line: int = 0


@dataclass(kw_only=True)
class Recipe:
    """What an image is made of."""

    base: str = ""
    actions: list[Copy | Folder | Install] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    workdir: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


def read(text: str, arguments: Mapping[str, str] | None = None) -> Recipe:
    """Read a Dockerfile. Raises DockerfileError naming the line."""
    reader = _Reader(arguments or {})
    for line, instruction, rest in _instructions(text):
        reader.take(line, instruction, rest)
    if not reader.recipe.base:
        raise DockerfileError("there is no FROM line")
    return reader.recipe


class _Reader:
    """Takes one instruction after the other."""

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self.recipe = Recipe()
        self._given = arguments
        self._arguments: dict[str, str] = {}

    def take(self, line: int, instruction: str, rest: str) -> None:
        if instruction in _NO_EFFECT:
            return
        method = getattr(self, f"_{instruction.lower()}", None)
        if method is None:
            raise DockerfileError(f"line {line}: {instruction} {_ENGINE}")
        if instruction not in {"FROM", "ARG"} and not self.recipe.base:
            raise DockerfileError(f"line {line}: {instruction} comes before FROM")
        method(line, rest)

    def _from(self, line: int, rest: str) -> None:
        words = [w for w in self._expand(rest).split() if not w.startswith("--")]
        if self.recipe.base:
            raise DockerfileError(f"line {line}: a second FROM (multi-stage build) {_ENGINE}")
        if not words:
            raise DockerfileError(f"line {line}: FROM names no image")
        self.recipe.base = words[0]

    def _arg(self, _line: int, rest: str) -> None:
        name, _, default = rest.partition("=")
        default = self._expand(default.strip().strip("\"'"))
        self._arguments[name.strip()] = self._given.get(name.strip(), default)

    def _env(self, line: int, rest: str) -> None:
        words = self._words(line, rest)
        if words and "=" not in words[0]:
            name, _, value = rest.strip().partition(" ")
            self.recipe.variables[name] = self._expand(value.strip())
            return
        for word in words:
            name, _, value = word.partition("=")
            self.recipe.variables[name] = self._expand(value)

    def _workdir(self, _line: int, rest: str) -> None:
        self.recipe.workdir = self._absolute(self._expand(rest.strip().strip("\"'")))
        self.recipe.actions.append(Folder(path=self.recipe.workdir))

    def _copy(self, line: int, rest: str) -> None:
        words = self._json(rest) or self._words(line, self._expand(rest))
        for flag in [w for w in words if w.startswith("--")]:
            if flag.startswith(("--from", "--link")):
                raise DockerfileError(f"line {line}: COPY {flag} {_ENGINE}")
        words = [w for w in words if not w.startswith("--")]
        if len(words) < 2:  # noqa: PLR2004  (a source and a target)
            raise DockerfileError(f"line {line}: COPY needs a source and a target")
        *sources, target = words
        folder = target.endswith("/") or target in {".", ".."} or len(sources) > 1
        path = self._absolute(target)
        self.recipe.actions.append(
            Copy(sources=tuple(sources), target=f"{path.rstrip('/')}/" if folder else path, line=line)
        )

    def _add(self, line: int, rest: str) -> None:
        if re.search(r"\w+://|git@", rest) or re.search(r"\.(tar|tgz|tar\.\w+)\s", rest):
            raise DockerfileError(f"line {line}: ADD of an address or an archive {_ENGINE}; use COPY")
        self._copy(line, rest)

    def _entrypoint(self, line: int, rest: str) -> None:
        self.recipe.entrypoint = self._command_words(line, rest)
        self.recipe.command = ()

    def _cmd(self, line: int, rest: str) -> None:
        self.recipe.command = self._command_words(line, rest)

    def _run(self, line: int, rest: str) -> None:
        words = self._json(rest)
        text = shlex.join(words) if words else re.sub(r"^(--\S+\s+)+", "", rest)
        for piece in re.split(r"&&|;", self._expand(text)):
            self._run_one(line, piece.strip())

    def _run_one(self, line: int, command: str) -> None:
        if not command:
            return
        if re.fullmatch(r"mkdir( -p)?( [\w./-]+)+", command):
            folders = [w for w in command.split()[1:] if w != "-p"]
            self.recipe.actions += [Folder(path=self._absolute(f)) for f in folders]
            return
        match = _PIP.fullmatch(command)
        if match is None or re.search(r"[|<>`]|\$\(", command.replace(">=", "").replace("<=", "")) is not None:
            shown = command if len(command) <= 80 else command[:77] + "…"  # noqa: PLR2004
            raise DockerfileError(f"line {line}: RUN {shown} {_ENGINE}; without one RUN is pip install or mkdir -p")
        self.recipe.actions.append(self._pip(line, self._words(line, match[1])))

    def _pip(self, line: int, words: list[str]) -> Install:
        requirements: list[str] = []
        files: list[str] = []
        waiting = iter(words)
        for word in waiting:
            if word in {"-r", "--requirement"}:
                files.append(self._absolute(next(waiting, "")))
            elif word.startswith("--requirement="):
                files.append(self._absolute(word.partition("=")[2]))
            elif word in _PIP_IGNORED or word.partition("=")[0] in _PIP_IGNORED_WITH_VALUE:
                if word in _PIP_IGNORED_WITH_VALUE:
                    next(waiting, None)
            elif word.startswith(("-", ".", "/")):
                raise DockerfileError(f"line {line}: pip install {word} {_ENGINE}; name the packages")
            else:
                requirements.append(word)
        return Install(requirements=tuple(requirements), files=tuple(files), line=line)

    def _command_words(self, line: int, rest: str) -> tuple[str, ...]:
        words = self._json(rest)
        return tuple(words) if words else ("/bin/sh", "-c", rest.strip()) if self._words(line, rest) else ()

    def _absolute(self, path: str) -> str:
        return posixpath.normpath(posixpath.join("/", self.recipe.workdir, path))

    def _expand(self, text: str) -> str:
        values = {**self._arguments, **self.recipe.variables}

        def replace(match: re.Match[str]) -> str:
            if match[0] == "\\$":
                return "$"
            value = values.get(match[1] or match[4], "")
            if match[2] == ":-":
                return value or match[3]
            return (match[3] if value else "") if match[2] == ":+" else value

        return _VARIABLE.sub(replace, text)

    @staticmethod
    def _json(rest: str) -> list[str]:
        if not rest.strip().startswith("["):
            return []
        try:
            words = json.loads(rest)
        except ValueError:
            return []
        return [str(w) for w in words] if isinstance(words, list) else []

    @staticmethod
    def _words(line: int, text: str) -> list[str]:
        try:
            return shlex.split(text)
        except ValueError as error:
            raise DockerfileError(f"line {line}: {error}") from None


def _instructions(text: str) -> list[tuple[int, str, str]]:
    """Join continued lines, leave out comments; answer (line, instruction, rest)."""
    found: list[tuple[int, str, str]] = []
    held, start = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        start = start or number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        instruction, _, rest = (held + line).partition(" ")
        found.append((start, instruction.upper(), rest.strip()))
        held, start = "", 0
    if held:
        instruction, _, rest = held.partition(" ")
        found.append((start, instruction.upper(), rest.strip()))
    return found
