"""Run one of the shims: translate its command line and become our own command, or the real tool if it is there."""

import os
import runpy
import shutil
import sys
from pathlib import Path

from trainshed.builds.shims import translate
from trainshed.client import Client
from trainshed.errors import TrainshedError


def main(tool: str, words: list[str]) -> int:
    """Carry out a command line of gsutil, gcloud or docker; answer its exit code."""
    if tool == "docker":
        return _docker(words)
    if tool == "gcloud" and words[:3] == ["config", "get-value", "project"]:
        print(os.environ.get("GOOGLE_CLOUD_PROJECT") or os.environ.get("TRAINSHED_PROJECT") or "local-project")  # noqa: T201
        return 0
    try:
        ours = translate.gsutil(words) if tool == "gsutil" else translate.gcloud(words)
    except translate.NotOurs as error:
        return _real(tool, words, str(error))
    if not ours:
        return 0
    sys.argv = ["trainshed", *ours]
    runpy.run_module("trainshed", run_name="__main__", alter_sys=False)
    return 0


def _docker(words: list[str]) -> int:
    build = os.environ.get("TRAINSHED_BUILD", "")
    client = Client(os.environ.get("TRAINSHED_ADDRESS", ""))
    try:
        answer = client.call(
            "POST", f"/trainshed/v1/builds/{build}:docker", {"arguments": words, "folder": str(Path.cwd())}
        )
    except TrainshedError as error:
        print(f"docker: {error.message}", file=sys.stderr)  # noqa: T201
        return 1
    print(answer.get("output", ""))  # noqa: T201
    return int(answer.get("exitCode", 0))


def _real(tool: str, words: list[str], what: str) -> int:
    own = str(Path(os.environ.get("PATH", "").split(":", 1)[0]))
    others = ":".join(p for p in os.environ.get("PATH", "").split(":") if p != own)
    if real := shutil.which(tool, path=others):
        os.execve(real, [real, *words], {**os.environ, "PATH": others})  # noqa: S606  (the user's own command)
    print(f"{tool}: {what!r} is not offered here, and {tool} is not on this machine.", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
