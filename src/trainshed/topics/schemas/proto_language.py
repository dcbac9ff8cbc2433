"""Reads the text of a `.proto` file into its descriptor: proto2 and proto3, messages, enums, maps, oneofs. Pure.

The descriptor pool does the rest: it finds types by their names and refuses numbers and names that are taken twice.
What Pub/Sub does not take (imports, extensions, groups, services) is refused by name; options are read over, but for
`json_name`, which JSON depends on.
"""

import re

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    OneofDescriptorProto,
)

from trainshed.topics.schemas.model import UnfitError

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+))"""
    r"""|(?P<word>\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?P<sign>[{}\[\]()<>;=,:-])""",
    re.DOTALL,
)
_SCALARS = {
    name: getattr(FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in (
        "double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string", "bytes", "uint32",
        "sfixed32", "sfixed64", "sint32", "sint64",
    )
}  # fmt: skip
_LABELS = {
    "optional": FieldDescriptorProto.LABEL_OPTIONAL,
    "required": FieldDescriptorProto.LABEL_REQUIRED,
    "repeated": FieldDescriptorProto.LABEL_REPEATED,
}
_REFUSED = {"import", "service", "extend", "extensions", "group", "edition"}
_NAME = re.compile(r"[A-Za-z_]\w*")
_DEEPEST = 30
_LARGEST_NUMBER = 2**29 - 1


def parse(text: str, file_name: str) -> FileDescriptorProto:
    """Read a file. Raises UnfitError with the line of the fault."""
    return _Reader(text).file(file_name)


class _Reader:
    """Reads from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0
        self._is_proto3 = False

    def file(self, name: str) -> FileDescriptorProto:
        file = FileDescriptorProto(name=name)
        if self._take_if("syntax"):
            self._expect("=")
            syntax = self._next()[1:-1]
            if syntax not in {"proto2", "proto3"}:
                self._fail("the syntax proto2 or proto3")
            self._is_proto3 = syntax == "proto3"
            file.syntax = syntax
            self._expect(";")
        while self._peek():
            if self._take_if("package"):
                file.package = self._next()
                self._expect(";")
            elif self._take_if("message"):
                self._message(file.message_type.add(), 0)
            elif self._take_if("enum"):
                self._enum(file.enum_type.add())
            elif not self._take_if(";"):
                self._option("message, enum, package or option")
        return file

    def _message(self, made: DescriptorProto, depth: int) -> None:
        if depth > _DEEPEST:
            self._fail(f"at most {_DEEPEST} messages in one another")
        made.name = self._name()
        self._expect("{")
        while not self._take_if("}"):
            if self._take_if("message"):
                self._message(made.nested_type.add(), depth + 1)
            elif self._take_if("enum"):
                self._enum(made.enum_type.add())
            elif self._take_if("oneof"):
                self._oneof(made)
            elif self._take_if("reserved"):
                self._skip_to(";")
            elif self._peek() == "option":
                self._option("a field")
            elif not self._take_if(";"):
                self._field(made)
        optional = [field for field in made.field if field.proto3_optional]
        for field in optional:  # each is a oneof of its own, after all others
            field.oneof_index = len(made.oneof_decl)
            made.oneof_decl.append(OneofDescriptorProto(name=f"_{field.name}"))

    def _oneof(self, made: DescriptorProto) -> None:
        index = len(made.oneof_decl)
        made.oneof_decl.append(OneofDescriptorProto(name=self._name()))
        self._expect("{")
        while not self._take_if("}"):
            if self._peek() == "option":
                self._option("a field")
            elif not self._take_if(";"):
                self._field(made, oneof=index)

    def _field(self, made: DescriptorProto, oneof: int | None = None) -> None:
        field = made.field.add(label=FieldDescriptorProto.LABEL_OPTIONAL)
        label = self._peek()
        if label in _LABELS and oneof is None:
            self._next()
            field.label = _LABELS[label]
            if self._is_proto3 and label == "required":
                self._fail("no required fields in proto3")
            field.proto3_optional = self._is_proto3 and label == "optional"
        elif not self._is_proto3 and oneof is None and label != "map":
            self._fail("optional, required or repeated before the field")
        kind = self._next()
        if kind in _REFUSED:
            self._fail(f"no {kind}: Pub/Sub does not take it")
        if kind == "map" and self._take_if("<"):
            self._map(made, field)
        elif kind in _SCALARS:
            field.type = _SCALARS[kind]
        else:
            field.type_name = kind
        if not field.name:
            field.name = self._name()
        if oneof is not None:
            field.oneof_index = oneof
        self._expect("=")
        field.number = self._number(1, _LARGEST_NUMBER)
        self._field_options(field)
        self._expect(";")

    def _map(self, made: DescriptorProto, field: FieldDescriptorProto) -> None:
        key = self._next()
        self._expect(",")
        value = self._next()
        self._expect(">")
        if key not in _SCALARS or key in {"double", "float", "bytes"}:
            self._fail("a whole number, bool or string as the key of a map")
        field.name = self._name()
        entry = made.nested_type.add(name="".join(p.capitalize() for p in field.name.split("_")) + "Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=FieldDescriptorProto.LABEL_OPTIONAL, type=_SCALARS[key])
        kept = entry.field.add(name="value", number=2, label=FieldDescriptorProto.LABEL_OPTIONAL)
        if value in _SCALARS:
            kept.type = _SCALARS[value]
        else:
            kept.type_name = value
        field.label = FieldDescriptorProto.LABEL_REPEATED
        field.type_name = entry.name

    def _enum(self, made: EnumDescriptorProto) -> None:
        made.name = self._name()
        self._expect("{")
        while not self._take_if("}"):
            if self._take_if("reserved"):
                self._skip_to(";")
            elif self._peek() == "option":
                self._option("a value", made)
            elif not self._take_if(";"):
                value = made.value.add(name=self._name())
                self._expect("=")
                value.number = self._number(-(2**31), 2**31 - 1)
                self._field_options(None)
                self._expect(";")

    def _field_options(self, field: FieldDescriptorProto | None) -> None:
        if not self._take_if("["):
            return
        while not self._take_if("]"):
            name = self._next()
            if name == "json_name" and field is not None and self._take_if("="):
                field.json_name = self._next()[1:-1]
            elif name in "{[<(":
                self._skip_to({"{": "}", "[": "]", "<": ">", "(": ")"}[name])

    def _option(self, otherwise: str, made: EnumDescriptorProto | None = None) -> None:
        word = self._peek()
        if word in _REFUSED:
            self._fail(f"no {word}: Pub/Sub does not take it")
        if word != "option":
            self._fail(otherwise)
        self._next()
        if self._take_if("allow_alias") and made is not None:
            self._expect("=")
            made.options.allow_alias = self._peek() == "true"
        self._skip_to(";")

    def _skip_to(self, end: str) -> None:
        depth = 0
        while (met := self._next()) != end or depth:
            depth += (met in {"{", "["}) - (met in {"}", "]"})

    def _name(self) -> str:
        name = self._next()
        if not _NAME.fullmatch(name):
            self._place -= 1
            self._fail("a name")
        return name

    def _number(self, least: int, most: int) -> int:
        token = self._next()
        try:
            found = int(token, 0) if not re.fullmatch(r"[-+]?0\d+", token) else int(token, 8)
        except ValueError:
            found = most + 1
        if not least <= found <= most:
            self._place -= 1
            self._fail(f"a number of {least} to {most}")
        return found

    def _take_if(self, token: str) -> bool:
        if self._peek() == token:
            self._place += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take_if(token):
            self._fail(repr(token))

    def _peek(self) -> str:
        return self._tokens[self._place][0] if self._place < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            self._fail("more")
        self._place += 1
        return token

    def _fail(self, wanted: str) -> None:
        if self._place < len(self._tokens):
            token, line = self._tokens[self._place]
            raise UnfitError(f"line {line} wants {wanted} at {token[:40]!r}")
        raise UnfitError(f"wants {wanted} at its end")


def _tokens(text: str) -> "list[tuple[str, int]]":
    found, place, line = [], 0, 1
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise UnfitError(f"line {line} has {text[place : place + 20]!r}, which is no protocol buffer language")
        if match.lastgroup is not None:
            found.append((match[0], line))
        line += match[0].count("\n")
        place = match.end()
    return found
