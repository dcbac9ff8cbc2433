"""Lifecycles of builds and steps."""

import pytest

from trainshed.builds import lifecycle


@pytest.mark.parametrize("table", [lifecycle.BUILD, lifecycle.STEP])
def test_every_state_and_transition_pair_is_decided(table):
    for transition in table.transitions:
        for state in table.states:
            assert table.allows(transition.name, state) == (state in transition.sources)
    assert not any(table.is_final(s) for t in table.transitions for s in t.sources)
