"""Builds through a real server, the real command line, and Google's own client."""

import json
import subprocess
import sys
import time

import pytest

# The seed's four steps, written anew: clone, image, compile, upload.
CONFIG = """\
steps:
- name: gcr.io/cloud-builders/git
  id: Clone
  args: [clone, --single-branch, --branch, $_BRANCH, $_REPO_URL, --depth, '1', --verbose]
- name: gcr.io/cloud-builders/docker
  id: Image
  dir: project
  args: [build, -t, $_IMAGE, .]
  waitFor: [Clone]
- name: $_CICD_IMAGE
  id: Compile
  dir: project
  entrypoint: python
  args: [compile.py, --use-gpu, 'False']
  env: ['PIPELINE_NAME=$_NAME', 'IMAGE=$_IMAGE']
  waitFor: [Clone]
- name: gcr.io/cloud-builders/gsutil
  id: Upload
  dir: project
  args: [cp, $_NAME.json, $_ROOT/]
  waitFor: [Compile]
images: [$_IMAGE]
"""
COMPILE = """\
import json, os, sys
name = os.environ["PIPELINE_NAME"]
json.dump({"pipeline": name, "image": os.environ["IMAGE"], "args": sys.argv[1:]}, open(f"{name}.json", "w"))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory, trainshed):
    folder = tmp_path_factory.mktemp("seed") / "project"
    (folder / "utils").mkdir(parents=True)
    (folder / "compile.py").write_text(COMPILE)
    (folder / "utils" / "__init__.py").write_text("VALUE = 7\n")
    (folder / "Dockerfile").write_text("FROM python:3\nWORKDIR /app\nRUN mkdir -p utils\nCOPY utils/* ./utils/\n")
    (folder / "deploy.yaml").write_text(CONFIG)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True)
    requirements = folder.parent / "requirements.txt"
    requirements.write_text("")
    assert trainshed.run("images", "bind", "gcr.io/p/cicd", "--requirements", str(requirements)).returncode == 0
    assert trainshed.run("storage", "buckets", "create", "gs://store").returncode == 0
    return folder


def submit(trainshed, project, *more):
    values = {
        "_BRANCH": "main",
        "_REPO_URL": project.as_uri(),
        "_IMAGE": "gcr.io/p/trainer:latest",
        "_CICD_IMAGE": "gcr.io/p/cicd",
        "_NAME": "penguins",
        "_ROOT": "gs://store/penguins",
    }
    text = ",".join(f"{k}={v}" for k, v in values.items())
    config = ["--no-source", "--timeout=60m", "--machine-type=e2-highcpu-8", "--config", str(project / "deploy.yaml")]
    return trainshed.run("builds", "submit", *config, "--substitutions", text, *more)


def test_s01_s02_s03_s04_s11_s12_s13_s14_the_seeds_four_steps_run(trainshed, project):
    done = submit(trainshed, project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert 'Step #0 - "Clone": Cloning into' in done.stdout
    assert "PUSH\nPushing gcr.io/p/trainer:latest" in done.stdout
    assert done.stdout.index("Finished Step #0") < done.stdout.index('Starting Step #1 - "Image"')
    spec = json.loads(trainshed.run("storage", "cat", "gs://store/penguins/penguins.json").stdout)
    assert spec == {"pipeline": "penguins", "image": "gcr.io/p/trainer:latest", "args": ["--use-gpu", "False"]}
    (build,) = trainshed.json("builds", "list", "--limit", "1")
    assert build["status"] == "SUCCESS"
    assert build["results"]["images"][0]["digest"].startswith("sha256:")
    assert build["options"]["machineType"] == "E2_HIGHCPU_8"
    assert set(build["timing"]) == {"BUILD", "PUSH"}
    spans = [step["timing"] for step in build["steps"]]
    assert spans[2]["startTime"] < spans[1]["endTime"]
    assert spans[1]["startTime"] < spans[2]["endTime"]
    assert trainshed.run("builds", "log", build["id"]).stdout in done.stdout
    log = trainshed.run("storage", "cat", f"{build['logsBucket']}/log-{build['id']}.txt").stdout
    assert log.endswith("DONE\n")


def test_s61_a_rebuild_with_nothing_changed_reuses_the_image(trainshed, project):
    first = submit(trainshed, project)
    start = time.monotonic()
    second = submit(trainshed, project)

    assert "Unchanged, reused" in second.stdout
    digests = [next(line for line in out.splitlines() if "digest:" in line) for out in (first.stdout, second.stdout)]
    assert digests[0] == digests[1]
    assert time.monotonic() - start < 200  # the figure itself is the benchmark's


def test_s18_the_listing_has_clouds_columns(trainshed, project):
    submit(trainshed, project, "--suppress-logs")

    heading, first, *_ = trainshed.run("builds", "list").stdout.splitlines()

    assert heading.split() == ["ID", "CREATE_TIME", "DURATION", "SOURCE", "IMAGES", "STATUS"]
    assert first.split()[-1] == "SUCCESS"
    assert first.split()[-2] == "gcr.io/p/trainer:latest"


def test_a_local_folder_is_uploaded_and_built(trainshed, tmp_path):
    (tmp_path / "cloudbuild.yaml").write_text("steps:\n- name: ubuntu\n  args: [bash, -c, 'ls -A; cat kept']\n")
    (tmp_path / "kept").write_text("content\n")
    (tmp_path / "left.log").write_text("x")
    (tmp_path / ".gitignore").write_text("*.log\n")

    done = trainshed.run("builds", "submit", str(tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "FETCHSOURCE\nFetching storage object: gs://local-project_cloudbuild/source/" in done.stdout
    assert "Step #0: content" in done.stdout
    assert "left.log" not in done.stdout


def test_the_seeds_builders_work_inside_a_shell_too(trainshed, project, tmp_path):
    script = (
        "echo x > x; gsutil cp x gs://store/shell/ && gsutil ls -lh gs://store/shell/ && gsutil cat gs://store/shell/x; "
        "printf 'FROM python:3\\nCOPY x /x\\n' > Dockerfile; docker build -t shell . && gcloud config get-value project; "
        "trainshed builds plan --files trainer.py"
    )
    config = tmp_path / "c.json"
    config.write_text(json.dumps({"steps": [{"name": "bash", "script": script}]}))

    done = trainshed.run("builds", "submit", "--no-source", "--config", str(config))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "gs://store/shell/x" in done.stdout
    assert "Step #0: Successfully tagged shell" in done.stdout
    assert "Step #0: local-project" in done.stdout
    assert "image: trainer.py is not declared" in done.stdout


@pytest.mark.parametrize(
    ("text", "more", "code", "part"),
    [
        ("steps:\n- name: bash\n  args: [-c, 'exit 3']\n", (), 1, "non-zero status: 3"),
        ("steps:\n- name: bash\n  args: [-c, 'sleep 60']\n", ("--timeout", "1s"), 1, "TIMEOUT"),
        ("steps:\n- name: bash\n  waitFor: [x]\n  argz: []\n", (), 2, "'x' is not the id of a step"),
        ("steps:\n- name: bash\n  args: [$HOME]\n", (), 2, "$$HOME"),
        ("steps: [", (), 2, "not valid YAML"),
        ("steps:\n- name: gcr.io/p/nothing\n", (), 1, "trainshed images bind gcr.io/p/nothing"),
        ("steps:\n- name: bash\n", ("--substitutions", "A"), 2, "KEY=VALUE"),
    ],
)
def test_bad_input_is_one_sentence_and_the_right_exit_code(trainshed, tmp_path, text, more, code, part):
    config = tmp_path / "c.yaml"
    config.write_text(text)

    done = trainshed.run("builds", "submit", "--no-source", "--config", str(config), *more)

    assert done.returncode == code
    assert part in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_trigger_is_made_run_listed_and_deleted(trainshed, project):
    made = trainshed.run("builds", "triggers", "create", "by-hand", "--repo", str(project), "--build-config", "no.yaml")
    run = trainshed.run("builds", "triggers", "run", "by-hand")
    listed = trainshed.run("builds", "triggers", "list").stdout
    deleted = trainshed.run("builds", "triggers", "delete", "by-hand")

    assert (made.returncode, run.returncode, deleted.returncode) == (0, 2, 0)
    assert "there is no no.yaml at commit" in run.stderr
    assert "WARNING: filename: there is no no.yaml at commit" in made.stderr
    assert "by-hand" in listed


def test_a_trigger_is_disabled_and_enabled(trainshed, tmp_path):
    config = tmp_path / "inline.yaml"
    config.write_text("steps: [{name: bash, args: [-c, 'true']}]")
    made = trainshed.json("builds", "triggers", "create", "switched", "--inline-config", str(config))

    off = trainshed.run("builds", "triggers", "disable", "switched")
    disabled = trainshed.json("builds", "triggers", "describe", "switched")
    on = trainshed.run("builds", "triggers", "enable", "switched")
    enabled = trainshed.json("builds", "triggers", "describe", "switched")
    missing = trainshed.run("builds", "triggers", "disable", "nobody")
    trainshed.run("builds", "triggers", "delete", "switched")

    assert (off.stdout, on.stdout) == ("Disabled [switched].\n", "Enabled [switched].\n")
    assert disabled == {**made, "disabled": True}
    assert enabled == made
    assert (missing.returncode, "nobody" in missing.stderr) == (2, True)


def test_a_trigger_that_lacks_substitutions_says_so_when_it_is_made(trainshed, project):
    words = ["builds", "triggers", "create", "lacking", "--repo", str(project), "--build-config", "deploy.yaml"]
    made = trainshed.run(*words, "--substitutions", "_BRANCH=main,_IMAGE=i,_NAME=n,_ROOT=gs://store")
    trainshed.run("builds", "triggers", "delete", "lacking")

    assert made.returncode == 0
    assert "WARNING: deploy.yaml: nothing gives _CICD_IMAGE, _REPO_URL a value; give the trigger --sub" in made.stderr


def test_s63_a_workflow_is_imported(trainshed, project, tmp_path):
    workflow = tmp_path / "ci.yml"
    workflow.write_text(
        "name: CI\non:\n  push:\n    branches: [main]\n    paths: ['a/**']\n  workflow_dispatch:\njobs:\n  a:\n    steps:\n    - uses: x/y@v1\n"
    )

    done = trainshed.run("builds", "triggers", "import", str(workflow), "--repo", str(project))

    assert done.returncode == 0, done.stderr
    assert "trainshed builds triggers run ci" in done.stdout
    assert "x/y@v1" in done.stdout
    assert trainshed.json("builds", "triggers", "describe", "ci")["includedFiles"] == ["a/**"]


CLIENT = """
import sys
from google.auth.credentials import AnonymousCredentials
from google.cloud.devtools import cloudbuild_v1 as cb
client = cb.CloudBuildClient(transport="rest", credentials=AnonymousCredentials(), client_options={"api_endpoint": sys.argv[1]})
script = "printf result > $BUILDER_OUTPUT/output"
build = cb.Build(steps=[cb.BuildStep(name="bash", script=script)], timeout={"seconds": 60})
done = client.create_build(project_id="local-project", build=build).result(timeout=110)
again = client.get_build(project_id="local-project", id=done.id)
print(again.status.name, again.results.build_step_outputs[0].decode(), again.steps[0].status.name)
"""


def test_s01_googles_own_client_submits_and_waits(trainshed):
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, trainshed.address], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.stdout.split() == ["SUCCESS", "result", "SUCCESS"], done.stderr
