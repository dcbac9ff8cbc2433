"""Where lines pass the axes of parallel coordinates."""

import math

from trainshed.dashboard.runs import parallel
from trainshed.dashboard.runs.differences import Row
from trainshed.dashboard.runs.parallel import HEIGHT, WIDTH

RUNS = (("A one", "/runs/one"), ("B two", "/runs/two"), ("C three", "/runs/three"))


def heights(line):
    return [float(point.split()[1]) for point in line.path.removeprefix("M").split("L")]


def draw(*rows):
    found = [Row(label=str(place), values=values) for place, values in enumerate(rows)]
    return parallel.draw(found, RUNS[: len(rows[0])])


def test_the_least_is_below_and_the_greatest_above():
    drawing = draw((1, 2, 3), (30.0, 10.0, 20.0))

    assert [heights(line) for line in drawing.lines] == [[HEIGHT, 0.0], [HEIGHT / 2, HEIGHT], [0.0, HEIGHT / 2]]
    assert [axis.x for axis in drawing.axes] == [0, WIDTH]
    assert sorted(drawing.axes[0].ticks) == [(0.0, "3"), (HEIGHT, "1")]
    assert drawing.lines[0].path.startswith(f"M0 {HEIGHT}L{WIDTH} 0")


def test_what_spans_much_stands_on_a_logarithmic_axis():
    drawing = draw((0.001, 0.01, 0.1), (1, 2, 3))

    assert drawing.axes[0].is_logarithmic
    assert not drawing.axes[1].is_logarithmic
    assert heights(drawing.lines[1])[0] == HEIGHT / 2


def test_words_stand_at_even_distances_and_booleans_are_words():
    drawing = draw(("relu", "tanh", "relu"), (True, False, True))

    assert [heights(line) for line in drawing.lines] == [[0, 0], [HEIGHT, HEIGHT], [0, 0]]
    assert drawing.axes[1].ticks == [(0, "true"), (HEIGHT, "false")]


def test_without_a_value_a_line_passes_below_the_axis():
    drawing = draw((1, None, 2), (1, 2, 3))

    assert drawing.axes[0].has_gaps
    assert not drawing.axes[1].has_gaps
    assert HEIGHT < heights(drawing.lines[1])[0] <= drawing.height
    assert drawing.lines[1].values == ["0 –", "1 2"]


def test_one_value_for_all_stands_in_the_middle():
    assert heights(draw((5, 5, 5)).lines[0]) == [HEIGHT / 2]


def test_too_many_words_are_no_axis():
    assert not parallel.may_be_axis(Row(label="gs", values=[f"gs://{n}" for n in range(13)]))
    assert parallel.may_be_axis(Row(label="epochs", values=list(range(20))))


def test_values_are_written_as_json_has_them():
    assert parallel.write({"seed": None, "ü": True}) == '{"seed": null, "ü": true}'
    assert (parallel.write(False), parallel.write(1 / 3), parallel.write(None)) == ("false", "0.333333", "–")


def test_what_is_no_number_passes_below_an_axis_of_numbers():
    drawing = draw((0.001, 1.0, 1e30), (0.1, 0.2, math.nan))

    assert [axis.has_gaps for axis in drawing.axes] == [False, True]
    assert sorted(words for _, words in drawing.axes[1].ticks) == ["0.1", "0.2"]
    assert heights(drawing.lines[2])[1] > HEIGHT
    assert drawing.lines[2].values[1] == "1 nan"
    assert draw((math.nan, math.nan, math.inf)).axes[0].ticks == [(0, "nan"), (HEIGHT, "inf")]


def test_what_begins_alike_is_cut_at_its_front_and_anything_else_at_its_end():
    found = [
        Row(label="root", values=["gs://penguins/data/first", "gs://penguins/data/second", "short"]),
        Row(label="evaluator: sparse_accuracy_of_all", values=[1, 2, 3]),
        Row(label="evaluator: sparse_accuracy_of_one", values=[3, 2, 1]),
    ]

    first, *others = parallel.draw(found, RUNS).axes

    assert (first.name, list(first.briefly)) == ("root", ["…ns/data/first", "…s/data/second", "short"])
    assert [words for _, words in first.ticks] == found[0].values
    assert [axis.name for axis in others] == ["…r: sparse_accuracy_of_all", "…r: sparse_accuracy_of_one"]
    assert parallel.cut(["one-long-word-alone", "short"], 14) == ["one-long-word…", "short"]
