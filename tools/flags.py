"""Write `tools/gcloud_flags.json`: the names of the flags of gcloud's commands that ours are named after.

Needs gcloud; the page of flags (`make docs`) needs only what was written.
"""

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

OUTPUT = Path(__file__).parent / "gcloud_flags.json"
GROUPS = ("builds", "functions", "pubsub", "scheduler", "storage")


def commands() -> dict[str, list[str]]:
    """Answer path → flags of our commands' namesakes."""
    from documents import own_flags

    gcloud = shutil.which("gcloud")
    if gcloud is None:
        sys.exit("gcloud is not installed.")
    tree = Path(gcloud).resolve().parent.parent / "data/cli/gcloud_completions.py"
    root = runpy.run_path(str(tree))["STATIC_COMPLETION_CLI_TREE"]
    found = {}
    for path in own_flags():
        node = root
        for part in path.split():
            node = node.get("commands", {}).get(part, {})
        if path.split()[0] in GROUPS and node:
            found[path] = sorted(node.get("flags", {}))
    return found


def version() -> str:
    """Answer gcloud's version."""
    text = subprocess.run(["gcloud", "version", "--format=json"], capture_output=True, text=True, check=True).stdout
    return str(json.loads(text)["Google Cloud SDK"])


def main() -> None:
    OUTPUT.write_text(json.dumps({"version": version(), "commands": commands()}, indent=1) + "\n")
    print("written:", OUTPUT.name)


if __name__ == "__main__":
    main()
