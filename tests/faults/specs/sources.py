"""Documents to mutate: one with every feature, in all the ways it can be written, and real ones where they are."""

import json
import os
from pathlib import Path

import yaml

_OWN = Path(__file__).with_name("everything.yaml")
# other projects' test data, where it is
_SHARED = Path(os.environ.get("TRAINSHED_CONFORMANCE", Path(__file__).parents[4] / "shared" / "conformance"))


def texts():
    """Answer the texts to mutate: YAML and JSON, bare and wrapped, and what other projects have."""
    both = _OWN.read_text(encoding="utf-8")
    spec, _ = yaml.safe_load_all(both)
    job = {
        "pipelineSpec": spec,
        "displayName": "x",
        "labels": {"a": "b"},
        "runtimeConfig": {"parameterValues": {"mode": "y"}},
    }
    own = [both, yaml.safe_dump(spec, sort_keys=False), json.dumps(spec), json.dumps(job, indent=1)]
    found = sorted(p for p in _SHARED.glob("*/**/*") if p.suffix in {".yaml", ".json"} and p.name != "cases.json")
    return own + [p.read_text(encoding="utf-8") for p in found if p.parent.name != "container"]
