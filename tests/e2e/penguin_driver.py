"""Calls the examples' components in the image's environment, one after another, and prints what came of it as JSON."""

import contextlib
import importlib.util
import io
import json
import shutil
import sys
from pathlib import Path

EXAMPLES, WORK = Path(sys.argv[1]), Path(sys.argv[2])
sys.path.insert(0, str(EXAMPLES / "penguins"))

from kfp import dsl  # noqa: E402

import components  # noqa: E402

PENGUINS = EXAMPLES / "penguins"
SERVING = str(WORK / "serving")


def artifact(kind, name, **metadata):
    return kind(name=name, uri=str(WORK / name), metadata=metadata)


def train(tag, examples, *, module=PENGUINS / "trainer.py", epochs=3, rate=0.01, use_gpu=False):
    hyperparameters = artifact(dsl.Artifact, f"{tag}-hyperparameters")
    components.hyperparams_gen(epochs, rate, hyperparameters)
    model, model_run = artifact(dsl.Model, f"{tag}-model"), artifact(dsl.Artifact, f"{tag}-model-run")
    source = dsl.Artifact(uri=str(module))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        components.trainer(examples, hyperparameters, source, model, model_run, use_gpu=use_gpu)
    return model, hyperparameters, said.getvalue()


def push(tag, examples, model):
    evaluation, pushed = artifact(dsl.Metrics, f"{tag}-evaluation"), artifact(dsl.Artifact, f"{tag}-pushed")
    try:
        components.evaluator(examples, model, evaluation, SERVING, 0.6, 0.05)
    except Exception as refused:  # noqa: BLE001  (whatever a failing task says)
        return {"refused": str(refused)}
    components.pusher(model, evaluation, pushed, SERVING)
    return {**evaluation.metadata, **pushed.metadata}


def component_of(example, name):
    found = importlib.util.spec_from_file_location(f"{example}_components", EXAMPLES / example / "components.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return getattr(module, name)


def monitored(**given):
    performance = artifact(dsl.Metrics, "performance")
    served, data = dsl.Model(uri=SERVING), dsl.Dataset(uri=str(WORK / "data"))
    try:
        component_of("model_monitoring", "monitor")(served, data, performance, **given)
    except Exception as refused:  # noqa: BLE001
        return {"refused": str(refused)}
    return dict(performance.metadata)


def scored_alike(model, examples):
    import numpy as np
    import tensorflow as tf

    from utils import examples as penguins
    from utils import scoring

    features, _ = penguins.features_and_labels(Path(examples.path) / penguins.EVAL)
    columns = np.asarray(features, dtype=np.float32)
    loaded = tf.saved_model.load(model.path)
    logits = loaded.serve([tf.constant(columns[:, i : i + 1]) for i in range(4)])
    return float(np.abs(logits.numpy() - scoring.Model.load(model.path).logits(features)).max())


def layers(model):
    import numpy as np

    with np.load(Path(model.path) / "weights.npz") as stored:
        return [list(stored[f"kernel_{i}"].shape) for i in range(len(stored.files) // 2)]


def seen_by_a_trainer(examples, hyperparameters):
    """What the component hands to a module's run_fn."""
    spy = WORK / "spy.py"
    spy.write_text(
        "import json, pathlib\n"
        "def run_fn(fn_args):\n"
        "    seen = {'hyperparameters': fn_args.hyperparameters, 'steps': [fn_args.train_steps, fn_args.eval_steps]}\n"
        f"    pathlib.Path({str(WORK / 'seen.json')!r}).write_text(json.dumps(seen))\n"
        "    return {'val_accuracy': 0.5}\n"
    )
    model, model_run = artifact(dsl.Model, "spied-model"), artifact(dsl.Artifact, "spied-run")
    components.trainer(examples, hyperparameters, dsl.Artifact(uri=str(spy)), model, model_run, use_gpu=False)
    return json.loads((WORK / "seen.json").read_text())


def strategies():
    """The strategy without and with a device that TensorFlow calls a GPU; a core stands in for it."""
    import tensorflow as tf

    found_at = importlib.util.spec_from_file_location("penguin_trainer", PENGUINS / "trainer.py")
    trainer = importlib.util.module_from_spec(found_at)
    found_at.loader.exec_module(trainer)
    found = [type(trainer.strategy(use_gpu=False)).__name__]
    real, tf.config.list_logical_devices = tf.config.list_logical_devices, lambda _: real("CPU")
    try:
        return [*found, type(trainer.strategy(use_gpu=True)).__name__]
    finally:
        tf.config.list_logical_devices = real


def main():
    results = {}
    (WORK / "data").mkdir()
    shutil.copy(PENGUINS / "data/penguins_processed.csv", WORK / "data")
    examples = artifact(dsl.Dataset, "examples")
    components.csv_example_gen(dsl.Dataset(uri=str(WORK / "data")), examples)
    results["examples"] = dict(examples.metadata)

    model, hyperparameters, results["first_said"] = train("first", examples)
    results["hyperparameters"] = json.loads((Path(hyperparameters.path) / "hyperparameters.json").read_text())
    results["files"] = sorted(str(f.relative_to(model.path)) for f in Path(model.path).rglob("*") if f.is_file())
    results["model"] = dict(model.metadata)
    results["layers"] = layers(model)
    results["seen_by_trainer"] = seen_by_a_trainer(examples, hyperparameters)
    results["strategies"] = strategies()
    results["scored_alike"] = scored_alike(model, examples)
    results["first"] = push("first", examples, model)

    again, _, _ = train("again", examples)
    results["again"] = dict(again.metadata)

    changed = WORK / "changed.py"
    source = (PENGUINS / "trainer.py").read_text()
    changed.write_text(source.replace("HIDDEN_UNITS = (8, 8)", "HIDDEN_UNITS = (16, 4)"))
    wider, _, said = train("wider", examples, module=changed, epochs=2, rate=0.02, use_gpu=True)
    results["wider_said"] = said
    from utils import scoring

    results["wider_width"] = int(scoring.Model.load(wider.path).embed([[0, 0, 0, 0]]).shape[1])
    results["wider"] = push("wider", examples, wider)

    untrained, _, _ = train("untrained", examples, epochs=1, rate=1e-7)
    results["untrained"] = push("untrained", examples, untrained)
    results["versions"] = sorted(entry.name for entry in Path(SERVING).iterdir())

    embeddings = artifact(dsl.Dataset, "embeddings")
    served, data = dsl.Model(uri=SERVING), dsl.Dataset(uri=str(WORK / "data"))
    component_of("batch_prediction", "embed")(served, data, embeddings, str(WORK / "exported"))
    results["embeddings"] = dict(embeddings.metadata)
    results["exported"] = [f.read_text().splitlines()[:2] for f in (WORK / "exported").iterdir()]
    results["monitored"] = monitored(min_accuracy=0.9, newest_rows=50)
    results["degraded"] = monitored(min_accuracy=1.1, newest_rows=50)
    sys.stdout.write("RESULTS " + json.dumps(results))


main()
