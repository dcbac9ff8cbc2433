"""How fast is Trainshed, against what? One table; `make bench` runs it. Never a test: machines differ."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import builds
import commands
import dashboard
import events
import graphs
import messages
import scale
import schedules
import server
import stored
import streams
import tasks
import viewers
from harness import Effort, Figure, Skipped, document, machine, table

MEASUREMENTS: dict[str, Callable[[Path, Effort], list[Figure]]] = {
    "cli": commands.measure,
    "server": server.measure,
    "function": events.measure_function,
    "trigger": events.measure_trigger,
    "chain": tasks.measure_chain,
    "loop": tasks.measure_loop,
    "one": tasks.measure_one,
    "cached": tasks.measure_cached,
    "fan": scale.measure_fan,
    "deep": scale.measure_deep,
    "waiting": scale.measure_waiting,
    "restart": scale.measure_restart,
    "step": builds.measure_steps,
    "rebuild": builds.measure_rebuild,
    "publish": messages.measure,
    "streams": streams.measure_streams,
    "subscriptions": streams.measure_many,
    "stored": stored.measure,
    "pages": dashboard.measure_pages,
    "tail": dashboard.measure_tail,
    "graphs": graphs.measure,
    "viewers": viewers.measure,
    "year": schedules.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; exit 1 when a measurement fails, never for a missed budget."""
    given = _parser().parse_args(arguments)
    about = machine()
    print(" · ".join(f"{k} {v}" for k, v in about.items()), flush=True)
    figures: list[Figure] = []
    skipped: dict[str, str] = {}
    failed = False
    for name in given.only or MEASUREMENTS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"trainshed-bench-{name}-", ignore_cleanup_errors=True) as folder:
            try:
                found = MEASUREMENTS[name](Path(folder), Effort(is_quick=given.quick, keep=given.keep))
            except Skipped as reason:
                skipped[name] = str(reason)
                found = []
            except Exception as error:  # noqa: BLE001  (the other measurements still count)
                skipped[name] = f"failed: {type(error).__name__}: {error}"
                found, failed = [], True
        figures += found
        outcome = skipped.get(name, "")
        print(f"{name}: {time.monotonic() - began:.0f} s {outcome}", file=sys.stderr, flush=True)
        if found:  # at once, so that what was measured is seen even when the rest is interrupted
            print(table(found), flush=True)
    print("\nAll together:\n" + table(figures))
    for name, reason in skipped.items():
        print(f"{name} was not measured: {reason}")
    if given.json:
        given.json.write_text(document(about, figures, skipped), encoding="utf-8")
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a first impression")
    parser.add_argument(
        "--only",
        action="append",
        choices=list(MEASUREMENTS),
        metavar="NAME",
        help=f"repeat for more: {', '.join(MEASUREMENTS)}",
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep large stores here, and take those that are there"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures with all samples here as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
