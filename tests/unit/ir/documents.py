"""Small documents, and what is said of them."""

from trainshed import ir
from trainshed.errors import InvalidArgument


def a_document(tasks=("a",), **tasks_more):
    """Make a document of tasks that all run one container; `tasks_more` adds fields to a task."""
    nodes = {n: {"taskInfo": {"name": n}, "componentRef": {"name": "comp"}, **tasks_more.get(n, {})} for n in tasks}
    return {
        "schemaVersion": "2.1.0",
        "pipelineInfo": {"name": "p"},
        "root": {"dag": {"tasks": nodes}},
        "components": {"comp": {"executorLabel": "exec"}},
        "deploymentSpec": {"executors": {"exec": {"container": {"image": "i", "command": ["x"]}}}},
    }


def a_loop(iterator=None, **more):
    """Make a document whose task `a` is a loop over its input `items`."""
    iterator = {"itemInput": "item", "items": {"inputParameter": "items"}} if iterator is None else iterator
    task = {
        "componentRef": {"name": "body"},
        "inputs": {"parameters": {"items": {"runtimeValue": {"constant": [1]}}}},
        "parameterIterator": iterator,
        **more,
    }
    inside = {"b": {"componentRef": {"name": "comp"}}}
    inputs = {"parameters": {"items": {"parameterType": "LIST"}, "item": {"parameterType": "NUMBER_INTEGER"}}}
    document = a_document(a=task)
    document["components"]["body"] = {"dag": {"tasks": inside}, "inputDefinitions": inputs}
    return document


def problems(document, platform=None):
    """Answer every finding of reading and checking, as text."""
    try:
        read = ir.load_dict(document, platform=platform) if isinstance(document, dict) else ir.load(document)
    except InvalidArgument as error:
        return error.message.splitlines()
    return [str(finding) for finding in ir.check(read) if finding.severity == "error"]


def changed(document, path, value):
    """Put a value into a document; `path` as findings write it, without brackets."""
    inside = document
    *outer, last = path.split(".")
    for name in outer:
        inside = inside.setdefault(name, {})
    inside[last] = value
    return document
