"""Fixtures that every tier may use."""

import hypothesis
import pytest

from trainshed.clock import VirtualClock
from trainshed.testing import database

hypothesis.settings.register_profile("any machine", deadline=None)  # how long an example takes says nothing here
hypothesis.settings.load_profile("any machine")


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def db(tmp_path):
    with database(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def make_home(tmp_path_factory):
    """Make home directories that share their environments, so that each is built once."""
    environments = tmp_path_factory.mktemp("environments")

    def make(name="home"):
        home = tmp_path_factory.mktemp(name)
        (home / "environments").symlink_to(environments)
        return home

    return make
