"""Sends each field of each resource to a server, and looks what comes back."""

import json
from dataclasses import dataclass
from itertools import count

import httpx
from faults.surface.examples import things
from google.protobuf.descriptor import FieldDescriptor

from trainshed.api.descriptors import message_class

from .resources import RESOURCES

_KEPT, _REFUSED, _DROPPED, _OUTPUT = "kept", "refused", "dropped", "output"
_WELL_KNOWN = {
    "google.protobuf.Timestamp": "2030-01-01T00:00:00Z",
    "google.protobuf.Duration": "60s",
    "google.protobuf.Struct": {"k": 1},
    "google.protobuf.Value": 1,
    "google.protobuf.BoolValue": True,
    "google.protobuf.Int32Value": 7,
    "google.protobuf.Int64Value": "7",
    "google.protobuf.Any": {},
}
_LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What became of one field."""

    field: str  # path, in Google's JSON names
    outcome: str  # kept, refused, dropped, output
    said: str = ""  # by the server that refused it


class Probe:
    """One server, to which everything is sent."""

    def __init__(self, running, http):
        self._home = running.home
        self._http = http
        self._numbers = count(1)

    def furnish(self):
        """Make what requests name."""
        secret = self._home / "secrets" / "s"
        secret.parent.mkdir(exist_ok=True)
        secret.touch(mode=0o600)
        secret.write_text("hidden")
        for path, body in things():
            verb = "PUT" if "/topics/" in path.partition(":publish")[0] and ":publish" not in path else "POST"
            verb = "PUT" if "/subscriptions/" in path else verb
            self._http.request(verb, path, content=body if isinstance(body, bytes) else json.dumps(body).encode())

    def findings(self, resource):
        """Answer a finding for every field of a resource, and of the messages directly in it."""
        made, read = self._round_trip(resource, resource.example)
        assert made.status_code == httpx.codes.OK, f"{resource.title}: {made.text}"
        descriptor = message_class(resource.message).DESCRIPTOR
        for field in descriptor.fields:
            name = field.json_name
            if name in resource.output:
                yield Finding(field=name, outcome=_OUTPUT, said="yes" if name in read else "")
                continue
            found = self._finding(resource, (field,))
            yield found
            if _is_nested(field) and found.outcome == _KEPT:
                yield from (self._finding(resource, (field, inner)) for inner in field.message_type.fields)

    def _finding(self, resource, fields):
        path = ".".join(field.json_name for field in fields)
        made, read = self._round_trip(resource, _document(resource, fields))
        if made.status_code != httpx.codes.OK:
            return Finding(field=path, outcome=_REFUSED, said=_sentence(made))
        return Finding(field=path, outcome=_KEPT if _at(read, path) is not None else _DROPPED)

    def _round_trip(self, resource, document):
        identifier = f"probe-{next(self._numbers)}"
        verb, path, body = resource.make(identifier, document)
        made = self._http.request(verb, path, json=body)
        if made.status_code != httpx.codes.OK:
            return made, {}
        answer = made.json()
        build = answer.get("metadata", {}).get("build", {})
        names = {"id": identifier, "name": answer.get("name", ""), "answered": answer.get("id", "")}
        read = self._http.get(resource.read.format(**names, build=build.get("id", "")))
        assert read.status_code == httpx.codes.OK, f"{resource.title}: {read.text}"
        found = read.json()
        return made, found["steps"][-1] if resource.title == "BuildStep" else found


def all_findings(running):
    """Answer the findings of every resource by its title."""
    with httpx.Client(base_url=running.address, timeout=60) as http:
        probe = Probe(running, http)
        probe.furnish()
        return {resource.title: list(probe.findings(resource)) for resource in RESOURCES}


def _is_nested(field):
    kind = field.message_type
    if kind is None or field.is_repeated or kind.GetOptions().map_entry:
        return False
    return not kind.full_name.startswith("google.protobuf.") and kind.full_name != "google.rpc.Status"


def _document(resource, fields):
    """Answer the example with one field set, beside what its message has to hold, and without the others of its oneof."""
    document = json.loads(json.dumps(resource.example))
    whole = ".".join(field.json_name for field in fields)
    beside = resource.beside.get(whole, resource.beside.get(fields[0].json_name, {}))
    document |= json.loads(json.dumps({name: value for name, value in beside.items() if value is not None}))
    for name in [name for name, value in beside.items() if value is None]:
        document.pop(name, None)
    place, path = document, ""
    for field in fields:
        if field.containing_oneof is not None:
            for other in field.containing_oneof.fields:
                if other is not field:
                    place.pop(other.json_name, None)
        path = f"{path}.{field.json_name}".lstrip(".")
        value = json.loads(json.dumps(resource.values[path] if path in resource.values else _plausible(field)))
        if field is not fields[-1]:
            value = place.get(field.json_name) or (value if path in resource.values else {})
        place[field.json_name] = value
        place = value
    return document


def _at(document, path):
    for part in path.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(part)
    return document


def _plausible(field, depth=0):
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        return {"k": _plausible(kind.fields_by_name["value"], depth + 1)}
    value = _single(field, depth)
    return [value] if field.is_repeated else value


def _single(field, depth):
    kind = field.message_type
    if kind is not None:
        if kind.full_name in _WELL_KNOWN:
            return _WELL_KNOWN[kind.full_name]
        return {} if depth > 1 else {f.json_name: _plausible(f, depth + 1) for f in kind.fields[:1]}
    if field.type == FieldDescriptor.TYPE_ENUM:
        return field.enum_type.values[min(1, len(field.enum_type.values) - 1)].name
    plain = {FieldDescriptor.TYPE_BOOL: True, FieldDescriptor.TYPE_STRING: "x", FieldDescriptor.TYPE_BYTES: "eA=="}
    floats = {FieldDescriptor.TYPE_DOUBLE: 0.5, FieldDescriptor.TYPE_FLOAT: 0.5}
    return (plain | floats).get(field.type, 7)


def _sentence(answer):
    message = answer.json()["error"]["message"].split("\n")[0]
    return message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"
