"""Fixtures that every tier may use."""

import pytest

from trainshed.clock import VirtualClock
from trainshed.testing import database


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def db(tmp_path):
    with database(tmp_path) as opened:
        yield opened
