"""What bodies of our own routes may hold."""

import pytest

from trainshed.api import own
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
