"""Changes that break a document: in its data, where names and types are, and in its bytes, where notation is."""

import json
import math
from functools import lru_cache

import yaml

_VALUES = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, -(2**70), 1.5, math.nan, math.inf, 1e308, "", "x", "\0", "\ud800", "é" * 50,
    "{{$}}", "{{$.inputs.parameters['n']}}", "x" * 5000, "1e400", "-5s", "5s", "[1]", "[" * 200, [], {}, [None], [[]], {"": None},
    {"a": 1}, {1: 2}, "TASK_FINAL_STATUS", "STRUCT", "leaf", "body", "exec", "root", "b", "loop",
)  # fmt: skip
_KEYS = (
    "", "dag", "tasks", "executorLabel", "componentRef", "inputs", "parameters", "artifacts", "runtimeValue", "constant", "name",
    "parameterIterator", "artifactIterator", "items", "raw", "container", "importer", "customJob", "resolver", "x", "a.b", "a[0]", "\n",
    "component_ref", "dependentTasks", "outputs", "platforms", "pipelineSpec", "runtimeConfig", "kubernetes",
)  # fmt: skip
_TEXTS = (
    b"[" * 700, b'{"a":' * 300, b"{", b"}", b"[", b"]", b":", b": ", b",", b"- ", b"\n", b"\n\n", b"  ", b"\t", b"#", b" #", b"'", b'"', b"\\", b"&a ", b"*a", b"<<: *a",
    b"!!int ", b"!!binary ", b"!x ", b"|\n", b">-\n", b"---\n", b"...\n", b"%YAML 1.1\n", b"? ", b"\xff", b"\x00", b"\xef\xbb\xbf", b"\r",
    b"\xc2\x85", b"\xe2\x80\xa8", b"NaN", b"1e999", b"9" * 400, b"null", b"~", b"0o17", b"12:30:45", b"yes", b"=", b"\\ud800", b"\\u0000",
)  # fmt: skip


def mutated(random, texts):
    """Answer one broken document as bytes; now and then one that is still whole."""
    text = random.choice(texts)
    if random.random() < 0.5:
        return _of_bytes(random, text.encode(), texts)
    return _of_data(random, text, texts)


def _of_data(random, text, texts):
    documents = _read(text)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        spots = list(_spots(documents))
        if spots:
            _change(random, spots, _read(random.choice(texts)) if random.random() < 0.1 else documents)
    return _written(random, documents)


def _read(text):
    return _copy(_parsed(text))


@lru_cache(maxsize=1024)
def _parsed(text):
    loaded = [json.loads(text)] if text.startswith("{") else list(yaml.load_all(text, yaml.CSafeLoader))
    return [document for document in loaded if document is not None]


def _spots(value):
    """Walk every place that holds something: (container, key)."""
    stack = [value]
    while stack:
        inside = stack.pop()
        keys = list(inside) if isinstance(inside, dict) else range(len(inside))
        for key in keys:
            yield inside, key
            if isinstance(inside[key], (dict, list)):
                stack.append(inside[key])


def _change(random, spots, donors):
    inside, key = random.choice(spots)
    kind = random.randrange(7)
    if kind == 0:
        inside[key] = _copy(random.choice(_VALUES))
    elif kind == 1:
        del inside[key]
    elif kind == 2 and isinstance(inside, dict):
        inside[random.choice(_KEYS)] = inside.pop(key)
    elif kind == 3 and isinstance(inside, dict):
        inside[random.choice(_KEYS)] = _copy(random.choice(_VALUES))
    elif kind == 4:
        other, name = random.choice(list(_spots(donors)) or spots)
        inside[key] = _copy(other[name])
    elif kind == 5 and isinstance(inside, list):
        inside.insert(key, _copy(random.choice(_VALUES)))
    else:
        other, name = random.choice(spots)
        inside[key], other[name] = _copy(other[name]), _copy(inside[key])


def _copy(value):
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _written(random, documents):
    if len(documents) == 1 and random.random() < 0.8:
        return json.dumps(documents[0]).encode("utf-8", "surrogatepass")
    try:
        return yaml.dump_all(documents, Dumper=yaml.CSafeDumper).encode("utf-8", "surrogatepass")
    except (yaml.YAMLError, UnicodeError):
        return json.dumps(documents[0] if documents else None).encode("utf-8", "surrogatepass")


def _of_bytes(random, data, texts):
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        at = random.randrange(len(data) + 1)
        length = random.choice((1, 2, 8, 64, 1024))
        kind = random.randrange(5)
        if kind == 0:
            data[at : at + random.choice((0, 1, 4))] = random.choice(_TEXTS)
        elif kind == 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = data[at : at + length] * random.choice((1, 3, 50))
        elif kind == 3 and data:
            data[at % len(data)] = random.randrange(256)
        else:
            other = random.choice(texts).encode()
            begin = random.randrange(len(other) + 1)
            data[at : at + length] = other[begin : begin + length]
    return bytes(data)
