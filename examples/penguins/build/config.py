"""What the pipeline is compiled for, read from the variables that the build sets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

# custom-job machine types and what they have: cores, memory
MACHINES = {
    "n1-standard-4": ("4", "15G"),
    "n1-standard-8": ("8", "30G"),
    "n1-highmem-4": ("4", "26G"),
    "e2-standard-4": ("4", "16G"),
    "e2-highcpu-8": ("8", "8G"),
}
VARIABLES = {
    "project": "PROJECT",
    "region": "REGION",
    "pipeline_name": "PIPELINE_NAME",
    "pipeline_root": "PIPELINE_ROOT",
    "image_uri": "TFX_IMAGE_URI",
    "data_root": "DATA_ROOT",
    "module_root": "MODULE_ROOT",
    "serving_model_dir": "SERVING_MODEL_DIR",
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """Locations in one project, the image, and the trainer's machine."""

    project: str
    region: str
    pipeline_name: str
    pipeline_root: str
    image_uri: str
    data_root: str
    module_root: str
    serving_model_dir: str
    machine_type: str = "n1-standard-4"
    use_gpu: bool = False
    accelerator_type: str = "NVIDIA_TESLA_T4"

    @property
    def module_file(self) -> str:
        """The trainer module in the module root."""
        return f"{self.module_root.rstrip('/')}/trainer.py"


def read(environ: Mapping[str, str] = os.environ, **given: object) -> Config:
    """Read the eight variables; those that are missing are named, all of them at once."""
    missing = [variable for variable in VARIABLES.values() if not environ.get(variable)]
    if missing:
        raise SystemExit(f"Set {', '.join(missing)}: the pipeline is compiled for them.")
    values = {field: environ[variable] for field, variable in VARIABLES.items()}
    return Config(**values, **given)
