"""Which messages fit a protocol buffer definition."""

import pytest
from google.protobuf import descriptor_pb2, message_factory
from hypothesis import given
from hypothesis import strategies as st

from trainshed.topics import Encoding
from trainshed.topics.schemas import protobuf
from trainshed.topics.schemas.model import UnfitError

TEXT = """
// A run, as it is announced.
syntax = "proto3";
package ml.events;
option java_package = "com.example";  /* nobody minds */
option (custom.thing) = { a: [1, 2] b: "}" };

message Run {
  int64 id = 1;
  optional string name = 2 [json_name = "runName", deprecated = true];
  repeated Metric metrics = 3;
  map<string, double> params = 4;
  State state = 5;
  oneof cause {
    string message_id = 6;
    .ml.events.Run.Metric by = 7;
  }
  message Metric {
    string key = 1;
    double value = 0x2;
    bytes raw = 3;
  }
  enum State {
    option allow_alias = true;
    NEW = 0; DONE = 1; ENDED = 1;
    reserved 5 to 7;
  }
  reserved 10, 20 to max;
  reserved "old";
};
"""
ROOT = protobuf.parse(TEXT)
PROTO2 = 'syntax = "proto2"; message A { required int32 a = 1; optional string b = 2 [default = "x"]; }'


def test_a_definition_is_read_as_protoc_reads_it():
    fields = {f.name: f for f in ROOT.fields}

    assert ROOT.full_name == "ml.events.Run"
    assert {n: f.number for n, f in fields.items()} == {
        "id": 1, "name": 2, "metrics": 3, "params": 4, "state": 5, "message_id": 6, "by": 7,
    }  # fmt: skip
    assert fields["name"].json_name == "runName"
    assert (fields["name"].has_presence, fields["id"].has_presence) == (True, False)
    assert fields["by"].containing_oneof.name == "cause"
    assert fields["by"].message_type is fields["metrics"].message_type
    assert fields["params"].message_type.GetOptions().map_entry
    assert fields["state"].enum_type.values_by_name["ENDED"].number == 1


def test_what_fits_passes_in_both_encodings():
    made = message_factory.GetMessageClass(ROOT)(id=5, params={"lr": 0.1}, state="DONE", by={"key": "loss"})
    protobuf.check(ROOT, made.SerializeToString(), Encoding.BINARY)
    text = b'{"id": "5", "runName": "x", "metrics": [{"key": "a", "value": 1}], "params": {"lr": 0.1}, "state": "DONE"}'
    protobuf.check(ROOT, text, Encoding.JSON)
    protobuf.check(protobuf.parse(PROTO2), b'{"a": 1}', Encoding.JSON)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        (Encoding.JSON, b'{"other": 1}'),
        (Encoding.JSON, b'{"id": "x"}'),
        (Encoding.JSON, b'{"state": "OLD"}'),
        (Encoding.JSON, b"[]"),
        (Encoding.JSON, b"\xff"),
        (Encoding.JSON, b"[" * 100_000),
        (Encoding.BINARY, b"\x0a\xff"),
        (Encoding.BINARY, b"\x12\x05ab"),
    ],
)
def test_what_does_not_fit_is_refused(encoding, data):
    with pytest.raises(UnfitError, match=r"ml\.events\.Run"):
        protobuf.check(ROOT, data, encoding)


def test_a_required_field_has_to_be_there():
    with pytest.raises(UnfitError, match="A"):
        protobuf.check(protobuf.parse(PROTO2), b"", Encoding.BINARY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "message A { string a = 1; }",  # proto2 without a label
        'syntax = "proto3"; message A { string a = 1 }',
        'syntax = "proto3"; message A { string a = 0; }',
        'syntax = "proto3"; message A { string a = 1; string b = 1; }',
        'syntax = "proto3"; message A { string a = 1; int32 a = 2; }',
        'syntax = "proto3"; message A { Unknown a = 1; }',
        'syntax = "proto3"; message A { required string a = 1; }',
        'syntax = "proto3"; message A { map<float, string> a = 1; }',
        'syntax = "proto3"; message A {} message B {}',
        'syntax = "proto3"; import "other.proto"; message A {}',
        'syntax = "proto3"; service S {} message A {}',
        'syntax = "proto4"; message A {}',
        'syntax = "proto3"; message A { enum E { X = 1; } E e = 1; }',
        'syntax = "proto3"; message 1A {}',
        'syntax = "proto3"; message A {',
        'syntax = "proto3"; message A { string a = 1 [json_name = ',
        'syntax = "proto3"; ' + "message A {" * 200,
        '"unfinished',
        "§",
    ],
)
def test_what_is_no_definition_is_refused(text):
    with pytest.raises(UnfitError):
        protobuf.parse(text)


def test_a_compiled_definition_is_taken_by_its_root():
    file = descriptor_pb2.FileDescriptorProto()
    ROOT.file.CopyToProto(file)
    compiled = descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()

    assert protobuf.parse_compiled(compiled, "ml.events.Run").full_name == "ml.events.Run"
    for data, root in ((compiled, "Nobody"), (b"\x0a\xff", "ml.events.Run")):
        with pytest.raises(UnfitError):
            protobuf.parse_compiled(data, root)


def test_g3_a_revision_adds_or_removes_optional_fields_only():
    def of(body):
        return protobuf.parse(f'syntax = "proto2"; message A {{ {body} }}')

    before = of("optional int32 a = 1;")
    protobuf.check_revision(before, of("optional int32 a = 1; optional string b = 2;"))
    protobuf.check_revision(before, of("optional string b = 2;"))
    for body in ("optional string a = 1;", "repeated int32 a = 1;", "optional int32 a = 1; required int32 b = 2;"):
        with pytest.raises(UnfitError):
            protobuf.check_revision(before, of(body))


@given(st.text(alphabet='message A{}string ="proto3";1<>[]().,/*-\n', max_size=80))
def test_any_text_is_a_definition_or_not(text):
    try:
        protobuf.parse(text)
    except UnfitError:
        return
