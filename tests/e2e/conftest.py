"""One real server for the tests of a module, with a home of its own; environments are shared by all of them."""

import pytest

from trainshed.testing import server


@pytest.fixture(scope="module")
def trainshed(tmp_path_factory):
    with server(tmp_path_factory.mktemp("home")) as running:
        yield running
