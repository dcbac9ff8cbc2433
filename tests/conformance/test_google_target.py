"""`--target gcp` replayed against our own surface: by Google's addresses, and with them overridden.

Under `trainshed exec` the hosts are Google's own, by TLS through the front door. With TRAINSHED_API_ENDPOINT_OVERRIDES they
are the server's address, as gcloud's overrides do it. The credentials are a service account's, whose tokens the server gives.
"""

import json
import sys
import urllib.request

import pytest

from trainshed import cli
from trainshed.testing import server, wait_until

SPEC = {
    "pipelineInfo": {"name": "hello-world"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.14.0",
    "deploymentSpec": {
        "executors": {
            "exec-hello": {
                "container": {
                    "image": "us-docker.pkg.dev/p/r/hello:v1",
                    "command": ["sh", "-c"],
                    "args": ["echo said {{$.inputs.parameters['word']}}"],
                }
            }
        }
    },
    "components": {
        "comp-hello": {
            "executorLabel": "exec-hello",
            "inputDefinitions": {"parameters": {"word": {"parameterType": "STRING"}}},
        }
    },
    "root": {
        "inputDefinitions": {"parameters": {"word": {"parameterType": "STRING", "defaultValue": "nothing"}}},
        "dag": {
            "tasks": {
                "hello": {
                    "taskInfo": {"name": "hello"},
                    "componentRef": {"name": "comp-hello"},
                    "inputs": {"parameters": {"word": {"componentInputParameter": "word"}}},
                }
            }
        },
    },
}
FILE = """
topics:
- {name: changes}
- {name: start-training, labels: {team: ml}}
buckets:
- name: applied
  labels: {team: ml}
  files: [{source: data, to: data/}]
  notifications: [{topic: changes, eventTypes: [OBJECT_DELETE]}]
functions:
- {name: starter, source: function, entryPoint: hello, runtime: python311, triggerTopic: start-training,
   environmentVariables: {PLACE: here}, retry: true}
schedules:
- {name: hourly, schedule: '0 * * * *', timeZone: Europe/Berlin, topic: start-training, message: {num_epochs: 3}}
- {name: caller, schedule: '0 * * * *', uri: 'https://x.example/', headers: {X-A: b}, body: hello}
buildTriggers:
- {name: on-push, repository: 'https://github.com/me/penguins.git', branch: ^main$, config: cloudbuild.yaml}
triggers:
- {name: starts, topic: start-training, spec: 'gs://applied/pipeline.json', parameters: {word: fixed}}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("google") / "home") as made:
        made.run("images", "bind", "us-docker.pkg.dev/p/r/hello:v1", "--packages", "packaging")
        yield made


@pytest.fixture
def google(running, monkeypatch, tmp_path, capsys):
    """Type a command at Google, which our server stands for; its output comes back."""
    with urllib.request.urlopen(f"{running.address}/trainshed/v1/environment") as answer:
        variables = json.load(answer)
    monkeypatch.setenv("TRAINSHED_HOME", str(tmp_path / "another home"))
    monkeypatch.setenv("TRAINSHED_TARGET", "gcp")
    monkeypatch.setenv("TRAINSHED_API_ENDPOINT_OVERRIDES", f"*={running.address}")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", variables["GOOGLE_APPLICATION_CREDENTIALS"])
    for name in ("TRAINSHED_PROJECT", "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"):
        monkeypatch.delenv(name, raising=False)

    def run(*words, code=0):
        with pytest.raises(SystemExit) as left:
            cli.main(list(words))
        out, err = capsys.readouterr()
        assert left.value.code == code, out + err
        assert "Bearer" not in out + err
        return out if code == 0 else err

    run.json = lambda *words: json.loads(run(*words, "--format", "json"))
    return run


def test_under_exec_the_hosts_are_googles_own(running, tmp_path):
    ours = [sys.executable, "-m", "trainshed"]
    (tmp_path / "note.txt").write_text("hello\n")

    def typed(*words):
        done = running.run("exec", "--", *ours, *words, "--target", "gcp")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    typed("storage", "buckets", "create", "gs://by-its-host")
    typed("storage", "cp", str(tmp_path / "note.txt"), "gs://by-its-host/a/note.txt")
    assert running.run("storage", "cat", "gs://by-its-host/a/note.txt").stdout == "hello\n"


def test_messages_and_schedules(google):
    google("pubsub", "topics", "create", "topic1")
    google("pubsub", "subscriptions", "create", "sub1", "--topic", "topic1")
    google("pubsub", "topics", "publish", "topic1", "--message", "hello", "--attribute", "a=b")
    (received,) = google.json("pubsub", "subscriptions", "pull", "sub1", "--auto-ack")
    assert received["message"]["attributes"] == {"a": "b"}

    google(
        "scheduler",
        "jobs",
        "create",
        "pubsub",
        "every",
        "--schedule",
        "0 0 1 1 *",
        "--topic",
        "topic1",
        "--message-body",
        "{}",
    )
    google("scheduler", "jobs", "update", "pubsub", "every", "--schedule", "1 0 1 1 *")
    google("scheduler", "jobs", "pause", "every")
    found = google.json("scheduler", "jobs", "describe", "every")
    assert (found["schedule"], found["state"]) == ("1 0 1 1 *", "PAUSED")
    google("scheduler", "jobs", "delete", "every")
    assert "NOT_FOUND" in google("scheduler", "jobs", "describe", "every", code=2)


def test_a_build_is_uploaded_followed_and_listed(google, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/file.txt").write_text("from the source\n")
    (tmp_path / "cloudbuild.yaml").write_text("steps:\n- {name: ubuntu, args: [cat, file.txt]}\n")

    out = google("builds", "submit", str(tmp_path / "source"), "--config", str(tmp_path / "cloudbuild.yaml"))

    assert "from the source" in out
    (build,) = google.json("builds", "list")
    assert build["status"] == "SUCCESS"
    assert build["source"]["storageSource"]["bucket"] == "local-project_cloudbuild"
    assert "from the source" in google("builds", "log", build["id"])


def test_a_function_of_the_second_generation(google, tmp_path):
    (tmp_path / "main.py").write_text("def hello(event):\n    print('was', 'called')\n")
    google("pubsub", "topics", "create", "events")
    google("functions", "deploy", "second", "--source", str(tmp_path), "--entry-point", "hello", "--runtime", "python311",
           "--trigger-topic", "events", "--gen2", "--memory", "512MB")  # fmt: skip

    assert {f["name"].rsplit("/", 1)[-1]: f["generation"] for f in google.json("functions", "list")} == {"second": 2}
    assert google.json("functions", "describe", "second")["serviceConfig"]["availableMemory"].startswith("512M")
    google("pubsub", "topics", "publish", "events", "--message", "{}")
    wait_until(lambda: "was called" in google("functions", "logs", "read", "second"), what="its log")
    google("functions", "delete", "second")
    assert google.json("functions", "list") == []


def test_a_run_is_started_waited_for_described_and_deleted(google, tmp_path):
    (tmp_path / "pipeline.json").write_text(json.dumps(SPEC))
    google("storage", "buckets", "create", "gs://for-runs")
    google("storage", "cp", str(tmp_path / "pipeline.json"), "gs://for-runs/pipeline.json")

    out = google("pipelines", "run", "gs://for-runs/pipeline.json", "--pipeline-root", "gs://for-runs/root", "--job-id", "job-1",
                 "--parameter", "word=hello", "--wait")  # fmt: skip

    assert out == "Run job-1: SUCCEEDED\n1 task ran.\n"
    found = google.json("pipelines", "describe", "job-1")
    assert found["job"]["runtimeConfig"]["parameterValues"] == {"word": "hello"}
    assert found["tasks"][0]["state"] == "SUCCEEDED"
    assert "hello" in google("pipelines", "describe", "job-1")
    assert [run["name"].rsplit("/", 1)[-1] for run in google.json("pipelines", "list", "--state", "SUCCEEDED")] == [
        "job-1"
    ]
    google("pipelines", "delete", "job-1")
    assert google.json("pipelines", "list") == []


@pytest.mark.timeout(300)
def test_apply_makes_everything_once_and_converges_what_changed(running, google, tmp_path):
    for folder in ("data", "function"):
        (tmp_path / folder).mkdir()
    (tmp_path / "data/rows.csv").write_text("1,2\n")
    (tmp_path / "function/main.py").write_text("def hello(event, context):\n    print('hello')\n")
    (tmp_path / "trainshed.yaml").write_text(FILE)
    file = str(tmp_path / "trainshed.yaml")

    planned = google.json("apply", "-f", file, "--dry-run")
    assert {c["action"] for c in planned["changes"]} == {"create"}
    assert any(r["sent"] for r in planned["requests"])
    assert all(r["method"] == "GET" for r in planned["requests"] if r["sent"])
    assert "applied" not in google("storage", "ls")

    made = google.json("apply", "-f", file)
    again = google.json("apply", "-f", file)
    assert {c["action"] for c in made["changes"]} == {"create"}
    assert len(made["changes"]) == 10
    assert [c for c in again["changes"] if c["action"] != "keep"] == []
    assert google.json("pubsub", "topics", "describe", "start-training")["labels"] == {
        "managed-by": "trainshed",
        "team": "ml",
    }

    (tmp_path / "function/main.py").write_text("def hello(event, context):\n    print('changed')\n")
    (tmp_path / "trainshed.yaml").write_text(FILE.replace("Europe/Berlin", "Etc/UTC").replace("^main$", "^dev$"))
    changed = google.json("apply", "-f", file)
    assert {c["name"].rsplit("/", 1)[-1] for c in changed["changes"] if c["action"] == "update"} == {
        "starter",
        "hourly",
        "on-push",
    }

    (tmp_path / "pipeline.json").write_text(json.dumps(SPEC))
    google("storage", "cp", str(tmp_path / "pipeline.json"), "gs://applied/pipeline.json")
    google("pubsub", "topics", "publish", "start-training", "--message", json.dumps({"word": "event"}))
    (run,) = wait_until(lambda: google.json("pipelines", "list"), what="the run of the generated function")
    assert run["name"].rsplit("/", 1)[-1].startswith("hello-world-starts-")
    assert run["parameters"] == {"word": "event"}
    google("pubsub", "topics", "publish", "start-training", "--message", "{}")
    both = wait_until(lambda: len(found := google.json("pipelines", "list")) > 1 and found, what="another run of it")
    assert sorted(run["parameters"]["word"] for run in both) == ["event", "fixed"]
    google("functions", "delete", "starts")
