"""Bad input, typed as a user would: one sentence that names the field and the fix, Google's code, never a traceback."""

import json
import re
import subprocess
import sys
import textwrap

import pytest

from trainshed.client import Client
from trainshed.testing import Server, server, wait_until

USER, INPUT = 1, 2  # exit codes: the user's code failed; the input was wrong
PIPELINE = """
from kfp import compiler, dsl

@dsl.component
def train(epochs: int, rate: float, name: str, deep: bool, layers: list) -> str:
    raise RuntimeError("it diverged")

@dsl.pipeline(name="small")
def small(epochs: int, rate: float = 0.1, name: str = "n", deep: bool = False, layers: list = []):
    train(epochs=epochs, rate=rate, name=name, deep=deep, layers=layers)

compiler.Compiler().compile(small, "small.json")
"""


def said(done, code, *, starts="ERROR: ("):
    """Check the form of an error; answer it."""
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr
    error = done.stderr.strip()
    assert starts in error
    return error


@pytest.fixture(scope="module")
def trainshed(make_home):
    with server(make_home(), TRAINSHED_GRACE_SECONDS="1") as running:
        yield running


@pytest.fixture(scope="module")
def work(trainshed, tmp_path_factory):
    """A server with a bucket, a topic and a compiled pipeline that a message starts; the folder has the files."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "compile.py").write_text(PIPELINE)
    subprocess.run([sys.executable, "compile.py"], cwd=folder, check=True, capture_output=True)
    for line in (
        "storage buckets create gs://pipes",
        f"storage cp {folder}/small.json gs://pipes/small.json",
        "pubsub topics create plain",
        "pipelines triggers create small --topic small --spec gs://pipes/small.json",
        "pipelines triggers create lost --topic lost --spec gs://pipes/gone.json",
    ):
        done = trainshed.run(*line.split())
        assert done.returncode == 0, done.stderr
    return folder


# Builds

STEP = "steps: [{name: bash, args: [-c, 'echo hello']}]\n"
CONFIGS = {
    "unknown substitution": (
        "steps: [{name: bash, args: [-c, 'echo $_WHERE']}]",
        (),
        (
            "steps[0].args[1]: key in the template '_WHERE' is not matched in the substitution data; "
            "give it with --substitutions _WHERE=…"
        ),
    ),
    "unused substitution": (
        STEP,
        ("--substitutions", "_WHERE=here"),
        "substitutions._WHERE: key '_WHERE' in the substitution data is not matched in the template; remove it, or",
    ),
    "substitution without a value": (STEP, ("--substitutions", "_WHERE"), "--substitutions: '_WHERE' has no '='"),
    "cycle in waitFor": (
        "steps: [{id: a, name: bash, waitFor: [b]}, {id: b, name: bash, waitFor: [a]}]",
        (),
        "steps[0].waitFor[0]: steps 0 and 1 wait for each other; remove one of the two",
    ),
    "unknown id in waitFor": (
        "steps: [{id: a, name: bash, waitFor: [nobody]}]",
        (),
        "steps[0].waitFor[0]: 'nobody' is not the id of a step; there are: 'a'",
    ),
    "malformed YAML": ("steps:\n- name: bash\n   args: [oops\n", (), "line 3, column 8: not valid YAML"),
    "not a mapping": ("just words\n", (), "the document is not a mapping; a build config starts with `steps:`"),
    "no steps": ("images: [a]\n", (), "steps"),
    "unknown field": ("steps: [{name: bash, argz: []}]\n", (), "argz"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_build_config_that_is_wrong_is_refused_before_anything_runs(trainshed, tmp_path, case):
    config, flags, sentence = CONFIGS[case]
    (tmp_path / "build.yaml").write_text(config)

    done = trainshed.run("builds", "submit", "--no-source", "--config", str(tmp_path / "build.yaml"), *flags)

    error = said(done, INPUT, starts="ERROR: (INVALID_ARGUMENT) ")
    assert sentence in error
    assert len(error.splitlines()) == 1
    assert "Created" not in error


STEPS = {
    "failing": ("{name: bash, args: [-c, 'echo so far; exit 7']}", "", 'FAILURE: build step 0 "bash" failed: step exited with non-zero status: 7'),
    "hanging": ("{name: bash, timeout: 1s, args: [-c, 'sleep 600']}", "", 'FAILURE: build step 0 "bash" ran longer than its timeout (1s)'),
    "hanging, and deaf": ("{name: bash, args: [-c, 'trap \"\" TERM; sleep 600 & wait']}", "timeout: 1s", "TIMEOUT: the build ran longer than its timeout (1s)"),
}  # fmt: skip


@pytest.mark.parametrize("case", STEPS)
def test_a_step_that_goes_wrong_is_the_user_s_failure(trainshed, tmp_path, case):
    step, more, sentence = STEPS[case]
    (tmp_path / "build.yaml").write_text(f"steps: [{step}]\n{more}\n")

    done = trainshed.run("builds", "submit", "--no-source", "--config", str(tmp_path / "build.yaml"))

    assert sentence in said(done, USER, starts="ERROR: build ")


def test_a_step_that_floods_the_log_is_cut_off_and_goes_on(trainshed, tmp_path):
    line = "x" * 8000
    (tmp_path / "build.yaml").write_text(
        f"steps: [{{name: bash, args: [-c, 'yes {line} | head -c 150000000; echo; exit 3']}}]\n"
    )

    done = trainshed.run("builds", "submit", "--no-source", "--config", str(tmp_path / "build.yaml"))

    said(done, USER, starts="ERROR: build ")
    assert "what the steps print from here on is dropped" in done.stdout
    assert len(done.stdout) < 70_000_000
    assert trainshed.run("builds", "list").returncode == 0, "the server lives"


def test_a_repository_that_cannot_be_read_says_why(trainshed, tmp_path):
    (tmp_path / "build.yaml").write_text(STEP)
    empty = tmp_path / "empty.git"
    subprocess.run(["git", "init", "-q", "--bare", str(empty)], check=True)
    config = ("--config", str(tmp_path / "build.yaml"))

    nowhere = trainshed.run("builds", "submit", "https://localhost:1/no.git", *config)
    hollow = trainshed.run("builds", "submit", str(empty), *config)
    folder = trainshed.run("builds", "submit", str(tmp_path / "none"), *config)

    assert "git fetch: fatal: unable to access 'https://localhost:1/no.git/'" in said(
        nowhere, USER, starts="ERROR: build "
    )
    assert "has no commits yet; push one" in said(hollow, USER, starts="ERROR: build ")
    assert f"SOURCE: there is no folder or archive '{tmp_path}/none'" in said(folder, INPUT)


def test_a_schedule_for_a_topic_that_is_missing_is_taken_as_by_google_and_said(trainshed):
    words = ["scheduler", "jobs", "create", "pubsub", "--schedule", "0 0 * * *", "--message-body", "x", "--topic"]
    done = trainshed.run(*words, "nosuch", "early")
    trainshed.run("scheduler", "jobs", "delete", "early")

    assert done.returncode == 0, done.stderr
    assert (
        "WARNING: there is no topic projects/local-project/topics/nosuch, so every firing will fail; make"
        in done.stderr
    )


def test_an_unknown_branch_and_an_unreachable_repository_are_said_by_their_trigger(trainshed, tmp_path):
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    (repository / "cloudbuild.yaml").write_text(STEP)
    subprocess.run(["git", "-C", str(repository), "add", "."], check=True)
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", "-C", str(repository), *author, "commit", "-qm", "x"], check=True)
    create = ("builds", "triggers", "create")
    assert trainshed.run(*create, "here", "--repo", str(repository), "--branch-pattern", "^main$").returncode == 0
    gone = trainshed.run(*create, "gone", "--repo", "/no/where.git", "--branch-pattern", "^main$")

    branch = trainshed.run("builds", "triggers", "run", "here", "--branch", "nope")
    unreachable = trainshed.run("builds", "triggers", "run", "gone", "--branch", "main")
    pattern = trainshed.run(*create, "third", "--repo", str(repository), "--branch-pattern", "^main(")
    unknown = trainshed.run("builds", "triggers", "run", "nobody", "--branch", "main")

    assert f"(NOT_FOUND) The repository {repository} has no branch, tag or commit 'nope'." in said(branch, INPUT)
    assert gone.returncode == 0, "it may be there later"
    assert gone.stderr.startswith(
        "WARNING: the repository cannot be read yet; the trigger waits for it. git ls-remote: fatal:"
    )
    assert "(FAILED_PRECONDITION) git fetch: fatal: " in said(unreachable, INPUT)
    assert "triggerTemplate.branchName: '^main(' is not an RE2 pattern: missing )" in said(pattern, INPUT)
    assert "(NOT_FOUND) There is no build trigger 'nobody'" in said(unknown, INPUT)


# Messages and parameters

BODIES = {
    "not json": ("not json", "message.data: the body is not JSON"),
    "cut off": ('{"epochs": 3', "message.data: the body is not JSON"),
    "encoded twice": ('"{\\"epochs\\": 3}"', "message.data: the body is JSON inside a JSON string"),
    "a list": ("[1, 2]", "message.data: the body is '[1, 2]'; a JSON object of parameters belongs there"),
    "null": ("null", "message.data: the body is 'null'"),
    "a number that is none": ('{"epochs": 3, "rate": NaN}', "message.data: the body is not JSON (NaN is not a JSON number)"),
    "infinite": ('{"epochs": 3, "rate": 1e400}', "parameters.rate: 'Infinity' is not a finite number"),
    "words for a number": ('{"epochs": "many"}', "parameters.epochs: 'many' is not"),
    "half for a whole": ('{"epochs": 1.5}', "parameters.epochs: "),
    "number for a string": ('{"epochs": 3, "name": 7}', "parameters.name: 7 is not a string; put it in quotes"),
    "word for a boolean": ('{"epochs": 3, "deep": "perhaps"}', "parameters.deep: "),
    "object for a list": ('{"epochs": 3, "layers": {"a": 1}}', "parameters.layers: "),
    "unknown parameter": ('{"epochs": 3, "nope": 1}', "parameters.nope: the pipeline has no such parameter; it has"),
    "missing parameter": ("{}", "parameters.epochs: the pipeline needs this parameter"),
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES)
def test_a_message_body_that_is_wrong_starts_nothing_and_its_receipt_says_why(trainshed, work, case):
    body, sentence = BODIES[case]

    done = trainshed.run("pubsub", "topics", "publish", "small", "--message", body, "--format", "json")
    assert done.returncode == 0, done.stderr

    receipt = receipt_of(trainshed, "small", json.loads(done.stdout)["messageIds"][0])
    assert receipt["state"] == "REFUSED"
    assert sentence in receipt["reason"]
    assert "\n" not in receipt["reason"]
    (delivery,) = receipt["deliveries"]
    assert (delivery["outcome"], delivery["reason"]) == ("refused", receipt["reason"])
    assert not receipt["link"]


def receipt_of(trainshed, trigger, message_id):
    """Wait for the receipt of a message at a trigger; answer it with its deliveries."""

    client = Client(trainshed.address)

    def find():
        found = client.call("GET", "/trainshed/v1/receipts", query={"trigger": trigger, "pageSize": 500})["receipts"]
        mine = [r for r in found if r["stimulus"].endswith(f"#{message_id}") and r["state"] != "PENDING"]
        return mine[0] if mine else None

    found = wait_until(find, what="the receipt")
    return client.call("GET", f"/trainshed/v1/receipts/{found['receipt']}")


def test_a_message_without_a_body_is_refused_or_accounted_for(trainshed, work):
    nothing = trainshed.run("pubsub", "topics", "publish", "small")
    empty = trainshed.run("pubsub", "topics", "publish", "small", "--message", "")
    attributes = trainshed.json("pubsub", "topics", "publish", "small", "--attribute", "a=b")

    assert "INVALID_ARGUMENT" in said(nothing, INPUT)
    assert "messages[0]: give it data or at least one attribute" in said(empty, INPUT)
    assert receipt_of(trainshed, "small", attributes["messageIds"][0])["state"] == "REFUSED"


def test_a_missing_template_is_said_by_the_receipt_and_mended_by_replay(trainshed, work):
    published = trainshed.json("pubsub", "topics", "publish", "lost", "--message", '{"epochs": 3}')

    receipt = receipt_of(trainshed, "lost", published["messageIds"][0])
    assert receipt["state"] == "REFUSED"
    assert receipt["reason"] == "The template gs://pipes/gone.json does not exist; upload it and replay this receipt."
    assert trainshed.run("storage", "cp", str(work / "small.json"), "gs://pipes/gone.json").returncode == 0
    assert trainshed.run("receipts", "replay", receipt["receipt"]).returncode == 0

    def started():
        again = trainshed.json("receipts", "describe", receipt["receipt"])
        return again if again["state"] == "STARTED" else None

    assert [d["outcome"] for d in wait_until(started, what="the run")["deliveries"]] == ["refused", "started"]


RUNS = {
    "unknown parameter": (("small.json", "--parameter", "nope=1"), "parameters.nope: the pipeline has no such parameter"),
    "wrongly typed": (("small.json", "--parameter", "epochs=many"), "parameters.epochs: 'many' is not"),
    "without a value": (("small.json", "--parameter", "epochs"), "--parameter: 'epochs' is not KEY=VALUE"),
    "no file": (("none.json",), "SPEC: none.json cannot be read"),
    "not a pipeline": (("other.yaml",), "steps: unknown field of a PipelineSpec"),
    "not YAML": (("broken.yaml",), "spec: not YAML"),
    "no object": (("gs://pipes/none.json",), "(NOT_FOUND) No such object: gs://pipes/none.json."),
    "no bucket": (("gs://nowhere/none.json",), "(NOT_FOUND) There is no"),
}  # fmt: skip


@pytest.mark.parametrize("case", RUNS)
def test_a_run_that_cannot_be_is_refused_before_anything_is_recorded(trainshed, work, case):
    arguments, sentence = RUNS[case]
    (work / "other.yaml").write_text(STEP)
    (work / "broken.yaml").write_text("a: b: c")

    done = trainshed.run("pipelines", "run", *arguments, cwd=work)

    assert sentence in said(done, INPUT)


def test_a_failing_task_is_the_user_s_failure(trainshed, work):
    given = ("--parameter", "epochs=1", "--wait", "--no-caching")
    done = trainshed.run("pipelines", "run", str(work / "small.json"), *given)

    assert done.returncode == USER
    assert "Task 'train' failed: exited with code 1" in done.stderr
    assert "RuntimeError: it diverged" in done.stderr
    told = re.sub("`trainshed [^`]*`", "", done.stderr.replace(str(trainshed.home), ""))  # but for commands to type
    assert "trainshed" not in told.lower()


# Functions

SOURCES = {
    "syntax": ("def handle(event, context)\n    pass\n", "", INPUT, "(INVALID_ARGUMENT) main.py: not Python: line 1"),
    "entry point": ("def other(event, context): ...\n", "", INPUT, "no function 'handle'"),
    "import": ("import nowhere_at_all\ndef handle(event, context): ...\n", "", USER,
               ("(FAILED_PRECONDITION) f does not start: main.py does not import: ModuleNotFoundError: No module named "
               "'nowhere_at_all'; name what provides it in requirements.txt")),
    "exit": ("import os\nos._exit(3)\ndef handle(event, context): ...\n", "", USER,
             "(FAILED_PRECONDITION) f does not start: its process ended with code 3"),
    "install": ("def handle(event, context): ...\n", "no-such-package-of-trainshed==9.9\n", USER,
                "(FAILED_PRECONDITION) The environment could not be built"),
    "requirement": ("def handle(event, context): ...\n", "not a requirement!\n", None, "not a requirement!"),
}  # fmt: skip


@pytest.mark.parametrize("case", SOURCES)
def test_a_function_that_cannot_serve_is_not_deployed(trainshed, tmp_path, case):
    main, requirements, code, sentence = SOURCES[case]
    (tmp_path / "main.py").write_text(main)
    (tmp_path / "requirements.txt").write_text(requirements)

    flags = ("--trigger-topic", "broken", "--source", str(tmp_path), "--entry-point", "handle")
    done = trainshed.run("functions", "deploy", "f", *flags)

    assert done.returncode == (code or done.returncode) != 0
    assert sentence in done.stderr
    assert "launcher.py" not in done.stderr, "only the user's own frames are told"
    found = {f["name"].rsplit("/", 1)[-1]: f["status"] for f in trainshed.json("functions", "list")}
    assert found.get("f") != "ACTIVE"


def test_a_function_that_crashes_is_accounted_for_and_the_next_event_is_served(trainshed, tmp_path):
    (tmp_path / "main.py").write_text(
        textwrap.dedent("""
        import base64, os, time
        def handle(event, context):
            word = base64.b64decode(event["data"]).decode()
            if word == "raise":
                raise RuntimeError("it broke")
            if word == "exit":
                os._exit(3)
            if word == "hang":
                time.sleep(600)
        """)
    )
    flags = ("--trigger-topic", "fragile", "--source", str(tmp_path), "--entry-point", "handle", "--timeout", "2s")
    assert trainshed.run("functions", "deploy", "fragile", *flags).returncode == 0
    wanted = {
        "raise": ("FAILED", "crash: RuntimeError: it broke"),
        "exit": ("FAILED", "exited: its process ended with code 3 before it returned"),
        "hang": ("FAILED", "timeout: it did not return within 2 s; --timeout sets the limit"),
        "fine": ("STARTED", "the function returned"),
    }

    ids = {w: trainshed.json("pubsub", "topics", "publish", "fragile", "--message", w)["messageIds"][0] for w in wanted}

    found = {word: receipt_of(trainshed, "fragile", message_id) for word, message_id in ids.items()}
    assert {word: r["state"] for word, r in found.items()} == {word: state for word, (state, _) in wanted.items()}
    for word, (_, reason) in wanted.items():
        assert found[word]["reason"].startswith(reason)
    assert all(len(r["deliveries"]) == 1 for r in found.values())
    called = trainshed.run("functions", "call", "fragile", "--data", '{"data": "cmFpc2U="}')
    assert called.returncode == USER
    assert "RuntimeError: it broke" in called.stdout


# Everything else

COMMANDS = {
    "cron that never fires": ("scheduler jobs create pubsub job --topic plain --message-body x --schedule|0 0 31 2 *", "schedule: '0 0 31 2 *' never fires"),
    "cron out of range": ("scheduler jobs create pubsub job --topic plain --message-body x --schedule|61 * * * *", "schedule: '61 * * * *': '61' cannot be the minute (0-59)"),
    "cron of four fields": ("scheduler jobs create pubsub job --topic plain --message-body x --schedule|0 0 * *", "schedule: '0 0 * *' has 4 fields; write five"),
    "unknown time zone": ("scheduler jobs create pubsub job --topic plain --message-body x --time-zone Europe/Atlantis --schedule|0 0 * * *", "timeZone: 'Europe/Atlantis' is not a time zone"),
    "not a URL": ("scheduler jobs create http job --uri nowhere --schedule|0 0 * * *", "httpTarget.uri: 'nowhere' is not a URL"),
    "no topic": ("pubsub topics publish nowhere --message x", "(NOT_FOUND) There is no topic 'projects/local-project/topics/nowhere'"),
    "topic with a space": ("pubsub topics create|a b", "name: 'a b' has to start with a letter"),
    "publish to a topic with a space": ("pubsub topics publish --message x|a b", "(NOT_FOUND) There is no topic"),
    "trigger without an event": ("pipelines triggers create t --spec gs://pipes/small.json", "topic: give either a topic or a bucket"),
    "trigger of nothing": ("pipelines triggers create t --topic plain --spec small.json", "spec: 'small.json' is not of the form 'gs://BUCKET/NAME'"),
    "no receipt": ("receipts replay nobody", "(NOT_FOUND) There is no receipt 'nobody'"),
    "bad bucket": ("storage buckets create gs://NO", "bucket: 'NO' is not a bucket name"),
    "no bucket": ("storage cp /etc/hostname gs://nowhere/x", "(NOT_FOUND) There is no bucket 'nowhere'"),
    "no such command": ("pubsub topics invent x", "(INVALID_ARGUMENT) No such command 'invent'"),
    "missing argument": ("pubsub topics publish", "(INVALID_ARGUMENT) Missing argument 'TOPIC'"),
    "object named ..": ("storage cp /etc/hostname gs://pipes/..", "name: '..' is not an object name"),
    "function without a trigger": ("functions deploy f --source .", "(INVALID_ARGUMENT)"),
    "function call without JSON": ("functions call f --data|no json", "(INVALID_ARGUMENT) data: is not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", COMMANDS)
def test_other_bad_input_ends_with_code_2_and_one_sentence(trainshed, work, case):
    line, sentence = COMMANDS[case]
    words, *last = line.split("|")

    done = trainshed.run(*words.split(), *last)

    assert sentence in said(done, INPUT)


@pytest.mark.parametrize("name", ["../escape", "a/../../../escape", "../../trainshed.db", "x/../../../escape"])
def test_an_object_name_that_leaves_its_bucket_is_refused(trainshed, work, name):
    done = trainshed.run("storage", "cp", "-", f"gs://pipes/{name}", input="out")

    assert "(INVALID_ARGUMENT) name: " in said(done, INPUT)
    assert "would lie outside of its bucket" in done.stderr
    outside = [p for p in trainshed.home.rglob("*escape") if p.is_file()] + [trainshed.home.parent / "escape"]
    assert not [p for p in outside if p.exists() and p.read_text() == "out"]
    assert (trainshed.home / "trainshed.db").read_bytes().startswith(b"SQLite format 3")


def test_a_port_in_use_and_a_home_in_use_are_said(trainshed, tmp_path):
    port = trainshed.address.rsplit(":", 1)[-1]

    taken = trainshed.run("up", "--port", port, "--home", str(tmp_path))
    owned = trainshed.run("up", "--port", "0")
    number = trainshed.run("up", "--port", "99999")

    assert f"(FAILED_PRECONDITION) port: {port} on 127.0.0.1 is in use; choose another with --port" in said(
        taken, INPUT
    )
    error = said(owned, INPUT)
    assert f"(FAILED_PRECONDITION) The home directory {trainshed.home} belongs to a running server" in error
    assert trainshed.address in error
    assert "'--port': 99999" in said(number, INPUT)
    assert trainshed.run("pubsub", "topics", "list").returncode == 0, "the server that was there goes on"


def test_a_folder_of_other_things_is_no_home_for_any_command(trainshed, tmp_path):
    (tmp_path / "thesis.tex").write_text("Once")
    (tmp_path / "pipeline.py").write_text("")
    elsewhere = Server(tmp_path)

    by_flag = trainshed.run("up", "--port", "0", "--home", str(tmp_path))
    by_variable = [
        elsewhere.run(*words)
        for words in (
            ("up", "--port", "0"),
            ("pubsub", "topics", "list"),
            ("pipelines", "compile", str(tmp_path / "pipeline.py"), "-o", str(tmp_path / "out.json")),
        )
    ]
    doctor = elsewhere.run("doctor")

    for done in (by_flag, *by_variable):
        error = said(done, INPUT)
        assert f"The folder {tmp_path} is no home of Trainshed" in error
        assert f"such as {tmp_path}/.trainshed" in error
    assert f"MISSING home: The folder {tmp_path} is no home of Trainshed" in doctor.stdout
    assert doctor.returncode == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipeline.py", "thesis.tex"]
