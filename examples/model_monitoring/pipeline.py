"""Monitoring: how good the served model is on the newest rows. Compile with: python pipeline.py."""

import json
import os
import tempfile
from pathlib import Path

import yaml
from kfp import compiler, dsl

import components

NAME = "penguin-monitoring"
VARIABLES = ("PIPELINE_ROOT", "TFX_IMAGE_URI", "DATA_ROOT", "SERVING_MODEL_DIR")


def make_pipeline(settings):
    """Answer the pipeline for one image and the locations of one project."""
    monitor = dsl.component(
        components.monitor, base_image=settings["TFX_IMAGE_URI"], packages_to_install=[], install_kfp_package=False
    )

    @dsl.pipeline(name=NAME, pipeline_root=settings["PIPELINE_ROOT"], description=__doc__)
    def monitoring(
        data_root: str = settings["DATA_ROOT"],
        serving_model_dir: str = settings["SERVING_MODEL_DIR"],
        min_accuracy: float = 0.9,
        newest_rows: int = 50,
    ) -> None:
        data = dsl.importer(artifact_uri=data_root, artifact_class=dsl.Dataset, reimport=False)
        data.set_display_name("data")
        served = dsl.importer(artifact_uri=serving_model_dir, artifact_class=dsl.Model, reimport=False)
        served.set_display_name("served model")
        task = monitor(serving=served.output, data=data.output, min_accuracy=min_accuracy, newest_rows=newest_rows)
        task.set_display_name("Monitor").set_cpu_limit("2").set_memory_limit("8G")

    return monitoring


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
