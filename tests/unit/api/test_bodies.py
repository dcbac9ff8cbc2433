"""What bodies hold that nobody could read again is refused with its place."""

import json

import pytest

from trainshed.api import jsonpb
from trainshed.errors import InvalidArgument

HALF = "\ud800"


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "-1e999", "1" + "0" * 400 + ".0"])
def test_what_is_no_number_is_refused(number):
    with pytest.raises(InvalidArgument, match="is not JSON: .{1,80}; send one JSON object"):
        jsonpb.read_object(f'{{"a": {number}}}'.encode())


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"name": HALF}, "name"),
        ({"labels": {"a": "b", "c": f"x{HALF}"}}, "labels.c"),
        ({"labels": {HALF: "a"}}, "labels"),
        ({HALF: 1}, "body"),
        ({"some": ["é", {"of": [HALF]}]}, "some[1].of[0]"),
    ],
)
def test_half_a_character_is_refused_where_it_stands(document, field):
    with pytest.raises(InvalidArgument, match="has half of a surrogate pair") as refused:
        jsonpb.read_texts(json.dumps(document).encode())

    assert refused.value.violations[0].field == field


def test_whole_characters_stay_however_they_are_written():
    document = {"name": "\U0001f427 é", "labels": {"é": ["\\ud800", 1.5, 10**20]}}

    assert jsonpb.read_texts(json.dumps(document).encode()) == document
    assert jsonpb.read_texts(json.dumps(document, ensure_ascii=False).encode()) == document
    assert jsonpb.read_texts(b" ") == {}
