"""Curves and matrices out of metadata, whatever the metadata hold."""

import pytest

from trainshed.dashboard.runs import classification


def readings(*points):
    return {
        "confidenceMetrics": [{"falsePositiveRate": x, "recall": y, "confidenceThreshold": t} for x, y, t in points]
    }


def matrix(*rows, classes=("a", "b")):
    specs = [{"displayName": name} for name in classes]
    return {"confusionMatrix": {"annotationSpecs": specs, "rows": [{"row": list(row)} for row in rows]}}


def test_the_area_below_a_curve_counts_its_ends():
    assert classification.roc("", readings((0.0, 1.0, 0.5))).area == 1.0
    assert classification.roc("", readings((0.5, 0.5, 0.5))).area == 0.5
    assert classification.roc("", readings((0.5, 0.8, 0.1), (0.0, 0.4, 0.9))).area == pytest.approx(0.75)


def test_a_curve_is_scaled_to_its_square_and_goes_up():
    curve = classification.roc("", readings((0.5, 0.8, 0.1), (0.0, 0.4, 0.9)))

    assert curve.line(100) == "M0.0 100.0L0.0 60.0L50.0 20.0L100.0 0.0"
    assert curve.points == [(0.0, 0.4, 0.9), (0.5, 0.8, 0.1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"confidenceMetrics": "none"},
        {"confidenceMetrics": [1, {}, {"falsePositiveRate": "0", "recall": 1}]},
        readings((float("nan"), 0.5, 1), (2, 0.5, 1), (-0.1, 0, 0), (True, True, 1)),
    ],
)
def test_what_is_no_curve_is_left_out(wrong):
    assert classification.roc("", wrong) is None


def test_an_infinite_threshold_is_none():
    assert classification.roc("", readings((0.0, 0.0, float("inf")))).points == [(0.0, 0.0, None)]


def test_a_matrix_knows_its_shares():
    found = classification.matrix("", matrix((8, 2), (0, 10)))

    assert found.accuracy == 0.9
    assert (found.recall(0), found.recall(1)) == (0.8, 1.0)
    assert (found.precision(0), found.precision(1)) == (1.0, 10 / 12)
    assert [[found.shade(row, column) for column in range(2)] for row in range(2)] == [[7, 2], [0, 9]]


def test_rows_may_be_plain_lists_and_classes_without_anything():
    document = {"confusionMatrix": {"annotationSpecs": ["a", "b"], "rows": [[1, 2], [0, 0]]}}

    found = classification.matrix("", document)

    assert (found.rows, found.recall(1)) == ([[1, 2], [0, 0]], None)
    assert classification.matrix("", matrix((0, 0), (0, 0))).accuracy is None


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"confusionMatrix": []},
        matrix((1, 2)),
        matrix((1,), (2,)),
        matrix((1, "2"), (3, 4)),
        matrix((1, -1), (0, 1)),
    ],
)
def test_what_is_no_matrix_is_left_out(wrong):
    assert classification.matrix("", wrong) is None


def test_slices_have_names():
    whole = readings((0, 0, 1))
    sliced = {"evaluationSlices": [{"slice": "x", "sliceClassificationMetrics": whole}, "none", {"slice": "y"}]}

    assert list(classification.slices(whole)) == [("", whole)]
    assert list(classification.slices(sliced)) == [("x", whole)]
