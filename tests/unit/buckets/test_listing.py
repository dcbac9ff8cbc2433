"""Pages of a listing: folding at a delimiter, limits, and going on where the last page ended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.blobs import Conditions
from trainshed.blobs.model import Object
from trainshed.buckets.listing import glob, page
from trainshed.clock import VirtualClock
from trainshed.errors import InvalidArgument, PreconditionFailed


def an_object(name, generation=1, metageneration=1):
    now = VirtualClock().now()
    return Object(
        bucket="b", name=name, generation=generation, metageneration=metageneration, size=0, crc32c="", md5="",
        content_type="", metadata={}, create_time=now, update_time=now,
    )  # fmt: skip


def listed(names, *, prefix="", delimiter="", limit):
    """Read every page as a client does; answer items and prefixes in order."""
    objects = [an_object(name) for name in sorted(names) if name.startswith(prefix)]
    items, prefixes, after = [], [], None
    for _ in range(100):
        rest = [o for o in objects if after is None or (o.name, o.generation) > after]
        made = page(rest, prefix=prefix, delimiter=delimiter, limit=limit)
        assert len(made.items) + len(made.prefixes) <= limit
        items += [o.name for o in made.items]
        prefixes += made.prefixes
        after = made.after
        if after is None:
            return items, prefixes
    raise AssertionError("the listing does not end")


names = st.sets(st.text(alphabet="ab/", min_size=1, max_size=6), max_size=20)


@given(names, st.sampled_from(["", "a", "a/"]), st.integers(1, 5))
def test_pages_together_are_the_whole_listing_whatever_their_size(given_names, prefix, limit):
    wanted = sorted(n for n in given_names if n.startswith(prefix))
    folded = {n[: n.index("/", len(prefix)) + 1] for n in wanted if "/" in n[len(prefix) :]}

    assert listed(given_names, prefix=prefix, limit=limit) == (wanted, [])
    assert listed(given_names, prefix=prefix, delimiter="/", limit=limit) == (
        [n for n in wanted if "/" not in n[len(prefix) :]], sorted(folded),
    )  # fmt: skip


def test_a_folder_object_is_an_item_too_when_asked_for():
    made = page([an_object("a/"), an_object("a/b")], prefix="", delimiter="/", limit=10, with_trailing_delimiter=True)
    assert ([o.name for o in made.items], made.prefixes) == (["a/"], ["a/"])


@pytest.mark.parametrize(
    ("pattern", "fits", "not_fits"),
    [
        ("*.csv", ["a.csv"], ["d/a.csv", "acsv"]),
        ("**.csv", ["a.csv", "d/e/a.csv"], ["a.txt"]),
        ("d/**/x", ["d/e/x", "d/e/f/x"], ["x"]),
        ("**/x", ["x", "d/x", "d/e/x"], ["dx"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("[a-c]x", ["ax", "cx"], ["dx"]),
        ("[!a]x", ["bx"], ["ax"]),
        ("{a,b/c}.txt", ["a.txt", "b/c.txt"], ["c.txt"]),
        ("a,b", ["a,b"], ["a"]),
        ("a.+b", ["a.+b"], ["axxb"]),
        ("?.txt", ["ü.txt", "\n.txt"], ["ue.txt"]),
        ("a b #&~\t*", ["a b #&~\tc"], ["ab"]),
        ("[a b.#-]", [" ", ".", "#", "-"], ["c"]),
        ("**", ["a\nb/c"], []),
    ],
)
def test_a_glob_stays_within_a_folder_unless_doubled(pattern, fits, not_fits):
    read = glob(pattern)

    assert [name for name in fits if not read.fullmatch(name)] == []
    assert [name for name in not_fits if read.fullmatch(name)] == []


def test_a_glob_of_many_stars_is_matched_in_linear_time():
    read = glob("*a" * 500 + "b")

    assert not read.fullmatch("a" * 1024)
    assert read.fullmatch("a" * 1023 + "b")


@pytest.mark.parametrize("pattern", ["{a", "a}", "}{", "x" * 1025, "[z-a]"])
def test_what_is_no_glob_is_refused(pattern):
    with pytest.raises(InvalidArgument, match="matchGlob"):
        glob(pattern)


@pytest.mark.parametrize(
    ("conditions", "current", "holds"),
    [
        ({}, None, True),
        ({"if_generation_match": 0}, None, True),
        ({"if_generation_match": 0}, an_object("a"), False),
        ({"if_generation_match": 1}, an_object("a"), True),
        ({"if_generation_match": 1}, None, False),
        ({"if_generation_not_match": 1}, an_object("a"), False),
        ({"if_generation_not_match": 0}, an_object("a"), True),
        ({"if_metageneration_match": 2}, an_object("a", metageneration=2), True),
        ({"if_metageneration_not_match": 2}, an_object("a", metageneration=2), False),
        ({"if_generation_match": 1, "if_metageneration_match": 2}, an_object("a"), False),
    ],
)
def test_conditions_hold_or_name_the_one_that_does_not(conditions, current, holds):
    if holds:
        Conditions(**conditions).check(current)
    else:
        with pytest.raises(PreconditionFailed, match="ifGeneration|ifMetageneration"):
            Conditions(**conditions).check(current)
