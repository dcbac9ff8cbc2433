"""Is the page of fields what a server does with every field that is sent to it?"""

import pytest
from conformance.fields.page import PAGE, page
from conformance.fields.probe import all_findings

from trainshed.testing import server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_page_of_fields_says_what_the_server_does(make_home):
    with server(make_home()) as running:
        written = page(all_findings(running))

    assert PAGE.read_text() == written, "run `make coverage`"
