"""What the names in a serving directory mean."""

import json
import math

import pytest

from trainshed.registry import directory


@pytest.mark.parametrize(
    ("folders", "pointer", "live"),
    [
        ([], None, ""),
        (["9", "10"], None, "10"),
        (["9", "10", "logs"], None, "10"),
        (["logs"], None, ""),
        (["9", "10"], '{"version": 9}', "9"),
        (["9", "10"], '{"version": "9"}', "9"),
        (["9", "10"], '{"version": 11}', "10"),  # it names what is not there
        (["9", "10"], "no JSON", "10"),
        (["9", "10"], "[9]", "10"),
        (["9", "10"], "[" * 100_000, "10"),
        (["best", "10"], '{"version": "best"}', "best"),
    ],
)
def test_live_is_what_the_pointer_names_or_the_highest_number(folders, pointer, live):
    assert directory.live(folders, pointer) == live


def test_the_following_number_is_above_every_other_and_below_the_next_push_by_the_clock():
    assert directory.following(["9", "10", "logs"]) == "11"
    assert directory.following([]) == "1"
    assert directory.following(["1795423575"]) == "1795423576"  # of a directory that counts in seconds


def test_a_pointer_keeps_what_it_says_besides():
    text = json.dumps({"version": 9, "destination": "gs://b/m/9", "metrics": {"accuracy": 0.5}, "by": "us"})

    made = json.loads(directory.new_pointer(text, "gs://b/m", "11", {"accuracy": 0.75}))

    assert made == {"version": 11, "destination": "gs://b/m/11", "metrics": {"accuracy": 0.75}, "by": "us"}


def test_what_makes_a_version_whole_comes_last():
    names = ["saved_model.pb", "fingerprint.pb", "variables/a/b", "variables/index"]

    assert directory.in_order(names) == ["variables/a/b", "variables/index", "fingerprint.pb", "saved_model.pb"]


@pytest.mark.parametrize("address", ["gs://bucket/models/penguins", "/srv/models/penguins"])
def test_an_address_and_its_key_say_the_same(address):
    assert directory.address(directory.key_of(address)) == address
    assert directory.split(f"{address}/7") == (address, "7")


def test_a_pointer_is_json_even_of_a_training_that_diverged():
    text = '{"version": "9", "metrics": {"loss": NaN}, "note": Infinity}'

    made = directory.new_pointer(text, "gs://b/m", "11", {"loss": math.nan})

    assert json.loads(made, parse_constant=pytest.fail) == {
        "version": "11",
        "metrics": {"loss": "NaN"},
        "note": "Infinity",
    }
