"""`--target gcp --dry-run`: every request that the command line can send to Google, with what it needs.

Nothing is reached: there are no credentials here. A command that is new has to be rehearsed in `EXAMPLES`, or to be refused.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from trainshed import cli
from trainshed.targets import Credentials, permissions, requests, wire
from trainshed.targets.refused import REFUSED, why_refused

SPEC = {
    "pipelineInfo": {"name": "hello-world"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.14.0",
    "deploymentSpec": {
        "executors": {"exec-hello": {"container": {"image": "python:3.11", "command": ["echo"], "args": ["hello"]}}}
    },
    "components": {"comp-hello": {"executorLabel": "exec-hello"}},
    "root": {
        "inputDefinitions": {"parameters": {"epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 1}}},
        "dag": {"tasks": {"hello": {"taskInfo": {"name": "hello"}, "componentRef": {"name": "comp-hello"}}}},
    },
}
FILE = """
topics: [{name: changes, labels: {team: ml}}]
buckets: [{name: applied, files: [{source: data}], notifications: [{topic: changes}]}]
functions: [{name: starter, source: function, entryPoint: hello, runtime: python311, triggerTopic: changes}]
schedules: [{name: hourly, schedule: '0 * * * *', topic: changes, message: {a: 1}}]
buildTriggers: [{name: on-push, repository: 'https://github.com/me/penguins', branch: ^main$}]
triggers: [{name: new-rows, bucket: applied, spec: gs://applied/pipeline.json}]
"""
# Every command that Google has an answer to, as it is typed; DIR is a folder with files in it.
EXAMPLES = """
pubsub topics create topic1
pubsub topics list
pubsub topics describe topic1
pubsub topics list-subscriptions topic1
pubsub topics delete topic1
pubsub topics publish topic1 --message hello
pubsub subscriptions create sub1 --topic topic1 --dead-letter-topic dead --push-endpoint https://x.example/push
pubsub subscriptions list
pubsub subscriptions describe sub1
pubsub subscriptions delete sub1
pubsub subscriptions pull sub1 --auto-ack
pubsub subscriptions ack sub1 --ack-ids a,b
pubsub topics update topic1 --update-labels a=b
pubsub topics detach-subscription sub1
pubsub subscriptions update sub1 --ack-deadline 30 --push-endpoint https://x.example/ --push-auth-service-account me@p1.iam.gserviceaccount.com
pubsub subscriptions modify-push-config sub1 --push-endpoint https://x.example/push
pubsub subscriptions modify-message-ack-deadline sub1 --ack-ids a --ack-deadline 30
pubsub subscriptions seek sub1 --snapshot snap1
pubsub snapshots create snap1 --subscription sub1
pubsub snapshots list
pubsub snapshots describe snap1
pubsub snapshots delete snap1
pubsub schemas create schema1 --type avro --definition {}
pubsub schemas commit schema1 --type avro --definition {}
pubsub schemas list
pubsub schemas list-revisions schema1
pubsub schemas describe schema1
pubsub schemas rollback schema1 --revision-id 1
pubsub schemas delete-revision schema1@1
pubsub schemas delete schema1
pubsub schemas validate-schema --type avro --definition {}
pubsub schemas validate-message --message {} --message-encoding json --schema-name schema1
scheduler jobs create pubsub every --schedule "* * * * *" --topic topic1 --message-body {}
scheduler jobs create http every --schedule "* * * * *" --uri https://x.example/
scheduler jobs update pubsub every --schedule "*/2 * * * *"
scheduler jobs update http every --uri https://x.example/other
scheduler jobs list
scheduler jobs describe every
scheduler jobs pause every
scheduler jobs resume every
scheduler jobs run every
scheduler jobs delete every
builds submit DIR/function --config DIR/cloudbuild.yaml
builds submit --no-source --timeout=60m --config DIR/cloudbuild.yaml --substitutions _A=b --machine-type=e2-highcpu-8 --async
builds list --ongoing
builds describe 1234
builds log 1234
builds cancel 1234
builds retry 1234
builds approve 1234 --comment yes
builds reject 1234
builds triggers create on-push --repo-owner me --repo-name penguins --branch-pattern ^main$
builds triggers list
builds triggers describe on-push
builds triggers run on-push --branch main
builds triggers disable on-push
builds triggers enable on-push
builds triggers delete on-push
functions deploy starter --source DIR/function --entry-point hello --runtime python311 --trigger-topic topic1
functions deploy starter --source DIR/function --runtime python311 --trigger-http --allow-unauthenticated
functions deploy starter --source DIR/function --runtime python311 --trigger-topic=topic1 --stage-bucket=gs://bucket1 --update-env-vars=A=b,C=d
functions deploy starter --source DIR/function --runtime python311 --trigger-topic topic1 --gen2 --memory 512MB
functions deploy starter --source DIR/function --runtime python311 --trigger-http --gen2 --stage-bucket gs://bucket1/a
functions deploy starter --source DIR/function --runtime python311 --trigger-bucket bucket1 --gen2 --retry
functions list
functions describe starter
functions call starter --data {}
functions logs read starter
functions delete starter
storage buckets create gs://bucket1
storage buckets list
storage buckets describe gs://bucket1
storage buckets delete gs://bucket1
storage buckets notifications create gs://bucket1 --topic topic1
storage buckets notifications list gs://bucket1
storage buckets notifications delete gs://bucket1 3
storage cp DIR/cloudbuild.yaml gs://bucket1/name
storage cp gs://bucket1/name gs://bucket1/other
storage ls -l gs://bucket1
storage cat gs://bucket1/name
storage rm gs://bucket1/name
pipelines run DIR/pipeline.json --pipeline-root gs://bucket1/runs --parameter epochs=3 --wait
pipelines list --state FAILED
pipelines describe job-1
pipelines logs job-1 --stream
pipelines cancel job-1
pipelines delete job-1
pipelines schedules list
pipelines schedules describe 77
pipelines schedules pause 77
pipelines schedules resume 77 --catch-up
pipelines schedules delete 77
apply -f DIR/trainshed.yaml
""".strip().splitlines()
# Commands that send nothing to Google.
HERE = {"up", "demo", "exec", "doctor"}


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    """No credentials, no server, no network, and a folder of files."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    monkeypatch.setenv("TRAINSHED_HOME", str(tmp_path / "home"))
    for name in (
        "GOOGLE_CLOUD_PROJECT",
        "CLOUDSDK_CORE_PROJECT",
        "TRAINSHED_PROJECT",
        "TRAINSHED_API_ENDPOINT_OVERRIDES",
    ):
        monkeypatch.delenv(name, raising=False)

    def exchange(*asked, **_):
        raise AssertionError(f"sent {asked}")

    monkeypatch.setattr(wire, "exchange", exchange)
    (tmp_path / "function").mkdir()
    (tmp_path / "function/main.py").write_text("def hello(event, context): ...\n")
    (tmp_path / "function/requirements.txt").write_text("google-cloud-aiplatform>=1\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/rows.csv").write_text("1,2\n")
    (tmp_path / "cloudbuild.yaml").write_text("steps:\n- {name: ubuntu, args: [echo]}\n")
    (tmp_path / "pipeline.json").write_text(json.dumps(SPEC))
    (tmp_path / "trainshed.yaml").write_text(FILE)


@pytest.fixture
def typed(capsys, tmp_path, monkeypatch):
    """Type a command; its exit code, output and errors come back."""

    def run(line, *more):
        import shlex

        monkeypatch.setenv("TRAINSHED_PROJECT", "p1")
        words = [word.replace("DIR", str(tmp_path)) for word in shlex.split(line)]
        with pytest.raises(SystemExit) as left:
            cli.main([*words, *more])
        out, err = capsys.readouterr()
        return left.value.code, out, err

    return run


def leaves(command, path=()):
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), (*path, name))
    else:
        yield " ".join(path), command


def test_every_command_is_rehearsed_refused_or_about_this_machine():
    rehearsed = {line.split(" --")[0] for line in EXAMPLES}
    missing = [
        name
        for name, _ in leaves(cli.trainshed)
        if name not in HERE
        and not why_refused(name)
        and not any(f"{line} ".startswith(f"{name} ") for line in rehearsed)
    ]

    assert missing == [], "rehearse them in EXAMPLES, or refuse them in trainshed/targets/refused.py"
    assert {
        name for name in REFUSED if not any(f"{leaf} ".startswith(f"{name} ") for leaf, _ in leaves(cli.trainshed))
    } == set()


@pytest.mark.parametrize("line", EXAMPLES, ids=lambda line: line[:60])
def test_a_rehearsal_says_every_request_and_what_it_needs(typed, line):
    code, out, err = typed(line, "--target", "gcp", "--dry-run", "--format", "json")

    assert code == 0, err
    found = json.loads(out)
    assert found["requests"]
    for request in found["requests"]:
        assert request["url"].startswith("https://")
        assert not request["sent"]
        assert "authorization" not in {name.lower() for name in request["headers"]}
        assert request["permissions"] or "SIGNED_ADDRESS" in request["url"], request
    assert found["enable"].endswith("--project p1")
    assert all(one["grant"].startswith("gcloud ") for one in found["bindings"])
    asked = {p["permission"] for request in found["requests"] for p in request["permissions"]}
    granted = {p for one in found["bindings"] if one["principal"] == "caller" for p in one["permissions"]}
    assert asked <= granted


def test_all_requests_of_all_commands_are_in_the_table_of_permissions(typed):
    methods = set()
    for line in EXAMPLES:
        _, out, _ = typed(line, "--target", "gcp", "--dry-run", "--format", "json")
        methods |= {request["rpc"] for request in json.loads(out)["requests"]} - {""}

    assert methods <= set(permissions.PERMISSIONS)
    assert len(methods) > 45


def test_the_text_of_a_rehearsal_has_requests_permissions_apis_and_grants(typed):
    code, out, _ = typed("scheduler jobs create pubsub every --schedule '* * * * *' --topic topic1 --message-body {}",
                         "--target", "gcp", "--dry-run")  # fmt: skip

    assert code == 0
    for said in (
        "Nothing was changed. 1 of 1 requests were not sent:",
        "1. POST https://cloudscheduler.googleapis.com/v1/projects/p1/locations/us-central1/jobs",
        '"topicName": "projects/p1/topics/topic1"',
        "needs cloudscheduler.jobs.create on projects/p1",
        "gcloud services enable cloudscheduler.googleapis.com pubsub.googleapis.com --project p1",
        "service-PROJECT_NUMBER@gcp-sa-cloudscheduler.iam.gserviceaccount.com: roles/pubsub.publisher",
        "gcloud iam roles create trainshedCaller --project p1 --permissions=cloudscheduler.jobs.create",
    ):
        assert said in out


def test_bindings_are_narrow_and_none_is_there_twice(typed):
    _, out, _ = typed("apply -f DIR/trainshed.yaml --target gcp --dry-run --format json")
    found = {(one["principal"], one["resource"], one["role"]) for one in json.loads(out)["bindings"]}

    roles = {role for principal, _, role in found if principal == "caller"}
    assert roles & {"roles/owner", "roles/editor", "roles/viewer"} == set()
    assert ("caller", "projects/p1", "roles/pubsub.editor") in found
    assert "roles/pubsub.viewer" not in roles  # the editor has it
    runtime = "serviceAccount:p1@appspot.gserviceaccount.com"
    assert (runtime, "projects/p1", "roles/aiplatform.user") in found  # what starter and new-rows do
    assert ("serviceAccount:service-PROJECT_NUMBER@gs-project-accounts.iam.gserviceaccount.com",
            "projects/p1/topics/changes", "roles/pubsub.publisher") in found  # fmt: skip


def test_a_policy_file_tells_what_is_missing(typed, tmp_path):
    _, out, _ = typed("apply -f DIR/trainshed.yaml --target gcp --dry-run --format json")
    needed = json.loads(out)["bindings"]
    members = {"caller": "user:me@example.com"}
    granted = [
        {
            "role": one["role"],
            "members": [members.get(one["principal"], one["principal"]).replace("PROJECT_NUMBER", "123456789")],
        }
        for one in needed
    ]
    (tmp_path / "policy.json").write_text(
        json.dumps({"bindings": [g for g in granted if g["role"] != "roles/cloudscheduler.admin"]})
    )
    asked = "apply -f DIR/trainshed.yaml --target gcp --dry-run --policy DIR/policy.json --member user:me@example.com"

    code, out, _ = typed(asked, "--format", "json")
    missing = [one["role"] for one in json.loads(out)["bindings"] if not one["granted"]]
    assert (code, missing) == (1, ["roles/cloudscheduler.admin"])
    assert "PROJECT_NUMBER" not in json.loads(out)["bindings"][-1]["grant"]

    (tmp_path / "policy.json").write_text(json.dumps({"bindings": granted}))
    code, out, _ = typed(asked)
    assert code == 0
    assert "MISSING" not in out


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_command_that_google_lacks_is_refused_with_the_reason(typed, name):
    leaf, command = next((leaf, c) for leaf, c in leaves(cli.trainshed) if f"{leaf} ".startswith(f"{name} "))
    arguments = ["x" for p in command.params if isinstance(p, click.Argument) and p.required]
    arguments = [str(Path(__file__)) if isinstance(p.type, click.Path) else word
                 for p, word in zip([p for p in command.params if isinstance(p, click.Argument) and p.required], arguments, strict=True)]  # fmt: skip
    options = [w for p in command.params if isinstance(p, click.Option) and p.required for w in (p.opts[0], "gs://x/y")]

    code, _, err = typed(leaf, *arguments, *options, "--target", "gcp")

    assert code == 2, err
    assert f"--target gcp: {leaf} is not there: {REFUSED[name]}." in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("scheduler jobs create pubsub e --schedule '* * * * *' --topic t --overlap skip", "--overlap: is not there"),
        ("scheduler jobs create pubsub e --schedule '* * * * *' --topic t --catch-up 3", "--catch-up: is not there"),
        ("builds triggers create t --code-files '*.py'", "--code-files: is not there"),
        ("builds triggers create t --repo DIR", "is on this machine, where Cloud Build sees nothing"),
        ("pipelines run DIR/pipeline.json --outputs o.json", "--outputs: is not there"),
        ("pipelines run DIR/pipeline.json --debug-task hello", "--debug-task: is not there"),
    ],
)
def test_an_option_that_google_lacks_is_refused_before_anything_is_sent(typed, line, said):
    code, _, err = typed(line, "--target", "gcp")

    assert code == 2
    assert said in err


def test_apply_names_everything_that_google_has_nothing_for_at_once(typed, tmp_path):
    (tmp_path / "trainshed.yaml").write_text(
        "schedules: [{name: a, schedule: '* * * * *', topic: t, overlap: skip}]\n"
        "buildTriggers: [{name: b, repository: /srv/git/x, changes: {image: [Dockerfile]}}]\n"
        "triggers: [{name: c, topic: t, spec: pipeline.json}]\n"
    )

    code, _, err = typed("apply -f DIR/trainshed.yaml --target gcp")

    assert code == 2
    for said in (
        "schedule projects/p1/locations/us-central1/jobs/a.overlap",
        "build trigger b.changes",
        "build trigger b.repository",
        "trigger c.spec",
    ):
        assert said in err


def test_without_a_project_or_credentials_it_is_said_what_to_do(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["pubsub", "topics", "list", "--target", "gcp"])
    assert left.value.code == 2
    assert requests.NO_PROJECT in capsys.readouterr().err

    with pytest.raises(SystemExit) as left:
        cli.main(["pubsub", "topics", "list", "--target", "gcp", "--project", "p"])
    assert left.value.code == 2
    assert "Log in with `gcloud auth application-default login`" in capsys.readouterr().err


def test_a_rehearsal_that_may_not_read_supposes_an_empty_project_and_says_so(typed, monkeypatch):
    def refused(verb, url, headers, body=None, *, timeout_seconds=None):
        assert verb == "GET", f"sent {verb} {url}"
        document = {"error": {"code": 403, "message": "You may not look", "status": "PERMISSION_DENIED"}}
        response = SimpleNamespace(status=403, read=json.dumps(document).encode, getheader=lambda _: None)
        return wire.Exchange(connection=SimpleNamespace(close=lambda: None), response=response)

    monkeypatch.setattr(wire, "exchange", refused)
    monkeypatch.setattr(Credentials, "_found", (SimpleNamespace(quota_project_id="q"), "p1"))
    monkeypatch.setattr(Credentials, "headers", lambda *_: {"authorization": "Bearer secret"})

    code, out, err = typed("apply -f DIR/trainshed.yaml --target gcp --dry-run")

    assert code == 0, err
    assert "You may not look" in out
    assert "created, 0 updated, 0 unchanged" in out
    assert "x-goog-user-project: q" in out
    assert "secret" not in out


def test_a_rehearsal_does_not_wait_for_what_goes_on(typed, monkeypatch):
    monkeypatch.setattr(Credentials, "_found", (SimpleNamespace(quota_project_id=None), "p1"))
    monkeypatch.setattr(Credentials, "headers", lambda *_: {})
    running = json.dumps({"name": "n", "state": "PIPELINE_STATE_RUNNING"}).encode()
    answer = SimpleNamespace(status=200, read=lambda: running, getheader=lambda _: None)
    connection = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(wire, "exchange", lambda *_, **__: wire.Exchange(connection=connection, response=answer))

    code, out, _ = typed("pipelines logs job-1 --stream --target gcp --dry-run")

    assert code == 0
    assert "Nothing was changed. 0 of 1 requests were not sent:" in out


def test_a_rehearsal_writes_no_file(typed, tmp_path, monkeypatch):
    monkeypatch.setattr(Credentials, "_found", (SimpleNamespace(quota_project_id=None), "p1"))
    monkeypatch.setattr(Credentials, "headers", lambda *_: {})
    found = json.dumps({"bucket": "b", "name": "x", "size": "3", "items": []}).encode()
    answer = SimpleNamespace(status=200, read=lambda: found, getheader=lambda _: None)
    connection = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(wire, "exchange", lambda *_, **__: wire.Exchange(connection=connection, response=answer))

    code, out, _ = typed("storage cp gs://b/x DIR/copy.txt --target gcp --dry-run")

    assert code == 0
    assert "GET https://storage.googleapis.com/download/storage/v1/b/b/o/x?alt=media" in out
    assert not (tmp_path / "copy.txt").exists()


def test_a_target_and_a_policy_that_are_none_are_refused_by_name(typed, tmp_path, monkeypatch):
    for text in ("[1]", '{"bindings": [3]}', '{"bindings": 3}', '{"bindings": [{"members": "x"}]}'):
        (tmp_path / "policy.json").write_text(text)
        code, _, err = typed("apply -f DIR/trainshed.yaml --target gcp --dry-run --policy DIR/policy.json")
        assert (code, "--policy:" in err) == (2, True), err

    monkeypatch.setenv("TRAINSHED_TARGET", "cloud")
    code, _, err = typed("pubsub topics list")
    assert code == 2
    assert "TRAINSHED_TARGET: 'cloud' is none of local, gcp" in err


def test_the_project_comes_from_the_command_first(typed):
    code, out, _ = typed("storage ls --project other --target gcp --dry-run")

    assert code == 0
    assert "https://storage.googleapis.com/storage/v1/b?project=other" in out


def test_doctor_says_who_would_ask_and_where(typed, monkeypatch):
    code, out, _ = typed("doctor --target gcp")
    assert code == 1
    assert "MISSING credentials: There are no Google credentials that can be used here" in out
    assert "ok      project: p1" in out

    account = SimpleNamespace(quota_project_id="q", service_account_email="me@p.iam.gserviceaccount.com")
    monkeypatch.setattr(Credentials, "_found", (account, "p1"))
    monkeypatch.setenv("TRAINSHED_API_ENDPOINT_OVERRIDES", "pubsub=http://127.0.0.1:1")
    code, out, _ = typed("doctor --target gcp")
    assert code == 0
    assert "serviceAccount:me@p.iam.gserviceaccount.com" in out
    assert "quota project: q" in out
    assert "note    addresses: not Google's: pubsub=http://127.0.0.1:1" in out


def test_a_dry_run_on_this_machine_is_no_option(typed):
    code, _, err = typed("pubsub topics list --dry-run")

    assert code == 2
    assert "--dry-run goes with --target gcp." in err
