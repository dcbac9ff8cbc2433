"""What is known of a run is read once, where it stays as it is."""

import pytest

from trainshed.dashboard.origin import Origins
from trainshed.errors import NotFound
from trainshed.explain import Origin


@pytest.fixture
def told():
    return []


@pytest.fixture
def origins(told):
    def tell(run):
        told.append(run)
        if run == "gone":
            raise NotFound("There is no run.")
        return Origin(state=run, code=None, sources=())

    return Origins(tell)


def test_what_succeeded_is_read_once(origins, told):
    assert origins.of("SUCCEEDED") is origins.of("SUCCEEDED")

    assert told == ["SUCCEEDED"]


@pytest.mark.parametrize("state", ["RUNNING", "FAILED", "CANCELLED"])
def test_what_goes_on_or_may_be_retried_is_read_again(origins, told, state):
    assert origins.of(state) == origins.of(state)

    assert told == [state, state]


def test_of_a_run_that_is_gone_and_of_none_nothing_is_known(origins):
    assert origins.of("gone") is origins.of("") is None
