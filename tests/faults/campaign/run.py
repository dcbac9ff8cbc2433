"""The whole campaign: `make campaign`. `python run.py --seed N --kills K` repeats one."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

# ruff: noqa: T201  (a command)

sys.path.insert(0, str(Path(__file__).parents[1]))
from campaign.driver import Campaign


def main() -> int:
    """Run it, print what happened; exit 1 when something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the folder where it is")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="trainshed-campaign-"))
    print(f"seed {given.seed}, {given.kills} kills, in {folder}", flush=True)
    homes = [folder / "undisturbed", folder / "killed"]
    (folder / "environments").mkdir()
    (folder / "pipelines").mkdir()
    for home in homes:
        home.mkdir()
        (home / "environments").symlink_to(folder / "environments")
    report = Campaign(folder / "pipelines", *homes, seed=given.seed).run(given.kills)
    print(report)
    if report.problems or given.keep:
        print(f"the homes are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return int(bool(report.problems))


if __name__ == "__main__":
    sys.exit(main())
