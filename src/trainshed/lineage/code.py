"""Which code an execution ran: digests of the component and of its source text. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from trainshed import ir

_FLAG = "--function_to_execute"
_SOURCE_MARKS = ("import kfp", "from kfp", "\ndef ")


def code_of(executor: Mapping[str, Any]) -> dict[str, Any]:
    """Say what an executor (`deploymentSpec.executors`) runs: its digest, its image, and for Python the function.

    `component` covers everything but what it may use (resources, machine); `source` is the source text alone.
    """
    container = {k: v for k, v in executor.get("container", {}).items() if k != "resources"}
    whole = {k: v for k, v in executor.items() if k not in {"container", "machineType"}}
    found: dict[str, Any] = {"component": ir.digest(whole | {"container": container})}
    words = [str(word) for word in (*container.get("command", ()), *container.get("args", ()))]
    if image := container.get("image"):
        found["image"] = image
    if function := _after(words, _FLAG):
        found["function"] = function
        if text := source_text(executor):
            found["source"] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return found


def source_text(executor: Mapping[str, Any]) -> str:
    """Answer the Python text of a lightweight component; empty for any other."""
    words = [w for w in executor.get("container", {}).get("command", ()) if isinstance(w, str)]
    return next((w for w in reversed(words) if any(mark in f"\n{w}" for mark in _SOURCE_MARKS)), "")


def _after(words: Sequence[str], flag: str) -> str:
    for word, following in pairwise(words):
        if word == flag:
            return following
    return ""
