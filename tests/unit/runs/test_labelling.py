"""What may be written on a run."""

import pytest

from trainshed.errors import InvalidArgument
from trainshed.runs import labelling


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"team": "birds"}, {"team": "birds"}),
        (["team = birds", "note=a=b", "note=the last one"], {"team": "birds", "note": "the last one"}),
        (["empty="], {"empty": ""}),
        ([], {}),
    ],
)
def test_labels_are_an_object_or_texts(given, found):
    assert labelling.read(given) == found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("team=birds", "neither an object nor a list"),
        ([1], "neither an object nor a list"),
        (["birds"], "write KEY=VALUE"),
        (["=birds"], "is no key"),
        ({'a"b': "c"}, "is no key"),
        ({"a\\b": "c"}, "is no key"),
        ({"k" * 129: "c"}, "is no key"),
        ({"team": "birds\nkind=x"}, "is no text of one line"),
        ({"team": 3}, "is no text"),
        ({"team": "x" * 1025}, "is no text"),
        ({f"key-{number}": "" for number in range(65)}, "65 are too many"),
    ],
)
def test_what_is_no_label_is_refused_with_what_is_wrong(given, words):
    with pytest.raises(InvalidArgument, match=words) as refused:
        labelling.read(given)

    assert refused.value.violations[0].field == "labels"


def test_labels_are_set_and_removed_beside_others():
    present = {"team": "birds", "note": "x", "kind": "a"}

    assert labelling.changed(present, {"team": "fish", "new": ""}, ["note", "nothing"]) == {
        "team": "fish",
        "kind": "a",
        "new": "",
    }
    assert present == {"team": "birds", "note": "x", "kind": "a"}
    with pytest.raises(InvalidArgument, match="'team' is set and removed at once"):
        labelling.changed(present, {"team": "fish"}, ["team"])
