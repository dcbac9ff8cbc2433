"""What a task of a DAG must keep to: its component, where its inputs come from, its loop, its policies."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from trainshed.errors import InvalidArgument
from trainshed.ir.findings import Findings, Trail, quoted
from trainshed.ir.notation import measure, parse_json
from trainshed.ir.structure import component_of, producers, tasks_of

_LARGEST_FACTOR = 1000
_LONG_REASON = 300  # characters; some quote the whole expression
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_SINGLE = {"parameters": "Parameter", "artifacts": "Artifact"}
_FROM_ELSEWHERE = {"TASK_FINAL_STATUS", "TASK_CONFIG"}  # the engine gives them, or refuses them
_ITERATORS = (("parameterIterator", "parameters", "inputParameter"), ("artifactIterator", "artifacts", "inputArtifact"))


def check_task(
    spec: Mapping[str, Any], trail: Trail, parent: Mapping[str, Any], task: Mapping[str, Any], findings: Findings
) -> None:
    """Say everything that is wrong with one task of the DAG component `parent`."""
    reference = task.get("componentRef", {}).get("name", "")
    component = component_of(spec, task)
    if reference not in spec.get("components", {}):
        there = (
            f"there is no component {quoted(reference)}; add it to components" if reference else "no component is named"
        )
        findings.add(((trail, "componentRef"), "name"), there)
    _check_name(spec, trail, tasks_of(parent), findings)
    _check_upstream(trail, task, tasks_of(parent), findings)
    for kind in _SINGLE:
        _check_inputs(spec, trail, parent, task, kind, findings)
    if component:
        _check_required(trail, task, component, findings)
        _check_loop(trail, task, component, findings)
    _check_policies(trail, task, findings)


def _check_name(spec: Mapping[str, Any], trail: Trail, tasks: Mapping[str, Any], findings: Findings) -> None:
    """Check that a name cannot be taken for the path of what is in another task: `a.b`, beside a DAG `a` with a `b`."""
    name = str(trail[1])
    if not name:
        findings.add(trail, "a task has an empty name; give it one")
    for end in (index for index, char in enumerate(name) if char in ".["):
        if "dag" in component_of(spec, tasks.get(name[:end], {})):
            findings.add(trail, f"the name begins as those of what is in task {quoted(name[:end])} do; give it another")


def _check_upstream(trail: Trail, task: Mapping[str, Any], tasks: Mapping[str, Any], findings: Findings) -> None:
    for index, name in enumerate(task.get("dependentTasks", ())):
        if name not in tasks:
            findings.add(
                ((trail, "dependentTasks"), index), f"waits for task {quoted(name)}, which is not in the same DAG"
            )
    for path, name in producers(task):
        if name not in tasks:
            here = trail
            for key in path:
                here = (here, key)
            findings.add(here, f"takes from task {quoted(name)}, which is not in the same DAG")


def _check_inputs(
    spec: Mapping[str, Any],
    trail: Trail,
    parent: Mapping[str, Any],
    task: Mapping[str, Any],
    kind: str,
    findings: Findings,
) -> None:
    component = component_of(spec, task)
    tasks = tasks_of(parent)
    single = _SINGLE[kind]
    around = parent.get("inputDefinitions", {}).get(kind, {})
    for name, source in task.get("inputs", {}).get(kind, {}).items():
        here = (((trail, "inputs"), kind), name)
        outer = source.get(f"componentInput{single}")
        produced = source.get(f"taskOutput{single}")
        if kind == "artifacts" and component and name not in component.get("inputDefinitions", {}).get(kind, {}):
            findings.add(here, "the component has no such input artifact; declare it, or leave it out")
        elif outer is not None and outer not in around:
            message = f"the surrounding pipeline has no input {single.lower()} {quoted(outer)}; declare it there"
            findings.add((here, f"componentInput{single}"), message)
        elif produced is not None and produced.get("producerTask") in tasks:
            output = produced.get(f"output{single}Key", "")
            producer = component_of(spec, tasks[produced["producerTask"]])
            if producer and output not in producer.get("outputDefinitions", {}).get(kind, {}):
                message = f"task {quoted(produced['producerTask'])} has no output {single.lower()} {quoted(output)}"
                findings.add(((here, f"taskOutput{single}"), f"output{single}Key"), message)
        elif not source.keys() - {"parameterExpressionSelector"}:
            findings.add(here, "it is not said where the value comes from; name an input, a task or a value")
        _check_value(spec, here, source, findings)


def _check_value(spec: Mapping[str, Any], trail: Trail, source: Mapping[str, Any], findings: Findings) -> None:
    if "runtimeValue" in source:
        check_value(spec, (trail, "runtimeValue"), source["runtimeValue"], findings)
    selector = source.get("parameterExpressionSelector", "")
    if selector and (reason := _problem(selector, is_selector=True)):
        findings.add((trail, "parameterExpressionSelector"), f"{quoted(selector)} cannot be evaluated: {reason}")


def check_value(spec: Mapping[str, Any], trail: Trail, value: Mapping[str, Any], findings: Findings) -> None:
    """Check a value that is written in the document, or is a parameter of the run (schema 2.0.0)."""
    if not value or value.get("constantValue") == {}:
        findings.add(trail, "there is no value; give one, such as constant")
    elif "runtimeParameter" in value:
        declared = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
        name = value["runtimeParameter"]
        if name not in declared and name not in spec.get("runtimeParameters", {}):
            findings.add((trail, "runtimeParameter"), f"the pipeline has no parameter {quoted(name)}; declare it")


def _check_required(trail: Trail, task: Mapping[str, Any], component: Mapping[str, Any], findings: Findings) -> None:
    items = {task.get(iterator, {}).get("itemInput", "") for iterator, _, _ in _ITERATORS}
    for kind, single in _SINGLE.items():
        given = task.get("inputs", {}).get(kind, {})
        for name, definition in component.get("inputDefinitions", {}).get(kind, {}).items():
            if name in given or name in items or definition.get("isOptional") or "defaultValue" in definition:
                continue
            if definition.get("parameterType") not in _FROM_ELSEWHERE:
                message = (
                    f"the component needs the {single.lower()} {quoted(name)}, which the task is not given; add it"
                )
                findings.add(((trail, "inputs"), kind), message)


def _check_loop(trail: Trail, task: Mapping[str, Any], component: Mapping[str, Any], findings: Findings) -> None:
    for field, kind, named in _ITERATORS:
        if field not in task:
            continue
        here = (trail, field)
        item, items = task[field].get("itemInput", ""), task[field].get("items", {})
        if "dag" not in component:
            findings.add(here, "only a DAG can be iterated; put the component into one")
        elif item not in component.get("inputDefinitions", {}).get(kind, {}):
            findings.add(
                (here, "itemInput"), f"the component has no input {_SINGLE[kind].lower()} {quoted(item)}; name one"
            )
        if named in items:
            if items[named] not in task.get("inputs", {}).get(kind, {}):
                message = (
                    f"the task has no input {_SINGLE[kind].lower()} {quoted(items[named])}; name one of its inputs"
                )
                findings.add(((here, "items"), named), message)
        elif "raw" not in items:
            findings.add((here, "items"), "it is not said what to iterate over; name an input")
        else:
            _check_raw(((here, "items"), "raw"), items["raw"], findings)


def _check_raw(trail: Trail, text: str, findings: Findings) -> None:
    try:
        found = parse_json(text)
    except InvalidArgument as error:
        findings.add(trail, f"{error.violations[0].description}; write a JSON list")
        return
    if isinstance(found, list):
        measure(found, trail, findings)
    else:
        findings.add(trail, "this is not a list; write a JSON list")


def _check_policies(trail: Trail, task: Mapping[str, Any], findings: Findings) -> None:
    condition = task.get("triggerPolicy", {}).get("condition", "")
    if condition and (reason := _problem(condition)):
        findings.add(((trail, "triggerPolicy"), "condition"), f"{quoted(condition)} cannot be evaluated: {reason}")
    policy = task.get("retryPolicy", {})
    if policy.get("maxRetryCount", 0) < 0:
        findings.add(((trail, "retryPolicy"), "maxRetryCount"), "it is negative; give a number from 0 on")
    if not 0 <= policy.get("backoffFactor", 1) <= _LARGEST_FACTOR:
        message = f"it is not from 0 to {_LARGEST_FACTOR}; give a number such as 2"
        findings.add(((trail, "retryPolicy"), "backoffFactor"), message)
    if task.get("iteratorPolicy", {}).get("parallelismLimit", 0) < 0:
        message = "it is negative; give a number from 1 on, or 0 for as many as there is room for"
        findings.add(((trail, "iteratorPolicy"), "parallelismLimit"), message)


@lru_cache(maxsize=1024)
def _problem(expression: str, *, is_selector: bool = False) -> str:
    from trainshed.ir import conditions  # an expression library that few documents need

    if _UNWRITABLE.search(expression):  # named when the document was measured
        return ""
    reason = conditions.problem(expression, is_selector=is_selector)
    return reason if len(reason) <= _LONG_REASON else f"{reason[:_LONG_REASON]}…"
