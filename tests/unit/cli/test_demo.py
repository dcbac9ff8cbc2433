"""The demo's table, and the home that it clears."""

import re
from datetime import UTC, datetime

import pytest

from trainshed import costs
from trainshed.cli import demo, story
from trainshed.cli.stage import clear
from trainshed.errors import FailedPrecondition

RUN = "projects/p/locations/us-central1/pipelineJobs/penguin-training-1"
PRICES = costs.load()


def a_run(**given):
    return {
        "name": RUN,
        "state": "PIPELINE_STATE_SUCCEEDED",
        "createTime": "2026-01-01T00:00:00Z",
        "endTime": "2026-01-01T00:00:12.5Z",
        "jobDetail": {
            "taskDetails": [
                {"taskName": "csv-example-gen", "state": "SKIPPED", "executorDetail": {}},
                {"taskName": "importer", "state": "SUCCEEDED", "startTime": "2026-01-01T00:00:01Z"},
                {
                    "taskName": "trainer",
                    "executorDetail": {},
                    "state": "SUCCEEDED",
                    "startTime": "2026-01-01T00:00:01Z",
                    "endTime": "2026-01-01T00:00:11Z",
                },
            ]
        },
    } | given


def test_s60_a_run_is_shown_with_its_reason_and_both_costs():
    reasons = {RUN: {"reason": "message 7 of trigger-penguin-training"}}

    time, shown, cost = demo._run_line(PRICES, a_run(), reasons, "a message")

    assert time == "2026-01-01T00:00:00Z"
    assert shown[:4] == ("run: 1 task ran, 1 reused", "SUCCEEDED", "12.5", "message 7 of trigger-penguin-training")
    assert cost.cloud == pytest.approx(0.03 + 10 / 3600 * 0.19)
    assert shown[4:] == ("0.0000", "0.0305 USD")


def test_a_run_without_a_receipt_says_what_the_demo_did():
    assert demo._run_line(PRICES, a_run(), {}, "new data")[1][3] == "new data"


def test_a_build_is_shown_with_its_machines_price():
    build = {
        "id": "b-1",
        "status": "SUCCESS",
        "steps": [{}, {}],
        "createTime": "2026-01-01T00:00:00Z",
        "startTime": "2026-01-01T00:00:01Z",
        "finishTime": "2026-01-01T00:01:01Z",
        "options": {"machineType": "E2_HIGHCPU_8"},
    }

    _, shown, _ = demo._build_line(PRICES, build, {})

    assert shown == ("build of 2 steps", "SUCCESS", "60.0", "submitted by hand", "0.0000", "0.0160 USD")
    assert demo._build_line(PRICES, build | {"steps": [{}]}, {})[1][0] == "build of 1 step"


def test_a_run_in_which_nothing_was_new_is_skipped_here_and_billed_there():
    reused = {"taskDetails": [{"taskName": "trainer", "state": "SKIPPED", "executorDetail": {}}]}
    reasons = {RUN: {"reason": "nothing changed: 1 task reused", "state": "SKIPPED"}}

    _, shown, _ = demo._run_line(PRICES, a_run(jobDetail=reused), reasons, "a firing")

    assert shown[0:2] == ("run: nothing changed: 1 task reused", "SKIPPED")
    assert shown[4:] == ("0.0000", "0.0300 USD")


def test_a_firing_without_a_run_is_a_line_as_well():
    receipt = {"createTime": "2026-01-01T00:00:00Z", "reason": "nothing has changed " * 9}

    _, shown, cost = demo._skipped_line(PRICES, receipt)

    assert (cost.local, cost.cloud) == (0, 0.03)
    assert shown[1] == "SKIPPED"
    assert len(shown[3]) == 76


def test_every_substitution_of_the_build_config_has_a_value(tmp_path):
    class Stage:
        project, region, home = "p", "us-central1", tmp_path

    values = story.Story(stage=Stage(), example=tmp_path).values()

    config = (story.example_folder() / "cloudbuild.yaml").read_text()
    used = set(re.findall(r"\$\{?(_[A-Z_]+)", config))
    assert len(used) == 11
    assert used == {"_REPO_URL", "_BRANCH", *values}
    assert values["_SERVING_MODEL_DIR"] == "gs://p-penguins/serving_model/penguin-training"


def test_a_cleared_home_keeps_its_environments(tmp_path):
    home = tmp_path / "home"
    clear(home)
    (home / "environments" / "abc").mkdir(parents=True)
    (home / "buckets").mkdir()
    (home / "trainshed.db").write_text("")

    clear(home)

    assert sorted(entry.name for entry in home.iterdir()) == [".demo", "environments"]
    assert (home / "environments" / "abc").is_dir()


def test_somebody_elses_folder_is_not_cleared(tmp_path):
    (tmp_path / "thesis.tex").write_text("all of it")

    with pytest.raises(FailedPrecondition, match="is not empty and not a demo's"):
        clear(tmp_path)

    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.parametrize(
    ("minute", "line"), [(0, "30 * * * *"), (29, "59 * * * *"), (30, "0 * * * *"), (59, "29 * * * *")]
)
def test_the_demos_schedule_fires_each_hour_but_not_while_it_is_told(minute, line):
    assert story.hourly(datetime(2026, 1, 1, 8, minute, tzinfo=UTC)) == line
