"""What our own routes answer of a training that diverged is JSON."""

import json
import math
from datetime import UTC, datetime

from trainshed.api.own import lineage, models
from trainshed.cli import models as command
from trainshed.lineage import Execution
from trainshed.registry import Version

_NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_version_of_a_model_and_its_line_in_the_terminal():
    version = Version(
        directory="gs://b/m", version="7", artifact_id=1, kind="push", create_time=_NOW, metrics={"model.loss": math.nan},
    )  # fmt: skip

    document = json.loads(json.dumps(models.as_json(version), allow_nan=False))

    assert document["metrics"] == {"model.loss": "NaN"}
    assert command._row(document)[4] == "model.loss nan"


def test_an_execution_with_all_that_it_was_given_and_made():
    execution = Execution(
        execution_id=1, type="c", name="projects/p/locations/l/pipelineJobs/r/tasks/t", last_known_state="COMPLETE",
        properties={"inputs": {"loss": math.inf}, "outputs": {"losses": [math.nan]}}, context_id=None, create_time=_NOW,
    )  # fmt: skip

    document = json.loads(json.dumps(lineage._execution(execution), allow_nan=False))

    assert (document["parameters"], document["outputs"]) == ({"loss": "Infinity"}, {"losses": ["NaN"]})
