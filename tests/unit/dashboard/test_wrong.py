"""What is shown instead of a page."""

import pytest

from trainshed.api.status import Internal
from trainshed.dashboard import wrong
from trainshed.errors import InvalidArgument, NotFound, PermissionDenied


@pytest.mark.parametrize(
    ("error", "address", "section", "following"),
    [
        (NotFound("There is no run 'x'."), "/runs/x", "/runs", "/runs"),
        (NotFound("There is no run 'x'."), "/runs/compare?run=x", "/runs", "/runs"),
        (NotFound("No such subscription."), "/subscriptions/projects/p/x", "/triggers", "/topics"),
        (NotFound("No such schema."), "/schemas/projects/p/schemas/x", "/triggers", "/schemas"),
        (NotFound("Nothing here answers."), "/<img src=x>", "", "/"),
        (NotFound("Nothing."), "//evil.test/runs", "/runs", "/runs"),
        (InvalidArgument.field("state", "'DONE' is none of …"), "/runs?state=DONE", "/runs", "/runs"),
        (InvalidArgument.field("name", "'x' is not of the form …"), "/functions/x", "/functions", "/functions"),
        (InvalidArgument.field("name", "'x' is not of the form …"), "/runs", "/runs", "/"),
        (Internal("Trainshed failed."), "/runs?state=FAILED", "/runs", "/"),
    ],
)
def test_an_error_leads_to_where_one_can_go_on(error, address, section, following):
    page = wrong.page(error, address)

    assert page.section == section
    assert page.parts[0].text == error.message
    assert page.parts[0].next.href == following
    assert not page.is_live


def test_who_is_refused_altogether_is_led_nowhere():
    assert wrong.page(PermissionDenied("This server is not evil.test."), "/runs").parts[0].next is None


def test_a_place_in_a_list_is_called_by_the_word_that_was_typed():
    token = InvalidArgument.field("page_token", "not a token that this server returned")
    other = InvalidArgument.field("state", "'DONE' is none of …")

    assert wrong.in_words_of_pages(token, "/runs").message.startswith("page: ")
    assert wrong.in_words_of_pages(other, "/runs") is other


@pytest.mark.parametrize(
    ("section", "noun"), [("schedules", "schedule"), ("schemas", "schema"), ("triggers", "trigger")]
)
def test_a_short_name_that_nothing_has_is_told_so_and_no_form_of_names(section, noun):
    error = InvalidArgument.field("name", "'x' is not of the form 'projects/…'", reason="NAME_FORMAT")

    told = wrong.in_words_of_pages(error, f"/{section}/x")

    assert (told.http_status, told.message) == (404, f"There is no {noun} 'x'.")
    assert wrong.in_words_of_pages(error, f"/{section}/projects/p/x") is error
