"""A build trigger that declares its paths takes the cheapest way for each push: a real server, git, command line."""

import json
import subprocess

import pytest

from trainshed.testing import server, wait_until

STEP = """\
steps:
- name: bash
  args: ['-c', 'test ! -e broken.md && echo "$_PLAN since=${_PLAN_SINCE:0:7} $_PLAN_REASON"']
"""
NAME = "paths"
FLAGS = [
    *("--image-files", "Dockerfile,utils/**", "--code-files", "*.py", "--module-files", "trainer.py"),
    *("--ignored-files", "**/*.md", "--build-config", "on-push/$_PLAN.yaml"),
]


class Repository:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        ways = {f"on-push/{way}.yaml": STEP for way in ("image", "compile", "modules")}
        self.push({**ways, "Dockerfile": "FROM python:3\n", "trainer.py": "1\n", "pipeline.py": "1\n"})

    def git(self, *words):
        said = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
            cwd=self.folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return said.stdout.strip()

    def push(self, files):
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def trainshed(tmp_path_factory):
    with server(tmp_path_factory.mktemp("plans"), TRAINSHED_GIT_POLL_SECONDS="0.2") as running:
        yield running


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "penguins")


def receipt_of(trainshed, sha):
    """The settled receipt of a commit."""

    def look():
        found = trainshed.json("receipts", "list")
        return next((r for r in found if sha in r["stimulus"] and r["state"] != "PENDING"), None)

    return wait_until(look, what=f"the receipt of {sha}")


def build_of(trainshed, receipt):
    """The build that a receipt links to, ended."""
    name = receipt["link"].rsplit("/", 1)[-1]

    def look():
        found = trainshed.json("builds", "describe", name)
        return found if found["status"] in {"SUCCESS", "FAILURE"} else None

    return wait_until(look, what=f"the end of build {name}")


def test_s66_each_push_takes_the_cheapest_way_and_says_why(trainshed, repository):
    baseline = repository.git("rev-parse", "HEAD")
    made = trainshed.run("builds", "triggers", "create", "on-push", "--repo", str(repository.folder), *FLAGS)
    assert made.returncode == 0, made.stderr
    seen = {}
    for way, files in {
        "modules": {"trainer.py": "2\n", "README.md": "words\n"},
        "compile": {"trainer.py": "3\n", "pipeline.py": "2\n"},
        "image": {"utils/a.py": "1\n", "trainer.py": "4\n"},
        "nothing": {"README.md": "more words\n"},
    }.items():
        receipt = receipt_of(trainshed, sha := repository.push(files))
        seen[way] = (sha, receipt, build_of(trainshed, receipt) if receipt["link"] else None)

    sha, receipt, build = seen["modules"]
    assert receipt["state"] == "STARTED"
    assert receipt["reason"].startswith(f"started build {build['id'][:8]} because commit {sha[:7]} touches trainer.py")
    assert "(modules only: trainer.py is only read from the module root" in receipt["reason"]
    assert build["substitutions"]["_PLAN"] == "modules"
    assert build["substitutions"]["_PLAN_SINCE"] == baseline
    assert build["substitutions"]["TRIGGER_BUILD_CONFIG_PATH"] == "on-push/modules.yaml"
    assert f"modules since={baseline[:7]} trainer.py is only" in trainshed.run("builds", "log", build["id"]).stdout

    assert seen["compile"][2]["substitutions"]["_PLAN"] == "compile"
    assert "touches pipeline.py (compile only: pipeline.py is pipeline code" in seen["compile"][1]["reason"]
    assert seen["compile"][2]["substitutions"]["_PLAN_SINCE"] == sha
    assert seen["image"][2]["substitutions"]["_PLAN"] == "image"
    assert "touches utils/a.py (the image: utils/a.py goes into the image" in seen["image"][1]["reason"]
    assert (seen["nothing"][1]["state"], seen["nothing"][2]) == ("SKIPPED", None)
    assert "ignored" in seen["nothing"][1]["reason"]


def test_s66_a_change_counts_from_the_last_build_that_succeeded(trainshed, repository):
    made = trainshed.run("builds", "triggers", "create", "careful", "--repo", str(repository.folder), *FLAGS)
    assert made.returncode == 0, made.stderr
    good = repository.git("rev-parse", "HEAD")
    failed = build_of(trainshed, receipt_of(trainshed, repository.push({"utils/b.py": "2\n", "broken.md": "x\n"})))
    (repository.folder / "broken.md").unlink()
    receipt = receipt_of(trainshed, repository.push({"trainer.py": "5\n"}))
    mended = build_of(trainshed, receipt)
    after = build_of(trainshed, receipt_of(trainshed, repository.push({"trainer.py": "6\n"})))

    assert (failed["status"], failed["substitutions"]["_PLAN"]) == ("FAILURE", "image")
    assert (mended["status"], mended["substitutions"]["_PLAN"]) == ("SUCCESS", "image")
    assert mended["substitutions"]["_PLAN_SINCE"] == good
    assert f"it has changed since {good[:7]}, the last commit whose build succeeded" in receipt["reason"]
    assert after["substitutions"]["_PLAN"] == "modules"


def test_s66_a_new_branch_and_a_build_by_hand_are_built_whole(trainshed, repository):
    made = trainshed.run("builds", "triggers", "create", "whole", "--repo", str(repository.folder), *FLAGS)
    assert made.returncode == 0, made.stderr
    repository.git("switch", "-q", "--detach")  # the branch appears with its commit: it may be looked at any time
    sha = repository.push({"trainer.py": "7\n"})
    repository.git("branch", "other")
    receipt = receipt_of(trainshed, sha)
    by_hand = trainshed.json("builds", "triggers", "run", "whole", "--branch", "main")
    cheaper = trainshed.json(
        "builds", "triggers", "run", "whole", "--branch", "main", "--substitutions", "_PLAN=modules"
    )

    assert build_of(trainshed, receipt)["substitutions"]["_PLAN"] == "image"
    assert "nothing was built of other yet" in receipt["reason"]
    assert by_hand["substitutions"]["_PLAN"] == "image"
    assert cheaper["substitutions"]["TRIGGER_BUILD_CONFIG_PATH"] == "on-push/modules.yaml"


def test_s66_a_declaration_in_trainshed_yaml_is_applied_planned_and_checked(trainshed, repository):
    file = repository.folder / "trainshed.yaml"
    trigger = {"name": NAME, "repository": ".", "branch": "^main$", "config": "on-push/$_PLAN.yaml"}
    declared = {**trigger, "changes": {"image": ["Dockerfile"], "modules": ["trainer.py"]}}

    def apply(entry):
        file.write_text(json.dumps({"buildTriggers": [entry]}))
        return trainshed.run("apply", "-f", str(file))

    assert "created" in apply(declared).stdout
    assert "unchanged  build trigger paths" in apply(declared).stdout
    planned = trainshed.json("builds", "plan", str(repository.folder), "--files", "trainer.py")
    changed = apply({**declared, "changes": {"image": ["Dockerfile"], "modules": ["*.py"]}})
    wrong = apply({**declared, "changes": {"pictures": ["Dockerfile"]}})

    assert (planned["way"], list(planned["files"])) == ("UPLOAD_MODULES", ["trainer.py"])
    assert "updated    build trigger paths: changes" in changed.stdout
    assert wrong.returncode == 2
    assert "changes.pictures" in wrong.stderr
