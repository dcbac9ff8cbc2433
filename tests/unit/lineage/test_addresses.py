import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.lineage.addresses import bounds, is_related, object_name, plain, split_generation, trail


def test_the_trail_leads_up_to_the_bucket():
    assert trail("gs://b/d/x.csv") == ["gs://b/d/x.csv", "gs://b/d", "gs://b"]
    assert trail("gs://b/d/") == ["gs://b/d", "gs://b"]
    assert trail("gs://b") == ["gs://b"]
    assert trail("s3://b/x") == ["s3://b/x", "s3://b"]
    assert trail("a model in a registry") == ["a model in a registry"]


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("gs://b/x#17", ("gs://b/x", 17)),
        ("gs://b/x", ("gs://b/x", None)),
        ("gs://b/x#y", ("gs://b/x#y", None)),
        ("gs://b/#1#2", ("gs://b/#1", 2)),
        ("s3://b/x#17", ("s3://b/x#17", None)),
    ],
)
def test_a_generation_stands_after_the_hash(uri, found):
    assert split_generation(uri) == found


def test_the_name_is_what_follows_the_bucket():
    assert [object_name(u) for u in ("gs://b/d/x", "gs://b/d/", "gs://b")] == ["d/x", "d", ""]


parts = st.text(
    st.characters(codec="utf-8", exclude_characters="/", exclude_categories=("Cs",)), min_size=1, max_size=5
)


@given(st.lists(parts, min_size=1, max_size=4), st.lists(parts, max_size=3))
def test_everything_below_a_folder_sorts_within_its_bounds(folder, below):
    uri = "gs://" + "/".join(folder)
    inside = "/".join([uri, *below])
    low, high = bounds(uri)

    assert (low <= inside < high) == bool(below)
    assert is_related(uri, inside)
    assert plain(uri) in trail(inside)


@given(st.lists(parts, min_size=2, max_size=4), parts)
def test_a_similar_name_is_not_below(folder, more):
    uri = "gs://" + "/".join(folder)
    low, high = bounds(uri)

    assert not low <= uri + more < high
    assert not is_related(uri, uri + more)
