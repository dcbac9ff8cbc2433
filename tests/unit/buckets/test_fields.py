"""`fields=` keeps what it names of an answer."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.api.services.storage_fields import select
from trainshed.errors import InvalidArgument

PAGE = {
    "kind": "k",
    "items": [{"name": "a", "size": "1", "owner": {"entity": "e", "id": "i"}}, {"name": "b", "size": "2"}],
    "nextPageToken": "t",
}


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ("", PAGE),
        ("kind", {"kind": "k"}),
        ("items(name),nextPageToken", {"items": [{"name": "a"}, {"name": "b"}], "nextPageToken": "t"}),
        ("items/name", {"items": [{"name": "a"}, {"name": "b"}]}),
        ("items/owner/id", {"items": [{"owner": {"id": "i"}}, {}]}),
        ("items(name,owner(entity)), kind", {
            "items": [{"name": "a", "owner": {"entity": "e"}}, {"name": "b"}], "kind": "k",
        }),
        ("*", PAGE),
        ("items(*)", {"items": PAGE["items"]}),
        ("absent", {}),
        ("items,items(name)", {"items": PAGE["items"]}),
    ],
)  # fmt: skip
def test_fields_keep_what_they_name(fields, kept):
    assert select(PAGE, fields) == {name: kept[name] for name in PAGE if name in kept}


@pytest.mark.parametrize("fields", ["a(", "a)", "a,,b", "(a)", "a/", "a(b", "a b", ",", "a(" * 60 + ")" * 60])
def test_what_is_no_list_of_fields_is_refused(fields):
    with pytest.raises(InvalidArgument, match="fields: "):
        select(PAGE, fields)


@given(st.text(alphabet="ab,/()* ", max_size=30))
def test_any_text_is_read_or_refused(fields):
    with suppress(InvalidArgument):
        assert set(select(PAGE, fields)) <= set(PAGE)
