"""What a trainer module gets and how it is loaded. The module itself comes from a bucket, not from the image."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class FnArgs:
    """The argument of a trainer module's `run_fn`."""

    train_files: str  # folder of the training split
    eval_files: str
    hyperparameters: Mapping[str, Any]
    train_steps: int  # per epoch
    eval_steps: int
    serving_model_dir: str  # where the trained model goes
    model_run_dir: str  # where logs of the training go
    custom_config: Mapping[str, Any] = field(default_factory=dict)


def run_fn_of(module_file: str | Path) -> Callable[[FnArgs], Mapping[str, float]]:
    """Load a trainer module and answer its `run_fn`; one without is refused."""
    path = Path(module_file)
    found = importlib.util.spec_from_file_location("trainer", path)
    if found is None or found.loader is None:
        raise ImportError(f"The module file {path.name} is not a Python file.")
    module = importlib.util.module_from_spec(found)
    sys.modules["trainer"] = module
    found.loader.exec_module(module)
    run_fn = getattr(module, "run_fn", None)
    if not callable(run_fn):
        raise TypeError(f"The module file {path.name} defines no function run_fn(fn_args).")
    return run_fn
