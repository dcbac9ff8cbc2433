"""What the first bytes of an object show of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.dashboard.buckets import preview

PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.mark.parametrize(
    ("name", "content_type", "head", "kind"),
    [
        ("a.png", "image/png", PNG, "image"),
        ("a.txt", "text/plain", PNG, "image"),  # what it is counts, not what it is called
        ("a.png", "image/png", b"<script>alert(1)</script>", "text"),
        ("a", "", b"RIFF\x10\0\0\0WEBPVP8 ", "image"),
        ("a", "", b"RIFF\x10\0\0\0WAVEfmt ", "bytes"),
        ("a.svg", "", b"<svg/>", "drawing"),
        ("a", "image/svg+xml", b"<svg/>", "drawing"),
        ("a.json", "", b"{}", "json"),
        ("a.csv", "", b"a,b\n", "table"),
        ("a.tsv", "", b"a\tb\n", "table"),
        ("a.html", "text/html", b"<p>", "text"),
        ("a.bin", "", b"\0\1", "bytes"),
        ("a.txt", "text/plain", b"\xff\xfe", "bytes"),
        ("a.txt", "text/plain", b"", "empty"),
    ],
)
def test_an_object_is_shown_by_what_it_is(name, content_type, head, kind):
    assert preview.kind_of(name, content_type, head) == kind


@given(st.text(), st.integers(0, 3))
def test_text_that_is_cut_within_a_character_is_text(text, cut):
    whole = text.replace("\0", "").encode()
    head = whole[: max(0, len(whole) - cut)]

    found = preview.as_text(head)

    assert found is not None
    assert whole.decode().startswith(found)


@given(st.binary(max_size=400))
def test_any_bytes_are_shown_somehow(head):
    for name in ("a.json", "a.csv", "a.txt"):
        kind = preview.kind_of(name, "", head)
        text = preview.as_text(head) or ""
        preview.sheet(name, text, is_whole=True)
        preview.document(text)
        assert kind in {"empty", "image", "json", "table", "text", "bytes"}
    assert preview.hexadecimal(head).count("\n") <= 32


def test_a_table_has_its_first_rows_and_says_that_there_are_more():
    text = "a,b\n" + "".join(f"{n},x\n" for n in range(500))

    found = preview.sheet("t.csv", text, is_whole=True)
    cut = preview.sheet("t.csv", "a,b\n1,2\n3,4", is_whole=False)

    assert (found.columns, len(found.rows), found.is_whole) == (["a", "b"], 100, False)
    assert (cut.rows, cut.is_whole) == ([["1", "2"]], False)  # a row that may be cut is none


def test_rows_of_other_lengths_fill_the_table_and_many_columns_are_left_out():
    uneven = preview.sheet("t.tsv", "a\n1\t2\n\n", is_whole=True)
    wide = preview.sheet("t.csv", ",".join(map(str, range(80))), is_whole=True)

    assert (uneven.columns, uneven.rows) == (["a", ""], [["1", "2"], ["", ""]])
    assert (len(wide.columns), wide.wider_by) == (50, 30)


def test_a_document_is_folded_and_never_more_than_one_can_look_at():
    root = preview.document(json.dumps({"a": [1, {"b": None}], "long": "x" * 900, "many": list(range(5000))}))
    deep = preview.document("[" * 50 + "]" * 50)

    a, long, many = root.children
    assert (root.value, a.value, a.children[1].children[0].value) == ("3 members", "2 items", "null")
    assert (len(long.value), long.children) == (400, None)
    assert (many.value, len(many.children), many.left_out) == ("5000 items", 100, 4900)
    for _ in range(8):
        deep = deep.children[0]
    assert (deep.children, deep.left_out) == ([], 1)
    assert preview.document("{") is None
    assert preview.document("[" * 100_000) is None


def test_bytes_are_written_as_one_looks_at_them():
    first, second = preview.hexadecimal(b"GIF\x00" + bytes(range(65, 80))).splitlines()

    assert first.startswith("00000000  47 49 46 00 41")
    assert first.endswith("GIF.ABCDEFGHIJKL")
    assert second.split() == ["00000010", "4d", "4e", "4f", "MNO"]
