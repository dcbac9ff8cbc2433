"""How a machine is judged."""

import pytest

from trainshed.doctor import machine


@pytest.mark.parametrize(
    ("has_group", "has_limit", "state", "words"),
    [
        (True, True, "ok", "each instance"),
        (True, False, "ok", "each instance"),
        (False, True, "ok", "your user"),
        (False, False, "note", "as another user"),
    ],
)
def test_only_root_without_control_groups_is_told_that_the_kernel_limits_no_function(
    has_group, has_limit, state, words
):
    found = machine.ceiling(has_group=has_group, has_limit=has_limit)

    assert found.state == state
    assert words in found.message
