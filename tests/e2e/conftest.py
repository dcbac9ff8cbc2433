"""One real server for the tests of a module, with a home of its own; environments are shared by all of them."""

import pytest

from trainshed.testing import server


@pytest.fixture(scope="module")
def trainshed(make_home):
    with server(make_home()) as running:
        yield running
