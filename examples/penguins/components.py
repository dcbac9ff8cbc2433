"""The pipeline's components: plain functions, so that a test can call them.

KFP copies the source of each into the compiled pipeline, which is why every one imports what it needs itself.
`utils` is in the image.
"""

from kfp import dsl


def csv_example_gen(data: dsl.Input[dsl.Dataset], examples: dsl.Output[dsl.Dataset]) -> None:
    """Read every CSV file of the data root and split the rows: two of three to train with, one to evaluate with."""
    from utils import examples as penguins

    counts = penguins.split(data.path, examples.path)
    examples.metadata.update(counts)
    print(f"{counts['train_rows']} rows to train with, {counts['eval_rows']} to evaluate with.")


def hyperparams_gen(num_epochs: int, learning_rate: float, hyperparameters: dsl.Output[dsl.Artifact]) -> None:
    """Write the runtime parameters as an artifact of type HyperParameters: `hyperparameters.json`."""
    import json
    from pathlib import Path

    chosen = {"num_epochs": num_epochs, "learning_rate": learning_rate}
    Path(hyperparameters.path).mkdir(parents=True, exist_ok=True)
    (Path(hyperparameters.path) / "hyperparameters.json").write_text(json.dumps(chosen))
    hyperparameters.metadata.update({"type_name": "HyperParameters", **chosen})


def trainer(
    examples: dsl.Input[dsl.Dataset],
    hyperparameters: dsl.Input[dsl.Artifact],
    module: dsl.Input[dsl.Artifact],
    model: dsl.Output[dsl.Model],
    model_run: dsl.Output[dsl.Artifact],
    train_steps: int = 100,
    eval_steps: int = 5,
    use_gpu: bool = False,
) -> None:
    """Run the trainer module's `run_fn` on the training split."""
    import json
    from pathlib import Path

    from utils import examples as penguins
    from utils import training

    arguments = training.FnArgs(
        train_files=str(Path(examples.path) / penguins.TRAIN),
        eval_files=str(Path(examples.path) / penguins.EVAL),
        hyperparameters=json.loads((Path(hyperparameters.path) / "hyperparameters.json").read_text()),
        train_steps=train_steps,
        eval_steps=eval_steps,
        serving_model_dir=model.path,
        model_run_dir=model_run.path,
        custom_config={"use_gpu": use_gpu},
    )
    metrics = training.run_fn_of(module.path)(arguments)
    model.metadata.update({"framework": "keras", **metrics})


def evaluator(
    examples: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    evaluation: dsl.Output[dsl.Metrics],
    serving_model_dir: str,
    min_accuracy: float,
    max_drop: float,
) -> None:
    """Compare the model with the threshold and with the served model on the same rows; fail where it may not pass."""
    import tempfile
    from pathlib import Path

    from utils import examples as penguins
    from utils import gate, scoring, serving

    rows = penguins.features_and_labels(Path(examples.path) / penguins.EVAL)
    accuracy = scoring.Model.load(model.path).accuracy(*rows)
    with tempfile.TemporaryDirectory() as folder:
        served = serving.fetch_latest(serving_model_dir, folder)
        baseline = scoring.Model.load(folder).accuracy(*rows) if served else None
    verdict = gate.check(accuracy=accuracy, min_accuracy=min_accuracy, baseline_accuracy=baseline, max_drop=max_drop)
    evaluation.log_metric("accuracy", accuracy)
    if baseline is not None:
        evaluation.log_metric("baseline_accuracy", baseline)
    evaluation.metadata["verdict"] = verdict
    print(f"The model is blessed: {verdict}.")


def pusher(
    model: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Metrics],
    pushed_model: dsl.Output[dsl.Artifact],
    serving_model_dir: str,
) -> None:
    """Copy the blessed model to a new version of the serving directory."""
    import json
    from pathlib import Path

    from utils import serving

    metrics = {name: value for name, value in evaluation.metadata.items() if isinstance(value, float)}
    pushed = serving.push(model.path, serving_model_dir, metrics)
    Path(pushed_model.path).mkdir(parents=True, exist_ok=True)
    (Path(pushed_model.path) / "pushed.json").write_text(json.dumps(pushed, indent=2))
    pushed_model.metadata.update(
        {
            "type_name": "PushedModel",
            "pushed_version": str(pushed["version"]),
            "pushed_destination": pushed["destination"],
        }
    )
    print(f"Pushed version {pushed['version']} to {pushed['destination']}.")
