"""`trainshed explain` by the real command line, and the route behind it, against a real server."""

import json
import urllib.error
import urllib.request

import pytest

from trainshed.testing import server

_PARENT = "projects/local-project/locations/us-central1"


@pytest.fixture(scope="module")
def world(make_home):
    with server(make_home()) as running:
        for words in (
            ("pubsub", "topics", "create", "forgotten"),
            ("scheduler", "jobs", "create", "pubsub", "nightly", "--schedule", "0 2 * * *", "--topic", "forgotten",
             "--message-body", '{"epochs": 3}'),
            ("scheduler", "jobs", "run", "nightly"),
        ):  # fmt: skip
            done = running.run(*words)
            assert done.returncode == 0, done.stderr
        yield running


def explained(world, of):
    done = world.run("explain", of, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def broken_build(world):
    config = world.home / "broken.yaml"
    config.write_text('steps: [{id: Break, name: ubuntu, script: "exit 3"}]')
    done = world.run("builds", "submit", "--no-source", "--config", str(config))
    assert done.returncode == 1
    (build,) = json.loads(world.run("builds", "list", "--format", "json").stdout)
    return build["id"]


def test_a_schedule_that_nobody_hears_says_so(world):
    done = world.run("explain", "nightly")

    assert done.returncode == 0, done.stderr
    assert "nothing is subscribed to topic forgotten" in " ".join(done.stdout.split())
    assert "→ Start runs for its messages: trainshed pipelines triggers create NAME --topic forgotten" in done.stdout
    assert "1. The schedule  ENABLED" in done.stdout


def test_a_receipt_tells_the_same_by_its_id_and_by_its_name(world):
    receipt = json.loads(world.run("receipts", "list", "--format", "json").stdout)[0]["receipt"]

    by_id, by_name = explained(world, receipt), explained(world, f"receipts/{receipt}")

    assert by_id == by_name
    assert by_id["steps"][0]["says"] == "Schedule nightly was fired by hand."


def test_a_paused_schedule_says_that_first(world):
    world.run("scheduler", "jobs", "pause", "nightly")

    found = explained(world, f"{_PARENT}/jobs/nightly")

    assert found["says"].startswith("Schedule nightly is paused, so it does not fire.")
    assert found["advice"][0]["command"] == "trainshed scheduler jobs resume nightly"
    world.run("scheduler", "jobs", "resume", "nightly")


def test_a_build_says_which_step_failed_and_what_to_do(world):
    build = broken_build(world)

    found = explained(world, build)

    assert (found["kind"], found["state"]) == ("build", "FAILURE")
    step = next(s for s in found["steps"] if s["heading"] == "The build")
    assert 'step 0 "Break" ended with exit code 3' in step["says"]
    assert [a["command"] for a in found["advice"]] == [
        f"trainshed builds log {build}", f"trainshed builds retry {build}",
    ]  # fmt: skip
    assert explained(world, build[:8]) == explained(world, f"builds/{build[:8]}") == found
    described = json.loads(world.run("builds", "describe", build[:8], "--format", "json").stdout)
    assert described["id"] == build


def test_a_receipt_is_known_by_the_beginning_of_its_id(world):
    receipt = json.loads(world.run("receipts", "list", "--format", "json").stdout)[0]["receipt"]

    assert explained(world, receipt[:10]) == explained(world, receipt)


@pytest.mark.parametrize(
    ("of", "code", "words"),
    [
        ("nonsense", 404, "no run, receipt, build or schedule 'nonsense'"),
        (f"{_PARENT}/jobs/nobody", 404, "nobody"),
        (f"{_PARENT}/pipelineJobs/nobody", 404, "nobody"),
        (f"{_PARENT}/runTriggers/nobody", 404, "no run trigger 'nobody'"),
        ("a/b", 400, "'a/b' is none of"),
        ("artifacts/999", 404, "999"),
        ("builds/0123456", 404, "no build '0123456'"),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(world, of, code, words):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{world.address}/trainshed/v1/explain/{of}", timeout=60)
    done = world.run("explain", of)

    assert refused.value.code == code
    assert words in json.load(refused.value)["error"]["message"]
    assert done.returncode == 2
    assert words in done.stderr
