"""The gate and the serving directory."""

import json

import numpy as np
import pytest

from utils import gate, predict, scoring, serving

LIMITS = {"min_accuracy": 0.6, "max_drop": 0.05}


def a_model(folder, *, favourite=0):
    """A model that always answers one species."""
    folder.mkdir(parents=True, exist_ok=True)
    bias = np.zeros(3)
    bias[favourite] = 9.0
    scoring.save(folder, [(np.eye(4, 8), np.zeros(8)), (np.zeros((8, 3)), bias)])
    return folder


def test_a_first_model_needs_the_threshold_alone():
    assert "no model is served yet" in gate.check(accuracy=0.7, baseline_accuracy=None, **LIMITS)


def test_a_model_below_the_threshold_is_refused():
    with pytest.raises(gate.ModelRefused, match=r"accuracy of 0\.590 is below the threshold of 0\.600"):
        gate.check(accuracy=0.59, baseline_accuracy=None, **LIMITS)


def test_a_model_worse_than_the_served_one_is_refused():
    with pytest.raises(gate.ModelRefused, match=r"0\.900 is more than 0\.050 below the 0\.960"):
        gate.check(accuracy=0.90, baseline_accuracy=0.96, **LIMITS)


def test_a_model_as_good_as_the_served_one_passes():
    assert gate.check(accuracy=0.93, baseline_accuracy=0.96, **LIMITS).startswith("accuracy 0.930 against 0.960")


def test_the_last_push_is_served(tmp_path):
    directory = str(tmp_path / "serving")
    first = serving.push(a_model(tmp_path / "a", favourite=0), directory, {"accuracy": 0.7})
    second = serving.push(a_model(tmp_path / "b", favourite=2), directory, {"accuracy": 0.8})

    served = serving.fetch_latest(directory, tmp_path / "copy")

    assert first["version"] < second["version"]
    assert served == second
    assert scoring.Model.load(tmp_path / "copy").predict([[0, 0, 0, 0]])[0] == [2]
    assert serving.local_latest(directory) == tmp_path / "serving" / str(second["version"])


def test_nothing_is_served_before_the_first_push(tmp_path):
    assert serving.fetch_latest(str(tmp_path), tmp_path / "copy") is None
    with pytest.raises(SystemExit, match="No model has been pushed"):
        predict.main(["--serving-dir", str(tmp_path), "39.1", "18.7", "181", "3750"])


def test_a_prediction_names_the_species(tmp_path):
    serving.push(a_model(tmp_path / "a", favourite=1), str(tmp_path / "serving"), {})

    sentence = predict.main(["--serving-dir", str(tmp_path / "serving"), "39.1", "18.7", "181", "3750"])

    assert "says Chinstrap" in sentence


def test_accuracy_is_the_share_of_right_answers(tmp_path):
    model = scoring.Model.load(a_model(tmp_path / "a", favourite=1))

    assert model.accuracy([[0, 0, 0, 0]] * 4, [1, 1, 0, 1]) == 0.75
    assert model.embed([[0.1, 0.2, 0.3, 0.4]]).shape == (1, 8)


def test_a_push_lists_its_version_last(tmp_path):
    pushed = serving.push(a_model(tmp_path / "a"), str(tmp_path / "serving"), {"accuracy": 0.7})

    stored = json.loads((tmp_path / "serving" / serving.LATEST).read_text())
    assert stored == pushed
    assert (tmp_path / "serving" / str(pushed["version"]) / scoring.WEIGHTS).is_file()
