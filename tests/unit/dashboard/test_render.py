import json
from datetime import datetime, timedelta, timezone

import pytest

from trainshed.dashboard import render
from trainshed.dashboard.document import document
from trainshed.dashboard.page import Page, Text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (1.25, "1.2 s"),
        (59.96, "1 min 0 s"),
        (61, "1 min 1 s"),
        (3 * 3600 + 60, "3 h 1 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_durations_are_written_as_people_say_them(seconds, text):
    assert render.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(None, "–"), (12, "12 B"), (2048, "2.0 KiB"), (1048575, "1.0 MiB"), (5 << 40, "5120.0 GiB")]
)
def test_sizes(count, text):
    assert render.size(count) == text


def test_times_show_their_zone():
    berlin = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))

    assert render.exactly(berlin) == "2026-01-01 00:00:00 UTC"
    assert render.exactly(berlin, "Europe/Berlin") == "2026-01-01 01:00:00 Europe/Berlin"


def test_half_a_character_is_shown_as_one_that_is_not_known():
    page = Page(title="half \ud83d", section="", parts=[Text(id="text", text="of \udc00 it")])

    drawn = render.Pages().draw(page)
    whole = render.Pages().whole(drawn)

    assert drawn.version
    assert b"of ? it" in whole.encode()
    assert json.loads(json.dumps(document(page), ensure_ascii=False).encode())["title"] == "half ?"
