"""How times, durations, sizes, money and states are written."""

from datetime import datetime, timedelta, timezone

import pytest

from trainshed.costs import Cost
from trainshed.dashboard import wording


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0 USD"),
        (0.00003, "<0.0001 USD"),
        (0.0000996, "0.0001 USD"),
        (0.0001, "0.0001 USD"),
        (12.5, "12.5000 USD"),
    ],
)
def test_a_little_money_is_not_written_as_none(value, words):
    assert wording.money(value, "USD") == words


def test_a_cost_says_what_is_which():
    found = Cost(currency="USD", cloud=0.0304, local=0.0)

    assert str(found) == "0 USD here, 0.0304 USD on Google Cloud"
    assert wording.brief_cost(found) == "0 · 0.0304 USD"
    assert str(Cost(currency="EUR", cloud=1.0, is_guess=True)).startswith("about ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (0.5985, "599 ms"),
        (1.25, "1.3 s"),
        (59.96, "1 min 0 s"),
        (61, "1 min 1 s"),
        (3 * 3600 + 60, "3 h 1 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_durations_are_written_as_people_say_them(seconds, text):
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(None, "–"), (12, "12 B"), (2048, "2.0 KiB"), (1048575, "1.0 MiB"), (5 << 40, "5120.0 GiB")]
)
def test_sizes(count, text):
    assert wording.size(count) == text


def test_times_show_their_zone():
    berlin = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))

    assert wording.exactly(berlin) == "2026-01-01 00:00:00 UTC"
    assert wording.exactly(berlin, "Europe/Berlin") == "2026-01-01 01:00:00 Europe/Berlin"


def test_what_stands_in_backticks_is_code_and_everything_is_escaped():
    assert wording.codes("see `a <b>` & `c") == "see <code>a &lt;b&gt;</code> &amp; `c"
