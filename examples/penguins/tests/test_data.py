"""The rows and how they are split."""

import csv
from pathlib import Path

import pytest

from utils import examples

DATA = Path(__file__).resolve().parent.parent / "data"


def test_the_training_file_has_the_four_features_and_three_species():
    features, labels = examples.features_and_labels(DATA / "penguins_processed.csv")

    assert len(labels) == 333
    assert set(labels) == {0, 1, 2}
    assert all(0.0 <= value <= 1.0 for row in features for value in row)


def test_the_seasons_are_the_training_file():
    def lines(file):
        return file.read_text().splitlines()[1:]

    seasons = [line for file in sorted((DATA / "seasons").glob("*.csv")) for line in lines(file)]

    assert sorted(seasons) == sorted(lines(DATA / "penguins_processed.csv"))


def test_a_row_stays_on_its_side_when_data_arrives(tmp_path):
    before = list(examples.rows(DATA / "seasons/penguins-2007.csv"))
    examples.split(DATA / "penguins_processed.csv", tmp_path)
    evaluated = list(csv.DictReader((tmp_path / examples.EVAL / examples.FILE).open()))

    assert [row for row in before if examples.is_for_evaluation(row)] == [row for row in before if row in evaluated]


def test_two_of_three_rows_train(tmp_path):
    counts = examples.split(DATA / "penguins_processed.csv", tmp_path)

    assert sum(counts.values()) == 333
    assert 0.6 < counts["train_rows"] / 333 < 0.72


def test_a_file_without_a_column_is_named(tmp_path):
    (tmp_path / "odd.csv").write_text("species,culmen_length_mm\n0,0.5\n")

    with pytest.raises(ValueError, match=r"odd\.csv lacks the columns body_mass_g, culmen_depth_mm"):
        examples.split(tmp_path, tmp_path / "out")


def test_an_empty_data_root_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no CSV file"):
        examples.split(tmp_path, tmp_path / "out")
