"""Runs that fail, told well; retried, cloned, looked at from every side, by the real command line."""

import json
import urllib.parse
import urllib.request

import pytest
from tests.e2e.run_pipelines import compile_for


@pytest.fixture(scope="module")
def specs(trainshed, tmp_path_factory):
    return compile_for(trainshed, tmp_path_factory.mktemp("specs"))


@pytest.fixture(scope="module")
def failed(trainshed, specs, tmp_path_factory):
    """A run whose loop failed in its second iteration."""
    folder = tmp_path_factory.mktemp("failed")
    done = trainshed.run(
        "pipelines", "run", str(specs / "nested.json"), "--job-id", "unlucky", "--wait",
        "--parameter", f"folder={folder}", "--parameter", "bad=2",
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    return folder, done


def counted(folder):
    return sorted((folder / "done").read_text().split())


@pytest.mark.slow
def test_a_failed_run_names_the_task_inside_its_exit_code_and_its_last_lines(failed):
    _, done = failed

    assert done.stderr.splitlines()[:3] == [
        "Task 'for-loop-3[1].count-3' failed: exited with code 3: bad luck",
        "item 2",
        "bad luck",
    ]
    assert "`trainshed pipelines retry unlucky` goes on from there" in done.stderr


@pytest.mark.slow
def test_a_run_is_described_as_a_tree(trainshed, failed):
    shown = trainshed.run("pipelines", "describe", "unlucky").stdout

    text = "\n".join(" ".join(line.split()) for line in shown.splitlines())
    assert "  | bad luck" in shown
    assert "for-loop-3 FAILED" in text
    assert "3 iterations: 2 SUCCEEDED, 1 FAILED" in text
    assert "[1] FAILED" in text
    assert "condition-1 (if-wanted) NOT_TRIGGERED its condition does not hold" in text
    assert "total NOT_TRIGGERED for-loop-3 did not succeed" in text
    assert "\n  count-2  " in shown  # in `inner`, hence indented
    assert "[0]" not in shown.partition("WHY\n")[2]


@pytest.mark.slow
def test_a_run_is_described_in_full_as_json(trainshed, failed):
    document = trainshed.json("pipelines", "describe", "unlucky")

    tasks = {task["name"]: task for task in document["tasks"]}
    assert tasks["for-loop-3[1].count-3"]["attempts"][0]["outcome"] == "ExitedNonZero"
    details = {task["taskUniqueName"]: task for task in document["job"]["jobDetail"]["taskDetails"]}
    assert details["for-loop-3[1].count-3"]["parentTaskId"] == details["for-loop-3"]["taskId"]
    assert details["for-loop-3[1].count-3"]["error"]["code"] == 9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "lines"),
    [
        ("for-loop-3[1].count-3", ["item 2", "bad luck"]),
        ("for-loop-3[1]", ["[for-loop-3[1].count-3] item 2", "[for-loop-3[1].count-3] bad luck"]),
        ("inner.count", ["item 0"]),
        ("inner", ["[inner.count] item 0", "[inner.count-2] item 0"]),
    ],
)
def test_logs_of_a_task_an_iteration_and_a_group(trainshed, failed, task, lines):
    assert trainshed.run("pipelines", "logs", "unlucky", "--task", task).stdout.splitlines() == lines


@pytest.mark.slow
def test_logs_of_a_loop_are_those_of_all_its_iterations(trainshed, failed):
    shown = trainshed.run("pipelines", "logs", "unlucky", "--task", "for-loop-3").stdout.splitlines()

    assert sorted(line for line in shown if "item" in line) == [
        f"[for-loop-3[{i}].count-3] item {i + 1}" for i in range(3)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("logs", "unlucky", "--task", "nope"),
            "task: the pipeline has no task 'nope'; it has condition-1, condition-1.count-2, count, ",
        ),
        (("retry", "nope"), "There is no run"),
        (("clone", "nope"), "There is no run"),
        (("clone", "unlucky", "--job-id", "unlucky"), "Run 'unlucky' exists already"),
        (("clone", "unlucky", "--parameter", "bad=x"), "parameters.bad: 'x' is not an integer"),
        (("clone", "unlucky", "--parameter", "colour=red"), "parameters.colour: the pipeline has no such parameter"),
        (("clone", "unlucky", "--parameter", "red"), "--parameter: 'red' is not KEY=VALUE"),
        (("list", "--filter", "colour=red"), "'colour' is not a field of these"),
        (("describe", "nope"), "There is no run"),
        (("cancel", "unlucky"), "Run unlucky has ended (FAILED); there is nothing to cancel."),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(trainshed, failed, arguments, message):
    done = trainshed.run("pipelines", *arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_the_graph_draws_iterations_as_one(trainshed, failed):
    nodes = {node["id"]: node for node in trainshed.json("pipelines", "graph", "unlucky")["nodes"]}

    assert nodes["for-loop-3"]["kind"] == "loop"
    assert nodes["for-loop-3.count-3"]["states"] == {"SUCCEEDED": 2, "FAILED": 1}
    assert nodes["for-loop-3.count-3"]["parent"] == "for-loop-3"
    assert nodes["condition-1"]["state"] == "NOT_TRIGGERED"


@pytest.mark.slow
def test_the_page_of_a_run_shows_its_tree_its_groups_and_what_can_be_done(trainshed, failed):
    name = trainshed.json("pipelines", "describe", "unlucky")["name"]
    with urllib.request.urlopen(f"{trainshed.address}/runs/{urllib.parse.quote(name)}?format=json") as answer:
        page = json.loads(answer.read())

    posts = [(a["path"], a["label"]) for part in page["parts"] for a in part.get("actions", ()) if "path" in a]
    own = name.replace("pipelineJobs", "runs")
    assert (f"/trainshed/v1/{own}:retry", "Retry what failed") in posts
    assert (f"/trainshed/v1/{own}:clone", "Run again") in posts
    problem = next(part for part in page["parts"] if part["id"] == "problem")
    assert problem["next"]["href"].startswith(f"/runs/{name}?task=for-loop-3")  # to the task that failed
    request = urllib.request.Request(f"{trainshed.address}/trainshed/v1/{own}:clone", data=b"{}", method="POST")
    with urllib.request.urlopen(request) as answer:
        assert json.loads(answer.read())["name"].startswith(name.rsplit("/", 1)[0])


@pytest.mark.slow
def test_a_retried_run_goes_on_from_what_failed(trainshed, specs, tmp_path):
    given = ("--parameter", f"folder={tmp_path}", "--parameter", "bad=2", "--job-id", "mended")
    assert trainshed.run("pipelines", "run", str(specs / "nested.json"), *given, "--wait").returncode == 1
    before = counted(tmp_path)
    (tmp_path / "mended").touch()

    done = trainshed.run("pipelines", "retry", "mended", "--wait", "--outputs", str(tmp_path / "out.json"))

    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_text()) == {"Output": 6}
    assert counted(tmp_path) == sorted([*before, "2"])
    found = trainshed.json("pipelines", "describe", "mended")
    assert found["error"] == ""
    attempts = {task["name"]: [a["outcome"] for a in task["attempts"]] for task in found["tasks"]}
    assert attempts["for-loop-3[1].count-3"] == ["ExitedNonZero", "Succeeded"]
    shown = trainshed.run("pipelines", "describe", "mended").stdout
    assert "attempt 1" not in shown  # its iteration is folded away now
    again = trainshed.run("pipelines", "retry", "mended")
    assert again.returncode == 2
    assert "Run mended is SUCCEEDED; only one that failed or was cancelled can be retried." in again.stderr


@pytest.mark.slow
def test_a_cloned_run_has_its_own_parameters_and_all_others_of_the_first(trainshed, failed, tmp_path):
    done = trainshed.json(
        "pipelines", "clone", "unlucky", "--parameter", f"folder={tmp_path}", "--parameter", "bad=-1",
        "--job-id", "cloned", "--wait", "--outputs", str(tmp_path / "out.json"),
    )  # fmt: skip

    assert done["state"] == "SUCCEEDED"
    assert done["parameters"] == {"folder": str(tmp_path), "bad": -1, "wanted": "no"}
    assert json.loads((tmp_path / "out.json").read_text()) == {"Output": 6}
    assert trainshed.json("pipelines", "describe", "unlucky")["state"] == "FAILED"


@pytest.mark.slow
def test_plan_folds_iterations_and_says_what_is_left_out(trainshed, specs, tmp_path):
    done = trainshed.run("pipelines", "plan", str(specs / "nested.json"), "--parameter", f"folder={tmp_path}")

    text = "\n".join(" ".join(line.split()) for line in done.stdout.splitlines())
    assert "for-loop-3.count-3 run 3 times caching is off" in text
    assert "condition-1 leave_out its condition does not hold" in text
    assert "inner.count run count runs before it" in text
    assert not trainshed.json("pipelines", "list", "--filter", f'labels.folder="{tmp_path}"')


@pytest.mark.slow
@pytest.mark.parametrize(("policy", "after"), [("slow", "SUCCEEDED"), ("fast", "NOT_TRIGGERED")])
def test_what_does_not_need_a_failed_task_goes_on_unless_failures_are_to_be_fast(
    trainshed, specs, tmp_path, policy, after
):
    done = trainshed.run(
        "pipelines", "run", str(specs / "two.json"), "--failure-policy", policy, "--wait", "--format", "json",
        "--parameter", f"folder={tmp_path}",
    )  # fmt: skip

    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["job"]["runtimeConfig"]["failurePolicy"] == f"PIPELINE_FAILURE_POLICY_FAIL_{policy.upper()}"
    assert {task["name"]: task["state"] for task in found["tasks"]}["count-3"] == after


@pytest.mark.slow
def test_the_failure_policy_of_a_document_holds_unless_another_is_given(trainshed, specs, tmp_path):
    spec = json.loads((specs / "two.json").read_text())
    wrapped = {"pipelineSpec": spec, "runtimeConfig": {"failurePolicy": "PIPELINE_FAILURE_POLICY_FAIL_FAST"}}
    (specs / "wrapped.json").write_text(json.dumps(wrapped))
    body = (str(specs / "wrapped.json"), "--parameter", f"folder={tmp_path}", "--format", "json")

    kept = trainshed.json("pipelines", "run", *body)
    changed = trainshed.json("pipelines", "run", *body, "--failure-policy", "slow")

    assert kept["job"]["runtimeConfig"]["failurePolicy"] == "PIPELINE_FAILURE_POLICY_FAIL_FAST"
    assert changed["job"]["runtimeConfig"]["failurePolicy"] == "PIPELINE_FAILURE_POLICY_FAIL_SLOW"


@pytest.mark.slow
def test_a_run_in_which_nothing_ran_is_marked_wherever_it_is_listed(trainshed, specs, tmp_path):
    body = (str(specs / "cached.json"), "--parameter", "x=1", "--wait")
    (specs / "cached.json").write_text(json.dumps(cached_only(specs)))
    assert trainshed.run("pipelines", "run", *body, "--job-id", "made").returncode == 0

    again = trainshed.run("pipelines", "run", *body, "--job-id", "needless")

    assert "Run needless: SUCCEEDED (nothing changed)" in again.stdout
    assert "Nothing changed: 2 tasks reused." in again.stdout
    (line,) = [x for x in trainshed.run("pipelines", "list").stdout.splitlines() if x.startswith("needless ")]
    assert "SUCCEEDED (nothing changed)" in line
    assert "state: SUCCEEDED (nothing changed)" in trainshed.run("pipelines", "describe", "needless").stdout
    assert trainshed.json("pipelines", "describe", "needless")["job"]["state"] == "PIPELINE_STATE_SUCCEEDED"


def cached_only(specs):
    """A pipeline whose DAG tasks hold all of its work, which may be reused."""
    document = json.loads((specs / "nested.json").read_text())
    count = document["components"]["comp-count"]
    task = {
        "taskInfo": {"name": "count"}, "componentRef": {"name": "comp-count"}, "cachingOptions": {"enableCache": True},
        "inputs": {"parameters": {
            "item": {"componentInputParameter": "x"}, "folder": {"runtimeValue": {"constant": str(specs)}},
        }},
    }  # fmt: skip
    taken = {"parameters": {"x": {"parameterType": "NUMBER_INTEGER"}}}
    group = {"dag": {"tasks": {"count": task}}, "inputDefinitions": taken}
    given = {"parameters": {"x": {"componentInputParameter": "x"}}}
    inside = {"taskInfo": {"name": "group"}, "componentRef": {"name": "comp-group"}, "inputs": given}
    return {
        **document,
        "pipelineInfo": {"name": "cached"},
        "components": {"comp-count": count, "comp-group": group},
        "deploymentSpec": {
            "executors": {count["executorLabel"]: document["deploymentSpec"]["executors"][count["executorLabel"]]}
        },
        "root": {"dag": {"tasks": {"count": task, "group": inside}}, "inputDefinitions": taken},
    }
