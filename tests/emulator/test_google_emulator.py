"""Google's own client, the same scripts, Google's emulator and us: every difference is on a page, with its reason.

Over gRPC here; `make emulator` does it over every wire that the client has.
"""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from emulator import resources, traffic
from emulator.google_emulator import emulator
from emulator.scripts import NOT_OVER_REST, SCRIPTS, run
from emulator.wires import WIRES, Wire

from trainshed.testing import server

assert resources.__doc__, traffic.__doc__  # importing them registers their scripts
pytestmark = pytest.mark.filterwarnings("ignore:The return_immediately flag:DeprecationWarning")
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "pubsub-differences.md"
CHOSEN = tuple(os.environ.get("TRAINSHED_TEST_WIRES", "grpc").split(","))
_ROW = re.compile(r"^\| `([^`]+)` \| `([^`]*)` \| `([^`]*)` \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Run every script over the chosen wires against both: (script/observation, wire) → (theirs, ours)."""
    with (
        emulator(tmp_path_factory.mktemp("emulator")) as theirs,
        server(tmp_path_factory.mktemp("ours") / "home") as running,
        ThreadPoolExecutor(2) as side_by_side,
    ):
        ours = running.address.removeprefix("http://")
        noted = list(side_by_side.map(_all, (theirs, ours)))
    return {key: tuple(side.get(key) for side in noted) for key in noted[0] | noted[1]}


def _all(address):
    found = {}
    for name in CHOSEN:
        wire = Wire(name, address)
        try:
            for script in SCRIPTS:
                if not (name == "rest" and script in NOT_OVER_REST):
                    found |= {(f"{script}/{what}", name): said for what, said in run(script, wire).items()}
        finally:
            wire.close()
    return found


def rows(found):
    return "".join(f"| `{key}` | `{theirs}` | `{ours}` |\n" for key, (theirs, ours) in sorted(found.items()))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_difference_from_googles_emulator_is_on_its_page(outcomes):
    listed = {key: (theirs, ours) for key, theirs, ours in _ROW.findall(PAGE.read_text())}
    found = {
        key: (json.dumps(theirs), json.dumps(ours)) for (key, _), (theirs, ours) in outcomes.items() if theirs != ours
    }

    gone = {key: listed[key] for key in listed if found.get(key) != listed[key]}
    new = {key: found[key] for key in found if found[key] != listed.get(key)}
    assert not gone, f"these are no differences any more, or others; take them off {PAGE.name}:\n{rows(gone)}"
    assert not new, f"these are missing on {PAGE.name}; write each under a reason:\n{rows(new)}"


@pytest.mark.slow
def test_all_wires_say_the_same(outcomes):
    """What differs from the emulator differs over gRPC, REST, sync and async alike, so that one list does for all."""
    for number, side in enumerate(("the emulator", "Trainshed")):
        by_key = {}
        for (key, _), said in outcomes.items():
            by_key.setdefault(key, set()).add(json.dumps(said[number], sort_keys=True))
        assert {k: v for k, v in by_key.items() if len(v) > 1} == {}, side


def test_the_wires_asked_for_are_known():
    assert set(CHOSEN) <= set(WIRES)
