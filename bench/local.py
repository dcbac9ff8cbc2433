"""The reference for tasks: `kfp.local`, in the environment that this measurement runs in."""

import contextlib
import io
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Skipped

NAME = "kfp.local, SubprocessRunner"


def runner(folder: Path) -> Callable[..., None]:
    """Answer what runs a pipeline, given with its parameters, without what it prints. Raises Skipped."""
    try:
        from kfp import local
    except ImportError as error:
        raise Skipped("kfp is not installed here") from error
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(folder / "kfp-local"))

    def run(pipeline: Any, **parameters: Any) -> None:
        logging.disable(logging.CRITICAL)
        os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                pipeline(**parameters)
        finally:
            logging.disable(logging.NOTSET)

    return run
