"""Batch prediction: embeddings of every row, by the model that is served. Compile with: python pipeline.py."""

import json
import os
import tempfile
from pathlib import Path

import yaml
from kfp import compiler, dsl

import components

NAME = "penguin-embeddings"
VARIABLES = ("PIPELINE_ROOT", "TFX_IMAGE_URI", "DATA_ROOT", "SERVING_MODEL_DIR", "OUTPUT_DIR")


def make_pipeline(settings):
    """Answer the pipeline for one image and the locations of one project."""
    embed = dsl.component(
        components.embed, base_image=settings["TFX_IMAGE_URI"], packages_to_install=[], install_kfp_package=False
    )

    @dsl.pipeline(name=NAME, pipeline_root=settings["PIPELINE_ROOT"], description=__doc__)
    def embeddings(
        data_root: str = settings["DATA_ROOT"],
        serving_model_dir: str = settings["SERVING_MODEL_DIR"],
        output_dir: str = settings["OUTPUT_DIR"],
    ) -> None:
        data = dsl.importer(artifact_uri=data_root, artifact_class=dsl.Dataset, reimport=False)
        data.set_display_name("data")
        served = dsl.importer(artifact_uri=serving_model_dir, artifact_class=dsl.Model, reimport=False)
        served.set_display_name("served model")
        task = embed(serving=served.output, data=data.output, output_dir=output_dir)
        task.set_display_name("Embed").set_cpu_limit("2").set_memory_limit("8G")

    return embeddings


def main():
    """Write NAME.json for the locations in the environment."""
    missing = [variable for variable in VARIABLES if not os.environ.get(variable)]
    if missing:
        raise SystemExit(f"Set {', '.join(missing)}: the pipeline is compiled for them.")
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(make_pipeline(os.environ), str(package))
        Path(f"{NAME}.json").write_text(json.dumps(yaml.safe_load(package.read_text()), indent=2))
    print(f"Compiled {NAME}.json.")


if __name__ == "__main__":
    main()
