"""What an image name means where there is no container engine: a host tool, an environment, our own command. Pure.

Order: an image that is bound (by a build, or by hand) is its environment; then the well-known builders below.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a step of this image runs."""

    HOST = "host"  # programs of this machine
    PYTHON = "python"  # an environment with pip, packages kept in the build's home
    DOCKER = "docker"  # docker's own commands, emulated


@dataclass(frozen=True, kw_only=True)
class Builder:
    """A well-known image."""

    kind: Kind = Kind.HOST
    entrypoint: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # programs that must be on this machine
    version: str = ""  # of python, as the tag says


_TOOLS = {  # gcr.io/cloud-builders/NAME runs the tool of that name
    "git": "git",
    "curl": "curl",
    "wget": "wget",
    "npm": "npm",
    "yarn": "yarn",
    "go": "go",
    "mvn": "mvn",
    "javac": "javac",
    "kubectl": "kubectl",
    "bazel": "bazel",
    "gradle": "gradle",
    "dotnet": "dotnet",
}
_OURS = ("gsutil", "gcloud")  # shims on PATH lead to our own commands
_SHELLS = ("ubuntu", "debian", "alpine", "busybox", "bash", "sh", "fedora", "rockylinux", "amazonlinux")
_SHELL_PREFIXES = ("launcher.gcr.io/google/", "gcr.io/cloud-marketplace/google/", "marketplace.gcr.io/google/")
_SDKS = (
    "gcr.io/google.com/cloudsdktool/cloud-sdk",
    "gcr.io/google.com/cloudsdktool/google-cloud-cli",
    "google/cloud-sdk",
)
_LANGUAGES = {"node": "node", "golang": "go", "maven": "mvn", "gradle": "gradle", "openjdk": "java", "rust": "cargo"}
_OTHERS = {"curlimages/curl": "curl", "alpine/git": "git", "bitnami/git": "git", "bitnami/kubectl": "kubectl"}


def known(image: str) -> Builder | None:  # noqa: PLR0911  (one return per family of images)
    """Answer what a well-known image means; None for every other."""
    name, tag = _split(image)
    family, _, short = name.rpartition("/")
    if family in {"gcr.io/cloud-builders", "cloud-builders"}:
        return _official(short, tag)
    if name in _SDKS:
        return Builder(needs=("bash",))
    if name in _OTHERS:
        return Builder(entrypoint=(_OTHERS[name],), needs=(_OTHERS[name],))
    if name == "python":
        return Builder(kind=Kind.PYTHON, version=_version(tag))
    if name == "docker":
        return Builder(kind=Kind.DOCKER, entrypoint=("docker",))
    if name == "bash":
        return Builder(entrypoint=(), needs=("bash",))
    if name in _SHELLS or name.startswith(_SHELL_PREFIXES):
        return Builder(needs=("sh",))
    if name in _LANGUAGES:
        return Builder(needs=(_LANGUAGES[name],))
    return None


def _official(short: str, tag: str) -> Builder | None:  # noqa: PLR0911  (one return per builder)
    if short in _OURS:
        return Builder(entrypoint=(short,))
    if short == "docker":
        return Builder(kind=Kind.DOCKER, entrypoint=("docker",))
    if short == "python":
        return Builder(kind=Kind.PYTHON, entrypoint=("python",), version=_version(tag))
    if short == "pip":
        return Builder(kind=Kind.PYTHON, entrypoint=("pip",))
    if short == "bash":
        return Builder(entrypoint=("bash",), needs=("bash",))
    if short in _TOOLS:
        return Builder(entrypoint=(_TOOLS[short],), needs=(_TOOLS[short],))
    return None


def _split(image: str) -> tuple[str, str]:
    rest = image.partition("@")[0]
    head, colon, tag = rest.rpartition(":")
    name, tag = (head, tag) if colon and "/" not in tag else (rest, "")
    for prefix in ("index.docker.io/", "docker.io/", "library/"):
        name = name.removeprefix(prefix)
    return name, tag


def _version(tag: str) -> str:
    """Answer `3.11` of `3.11-slim`; nothing of `latest`, `3` or `slim`."""
    parts = tag.split("-", 1)[0].split(".")
    return ".".join(parts[:2]) if len(parts) > 1 and all(p.isdigit() for p in parts[:2]) else ""
