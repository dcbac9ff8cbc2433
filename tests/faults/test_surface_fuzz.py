"""Broken requests of every service get an answer that blames the request. More: `make fuzz-surface`."""

import pytest
from faults.surface.campaign import campaign, names

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_EACH = 60


def test_broken_requests_are_never_internal_errors_and_never_hang(make_home):
    report = campaign(make_home(), services=names(), count=_EACH, seed=3)

    assert report.wrong == []
    assert report.requests == _EACH * len(names())
    for service, answers in report.answers.items():
        assert set(answers) - {"501", "UNIMPLEMENTED"}, f"{service} was never really asked"
