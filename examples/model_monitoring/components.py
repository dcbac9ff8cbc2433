"""The component of the monitoring: a plain function, so that a test can call it."""

from kfp import dsl


def monitor(
    serving: dsl.Input[dsl.Model],
    data: dsl.Input[dsl.Dataset],
    performance: dsl.Output[dsl.Metrics],
    min_accuracy: float,
    newest_rows: int,
) -> None:
    """Measure the served model on the newest labelled rows; fail where it has become too bad.

    The newest rows are the last ones of the files in order of their names.
    """
    from utils import examples, gate, scoring
    from utils import serving as served

    version = served.local_latest(serving.path)
    features, labels = examples.features_and_labels(data.path)
    features, labels = features[-newest_rows:], labels[-newest_rows:]
    accuracy = scoring.Model.load(version).accuracy(features, labels)
    print(f"Model {version.name}: accuracy {accuracy:.3f} on the newest {len(labels)} rows.")
    if accuracy < min_accuracy:
        raise gate.ModelRefused(
            f"The served model {version.name} reaches {accuracy:.3f} on the newest {len(labels)} rows, which is below "
            f"{min_accuracy:.3f}: train again, or look at the data."
        )
    performance.log_metric("accuracy", accuracy)
    performance.log_metric("rows", len(labels))
    performance.metadata["model_version"] = version.name
