"""What bodies of our own routes may hold."""

import pytest

from trainshed.api import own
from trainshed.api.own import server
from trainshed.clock import VirtualClock
from trainshed.errors import InvalidArgument


def test_what_is_left_out_is_nothing():
    assert own.mapping({}, "labels") == own.mapping({"labels": None}, "labels") == {}
    assert own.choice({}, "caching") is None
    assert own.choice({"caching": False}, "caching") is False


def test_a_field_of_another_type_is_named():
    with pytest.raises(InvalidArgument, match="labels: is not a JSON object; send {…}"):
        own.mapping({"labels": ["a"]}, "labels")
    with pytest.raises(InvalidArgument, match='caching: is "no"; send true or false, or leave it out'):
        own.choice({"caching": "no"}, "caching")


@pytest.mark.parametrize(("text", "size"), [("7", 7), ("0007", 7), ("501", 500), ("9" * 5000, 500)])
def test_more_than_there_may_be_is_as_many_as_may_be(text, size):
    assert own.number(text, "pageSize", most=500) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "\u0663", "x" * 5000])
def test_what_is_no_number_is_refused_in_few_words(text):
    with pytest.raises(InvalidArgument, match="pageSize: .{2,20} is not a whole number from 1"):
        own.number(text, "pageSize", most=500)


@pytest.mark.parametrize(
    "wanted", [{"seconds": 1e300}, {"seconds": [1]}, {"seconds": "soon"}, {"to": "0001-01-01T00+14"}]
)
def test_a_clock_goes_no_further_than_there_are_times(wanted):
    clock = VirtualClock()

    with pytest.raises(InvalidArgument, match="^(seconds|to): "):
        server._advance(clock, wanted)

    assert clock.now() == VirtualClock().now()
