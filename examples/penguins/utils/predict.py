"""Ask the served model about one bird: python -m utils.predict --serving-dir gs://… 39.1 18.7 181 3750."""

import argparse
import tempfile

from utils import examples, scoring, serving

# smallest and largest of each feature in penguins.csv: the model was trained on values scaled by these
RANGES = ((32.1, 59.6), (13.1, 21.5), (172.0, 231.0), (2700.0, 6300.0))


def main(arguments: list[str] | None = None) -> str:
    """Print and answer one sentence."""
    parser = argparse.ArgumentParser(description="Predict the species of a penguin from its four measures.")
    parser.add_argument("--serving-dir", required=True)
    parser.add_argument("measures", type=float, nargs=4, metavar="MEASURE", help=", ".join(examples.FEATURES))
    given = parser.parse_args(arguments)
    scaled = [(value - low) / (high - low) for value, (low, high) in zip(given.measures, RANGES, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        pushed = serving.fetch_latest(given.serving_dir, folder)
        if pushed is None:
            raise SystemExit(f"No model has been pushed to {given.serving_dir} yet.")
        species, certainty = scoring.Model.load(folder).predict([scaled])
    sentence = f"Model {pushed['version']} says {examples.SPECIES[species[0]]}, {certainty[0]:.1%} sure."
    print(sentence)
    return sentence


if __name__ == "__main__":
    main()
