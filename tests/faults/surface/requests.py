"""Requests of every RPC, made from the published interfaces, and the ways in which they are broken."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from google.protobuf.descriptor import FieldDescriptor

from trainshed.api.descriptors import from_json, message_class, to_json
from trainshed.errors import InvalidArgument

from . import values
from .examples import EXAMPLES

_VARIABLE = re.compile(r"\{([\w.]+)(?:=([^}]*))?\}")
_INTEGERS = {
    FieldDescriptor.TYPE_INT32: 31,
    FieldDescriptor.TYPE_INT64: 63,
    FieldDescriptor.TYPE_UINT32: 31,
    FieldDescriptor.TYPE_UINT64: 63,
    FieldDescriptor.TYPE_SINT32: 31,
    FieldDescriptor.TYPE_SINT64: 63,
    FieldDescriptor.TYPE_FIXED32: 31,
    FieldDescriptor.TYPE_FIXED64: 63,
    FieldDescriptor.TYPE_SFIXED32: 31,
    FieldDescriptor.TYPE_SFIXED64: 63,
}
_UNSIGNED = {
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED32,
    FieldDescriptor.TYPE_FIXED64,
}
_DEEPEST = 4


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One request by HTTP."""

    verb: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self):
        """Say it in one line."""
        return f"{self.verb} {self.target[:300]} {self.headers} {self.body[:1500]!r}"


def made(random, method):
    """Make the request message of a method: what the path of its first HTTP form names, and some other fields."""
    request = message_class(method.request)()
    _fill(random, request, depth=0)
    for path, template in _variables(method):
        _set(request, path.split("."), values.resource(random, template))
    return request


def by_grpc(random, method):
    """Make the bytes of a request."""
    data = made(random, method).SerializeToString()
    return values.mutated_bytes(random, data) if random.random() < 0.35 else data


def by_rest(random, method):
    """Make a request of one of the HTTP forms of a method."""
    rule = random.choice(method.rules)
    document = _document(random, method)
    path = _VARIABLE.sub(
        lambda found: quote(values.resource(random, found[2] or "*"), safe="/:%" if random.random() < 0.05 else "/"),
        rule.template,
    )
    names = {_json_name(found[1]) for found in _VARIABLE.finditer(rule.template)}
    if rule.body == "*":
        return _with_body(random, rule, path, document, {})
    body = document.get(_json_name(rule.body), {}) if rule.body else None
    rest = {k: v for k, v in document.items() if k not in names and k != _json_name(rule.body or "")}
    query = {k: v if isinstance(v, str) else json.dumps(v) for k, v in rest.items() if not isinstance(v, dict | list)}
    return _with_body(random, rule, path, body, query)


def _document(random, method):
    while True:
        try:
            return to_json(made(random, method))
        except InvalidArgument:  # a time, a mask or an Any that JSON cannot say; by gRPC it is sent
            continue


def _with_body(random, rule, path, body, query):
    if random.random() < 0.15:
        query[random.choice(["pageSize", "updateMask", "alt", "no_such", "a.b.c", "$alt"])] = values.text(random)
    target = path + (f"?{urlencode(query)}" if query else "")
    data = b"" if body is None else _json_bytes(random, body)
    headers = {"content-type": "application/json"} if data else {}
    return HttpRequest(verb=rule.verb, target=target, headers=headers, body=data)


def _json_bytes(random, document):
    if random.random() < 0.3:
        document = _mutated_json(random, document)
    data = json.dumps(document).encode()
    chance = random.random()
    if chance < 0.08:
        return values.mutated_bytes(random, data)
    if chance < 0.1:
        return b'{"a":' * random.choice([10, 2000, 100_000])
    if chance < 0.12:
        return data[:-1] + b', "name": "again", "name": 7}'
    return data


def _mutated_json(random, document):
    if not isinstance(document, dict) or not document or random.random() < 0.1:
        return values.odd_json(random)
    key = random.choice(sorted(document))
    changed = dict(document)
    kind = random.randrange(4)
    if kind == 0:
        changed[values.text(random)] = values.odd_json(random)
    elif kind == 1:
        del changed[key]
    elif isinstance(document[key], dict) and kind == 2:
        changed[key] = _mutated_json(random, document[key])
    else:
        changed[key] = values.odd_json(random)
    return changed


def _variables(method):
    if not method.rules:
        return []
    return [(found[1], found[2] or "*") for found in _VARIABLE.finditer(method.rules[0].template)]


def _fill(random, message, *, depth):
    example = EXAMPLES.get(message.DESCRIPTOR.full_name)
    if example is not None and random.random() < 0.75:
        message.CopyFrom(from_json(message.DESCRIPTOR.full_name, example))
        for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
            _change(random, message)
        return
    share = 0.55 if depth == 0 else 0.35
    for descriptor in message.DESCRIPTOR.fields:
        if random.random() < share:
            _fill_field(random, message, descriptor, depth=depth)


def _change(random, message):
    """Change one field of a message, or of one in it."""
    inside = [value for descriptor, value in message.ListFields() if descriptor.message_type and _is_single(descriptor)]
    if inside and random.random() < 0.5:
        _change(random, random.choice(inside))
    elif message.DESCRIPTOR.fields:
        descriptor = random.choice(message.DESCRIPTOR.fields)
        message.ClearField(descriptor.name)
        if random.random() < 0.8:
            _fill_field(random, message, descriptor, depth=2)


def _is_single(descriptor):
    return not descriptor.is_repeated


def _fill_field(random, message, descriptor, *, depth):
    name = descriptor.name
    if descriptor.message_type is not None:
        _fill_message(random, message, descriptor, depth=depth)
    elif descriptor.is_repeated:
        getattr(message, name).extend(_scalar(random, descriptor) for _ in range(random.randint(0, 3)))
    else:
        setattr(message, name, _scalar(random, descriptor))


def _fill_message(random, message, descriptor, *, depth):
    if depth >= _DEEPEST:
        return
    inside = getattr(message, descriptor.name)
    if descriptor.message_type.GetOptions().map_entry:
        value = descriptor.message_type.fields_by_name["value"]
        key = values.text(random)
        if value.message_type is None:
            inside[key] = _scalar(random, value)
        else:
            _fill(random, inside[key], depth=depth + 1)
    elif descriptor.is_repeated:
        for _ in range(random.randint(0, 2)):
            _fill(random, inside.add(), depth=depth + 1)
    else:
        inside.SetInParent()
        _fill(random, inside, depth=depth + 1)


def _scalar(random, descriptor):
    kind = descriptor.type
    if kind == FieldDescriptor.TYPE_BOOL:
        return random.random() < 0.5
    if kind == FieldDescriptor.TYPE_STRING:
        return values.text(random, descriptor.name)
    if kind == FieldDescriptor.TYPE_BYTES:
        return values.raw(random)
    if kind == FieldDescriptor.TYPE_ENUM:
        return random.choice([value.number for value in descriptor.enum_type.values])
    if kind in _INTEGERS:
        top = 2 ** _INTEGERS[kind] - 1
        return min(max(values.number(random), 0 if kind in _UNSIGNED else -top), top)
    return random.choice([0.0, 1.5, -1.0, 1e30, float("inf"), float("nan")])


def _set(message, path, text):
    *parents, last = path
    for part in parents:
        message = getattr(message, part)
    descriptor = message.DESCRIPTOR.fields_by_name[last]
    if descriptor.type == FieldDescriptor.TYPE_STRING:
        setattr(message, last, text)


def _json_name(path):
    head, *rest = path.split(".")[0].split("_")
    return head + "".join(part.capitalize() for part in rest)
