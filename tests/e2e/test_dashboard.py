"""What pages say where there is nothing: to begin with, and under a name that is none."""

import urllib.error
import urllib.request

import pytest


def get(trainshed, path):
    with urllib.request.urlopen(trainshed.address + path, timeout=90) as answer:
        return answer.read().decode()


@pytest.mark.parametrize(
    "path", ["/", "/builds", "/runs", "/functions", "/schedules", "/topics", "/buckets", "/receipts"]
)
def test_every_section_says_what_to_do_while_it_is_empty(trainshed, path):
    page = get(trainshed, path)

    assert "<h1>" in page
    assert page.count('<nav aria-label="Sections">') == 1
    assert "Traceback" not in page


def test_unknown_thing_is_said_in_a_sentence(trainshed):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(trainshed, "/builds/none")

    page = caught.value.read().decode()
    assert caught.value.code == 404
    assert "There is no build" in page
