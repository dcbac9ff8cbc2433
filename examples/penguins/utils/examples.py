"""Rows of penguins: read them, and split them so that a row stays on its side however much data arrives later."""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

FEATURES = ("culmen_length_mm", "culmen_depth_mm", "flipper_length_mm", "body_mass_g")
LABEL = "species"
SPECIES = ("Adelie", "Chinstrap", "Gentoo")
TRAIN, EVAL = "Split-train", "Split-eval"
FILE = "examples.csv"


def csv_files(root: str | Path) -> list[Path]:
    """Answer the CSV files of a data root, which is a folder or one file."""
    path = Path(root)
    return [path] if path.is_file() else sorted(path.rglob("*.csv"))


def rows(root: str | Path) -> Iterator[dict[str, str]]:
    """Yield every row of a data root; a file without the five columns is named."""
    files = csv_files(root)
    if not files:
        raise FileNotFoundError(f"There is no CSV file in the data root {root}.")
    for file in files:
        with file.open(newline="") as stream:
            reader = csv.DictReader(stream)
            missing = {*FEATURES, LABEL} - set(reader.fieldnames or ())
            if missing:
                raise ValueError(f"{file.name} lacks the columns {', '.join(sorted(missing))}.")
            yield from reader


def is_for_evaluation(row: dict[str, str]) -> bool:
    """One row in three, chosen by its content: the answer for a row never changes."""
    text = ",".join(row[name] for name in (*FEATURES, LABEL))
    return hashlib.sha256(text.encode()).digest()[0] % 3 == 0


def split(root: str | Path, target: str | Path) -> dict[str, int]:
    """Write the two splits below `target`; answer how many rows each has."""
    sides: dict[str, list[dict[str, str]]] = {TRAIN: [], EVAL: []}
    for row in rows(root):
        sides[EVAL if is_for_evaluation(row) else TRAIN].append(row)
    for side, chosen in sides.items():
        if not chosen:
            raise ValueError(f"The data root {root} is too small: no row falls into {side}.")
        write(Path(target) / side / FILE, chosen)
    return {"train_rows": len(sides[TRAIN]), "eval_rows": len(sides[EVAL])}


def write(file: Path, chosen: Iterable[dict[str, str]]) -> None:
    """Write rows with the five columns and nothing else."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [LABEL, *FEATURES], extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(chosen)


def features_and_labels(root: str | Path) -> tuple[list[list[float]], list[int]]:
    """Answer the numbers of every row: four features, and the species' number."""
    features, labels = [], []
    for row in rows(root):
        features.append([float(row[name]) for name in FEATURES])
        labels.append(int(row[LABEL]))
    return features, labels
