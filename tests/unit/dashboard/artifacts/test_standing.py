"""What is said of the state of an artifact."""

from trainshed.dashboard.artifacts import standing
from trainshed.dashboard.cells import Badge


def test_an_artifact_that_is_simply_there_is_not_called_live_as_a_served_model_is():
    assert standing.of_artifact("LIVE") is None
    assert standing.of_artifact("") is None
    assert standing.of_artifact("PENDING") == Badge(state="PENDING")
