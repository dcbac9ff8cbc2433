"""Runtimes by Google's names: what a retired one means here. Nothing here does I/O."""

import re
from typing import Any

from trainshed.errors import Finding, InvalidArgument

# Retired by Google: new deployments there are refused. The seed's is python37.
RETIRED = {"python37": "python311", "python38": "python311", "python39": "python312"}
SERVED = ("python310", "python311", "python312", "python313", "python314")


def check(runtime: str, interpreter: str) -> list[Finding]:
    """Say what running `runtime` means on this machine's `interpreter` ("3.11").

    Raises InvalidArgument for what is no Python runtime.
    """
    if runtime not in SERVED and runtime not in RETIRED:
        raise InvalidArgument.field(
            "runtime", f"{runtime!r} is not a Python runtime; use one of {', '.join((*RETIRED, *SERVED))}"
        )
    here = f"python{interpreter.replace('.', '')}"
    if runtime in RETIRED:
        return [
            Finding(
                severity="warning",
                path="runtime",
                message=f"{runtime} is retired: Google refuses new deployments with it. Here the function runs on "
                f"Python {interpreter}; to deploy the same to Google Cloud, use --runtime={RETIRED[runtime]}.",
            )
        ]
    if runtime != here:
        message = f"{runtime} is asked for; here the function runs on Python {interpreter}."
        return [Finding(severity="warning", path="runtime", message=message)]
    return []


def listing(interpreter: str) -> list[dict[str, Any]]:
    """Answer every runtime as Google's JSON, once for each generation; what there is to know of one as its warning."""
    return [
        {
            "name": runtime,
            "displayName": f"Python 3.{runtime.removeprefix('python3')}",
            "stage": "DECOMMISSIONED" if runtime in RETIRED else "GA",
            "warnings": [finding.message for finding in check(runtime, interpreter) if runtime in RETIRED],
            "environment": environment,
        }
        for runtime in (*RETIRED, *SERVED)
        for environment in ("GEN_1", "GEN_2")
    ]


def variables(runtime: str, *, name: str, entry_point: str, signature: str, version: int) -> dict[str, str]:
    """Answer the variables that Google's runtime sets; the oldest runtime has names of its own."""
    parts = re.fullmatch(r"projects/([^/]+)/locations/([^/]+)/functions/([^/]+)", name)
    assert parts is not None
    project, region, short = parts.groups()
    newer = {
        "FUNCTION_TARGET": entry_point,
        "FUNCTION_SIGNATURE_TYPE": signature,
        "K_SERVICE": short,
        "K_REVISION": str(version),
    }
    if runtime != "python37":
        return newer
    return newer | {
        "FUNCTION_NAME": short,
        "FUNCTION_REGION": region,
        "FUNCTION_TRIGGER_TYPE": signature,
        "GCP_PROJECT": project,
        "GCLOUD_PROJECT": project,
    }
