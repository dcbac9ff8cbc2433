"""Score rows with a trained model in numpy alone.

Beside the SavedModel, which serving systems load, the trainer writes the weights of its dense layers to
`weights.npz`. Evaluating and predicting read those: that takes milliseconds, importing TensorFlow takes seconds.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

WEIGHTS = "weights.npz"


class Model:
    """Dense layers with rectified outputs between them; the last one gives logits."""

    def __init__(self, layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        self._layers = list(layers)

    @classmethod
    def load(cls, folder: str | Path) -> "Model":
        """Read a model folder as the trainer writes it."""
        file = Path(folder) / WEIGHTS
        if not file.is_file():
            raise FileNotFoundError(f"The model has no {WEIGHTS}: its trainer has to write the weights of its layers.")
        with np.load(file) as stored:
            return cls([(stored[f"kernel_{i}"], stored[f"bias_{i}"]) for i in range(len(stored.files) // 2)])

    def embed(self, features: Sequence[Sequence[float]]) -> np.ndarray:
        """Answer what the last hidden layer says of each row."""
        values = np.asarray(features, dtype=np.float32)
        for kernel, bias in self._layers[:-1]:
            values = np.maximum(values @ kernel + bias, 0.0)
        return values

    def logits(self, features: Sequence[Sequence[float]]) -> np.ndarray:
        """Answer one number per species for each row."""
        kernel, bias = self._layers[-1]
        return self.embed(features) @ kernel + bias

    def predict(self, features: Sequence[Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
        """Answer the likeliest species of each row and how sure the model is of it."""
        logits = self.logits(features)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = odds / odds.sum(axis=1, keepdims=True)
        return probabilities.argmax(axis=1), probabilities.max(axis=1)

    def accuracy(self, features: Sequence[Sequence[float]], labels: Sequence[int]) -> float:
        """Answer the share of rows whose species is predicted."""
        return float((self.predict(features)[0] == np.asarray(labels)).mean())


def save(folder: str | Path, layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    """Write the weights of dense layers, first to last."""
    arrays = {}
    for number, (kernel, bias) in enumerate(layers):
        arrays[f"kernel_{number}"], arrays[f"bias_{number}"] = kernel, bias
    np.savez(Path(folder) / WEIGHTS, **arrays)
