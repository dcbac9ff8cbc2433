"""The component of the batch prediction: a plain function, so that a test can call it."""

from kfp import dsl


def embed(
    serving: dsl.Input[dsl.Model],
    data: dsl.Input[dsl.Dataset],
    embeddings: dsl.Output[dsl.Dataset],
    output_dir: str,
) -> None:
    """Write what the served model's last hidden layer says of each row, with the species that it predicts."""
    import csv
    from pathlib import Path

    from utils import examples, scoring
    from utils import serving as served

    version = served.local_latest(serving.path)
    model = scoring.Model.load(version)
    features = [[float(row[name]) for name in examples.FEATURES] for row in examples.rows(data.path)]
    vectors = model.embed(features)
    species, certainty = model.predict(features)
    file = Path(embeddings.path) / "embeddings.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["predicted", "certainty", *(f"embedding_{i}" for i in range(vectors.shape[1]))])
        for kind, sure, vector in zip(species, certainty, vectors, strict=True):
            writer.writerow([examples.SPECIES[kind], f"{sure:.4f}", *(f"{value:.6f}" for value in vector)])
    served.upload(file, f"{output_dir.rstrip('/')}/{version.name}.csv")
    embeddings.metadata.update({"rows": len(features), "model_version": version.name, "width": int(vectors.shape[1])})
    print(f"{len(features)} embeddings of model {version.name} are in {output_dir}.")
