"""The page of a build says first what one has to know: what went wrong, or that somebody has to decide."""

from dataclasses import replace

import pytest
from unit.dashboard.test_build_steps import a_build, a_step

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.builds import details, one
from trainshed.errors import InvalidArgument


def page(build, *query):
    return one.page(build, Asked(path="/builds/b", query=query))


def said(build):
    return next((part for part in page(build).parts if part.id == "said"), None)


def test_a_failed_build_says_why_and_leads_to_the_log_of_the_step():
    failed = a_build(a_step(0, 0, 2), a_step(1, 2, 3, "FAILURE"), a_step(2, None, None, "CANCELLED"), end=3)
    failed = replace(failed, state="FAILURE", status_detail="step 1 exited with 3")

    found = said(failed)

    assert (found.text, found.state) == ("step 1 exited with 3", "FAILURE")
    assert (found.next.text, found.next.href) == ("Log of step 1", "/builds/b?step=1")
    assert page(failed).state.note == ""


def test_a_build_that_waits_for_approval_says_so_until_it_is_approved():
    waits = replace(a_build(a_step(0, None, None, "QUEUED")), state="PENDING", approval={"state": "PENDING"})

    assert said(waits).heading == "It waits for approval."
    assert said(replace(waits, state="QUEUED")) is None


def test_a_log_opens_at_a_line_that_the_address_names():
    build = a_build(a_step(0, 0, 2), end=2, state="SUCCESS")

    log = page(build, ("line", "12"), ("step", "0")).parts[-1]

    assert (log.line, log.address) == (12, "/builds/b/log?step=0")
    assert page(build).parts[-1].line is None
    with pytest.raises(InvalidArgument, match="'x' is no whole number"):
        page(build, ("line", "x"))


def test_details_say_what_holds_where_the_config_says_nothing():
    parts = {part.id: part for part in details.parts(a_build(a_step(0, 0, 2), a_step(1, 0, 2), end=2, state="SUCCESS"))}

    assert dict(parts["options"].pairs)["timeout"] == "3600s, the default"
    assert [row[6] for row in parts["step-details"].rows] == [None, "the steps before it"]
    assert dict(parts["about"].pairs)["Trigger"] == "by hand"
    assert not parts["artifacts"].rows
