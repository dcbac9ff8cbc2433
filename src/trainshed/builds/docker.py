"""`docker build|tag|push|pull` without a container engine: an image is an environment plus a source snapshot.

The snapshot lies in `images/DIGEST/root`, with `image.json` beside it (entrypoint, command). Both parts are addressed by
content, so building the same again finds both and changes nothing.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trainshed.builds import builders, dockerfile, ignore
from trainshed.builds.ports import ImageBook
from trainshed.environments import Binding, Environment, read_requirements
from trainshed.errors import FailedPrecondition, TrainshedError

Say = Callable[[str], None]
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


class _Failed(Exception):
    pass


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
        verbs: dict[str, Callable[[], None]] = {
            "build": lambda: self._build(rest, cwd, say, source),
            "tag": lambda: self._tag(rest, say, source),
            "push": lambda: self._push(rest, say),
            "pull": lambda: self._pull(rest, say),
            "version": lambda: say("Trainshed's stand-in for docker: environments and source snapshots."),
            "login": lambda: say("Login is not needed here."),
        }
        try:
            verbs.get(verb, lambda: _refuse(verb, verbs))()
        except (_Failed, dockerfile.DockerfileError, TrainshedError) as error:
            say(f"ERROR: {error}")
            return 1
        return 0

    def describe(self, name: str) -> Image | None:
        """Answer what stands for an image; None when nothing does."""
        binding = self._book.resolve(name)
        if binding is None:
            return None
        values: dict[str, list[str]] = {}
        if binding.snapshot and (record := Path(binding.snapshot).parent / "image.json").is_file():
            values = json.loads(record.read_text())
        return Image(
            name=name,
            digest=_image_digest(binding),
            binding=binding,
            entrypoint=tuple(values.get("entrypoint", ())),
            command=tuple(values.get("command", ())),
        )

    def _build(self, words: list[str], cwd: Path, say: Say, source: str) -> None:
        tags, file, arguments, context = _build_words(words)
        folder = cwd / context
        path = cwd / file if file else folder / "Dockerfile"
        if not folder.is_dir():
            raise _Failed(f"the build context {context!r} is not a folder")
        if not path.is_file():
            raise _Failed(f"there is no {path.name} in {context!r}")
        recipe = dockerfile.read(path.read_text(errors="replace"), arguments)
        say(f"Builds use no container engine: {path.name} becomes an environment and a source snapshot.")
        base, base_environment, version = self._base(recipe.base)
        self._root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=self._root) as making:
            root = Path(making) / "root"
            _copy_base(base, root)
            requirements = _act(recipe, folder, root, say)
            environment = self._environment(requirements, base_environment, version, say)
            workdir = recipe.workdir or (base.binding.workdir if base else "") or "/"
            variables = {**(base.binding.variables if base else {}), **recipe.variables}
            snapshot = self._keep(Path(making), root, recipe, base)
        for tag in tags:
            self._bind(tag, environment, snapshot, variables, workdir, say, source)

    def _bind(
        self,
        tag: str,
        environment: Environment,
        snapshot: Path,
        variables: Mapping[str, str],
        workdir: str,
        say: Say,
        source: str,
    ) -> None:
        before = self._book.resolve(tag)
        same = before is not None and (
            (before.pattern, before.environment, before.snapshot, dict(before.variables), before.workdir)
            == (tag, environment.digest, str(snapshot), dict(variables), workdir)
        )
        if not same:
            self._book.bind(
                tag,
                environment.digest,
                snapshot=str(snapshot),
                variables=variables,
                workdir=workdir,
                source=source,
            )
        image = self.describe(tag)
        assert image is not None, "an image that was just bound is known"
        how = "Unchanged, reused" if same else "Successfully built"
        say(f"{how}: {image.digest} (environment {environment.digest} and snapshot, not an OCI image)")
        say(f"Successfully tagged {tag}")

    def _base(self, name: str) -> "tuple[Image | None, str, str]":
        image = self.describe(name)
        if image is not None:
            return image, image.binding.environment, ""
        known = builders.known(name)
        if known is not None and known.kind is builders.Kind.PYTHON and not known.entrypoint:
            return None, "", known.version
        raise _Failed(
            f"FROM {name}: this image means nothing here yet; say which environment it is: "
            f"trainshed images bind {name} --packages P,… (or --requirements FILE)"
        )

    def _environment(self, requirements: list[str], base: str, version: str, say: Say) -> Environment:
        try:
            return self._book.ensure(requirements, python=version, base=base, log=say)
        except FailedPrecondition:
            if not version:
                raise
            say(f"WARNING: Python {version} cannot be had here; the server's own version is used.")
            return self._book.ensure(requirements, base=base, log=say)

    def _keep(self, making: Path, root: Path, recipe: dockerfile.Recipe, base: "Image | None") -> Path:
        entrypoint = recipe.entrypoint or (base.entrypoint if base else ())
        command = recipe.command or (base.command if base and not recipe.entrypoint else ())
        record = json.dumps({"entrypoint": entrypoint, "command": command}, sort_keys=True)
        (making / "image.json").write_text(record)
        digest = hashlib.sha256(f"{tree_digest(root)}\n{record}".encode()).hexdigest()[:32]
        kept = self._root / digest
        if not kept.exists():
            copy = self._root / f".kept-{digest}-{os.getpid()}"
            shutil.rmtree(copy, ignore_errors=True)
            copy.mkdir()
            root.replace(copy / "root")
            (making / "image.json").replace(copy / "image.json")
            try:
                copy.rename(kept)
            except OSError:  # somebody else kept the same content at the same time
                shutil.rmtree(copy, ignore_errors=True)
        return kept / "root"

    def _tag(self, words: list[str], say: Say, source: str) -> None:
        if len(words) != 2:  # noqa: PLR2004  (a source and a target)
            raise _Failed("docker tag takes a source and a target image")
        image = self._existing(words[0])
        binding = image.binding
        self._book.bind(
            words[1],
            binding.environment,
            snapshot=binding.snapshot,
            variables=binding.variables,
            workdir=binding.workdir,
            source=source,
        )
        say(f"Tagged {words[1]}")

    def _push(self, words: list[str], say: Say) -> None:
        for name in [w for w in words if not w.startswith("-")]:
            image = self._existing(name)
            say(f"{name}: digest: {image.digest} (kept here: environment and snapshot, not an OCI image)")

    def _pull(self, words: list[str], say: Say) -> None:
        for name in [w for w in words if not w.startswith("-")]:
            if builders.known(name) is None:
                self._existing(name)
            say(f"Status: Image is here: {name}")

    def _existing(self, name: str) -> Image:
        image = self.describe(name)
        if image is None:
            raise _Failed(f"there is no image {name}: build it, or bind it: trainshed images bind {name} --packages …")
        return image


def _refuse(verb: str, verbs: Mapping[str, object]) -> None:
    raise _Failed(f"docker {verb} needs a container engine, and builds use none; there are {', '.join(verbs)}")


def tree_digest(root: Path) -> str:
    """Hash names, contents and executable bits of a folder."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        if path.is_symlink():
            digest.update(f"l {relative} {path.readlink()}\n".encode())
        elif path.is_dir():
            digest.update(f"d {relative}\n".encode())
        else:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"f {relative} {os.access(path, os.X_OK):d} {content}\n".encode())
    return digest.hexdigest()


def _image_digest(binding: Binding) -> str:
    values = asdict(binding)
    parts = [values["environment"], Path(values["snapshot"]).parent.name, values["workdir"]]
    text = json.dumps([*parts, dict(binding.variables)], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _build_words(words: list[str]) -> tuple[list[str], str, dict[str, str], str]:
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
        raise _Failed("docker build needs a folder, such as '.'")
    return tags, file, arguments, context


def _copy_base(base: Image | None, root: Path) -> None:
    if base is not None and base.binding.snapshot:
        shutil.copytree(base.binding.snapshot, root, symlinks=True)
    else:
        root.mkdir()


def _act(recipe: dockerfile.Recipe, context: Path, root: Path, say: Say) -> list[str]:
    """Carry out the recipe on the snapshot's folder; answer the requirement lines."""
    requirements: list[str] = []
    ignored = context / ".dockerignore"
    rules = ignore.rules(ignored.read_text(), anchored=True) if ignored.is_file() else []
    left_in = sorted(ignore.walk(context, rules)) if rules else None
    for action in recipe.actions:
        match action:
            case dockerfile.Folder():
                _inside(root, action.path).mkdir(parents=True, exist_ok=True)
            case dockerfile.Copy():
                for source in action.sources:
                    _copy(context, source, root, action, left_in)
            case dockerfile.Install():
                requirements += action.requirements
                for file in action.files:
                    path = _inside(root, file)
                    if not path.is_file():
                        raise _Failed(f"line {action.line}: there is no {file} in the image; COPY it first")
                    requirements += read_requirements(path)
                say(f"Packages: {', '.join(requirements) or 'none'}")
    return requirements


def _copy(context: Path, source: str, root: Path, action: dockerfile.Copy, left_in: list[Path] | None) -> None:
    found = list(_sources(context, source, left_in))
    if not found:
        raise _Failed(f"line {action.line}: COPY {source}: there is no such file in the build context")
    target = _inside(root, action.target)
    for path in found:
        if path.is_dir() and not path.is_symlink():
            _copy_folder(context, path, target, left_in)
        else:
            into = target / path.name if action.target.endswith("/") or target.is_dir() else target
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, into, follow_symlinks=False)


def _copy_folder(context: Path, folder: Path, target: Path, left_in: list[Path] | None) -> None:
    target.mkdir(parents=True, exist_ok=True)
    files = left_in if left_in is not None else sorted(ignore.walk(context, ignore.rules(".git")))
    for relative in files:
        path = context / relative
        if path.is_relative_to(folder):
            into = target / path.relative_to(folder)
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, into, follow_symlinks=False)


def _sources(context: Path, source: str, left_in: list[Path] | None) -> Iterator[Path]:
    pattern = source.removeprefix("./").lstrip("/").rstrip("/") or "."
    if ".." in Path(pattern).parts:
        raise _Failed(f"COPY {source} leaves the build context")
    if pattern == ".":
        yield context
        return
    for path in sorted(context.glob(pattern)):
        relative = path.relative_to(context)
        if left_in is None or any(f == relative or f.is_relative_to(relative) for f in left_in):
            yield path


def _inside(root: Path, path: str) -> Path:
    found = root / path.lstrip("/")
    if not Path(os.path.realpath(found)).is_relative_to(os.path.realpath(root)):
        raise _Failed(f"{path} leaves the image")
    return found
