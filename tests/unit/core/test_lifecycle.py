import importlib
import pkgutil
from enum import StrEnum

import pytest

import trainshed
from trainshed.lifecycle import Lifecycle, on


class Light(StrEnum):
    RED = "RED"
    GREEN = "GREEN"
    BROKEN = "BROKEN"


GO = on("go", "RED", "GREEN", "the road is free")
BREAK = on("break", "RED GREEN", "BROKEN", "lightning")


def a_light(*transitions):
    return Lifecycle("light", Light, transitions, initial="RED", final="BROKEN")


def test_transition_is_allowed_from_its_sources_only():
    light = a_light(GO, BREAK)

    assert light.allows("go", "RED")
    assert not light.allows("go", "GREEN")
    assert light.open_states == ("RED", "GREEN")
    assert light.is_final("BROKEN")


def test_unreachable_state_is_a_defect():
    with pytest.raises(AssertionError, match="unreachable.*BROKEN"):
        a_light(GO)


def test_way_out_of_a_final_state_is_a_defect():
    with pytest.raises(AssertionError, match="leaves a final state"):
        a_light(GO, BREAK, on("mend", "BROKEN", "RED", "repair"))


def test_two_transitions_of_one_name_are_a_defect():
    with pytest.raises(AssertionError, match="named twice"):
        a_light(GO, GO, BREAK)


def test_unknown_target_is_a_defect():
    with pytest.raises(AssertionError, match="unknown target BLUE"):
        a_light(GO, BREAK, on("paint", "RED", "BLUE", "fashion"))


def test_every_lifecycle_of_the_product_passes_its_own_check():
    modules = [m.name for m in pkgutil.walk_packages(trainshed.__path__, "trainshed.") if m.name.endswith(".lifecycle")]
    tables = [v for name in modules for v in vars(importlib.import_module(name)).values() if isinstance(v, Lifecycle)]

    assert tables
    assert all(t.transitions for t in tables)
