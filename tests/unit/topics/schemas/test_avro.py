"""Which messages fit an Avro schema."""

import io
import json

import avro.io
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.topics import Encoding
from trainshed.topics.schemas import avro as ours
from trainshed.topics.schemas.model import UnfitError

TEXT = json.dumps(
    {
        "type": "record",
        "name": "Run",
        "namespace": "ml",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "epochs", "type": "int"},
            {"name": "loss", "type": ["null", "double"], "default": None},
            {"name": "ok", "type": "boolean"},
            {"name": "tags", "type": {"type": "array", "items": "string"}},
            {"name": "params", "type": {"type": "map", "values": "float"}},
            {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "DONE"]}},
            {"name": "digest", "type": {"type": "fixed", "name": "Digest", "size": 2}},
            {"name": "blob", "type": {"type": "bytes", "logicalType": "nobody-knows"}},
            {"name": "before", "type": ["null", "Run"]},
        ],
    }
)
SCHEMA = ours.parse(TEXT)
FITS = {
    "id": 2**62,
    "epochs": -3,
    "loss": {"double": 0.5},
    "ok": True,
    "tags": ["a", "é"],
    "params": {"lr": 1},
    "state": "DONE",
    "digest": "\x00\xff",
    "blob": "",
    "before": None,
}


def json_of(**changes):
    return json.dumps({**FITS, **changes}).encode()


def binary(**changes):
    plain = {**FITS, "loss": 0.5, "digest": b"\0\xff", "blob": b"xyz", **changes}
    buffer = io.BytesIO()
    avro.io.DatumWriter(SCHEMA).write(plain, avro.io.BinaryEncoder(buffer))
    return buffer.getvalue()


def test_what_fits_passes_in_both_encodings():
    ours.check(SCHEMA, json_of(), Encoding.JSON)
    ours.check(SCHEMA, json_of(before={"ml.Run": FITS}), Encoding.JSON)
    nested = {**FITS, "loss": None, "digest": b"ab", "blob": b""}
    ours.check(SCHEMA, binary(before=nested, tags=[]), Encoding.BINARY)


@pytest.mark.parametrize(
    ("named", "changes"),
    [
        ("id", {"id": "1"}),
        ("id", {"id": 2**63}),
        ("id", {"id": True}),
        ("epochs", {"epochs": 2**31}),
        ("epochs", {"epochs": 1.5}),
        ("loss", {"loss": 0.5}),
        ("loss", {"loss": {"float": 0.5}}),
        ("loss", {"loss": {"double": "x"}}),
        ("ok", {"ok": 1}),
        ("tags", {"tags": "a"}),
        (r"tags\[1\]", {"tags": ["a", 1]}),
        (r"params\[lr\]", {"params": {"lr": "x"}}),
        ("state", {"state": "OLD"}),
        ("digest", {"digest": "abc"}),
        ("digest", {"digest": "é☃"}),
        ("before", {"before": {"ml.Run": {}}}),
        ("extra", {"extra": 1}),
    ],
)
def test_what_does_not_fit_is_named(named, changes):
    with pytest.raises(UnfitError, match=rf"Run\..*{named}"):
        ours.check(SCHEMA, json_of(**changes), Encoding.JSON)


def test_a_missing_field_does_not_fit_even_with_a_default():
    given = {k: v for k, v in FITS.items() if k != "loss"}
    with pytest.raises(UnfitError, match="loss is missing"):
        ours.check(SCHEMA, json.dumps(given).encode(), Encoding.JSON)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_record_does_not_fit(data):
    with pytest.raises(UnfitError):
        ours.check(SCHEMA, data, Encoding.JSON)


def test_binary_ends_where_the_record_ends():
    whole = binary()
    for data in (whole[:-1], whole + b"\0", b""):
        with pytest.raises(UnfitError):
            ours.check(SCHEMA, data, Encoding.BINARY)


def test_a_claim_of_endless_items_without_bytes_ends():
    schema = ours.parse(
        '{"type": "record", "name": "R", "fields": [{"name": "a", "type": {"type": "array", "items": "null"}}]}'
    )
    ours.check(schema, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", Encoding.BINARY)


@given(st.binary(max_size=60))
def test_any_bytes_fit_or_do_not(data):
    for encoding in Encoding:
        try:
            ours.check(SCHEMA, data, encoding)
        except UnfitError:
            continue


@pytest.mark.parametrize(
    "text", ["", "{", '"int"', '{"type": "record", "name": "R"}', '{"type": "nope"}', "5", "[" * 5000]
)
def test_what_is_no_schema_is_refused(text):
    with pytest.raises(UnfitError):
        ours.parse(text)


def test_g3_a_revision_reads_and_is_read_by_the_one_before():
    document = json.loads(TEXT)
    optional = {**document, "fields": [*document["fields"], {"name": "more", "type": "string", "default": ""}]}
    needed = {**document, "fields": [*document["fields"], {"name": "more", "type": "string"}]}

    ours.check_revision(SCHEMA, ours.parse(json.dumps(optional)))
    with pytest.raises(UnfitError, match="more"):
        ours.check_revision(SCHEMA, ours.parse(json.dumps(needed)))
