"""Every (state, transition) pair of runs and tasks."""

import pytest

from trainshed.runs.lifecycle import RUN, TASK

PAIRS = [(cycle, state, t) for cycle in (RUN, TASK) for state in cycle.states for t in cycle.transitions]


@pytest.mark.parametrize(
    ("cycle", "state", "transition"), PAIRS, ids=lambda v: getattr(v, "name", getattr(v, "noun", v))
)
def test_a_transition_starts_from_its_sources_alone(cycle, state, transition):
    assert cycle.allows(transition.name, state) is (state in transition.sources)
    if cycle.is_final(state) and cycle.allows(transition.name, state):
        assert transition.name in {"retry", "reset", "reopened"}


def test_every_final_state_of_a_task_ends_its_part_in_a_run():
    assert TASK.final == {"SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED", "NOT_TRIGGERED"}
    assert RUN.final == {"SUCCEEDED", "FAILED", "CANCELLED"}
