"""The trainer module: a small neural net that tells three species of penguins apart.

The pipeline fetches this file from the module root in a bucket. Changing it needs an upload, not a new image.
"""

import json
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from utils import examples, scoring
from utils.training import FnArgs

HIDDEN_UNITS = (8, 8)
TRAIN_BATCH_SIZE = 20
EVAL_BATCH_SIZE = 10
SEED = 20


def run_fn(fn_args: FnArgs) -> dict[str, float]:
    """Train, write the model and the log of the training, answer the last metrics."""
    keras.utils.set_random_seed(SEED)
    epochs = int(fn_args.hyperparameters["num_epochs"])
    learning_rate = float(fn_args.hyperparameters["learning_rate"])
    print(f"Training for {epochs} epochs of {fn_args.train_steps} steps, learning rate {learning_rate}.")
    with strategy(use_gpu=bool(fn_args.custom_config.get("use_gpu"))).scope():
        model = make_model(learning_rate)
    history = model.fit(
        batches(fn_args.train_files, TRAIN_BATCH_SIZE, shuffled=True),
        steps_per_epoch=fn_args.train_steps,
        validation_data=batches(fn_args.eval_files, EVAL_BATCH_SIZE),
        validation_steps=fn_args.eval_steps,
        epochs=epochs,
        shuffle=False,  # `batches` has shuffled
        verbose=2,
    ).history
    write_model(model, Path(fn_args.serving_model_dir))
    Path(fn_args.model_run_dir).mkdir(parents=True, exist_ok=True)
    (Path(fn_args.model_run_dir) / "history.json").write_text(json.dumps(history, indent=2))
    return {name: float(values[-1]) for name, values in history.items()}


def strategy(*, use_gpu: bool) -> tf.distribute.Strategy:
    """Answer where to train: mirrored over the GPUs when they are wanted and there, else here, saying so."""
    gpus = tf.config.list_logical_devices("GPU")
    if use_gpu and gpus:
        print(f"Training with MirroredStrategy on {len(gpus)} GPU.")
        return tf.distribute.MirroredStrategy([device.name for device in gpus])
    if use_gpu:
        print("A GPU was asked for and this machine has none that TensorFlow can use: training on the CPU.")
    return tf.distribute.get_strategy()


def make_model(learning_rate: float) -> keras.Model:
    """Build the net: four numbers in, hidden layers, one logit per species out."""
    inputs = [keras.Input(shape=(1,), name=name) for name in examples.FEATURES]
    values = keras.layers.concatenate(inputs)
    for units in HIDDEN_UNITS:
        values = keras.layers.Dense(units, activation="relu")(values)
    model = keras.Model(inputs=inputs, outputs=keras.layers.Dense(len(examples.SPECIES))(values))
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        steps_per_execution=20,
        jit_compile=False,
    )
    return model


def batches(folder: str, size: int, *, shuffled: bool = False) -> tf.data.Dataset:
    """Repeat the rows of a split for ever, in batches of features by name and labels."""
    features, labels = examples.features_and_labels(folder)
    columns = np.asarray(features, dtype=np.float32)
    named = {name: columns[:, i : i + 1] for i, name in enumerate(examples.FEATURES)}
    rows = tf.data.Dataset.from_tensor_slices((named, np.asarray(labels, dtype=np.int64)))
    if shuffled:
        rows = rows.shuffle(len(labels), seed=SEED)
    return rows.repeat().batch(size)


def write_model(model: keras.Model, folder: Path) -> None:
    """Write the SavedModel for serving systems, and the weights for scoring in numpy."""
    folder.mkdir(parents=True, exist_ok=True)
    model.export(folder, verbose=False)
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    scoring.save(folder, [tuple(layer.get_weights()) for layer in dense])
