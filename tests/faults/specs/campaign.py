"""Broken documents against reading, checking and planning: `python -m tests.faults.specs.campaign --inputs 100000`.

Whatever comes in, an answer comes out within a second of work: a plan, or findings that each name a place and what is
wrong there in one line. Anything else is written down with its input.
"""

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

from trainshed import ir
from trainshed.errors import InvalidArgument

from .mutations import mutated
from .sources import texts

_SECONDS = 1.0


def outcome(data):
    """Answer what became of a document: plan, findings or refusal. Raises AssertionError for a nameless finding."""
    document, said = _loaded(data)
    if document is None:
        assert said, "nothing is said"
        _check_named(said)
        return "not a document"
    findings = ir.check(document)
    _check_named([(finding.path, finding.message) for finding in findings])
    if any(finding.severity == "error" for finding in findings):
        return "findings"
    plan = ir.plan(document)
    json.dumps(ir.graph(plan))
    _bind(plan)
    return "plan"


def _loaded(data):
    try:
        return ir.load(data), []
    except InvalidArgument as error:
        return None, [(violation.field, violation.description) for violation in error.violations]


def _bind(plan):
    try:
        ir.bind(plan.parameters, dict.fromkeys(plan.parameters, "1"))
    except InvalidArgument as error:
        said = [(violation.field, violation.description) for violation in error.violations]
        _check_named(said)


def _check_named(findings):
    for path, message in findings:
        assert path, f"no path: {message!r}"
        assert message, f"no message at {path!r}"
        assert "\n" not in path + message, f"more than one line: {path!r}: {message!r}"
        assert len(path) + len(message) < 2000, f"{len(path) + len(message)} characters: {path[:80]!r}"


def tried(data):
    """Answer what became of a document, the work it took in seconds, and what went wrong."""
    begun = time.thread_time()
    try:
        kind, wrong = outcome(data), ""
    except Exception:  # noqa: BLE001  (what a campaign looks for)
        kind, wrong = "crash", traceback.format_exc()
    seconds = time.thread_time() - begun
    return kind, seconds, wrong or (f"{seconds:.2f} s" if seconds > _SECONDS else "")


def main():
    """Run the campaign; the exit status says whether anything went wrong."""
    parser = argparse.ArgumentParser(description="Broken documents against reading, checking and planning.")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for what went wrong")
    given = parser.parse_args()
    random, sources = Random(given.seed), texts()
    kinds, slowest, failures = Counter(), 0.0, 0
    for number in range(given.inputs):
        data = mutated(random, sources)
        kind, seconds, wrong = tried(data)
        kinds[kind] += 1
        slowest = max(slowest, seconds)
        if wrong:
            failures += 1
            print(f"input {number}: {wrong}", flush=True)  # noqa: T201
            if given.keep:
                given.keep.mkdir(parents=True, exist_ok=True)
                (given.keep / f"{given.seed}-{number}").write_bytes(data)
    print(json.dumps({"inputs": given.inputs, "wrong": failures, "slowest_seconds": round(slowest, 3), **kinds}))  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
