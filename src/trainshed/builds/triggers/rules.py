"""What starts a build: pushes by branch and tag patterns (RE2) and file globs, messages, webhooks, a hand. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from trainshed.builds.globs import matches
from trainshed.builds.substitutions import check_keys
from trainshed.builds.triggers import cel, payload
from trainshed.errors import Finding, InvalidArgument

_NO_CONNECTION = "needs a repository connection, which there is none of here; give the repository itself"
_NOT_OFFERED = {
    "repositoryEventConfig": _NO_CONNECTION + ": github, or triggerTemplate.repoName",
    "sourceToBuild.repository": _NO_CONNECTION + " as sourceToBuild.uri",
    "gitFileSource.repository": _NO_CONNECTION + " as gitFileSource.uri",
    "github.pullRequest": "is not offered here; a trigger watches pushes: give github.push",
}
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,63}")
_QUIET = re2.Options()
_QUIET.log_errors = False  # what is wrong is said to whoever typed it, and not on the server's terminal too
_TOPIC = re.compile(r"projects/[^/]+/topics/[^/]+")
_SECRET = re.compile(r"projects/[^/]+/secrets/[\w-]+/versions/[\w-]+")
_CONFIGS = ("cloudbuild.yaml", "cloudbuild.yml", "cloudbuild.json")


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What a build trigger looks at, and what it builds."""

    repository: str = ""  # path or URL; empty: there is none
    ref: str = ""  # what an event that is not a push builds of it; empty: its default branch
    branch: str = ""
    tag: str = ""
    inverted: bool = False
    included: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    filename: str = ""
    topic: str = ""  # its messages start builds
    secret: str = ""  # version of the secret of its webhook; empty: it has none

    @property
    def is_polled(self) -> bool:
        """Whether pushes start builds."""
        return bool(self.repository and (self.branch or self.tag))

    @property
    def watched(self) -> tuple[str | bool, ...]:
        """Which pushes it sees at all; none of it counts where none start builds."""
        return (self.repository, self.branch, self.tag, self.inverted) if self.is_polled else ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether to build, and why."""

    builds: bool
    reason: str


def read(document: Mapping[str, Any]) -> Watch:
    """Read Google's BuildTrigger document; it has been checked."""
    template = document.get("triggerTemplate") or {}
    github = document.get("github") or {}
    push = github.get("push") or {}
    source = document.get("sourceToBuild") or {}
    url = f"https://github.com/{github.get('owner', '')}/{github['name']}" if github.get("name") else ""
    return Watch(
        repository=template.get("repoName") or url or source.get("uri", ""),
        ref=source.get("ref", ""),
        branch=template.get("branchName") or push.get("branch", ""),
        tag=template.get("tagName") or push.get("tag", ""),
        inverted=bool(template.get("invertRegex") or push.get("invertRegex")),
        included=tuple(document.get("includedFiles") or ()),
        ignored=tuple(document.get("ignoredFiles") or ()),
        filename=document.get("filename") or (document.get("gitFileSource") or {}).get("path", ""),
        topic=(document.get("pubsubConfig") or {}).get("topic", ""),
        secret=(document.get("webhookConfig") or {}).get("secret", ""),
    )


def check(document: Mapping[str, Any]) -> list[Finding]:
    """Find what is wrong with a BuildTrigger document."""
    watch = read(document)
    findings = []
    name = str(document.get("name", ""))
    if not _NAME.fullmatch(name):
        wrong = f"{name!r} is not a name" if name else "is needed"
        findings.append(_error("name", f"{wrong}: letters, digits and '-', 64 at most"))
    branch, tag = _places(document)
    for path, pattern in ((branch, watch.branch), (tag, watch.tag)):
        try:
            re2.compile(pattern, _QUIET)
        except re2.error as error:
            findings.append(_error(path, f"{pattern!r} is not an RE2 pattern: {_said(error)}"))
    template = document.get("triggerTemplate") or {}
    if template and not (watch.branch or watch.tag or template.get("commitSha")):
        findings.append(_error(branch, "is needed, or triggerTemplate.tagName: a pattern of what is watched"))
    findings += [_error(path, why) for path, why in _NOT_OFFERED.items() if _at(document, path)]
    findings += _check_github(document.get("github") or {})
    findings += _check_events(document, watch)
    if watch.branch and watch.tag:
        findings.append(_error(tag, "a trigger watches branches or tags; remove one"))
    if not document.get("build") and not watch.filename and not watch.repository:
        findings.append(_error("filename", "is needed, or build, or a repository to look for cloudbuild.yaml in"))
    return findings


def _places(document: Mapping[str, Any]) -> tuple[str, str]:
    """Answer where a document has the pattern of its branches, and of its tags."""
    if document.get("github"):
        return "github.push.branch", "github.push.tag"
    return "triggerTemplate.branchName", "triggerTemplate.tagName"


def _check_github(github: Mapping[str, Any]) -> Iterator[Finding]:
    for one, other in (("owner", "name"), ("name", "owner")):
        if github.get(other) and not github.get(one):
            yield _error(f"github.{one}", f"is needed beside github.{other}")


def _check_events(document: Mapping[str, Any], watch: Watch) -> Iterator[Finding]:
    kinds = [name for name in ("pubsubConfig", "webhookConfig") if document.get(name)]
    kinds += ["branches and tags"] if watch.branch or watch.tag else []
    if len(kinds) > 1:
        yield _error(kinds[0], f"a trigger has one kind of event; there are {' and '.join(kinds)}")
    if "pubsubConfig" in kinds and not _TOPIC.fullmatch(watch.topic):
        yield _error("pubsubConfig.topic", f"{watch.topic!r} is not of the form projects/P/topics/T")
    if "webhookConfig" in kinds and not _SECRET.fullmatch(watch.secret):
        yield _error("webhookConfig.secret", f"{watch.secret!r} is not of the form projects/P/secrets/S/versions/V")
    yield from check_keys(document.get("substitutions") or {})
    yield from payload.check(document.get("substitutions") or {})
    if text := document.get("filter"):
        try:
            cel.read(text)
        except InvalidArgument as error:
            yield from (_error("filter", violation.description) for violation in error.violations)


def _at(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = (value or {}).get(part)
    return value


def checked(document: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the document. Raises InvalidArgument with all findings."""
    if findings := check(document):
        raise InvalidArgument.findings(findings, reason="TRIGGER_INVALID")
    return dict(document)


def watches(watch: Watch, ref: str) -> bool:
    """Whether the trigger looks at `refs/heads/…` or `refs/tags/…`. Google matches anywhere in the name."""
    is_branch = ref.startswith("refs/heads/")
    name = short_ref(ref)
    pattern = watch.branch if is_branch else watch.tag
    if not watch.is_polled or not pattern:
        return False
    return bool(re2.search(pattern, name)) != watch.inverted


def short_ref(ref: str) -> str:
    """Answer the branch's or tag's own name."""
    return ref.split("/", 2)[2] if ref.startswith("refs/") else ref


def decide(watch: Watch, changed: Sequence[str] | None) -> Verdict:
    """Judge the changed files of a push; None where they are unknown, which builds."""
    if changed is None or not (watch.included or watch.ignored):
        return Verdict(builds=True, reason="the ref matches")
    left = [f for f in changed if not any(matches(g, f) for g in watch.ignored)]
    if changed and not left:
        return Verdict(builds=False, reason=f"all {len(changed)} changed files are ignored ({some(watch.ignored)})")
    if not watch.included:
        return Verdict(builds=True, reason=f"{some(left) or 'the ref'} is not ignored")
    wanted = [f for f in left if any(matches(g, f) for g in watch.included)]
    if wanted:
        return Verdict(builds=True, reason=f"{some(wanted)} is included by {some(watch.included)}")
    return Verdict(builds=False, reason=f"no changed file is included by {some(watch.included)}")


def concerns(watch: Watch, path: str) -> bool:
    """Whether a file is the trigger's business, by the files that it includes and ignores."""
    if any(matches(glob, path) for glob in watch.ignored):
        return False
    return not watch.included or any(matches(glob, path) for glob in watch.included)


def config_names(watch: Watch) -> tuple[str, ...]:
    """Answer the file names to try for the build config, in order."""
    return (watch.filename,) if watch.filename else _CONFIGS


def some(items: Sequence[str]) -> str:
    """Name three of them at most."""
    return ", ".join(items[:3]) + (f" and {len(items) - 3} more" if len(items) > 3 else "")  # noqa: PLR2004


def _said(error: Exception) -> str:
    """Answer what the library says, which it says in bytes."""
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _error(path: str, message: str) -> Finding:
    return Finding(severity="error", path=path, message=message, anchor="build-triggers")
