"""`trainshed apply` on a real server: plan, diff, converge, and nothing to do the second time."""

import subprocess

import pytest

from trainshed.testing import server

FILE = """
topics:
- name: changes
- name: start-training
buckets:
- name: applied
  files:
  - source: data
    to: data/
  notifications:
  - topic: changes
functions:
- name: starter
  source: function
  entryPoint: hello
  runtime: python311
  triggerTopic: start-training
  environmentVariables: {PLACE: here}
schedules:
- name: hourly
  schedule: '0 * * * *'
  timeZone: Europe/Berlin
  topic: start-training
  message: {num_epochs: 3}
  overlap: skip
buildTriggers:
- name: on-push
  repository: repository
  branch: ^main$
  config: cloudbuild.yaml
  includedFiles: ['trainer.py']
triggers:
- name: new-rows
  bucket: applied
  spec: gs://applied/pipeline.json
  parameters: {num_epochs: 5}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("apply") / "home") as made:
        yield made


@pytest.fixture
def project(tmp_path):
    (tmp_path / "data/sub").mkdir(parents=True)
    (tmp_path / "data/rows.csv").write_text("1,2\n")
    (tmp_path / "data/sub/more.csv").write_text("3,4\n")
    (tmp_path / "function").mkdir()
    (tmp_path / "function/main.py").write_text("def hello(event, context):\n    print('hello')\n")
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "cloudbuild.yaml").write_text("steps:\n- {name: ubuntu, args: [echo, hi]}\n")
    git = ["git", "-C", str(repository), "-c", "user.email=a@example.com", "-c", "user.name=a"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "First"]):
        subprocess.run([*git, *arguments], check=True)
    (tmp_path / "trainshed.yaml").write_text(FILE)
    return tmp_path


def actions(document):
    return {(c["kind"], c["name"].rsplit("/", 1)[-1]): c["action"] for c in document["changes"]}


def test_the_first_run_makes_everything_the_second_nothing_and_a_change_is_converged(running, project):
    file = str(project / "trainshed.yaml")

    planned = actions(running.json("apply", "-f", file, "--dry-run"))
    assert running.json("storage", "ls") == []
    made = actions(running.json("apply", "-f", file))
    again = actions(running.json("apply", "-f", file))

    assert set(planned.values()) == set(made.values()) == {"create"}
    assert set(planned) == set(made) == set(again)
    assert len(made) == 10
    assert set(again.values()) == {"keep"}
    assert running.run("storage", "cat", "gs://applied/data/sub/more.csv").stdout == "3,4\n"

    (project / "data/rows.csv").write_text("5,6\n")
    (project / "function/main.py").write_text("def hello(event, context):\n    print('changed')\n")
    (project / "trainshed.yaml").write_text(
        FILE.replace("'0 * * * *'", "'*/5 * * * *'")
        .replace("overlap: skip", "overlap: wait")
        .replace("trainer.py", "x.py")
    )
    document = running.json("apply", "-f", file)

    changed = {c["name"].rsplit("/", 1)[-1]: c["differences"] for c in document["changes"] if c["action"] == "update"}
    assert set(changed) == {"rows.csv", "starter", "hourly", "on-push"}
    assert changed["hourly"] == ["schedule 0 * * * * → */5 * * * *", "overlap skip → wait"]
    assert changed["starter"] == changed["rows.csv"] == ["content changed"]
    assert set(actions(running.json("apply", "-f", file)).values()) == {"keep"}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("topics: [", 2, "is not YAML"),
        ("topcs: []", 2, "topcs: is not a section"),
        ("buckets: [{name: other-bucket, files: [{source: nowhere}]}]", 2, "there is no file or folder"),
        ("functions: [{name: broken, source: broken, triggerTopic: topic}]", 1, "no_such_package"),
    ],
)
def test_bad_input_ends_with_a_sentence_and_its_code(running, project, text, code, said):
    (project / "broken").mkdir()
    (project / "broken/main.py").write_text("import no_such_package\ndef broken(event, context): ...\n")
    (project / "bad.yaml").write_text(text)

    done = running.run("apply", "-f", str(project / "bad.yaml"))

    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr
