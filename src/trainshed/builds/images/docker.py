"""`docker build|tag|push|pull` without a container engine: an image is an environment plus a source snapshot.

The snapshot lies in `images/DIGEST/root`, with `image.json` beside it (entrypoint, command). Both parts are addressed by
content, so building the same again finds both and changes nothing.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trainshed.builds.images import builders, dockerfile, snapshots
from trainshed.builds.images.snapshots import RECORD, Failed, Say
from trainshed.builds.ports import ImageBook
from trainshed.environments import Binding, Environment
from trainshed.errors import FailedPrecondition, TrainshedError

_WITH_VALUE = frozenset(
    [
        "--cache-from",
        "--platform",
        "--label",
        "--network",
        "--target",
        "--progress",
        "--add-host",
        "--memory",
        "--shm-size",
        "--iidfile",
        "--cache-to",
        "--output",
        "-o",
        "-m",
    ]
)


@dataclass(frozen=True, kw_only=True)
class Image:
    """What stands for an image here."""

    name: str
    digest: str  # of environment and snapshot, not of an OCI image
    binding: Binding
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


class Docker:
    """Emulates the commands that build configs use. Methods block."""

    def __init__(self, root: Path, book: ImageBook) -> None:
        self._root = root
        self._book = book

    def run(self, arguments: Sequence[str], *, cwd: Path, say: Say, source: str) -> int:
        """Carry out one docker command line (without `docker`); answer its exit code."""
        verb, rest = (arguments[0], list(arguments[1:])) if arguments else ("", [])
        if verb == "buildx" and rest[:1] == ["build"]:
            verb, rest = "build", rest[1:]
        command = _Command(self, self._root, self._book, cwd=cwd, say=say, source=source)
        verbs: dict[str, Callable[[], None]] = {
            "build": lambda: command.build(rest),
            "tag": lambda: command.tag(rest),
            "push": lambda: command.push(rest),
            "pull": lambda: command.pull(rest),
            "version": lambda: say("Trainshed's stand-in for docker: environments and source snapshots."),
            "login": lambda: say("Login is not needed here."),
        }
        try:
            verbs.get(verb, lambda: _refuse(verb, verbs))()
        except (Failed, dockerfile.DockerfileError, TrainshedError) as error:
            say(f"ERROR: {error}")
            return 1
        return 0

    def describe(self, name: str) -> Image | None:
        """Answer what stands for an image; None when nothing does."""
        binding = self._book.resolve(name)
        if binding is None:
            return None
        values: dict[str, list[str]] = {}
        if binding.snapshot and (record := Path(binding.snapshot).parent / RECORD).is_file():
            values = json.loads(record.read_text())
        return Image(
            name=name,
            digest=_image_digest(binding),
            binding=binding,
            entrypoint=tuple(values.get("entrypoint", ())),
            command=tuple(values.get("command", ())),
        )


@dataclass(frozen=True, kw_only=True)
class _Content:
    """What an image name is to stand for."""

    environment: str  # digest
    snapshot: str
    variables: Mapping[str, str]
    workdir: str

    @classmethod
    def of(cls, binding: Binding) -> "_Content":
        """Read what a name stands for already."""
        return cls(
            environment=binding.environment,
            snapshot=binding.snapshot,
            variables=dict(binding.variables),
            workdir=binding.workdir,
        )


class _Command:
    """One command line being carried out: in a folder, told to somebody, in the name of a build."""

    def __init__(self, docker: Docker, root: Path, book: ImageBook, *, cwd: Path, say: Say, source: str) -> None:
        self._docker = docker
        self._root = root
        self._book = book
        self._cwd = cwd
        self._say = say
        self._source = source

    def build(self, words: list[str]) -> None:
        """Make an environment and a snapshot of a Dockerfile, and bind the tags to them."""
        wanted = _build_words(words)
        folder = self._cwd / wanted.context
        path = self._cwd / wanted.file if wanted.file else folder / "Dockerfile"
        if not folder.is_dir():
            raise Failed(f"the build context {wanted.context!r} is not a folder")
        if not path.is_file():
            raise Failed(f"there is no {path.name} in {wanted.context!r}")
        recipe = dockerfile.read(path.read_text(errors="replace"), wanted.arguments)
        self._say(f"Builds use no container engine: {path.name} becomes an environment and a source snapshot.")
        content = self._content(recipe, folder)
        for tag in wanted.tags:
            self._tag_built(tag, content)

    def tag(self, words: list[str]) -> None:
        """Let a second name stand for an image."""
        if len(words) != 2:  # noqa: PLR2004  (a source and a target)
            raise Failed("docker tag takes a source and a target image")
        self._bind(words[1], _Content.of(self._existing(words[0]).binding))
        self._say(f"Tagged {words[1]}")

    def push(self, words: list[str]) -> None:
        """Say what is kept here under each name."""
        for name in [w for w in words if not w.startswith("-")]:
            image = self._existing(name)
            self._say(f"{name}: digest: {image.digest} (kept here: environment and snapshot, not an OCI image)")

    def pull(self, words: list[str]) -> None:
        """See that each name means something."""
        for name in [w for w in words if not w.startswith("-")]:
            if builders.known(name) is None:
                self._existing(name)
            self._say(f"Status: Image is here: {name}")

    def _content(self, recipe: dockerfile.Recipe, folder: Path) -> _Content:
        base, base_environment, version = self._base(recipe.base)
        below = _Content.of(base.binding) if base else None
        entrypoint = recipe.entrypoint or (base.entrypoint if base else ())
        command = recipe.command or (base.command if base and not recipe.entrypoint else ())
        self._root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=self._root) as making:
            root = Path(making) / "root"
            requirements = snapshots.make(recipe, folder, root, base=below.snapshot if below else "", say=self._say)
            environment = self._environment(requirements, base_environment, version)
            record = {"entrypoint": entrypoint, "command": command}
            snapshot = snapshots.keep(Path(making), root, self._root, record)
        return _Content(
            environment=environment.digest,
            snapshot=str(snapshot),
            variables={**(below.variables if below else {}), **recipe.variables},
            workdir=recipe.workdir or (below.workdir if below else "") or "/",
        )

    def _tag_built(self, tag: str, content: _Content) -> None:
        before = self._book.resolve(tag)
        is_same = before is not None and before.pattern == tag and _Content.of(before) == content
        if not is_same:
            self._bind(tag, content)
        image = self._existing(tag)
        how = "Unchanged, reused" if is_same else "Successfully built"
        self._say(f"{how}: {image.digest} (environment {content.environment} and snapshot, not an OCI image)")
        self._say(f"Successfully tagged {tag}")

    def _bind(self, name: str, content: _Content) -> None:
        self._book.bind(
            name,
            content.environment,
            snapshot=content.snapshot,
            variables=content.variables,
            workdir=content.workdir,
            source=self._source,
        )

    def _base(self, name: str) -> tuple[Image | None, str, str]:
        """Answer the image that a recipe begins with, its environment and the Python version that it asks for."""
        image = self._docker.describe(name)
        if image is not None:
            return image, image.binding.environment, ""
        known = builders.known(name)
        if known is not None and known.kind is builders.Kind.PYTHON and not known.entrypoint:
            return None, "", known.version
        raise Failed(
            f"FROM {name}: this image means nothing here yet; say which environment it is: "
            f"trainshed images bind {name} --packages P,… (or --requirements FILE)"
        )

    def _environment(self, requirements: list[str], base: str, version: str) -> Environment:
        try:
            return self._book.ensure(requirements, python=version, base=base, log=self._say)
        except FailedPrecondition:
            if not version:
                raise
            self._say(f"WARNING: Python {version} cannot be had here; the server's own version is used.")
            return self._book.ensure(requirements, base=base, log=self._say)

    def _existing(self, name: str) -> Image:
        image = self._docker.describe(name)
        if image is None:
            raise Failed(f"there is no image {name}: build it, or bind it: trainshed images bind {name} --packages …")
        return image


def _refuse(verb: str, verbs: Mapping[str, object]) -> None:
    raise Failed(f"docker {verb} needs a container engine, and builds use none; there are {', '.join(verbs)}")


def _image_digest(binding: Binding) -> str:
    values = asdict(binding)
    parts = [values["environment"], Path(values["snapshot"]).parent.name, values["workdir"]]
    text = json.dumps([*parts, dict(binding.variables)], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True, kw_only=True)
class _BuildWords:
    """What the words of `docker build` ask for."""

    tags: tuple[str, ...]
    file: str  # "": Dockerfile in the context
    arguments: Mapping[str, str]
    context: str


def _build_words(words: list[str]) -> _BuildWords:
    tags: list[str] = []
    file, context = "", ""
    arguments: dict[str, str] = {}
    waiting = iter(words)
    for word in waiting:
        flag, equals, value = word.partition("=") if word.startswith("-") else (word, "", "")
        if flag in {"-t", "--tag"}:
            tags.append(value if equals else next(waiting, ""))
        elif flag in {"-f", "--file"}:
            file = value if equals else next(waiting, "")
        elif flag == "--build-arg":
            name, _, given = (value if equals else next(waiting, "")).partition("=")
            arguments[name] = given or os.environ.get(name, "")
        elif flag in _WITH_VALUE:
            if not equals:
                next(waiting, None)
        elif word.startswith("-") and word != "-":
            continue  # flags that change only how an engine works: --pull, --no-cache, -q, --rm
        else:
            context = word
    if not context:
        raise Failed("docker build needs a folder, such as '.'")
    return _BuildWords(tags=tuple(tags), file=file, arguments=arguments, context=context)
