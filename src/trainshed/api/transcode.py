"""REST, derived from google.api.http: which method a path means, its request from JSON, its response as JSON.

A path is found by its verb, its custom verb (`:publish`) and its number of segments, so the cost does not grow with
the number of methods.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from trainshed.api import jsonpb
from trainshed.api.descriptors import ALIASES, METHODS, Method, Rule, message_class, to_json
from trainshed.api.drafted import Drafted
from trainshed.errors import InvalidArgument

_VARIABLE = re.compile(r"\{([\w.]+)(?:=([^}]*))?\}")
_HTTP_BODY = "google.api.HttpBody"
_ALIAS_VERSIONS = {package.rpartition(".")[2]: of.rpartition(".")[2] for package, of in ALIASES.items()}
# Parameters that every Google API takes; `alt` and `$alt` are looked at, the others change nothing here.
_SYSTEM_PARAMETERS = frozenset(
    [
        "access_token",
        "alt",
        "bearer_token",
        "callback",
        "fields",
        "key",
        "oauth_token",
        "passwd",
        "prettyPrint",
        "pp",
        "quotaUser",
        "trace",
        "uploadType",
        "upload_protocol",
        "userIp",
        "userProject",
        "xgafv",
    ]
)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One HTTP form of one method, ready to match."""

    method: Method
    rule: Rule
    pattern: re.Pattern[str]
    variables: tuple[str, ...]  # field paths, in the order of the pattern's groups

    def match(self, path: str) -> dict[str, str] | None:
        """Answer the fields that a path gives, or None."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {name: unquote(text) for name, text in zip(self.variables, found.groups(), strict=True)}


@dataclass(frozen=True, kw_only=True)
class Match:
    """What a request line means: a method, the form of it, the fields bound by the path."""

    method: Method
    rule: Rule
    bindings: dict[str, str]


class Router:
    """Finds the method of an HTTP request line."""

    def __init__(self, methods: Iterable[Method] = METHODS.values()) -> None:
        self._fixed: dict[tuple[str, str, int], list[Route]] = {}
        self._open: dict[tuple[str, str], list[Route]] = {}  # templates with `**`
        for method in methods:
            for rule in method.rules:
                self._add(method, rule)

    def find(self, verb: str, path: str) -> Match | None:
        """Find by HTTP verb and undecoded path."""
        head, _, rest = path.lstrip("/").partition("/")
        match = self._find(verb, f"/{head}/{rest}")
        if match is None and head in _ALIAS_VERSIONS:
            match = self._find(verb, f"/{_ALIAS_VERSIONS[head]}/{rest}")
        return match

    def _find(self, verb: str, path: str) -> Match | None:
        base, custom = _split_custom(path.replace("%3A", ":"))
        candidates = [(base, custom)] if not custom else [(base, custom), (path, "")]
        for text, custom_verb in candidates:
            segments = text.count("/")
            for route in (
                *self._fixed.get((verb, custom_verb, segments), ()),
                *self._open.get((verb, custom_verb), ()),
            ):
                bindings = route.match(text)
                if bindings is not None:
                    return Match(method=route.method, rule=route.rule, bindings=bindings)
        return None

    def _add(self, method: Method, rule: Rule) -> None:
        base, custom = _split_custom(rule.template)
        pattern, variables = _compile(base)
        route = Route(method=method, rule=rule, pattern=pattern, variables=variables)
        if "**" in base:
            self._open.setdefault((rule.verb, custom), []).append(route)
        else:
            segments = _VARIABLE.sub(lambda m: m[2] or "*", base).count("/")
            self._fixed.setdefault((rule.verb, custom, segments), []).append(route)


def read(match: Match, query: str, content_type: str, body: bytes) -> Any:
    """Make the request message of an HTTP request. Raises InvalidArgument naming the field."""
    descriptor: Descriptor = message_class(match.method.request).DESCRIPTOR
    document: dict[str, Any] = {}
    raw = None
    if match.rule.body == "*":
        document = jsonpb.read_object(body)
    elif match.rule.body:
        field = descriptor.fields_by_name[match.rule.body]
        if field.message_type is not None and field.message_type.full_name == _HTTP_BODY:
            raw = message_class(_HTTP_BODY)(content_type=content_type, data=body)
        elif body.strip():
            document[field.json_name] = jsonpb.read_object(body)
    for key, text in parse_qsl(query, keep_blank_values=True):
        _put_query(document, descriptor, key, text)
    request = jsonpb.parse(document, match.method.request)
    for path, text in match.bindings.items():
        _bind(request, path.split("."), text)
    if raw is not None:
        getattr(request, match.rule.body).CopyFrom(raw)
    return request


def write(response: Any, query: str) -> tuple[bytes, str]:
    """Answer body and content type of a response message."""
    if response.DESCRIPTOR.full_name == _HTTP_BODY:
        return response.data, response.content_type
    enums_as_numbers = "enum-encoding=int" in unquote(query)  # what Google's own REST clients ask for
    write_json = response.to_json if isinstance(response, Drafted) else partial(to_json, response)
    return json.dumps(write_json(enums_as_numbers=enums_as_numbers)).encode(), "application/json; charset=UTF-8"


def _split_custom(path: str) -> tuple[str, str]:
    head, slash, last = path.rpartition("/")
    name, colon, custom = last.rpartition(":")
    if not colon or "}" in custom or "%" in custom:
        return path, ""
    return head + slash + name, custom


def _compile(template: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    pattern, variables, position = "", [], 0
    for found in _VARIABLE.finditer(template):
        pattern += _segments(template[position : found.start()])
        pattern += f"({_segments(found[2] or '*')})"
        variables.append(found[1])
        position = found.end()
    return re.compile(pattern + _segments(template[position:])), tuple(variables)


def _segments(template: str) -> str:
    return re.escape(template).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")


def _put_query(document: dict[str, Any], descriptor: Descriptor, key: str, text: str) -> None:
    head = key.split(".", 1)[0]
    if key.startswith("$") or (head in _SYSTEM_PARAMETERS and jsonpb.field_of(descriptor, head) is None):
        return
    *parents, last = key.split(".")
    place, holder = document, descriptor
    for number, part in enumerate(parents):
        field = _field(holder, part, key)
        if jsonpb.is_map(field):
            place.setdefault(field.json_name, {})[".".join([*parents[number + 1 :], last])] = text
            return
        if field.message_type is None:
            raise InvalidArgument.field(key, f"{part} is not a message and has no fields")
        place, holder = place.setdefault(field.json_name, {}), field.message_type
    field = _field(holder, last, key)
    value: Any = _scalar(field, text, key)
    if field.is_repeated:
        place.setdefault(field.json_name, []).append(value)
    else:
        place[field.json_name] = value


def _field(holder: Descriptor, name: str, key: str) -> FieldDescriptor:
    field = jsonpb.field_of(holder, name)
    if field is None:
        raise jsonpb.unknown(key, holder, name)
    return field


def _scalar(field: FieldDescriptor, text: str, key: str) -> Any:
    if field.type == FieldDescriptor.TYPE_BOOL:
        if text.lower() not in {"true", "false", ""}:
            raise InvalidArgument.field(key, f"{text!r} is neither true nor false")
        return text.lower() != "false"
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.FieldMask":
        return re.sub(r"_([a-z0-9])", lambda m: m[1].upper(), text)  # gcloud writes paths as they are in the proto
    return text


def _bind(request: Any, path: list[str], text: str) -> None:
    for part in path[:-1]:
        request = getattr(request, part)
    field = request.DESCRIPTOR.fields_by_name[path[-1]]
    is_text = field.type == FieldDescriptor.TYPE_STRING
    try:
        setattr(request, path[-1], text if is_text else int(text))
    except ValueError as error:
        raise InvalidArgument.field(".".join(path), f"{text!r} in the path is not a number") from error
