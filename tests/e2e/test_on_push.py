"""Every event that is worth a training: pushed code, a pushed module, new data, new hyperparameters."""

import json
import subprocess
import sys
import urllib.request

import pytest

from trainshed.testing import server, wait_until

WORKFLOW = """\
name: Trigger CI/CD
on:
  push:
    branches: [main]
    paths: ['tfx-pipeline/**']
  workflow_dispatch:
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v2
"""
TEST = """\
- id: Test
  name: gcr.io/p/cicd
  entrypoint: python
  args: [-m, pytest, -q, -p, no:cacheprovider, tests]
"""
WHOLE = f"""\
steps:
{TEST}\
- id: Image
  name: gcr.io/cloud-builders/docker
  args: [build, -t, gcr.io/p/trainer, tfx-pipeline]
- id: Compile
  name: gcr.io/p/cicd
  entrypoint: python
  args: [tfx-pipeline/pipeline.py]
- id: Upload
  name: bash
  script: gsutil cp spec.json gs://loop/ && gsutil cp modules/trainer.py gs://loop/module/
- id: Run
  name: bash
  args: ['-c', 'trainshed pipelines run gs://loop/spec.json --display-name of-$SHORT_SHA']
images: [gcr.io/p/trainer]
"""
MODULE_ONLY = f"""\
steps:
{TEST}\
- id: Upload
  name: gcr.io/cloud-builders/gsutil
  args: [cp, modules/trainer.py, gs://loop/module/]
- id: Run
  name: bash
  args: ['-c', 'trainshed pipelines run gs://loop/spec.json --display-name of-$SHORT_SHA']
"""
PIPELINE = """\
from kfp import compiler, dsl

SCALE = 1


@dsl.component(base_image="gcr.io/p/trainer", install_kfp_package=False)
def train(data: dsl.Input[dsl.Dataset], module: dsl.Input[dsl.Artifact], num_epochs: int, scale: int) -> str:
    scope = {}
    exec(open(module.path).read(), scope)
    rows = len(open(data.path).read().splitlines())
    return f"{scope['ARCHITECTURE']}: {rows * scale} rows, {num_epochs} epochs"


@dsl.pipeline(name="loop", pipeline_root="gs://loop/root")
def pipeline(num_epochs: int = 1) -> str:
    data = dsl.importer(artifact_uri="gs://data/rows.csv", artifact_class=dsl.Dataset)
    module = dsl.importer(artifact_uri="gs://loop/module/trainer.py", artifact_class=dsl.Artifact)
    return train(data=data.output, module=module.output, num_epochs=num_epochs, scale=SCALE).output


compiler.Compiler().compile(pipeline, "spec.json")
"""
IMAGE_ALONE = """\
from kfp import compiler, dsl


@dsl.component(base_image="gcr.io/p/trainer", install_kfp_package=False)
def weigh() -> str:
    return "light"


@dsl.pipeline(name="image-alone", pipeline_root="gs://loop/root")
def pipeline() -> str:
    return weigh().output


compiler.Compiler().compile(pipeline, "image-alone.json")
"""
CHANGES = """\
changes:
  image: [tfx-pipeline/Dockerfile]
  code: [tfx-pipeline/**]
  modules: [modules/**]
  ignored: [README.md, tests/**, .github/**]
"""


class Project:
    """The repository, and what a push of it led to."""

    def __init__(self, folder, running):
        self.folder = folder
        self.running = running
        self.git("init", "-q", "-b", "main")

    def git(self, *words):
        words = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(words, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def push(self, **files):
        for name, text in files.items():
            path = self.folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def receipt(self, trigger, sha):
        found = self.running.json("receipts", "list", "--trigger", trigger)
        mine = [r for r in found if r["state"] != "PENDING"]
        return next((r for r in mine if self.stimulus(r).endswith(sha)), None)

    def stimulus(self, receipt):
        return self.running.json("receipts", "describe", receipt["receipt"])["stimulus"]

    def build_of(self, trigger, sha):
        receipt = wait_until(lambda: self.receipt(trigger, sha), what=f"a receipt of {sha} at {trigger}")
        assert receipt["state"] == "STARTED", receipt
        return self.ended(receipt["link"].rsplit("/", 1)[1])

    def ended(self, build):
        self.running.run("builds", "log", build, "--stream")
        return self.running.json("builds", "describe", build)

    def runs(self):
        return self.running.json("pipelines", "list")

    def output(self, run):
        name = run["name"].rsplit("/", 1)[1]

        def find():
            found = self.running.json("pipelines", "describe", name)
            return found if found["state"] in {"SUCCEEDED", "FAILED"} else None

        found = wait_until(find, what=f"the end of {name}")
        assert found["state"] == "SUCCEEDED", found["error"]
        return found["outputs"]["Output"]

    def run_of(self, sha):
        """The run that the last step of a build began; its cause is that build."""
        (run,) = [run for run in self.runs() if run["displayName"] == f"of-{sha[:7]}"]
        assert run["cause"] == "build"
        assert "/triggers/" in run["trigger"]
        return self.output(run)


@pytest.fixture(scope="module")
def running(make_home):
    with server(make_home(), TRAINSHED_GIT_POLL_SECONDS="0.2") as made:
        yield made


@pytest.fixture(scope="module")
def project(running, tmp_path_factory):
    """A project whose workflow was imported and whose first build was started by hand."""
    for bucket in ("gs://loop", "gs://data"):
        assert running.run("storage", "buckets", "create", bucket).returncode == 0
    assert running.run("storage", "cp", "-", "gs://data/rows.csv", input="1\n2\n").returncode == 0
    assert running.run("images", "bind", "gcr.io/p/cicd", "--environment", sys.prefix).returncode == 0
    made = Project(tmp_path_factory.mktemp("project"), running)
    made.first = made.push(**{
        ".github__workflows__ci.yml": WORKFLOW,
        "cloudbuild.yaml": WHOLE,
        "module.yaml": MODULE_ONLY,
        "tfx-pipeline__pipeline.py": PIPELINE,
        "tfx-pipeline__Dockerfile": "FROM gcr.io/p/cicd\n",
        "modules__trainer.py": "ARCHITECTURE = 'narrow'\n",
        "tests__test_all.py": "def test_it():\n    assert True\n",
        "trainshed.yaml": CHANGES,
    })  # fmt: skip
    workflow = made.folder / ".github/workflows/ci.yml"
    made.imported = running.run("builds", "triggers", "import", str(workflow))
    assert made.imported.returncode == 0, made.imported.stderr
    only = ("--build-config", "module.yaml", "--included-files", "modules/**", "--branch-pattern", "^main$")
    created = running.run("builds", "triggers", "create", "module", "--repo", str(made.folder), *only)
    assert created.returncode == 0, created.stderr
    for trigger in ("trigger-ci-cd", "module"):
        wait_until(lambda t=trigger: made.receipt(t, made.first), what=f"the baseline of {trigger}")
    started = running.json("builds", "triggers", "run", "trigger-ci-cd")
    build = made.ended(started["name"].rsplit("/", 1)[1] if "name" in started else started["id"])
    assert build["status"] == "SUCCESS", running.run("builds", "log", build["id"]).stdout
    return made


def test_s63_a_workflow_becomes_the_trigger_that_runs_on_push_and_by_hand(project, running):
    trigger = running.json("builds", "triggers", "describe", "trigger-ci-cd")

    assert trigger["triggerTemplate"] == {"repoName": str(project.folder), "branchName": "^main$"}
    assert trigger["includedFiles"] == ["tfx-pipeline/**"]
    assert "By hand: trainshed builds triggers run trigger-ci-cd" in project.imported.stdout
    assert "actions/checkout@v2" in project.imported.stdout.partition("Not taken over:")[2]


def test_s67_the_last_step_starts_a_run_whose_cause_is_the_build(project):
    assert project.run_of(project.first) == "narrow: 2 rows, 1 epochs"


def test_s35_new_preprocessing_logic_rebuilds_the_pipeline_and_runs(project):
    sha = project.push(**{"tfx-pipeline__pipeline.py": PIPELINE.replace("SCALE = 1", "SCALE = 10")})

    build = project.build_of("trigger-ci-cd", sha)

    assert build["status"] == "SUCCESS"
    assert [step["id"] for step in build["steps"]] == ["Test", "Image", "Compile", "Upload", "Run"]
    assert project.run_of(sha) == "narrow: 20 rows, 1 epochs"


def test_s28_s35_s66_a_new_architecture_uploads_the_module_alone_and_runs(project):
    sha = project.push(modules__trainer_dot="")  # a module beside it: the same trigger, nothing else
    assert project.build_of("module", sha)["status"] == "SUCCESS"
    sha = project.push(**{"modules__trainer.py": "ARCHITECTURE = 'wide'\n"})

    build = project.build_of("module", sha)

    assert build["status"] == "SUCCESS"
    assert [step["id"] for step in build["steps"]] == ["Test", "Upload", "Run"]
    assert "images" not in build.get("results", {})
    assert project.run_of(sha).startswith("wide: ")
    project.wide = sha
    other = wait_until(lambda: project.receipt("trigger-ci-cd", sha), what="the other trigger's receipt")
    assert (other["state"], other["link"]) == ("SKIPPED", "")


def test_s64_a_push_that_no_path_filter_matches_builds_nothing_and_says_so(project):
    sha = project.push(**{"README.md": "words\n"})

    for trigger in ("trigger-ci-cd", "module"):
        receipt = wait_until(lambda t=trigger: project.receipt(t, sha), what="a receipt")
        assert receipt["state"] == "SKIPPED"
        assert "no changed file is included by" in receipt["reason"]


def test_s65_a_failing_unit_test_stops_the_build_before_anything_is_uploaded_or_run(project):
    before = len(project.runs())
    failing = "def test_it():\n    assert False\n"
    sha = project.push(**{"tests__test_all.py": failing, "modules__trainer.py": "ARCHITECTURE = 'broken'\n"})

    build = project.build_of("module", sha)

    assert build["status"] == "FAILURE"
    assert [step["status"] for step in build["steps"]] == ["FAILURE", "CANCELLED", "CANCELLED"]
    assert "1 failed" in project.running.run("builds", "log", build["id"]).stdout
    assert "broken" not in project.running.run("storage", "cat", "gs://loop/module/trainer.py").stdout
    assert len(project.runs()) == before


def test_s35_new_hyperparameters_start_a_run_with_their_values(project, running):
    assert running.run("pubsub", "topics", "create", "trigger-loop").returncode == 0
    made = running.run(
        "pipelines", "triggers", "create", "on-message", "--topic", "trigger-loop", "--spec", "gs://loop/spec.json"
    )
    assert made.returncode == 0, made.stderr
    known = {run["name"] for run in project.runs()}

    running.run("pubsub", "topics", "publish", "trigger-loop", "--message", '{"num_epochs": "7"}')

    (run,) = wait_until(lambda: [r for r in project.runs() if r["name"] not in known], what="a run")
    assert run["parameters"] == {"num_epochs": 7}
    assert project.output(run).endswith("7 epochs")


def test_s34_s35_new_data_starts_a_run_of_the_same_spec_and_nothing_is_built(project, running):
    made = running.run(
        "pipelines", "triggers", "create", "on-data", "--bucket", "gs://data", "--spec", "gs://loop/spec.json"
    )
    assert made.returncode == 0, made.stderr
    known, builds = {run["name"] for run in project.runs()}, len(running.json("builds", "list"))

    running.run("storage", "cp", "-", "gs://data/rows.csv", input="1\n2\n3\n")

    (run,) = wait_until(lambda: [r for r in project.runs() if r["name"] not in known], what="a run")
    assert ": 30 rows, " in project.output(run)
    assert len(running.json("builds", "list")) == builds
    assert [r["kind"] for r in running.json("receipts", "list", "--trigger", "on-data")] == ["object"]


def test_runs_are_found_by_the_commit_that_their_accounts_name(project, running):
    """Those that a push led to, and those that something else started whose module a build had uploaded."""
    assert running.run("storage", "cp", "gs://loop/spec.json", str(project.folder / "spec.json")).returncode == 0
    assert running.run("pipelines", "run", str(project.folder / "spec.json"), "--job-id", "by-hand").returncode == 0
    project.output({"name": "x/by-hand"})
    known = {run["name"] for run in project.runs() if run["state"] == "SUCCEEDED"}

    def listed(sha):
        return {run["name"] for run in running.json("pipelines", "list", "--commit", sha)}

    wait_until(lambda: any(name.endswith("/by-hand") for name in listed(project.wide)), what="the commit of a run")
    by_commit = {run["name"]: run["commit"] for run in project.runs() if run["name"] in known}
    assert by_commit.keys() == known
    for name, sha in by_commit.items():
        assert sha, name
        assert sha in json.dumps(running.json("explain", name)), name
        assert name in listed(sha[:7])
    assert {sha for name, sha in by_commit.items() if name.endswith("/by-hand")} == {project.wide}
    causes = {run["cause"] for run in project.runs() if run["name"] in listed(project.wide)}
    assert causes == {"build", "message", "object", "user"}
    with urllib.request.urlopen(f"{running.address}/runs?commit={project.wide[:7]}", timeout=90) as page:
        assert "by-hand" in page.read().decode()


def test_a_run_whose_image_alone_tells_its_commit_is_found_by_it(project, running, tmp_path):
    """No push led to it, and it reads no file that a build uploaded: what is known is the build that made its image."""
    (tmp_path / "pipeline.py").write_text(IMAGE_ALONE)
    subprocess.run([sys.executable, "pipeline.py"], cwd=tmp_path, check=True)
    spec = str(tmp_path / "image-alone.json")
    assert running.run("pipelines", "run", spec, "--job-id", "image-alone", "--no-caching").returncode == 0
    assert project.output({"name": "x/image-alone"}) == "light"
    (image,) = [found for found in running.json("images", "list") if found["image"] == "gcr.io/p/trainer"]
    build = running.json("builds", "describe", image["source"].removeprefix("build "))
    sha = build["substitutions"]["COMMIT_SHA"]

    def listed(commit):
        return {run["name"].rpartition("/")[2] for run in running.json("pipelines", "list", "--commit", commit)}

    wait_until(lambda: "image-alone" in listed(sha), what="the commit of a run")
    assert "image-alone" in listed(sha[:7])
    assert "image-alone" not in listed("0" * 7)
    account = json.dumps(running.json("explain", "image-alone"))
    assert sha in account
    assert build["id"] in account
    for commit, is_there in ((sha, True), (sha[:7], True), ("0" * 40, False)):
        with urllib.request.urlopen(f"{running.address}/runs?commit={commit}", timeout=90) as page:
            assert ("/runs/image-alone" in page.read().decode()) is is_there, commit


def test_a_trigger_that_is_enabled_again_builds_what_was_pushed_meanwhile(project, running):
    assert running.run("builds", "triggers", "disable", "module").returncode == 0
    mended = "def test_it():\n    assert True\n"  # an earlier test left one that fails
    project.push(**{"tests__test_all.py": mended, "modules__trainer.py": "ARCHITECTURE = 'deep'\n"})
    sha = project.push(**{"modules__trainer.py": "ARCHITECTURE = 'deeper'\n"})
    wait_until(lambda: project.receipt("trigger-ci-cd", sha), what="the other trigger's receipt")
    assert project.receipt("module", sha) is None

    assert running.run("builds", "triggers", "enable", "module").returncode == 0

    assert project.build_of("module", sha)["status"] == "SUCCESS"
    assert project.run_of(sha).startswith("deeper: ")


@pytest.mark.parametrize(
    ("file", "way", "why"),
    [
        ("modules/trainer.py", "UPLOAD_MODULES", "is only read from the module root"),
        ("tfx-pipeline/pipeline.py", "COMPILE", "is pipeline code"),
        ("tfx-pipeline/Dockerfile", "REBUILD_IMAGE", "goes into the image"),
        ("README.md", "NOTHING", "has no part in the pipeline"),
    ],
)
def test_s66_the_planner_names_the_cheapest_way_and_why(project, running, file, way, why):
    (project.folder / file).write_text("changed\n")

    plan = running.json("builds", "plan", str(project.folder), "--since", "HEAD")
    project.git("checkout", "-q", "--", file)

    assert (plan["way"], plan["files"]) == (way, {file: way})
    assert why in plan["reason"]
