"""Compile the pipeline to PIPELINE_NAME.json: python build/compile_pipeline.py --use-gpu False."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import yaml
from kfp import compiler

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from build import config
from pipeline import make_pipeline

TRUE, FALSE = {"true", "yes", "1"}, {"false", "no", "0"}


def boolean(text: str) -> bool:
    """Read a switch by what it says: "False" is false, and a word that is neither is refused."""
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def compile_to(target: Path, settings: config.Config) -> None:
    """Write the compiled pipeline as JSON, which Vertex takes as it is."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(make_pipeline(settings), str(package))
        target.write_text(json.dumps(yaml.safe_load(package.read_text()), indent=2))


def main(arguments: list[str] | None = None) -> None:
    """Compile for the locations in the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--use-gpu", type=boolean, default=False)
    parser.add_argument("--machine-type", choices=sorted(config.MACHINES), default="n1-standard-4")
    given = parser.parse_args(arguments)
    settings = config.read(use_gpu=given.use_gpu, machine_type=given.machine_type)
    target = Path(f"{settings.pipeline_name}.json")
    compile_to(target, settings)
    print(f"Compiled {target}.")


if __name__ == "__main__":
    main()
