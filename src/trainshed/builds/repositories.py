"""Git repositories by path or URL: what their refs are, their commits in a bare mirror, files and changes of a commit."""

import hashlib
import logging
import os
import shutil
import signal
import subprocess
import threading
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound

log = logging.getLogger(__name__)
_QUICK_SECONDS = 60
_FETCH_SECONDS = 900


class Repositories:
    """Bare mirrors below one folder. Methods block, and may be called from several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._making = threading.Lock()
        self._fetching: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)

    def refs(self, url: str) -> dict[str, str]:
        """Answer branches and tags (peeled) with their commits. Raises FailedPrecondition when it cannot be read."""
        text = git(["ls-remote", "--heads", "--tags", "--", address(url)], timeout=_QUICK_SECONDS)
        found: dict[str, str] = {}
        for line in text.splitlines():
            sha, _, ref = line.partition("\t")
            if ref.endswith("^{}") or ref not in found:
                found[ref.removesuffix("^{}")] = sha
        return found

    def fetch(self, url: str) -> Path:
        """Bring everything new into the mirror; answer its folder. Commits that a force-push dropped stay."""
        mirror = self._mirror(url)
        refspecs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        with self._fetching[mirror]:  # two fetches into one mirror trip over each other's locks
            git(["fetch", "--quiet", "--prune", "--no-auto-gc", address(url), *refspecs], cwd=mirror)
        return mirror

    def commits(self, url: str, old: str, new: str) -> list[str]:
        """Answer the commits that `new` has and `old` has not, oldest first."""
        mirror = self._mirror(url)
        text = git(["rev-list", "--reverse", "--topo-order", "--max-count=500", new, f"^{old}"], cwd=mirror)
        return text.split()

    def is_ancestor(self, url: str, old: str, new: str) -> bool:
        """Whether `new` contains `old`; not after a force-push."""
        result = _run(["merge-base", "--is-ancestor", old, new], cwd=self._mirror(url), timeout=_QUICK_SECONDS)
        return result.returncode == 0

    def fork_point(self, url: str, new: str, others: Sequence[str]) -> str:
        """Answer where a new branch left the others; empty when it shares nothing with them."""
        if not others:
            return ""
        result = _run(["merge-base", new, *others], cwd=self._mirror(url), timeout=_QUICK_SECONDS)
        return result.stdout.split()[0] if result.returncode == 0 and result.stdout.split() else ""

    def changed(self, url: str, old: str, new: str) -> list[str]:
        """Answer the files that differ between two commits; all files when `old` is empty."""
        if not old:
            text = git(["ls-tree", "-r", "-z", "--name-only", new], cwd=self._mirror(url))
        else:
            text = git(["diff", "--name-only", "--no-renames", "-z", old, new], cwd=self._mirror(url))
        return [name for name in text.split("\0") if name]

    def describe(self, url: str, sha: str) -> dict[str, Any]:
        """Answer what a commit says of itself, as GitHub's push event has it."""
        text = git(["show", "--no-patch", "--format=%aI%n%an%n%ae%n%B", sha], cwd=self._mirror(url))
        time, name, email, *message = text.split("\n")
        author = {"name": name, "email": email}
        return {"id": sha, "timestamp": time, "author": author, "message": "\n".join(message).strip()}

    def file(self, url: str, sha: str, path: str) -> bytes | None:
        """Answer a file at a commit; None when it is not there."""
        mirror = self._mirror(url)
        result = subprocess.run(
            ["git", "cat-file", "blob", f"{sha}:{path}"],
            cwd=mirror,
            env=_environment(),
            capture_output=True,
            check=False,
        )
        return result.stdout if result.returncode == 0 else None

    def resolve(self, url: str, revision: str) -> str:
        """Answer the commit of a branch, tag or (short) commit id, fetching first. Raises NotFound."""
        mirror = self.fetch(url)
        wanted = revision or "HEAD"
        if not revision:
            wanted = git(["ls-remote", "--", address(url), "HEAD"], timeout=_QUICK_SECONDS).partition("\t")[0]
        for candidate in (f"refs/heads/{wanted}", f"refs/tags/{wanted}", wanted):
            result = _run(["rev-parse", "--verify", "--quiet", f"{candidate}^{{commit}}"], cwd=mirror)
            if result.returncode == 0:
                return result.stdout.strip()
        if not wanted:
            raise NotFound(f"The repository {url} has no commits yet; push one.")
        raise NotFound(f"The repository {url} has no branch, tag or commit {revision!r}.")

    def check_out(self, url: str, sha: str, target: Path) -> None:
        """Put the files of a commit into a folder, as a shallow repository of its own."""
        mirror = self._mirror(url)
        git(["init", "--quiet", str(target)])
        git(["fetch", "--quiet", "--depth", "1", str(mirror), sha], cwd=target)
        git(["-c", "advice.detachedHead=false", "checkout", "--quiet", "FETCH_HEAD"], cwd=target)
        git(["remote", "add", "origin", address(url)], cwd=target)

    def add_submodules(self, folder: Path) -> None:
        """Bring what a checked out commit names as submodules."""
        git(["submodule", "update", "--quiet", "--init", "--recursive", "--depth", "1"], cwd=folder)

    def _mirror(self, url: str) -> Path:
        mirror = self._root / f"{hashlib.sha256(address(url).encode()).hexdigest()[:16]}.git"
        with self._making:
            if not (mirror / "HEAD").exists():
                self._make(mirror)
        return mirror

    def _make(self, mirror: Path) -> None:
        """Make an empty mirror, complete or not at all."""
        making = mirror.with_name(f".{mirror.name}")
        shutil.rmtree(making, ignore_errors=True)
        self._root.mkdir(parents=True, exist_ok=True)
        git(["init", "--quiet", "--bare", str(making)])
        git(["config", "uploadpack.allowAnySHA1InWant", "true"], cwd=making)
        git(["config", "gc.auto", "0"], cwd=making)  # commits that a force-push dropped stay readable
        making.rename(mirror)


def address(url: str) -> str:
    """Answer what git is given: a path made absolute, a URL as it is. Raises InvalidArgument."""
    if not url or url.startswith("-") or "::" in url:
        raise InvalidArgument.field("repository", f"{url!r} is neither a path nor a URL of a git repository")
    if "://" in url or (":" in url.split("/", 1)[0] and not Path(url).exists()):
        return url
    return str(Path(url).expanduser().absolute())


def git(arguments: Sequence[str], *, cwd: Path | None = None, timeout: float = _FETCH_SECONDS) -> str:
    """Run git; answer what it prints. Raises FailedPrecondition with its last words."""
    result = _run(arguments, cwd=cwd, timeout=timeout)
    if result.returncode != 0:
        words = [line for line in result.stderr.strip().splitlines() if line.strip()][-3:]
        raise FailedPrecondition(f"git {arguments[0]}: {' '.join(words) or 'failed'}", reason="GIT_FAILED")
    return result.stdout


def _run(
    arguments: Sequence[str], *, cwd: Path | None = None, timeout: float = _QUICK_SECONDS
) -> "subprocess.CompletedProcess[str]":
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            cwd=cwd,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # what git starts to talk to a host ends with it
        )
    except FileNotFoundError as error:
        raise FailedPrecondition("git is not on this machine; install it.", reason="GIT_MISSING") from error
    with process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            sentence = f"git {arguments[0]} took longer than {timeout:g} s"
            raise FailedPrecondition(sentence, reason="GIT_FAILED") from error
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in {"GIT_SSH", "GIT_SSH_COMMAND"}}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
