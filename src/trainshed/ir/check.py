"""Everything wrong with a document, all at once, and what cannot be had on this machine, by name."""

from collections.abc import Iterator, Mapping
from typing import Any

from trainshed.errors import Finding
from trainshed.ir.executor_rules import check_executors
from trainshed.ir.findings import Findings, Trail, key_text, limited, quoted, trail_of
from trainshed.ir.load import Document
from trainshed.ir.refuse import refusals
from trainshed.ir.structure import component_of, components, dependencies, find_cycle, selectors, tasks_of
from trainshed.ir.task_rules import check_task

__all__ = ["SCHEMA_VERSIONS", "check", "component_of", "dependencies", "find_cycle"]

SCHEMA_VERSIONS = ("2.1.0", "2.0.0")
_TASKS = 20_000  # once nested pipelines are unfolded
_NESTING = 50
_SHOWN = 10  # names of a circle
_FROM = {"parameters": ("parameter", "outputParameterKey"), "artifacts": ("artifact", "outputArtifactKey")}


def check(document: Document) -> list[Finding]:
    """Answer every finding; errors block, warnings do not. What follows from something unreadable is not said."""
    if document.is_torn:
        return list(document.findings)
    findings = Findings()
    _check_frame(document.spec, findings)
    for path, component in components(document.spec):
        if "dag" in component:
            _check_dag(document.spec, trail_of(*path), component, findings)
        elif path != ("root",):
            _check_leaf(document, trail_of(*path), component, findings)
    check_executors(document, findings)
    _check_nesting(document.spec, findings)
    known = {f.path for f in document.findings}
    said = [_placed(f, document) for f in findings.listed()]
    new = [f for f in said if not any(_follows(f.path, path) for path in known)]
    refused = limited([_placed(f, document) for f in refusals(document)])
    return [*document.findings, *new, *refused]


def _placed(finding: Finding, document: Document) -> Finding:
    prefix = document.platform_prefix if finding.path.startswith("platforms.") else document.prefix
    if not prefix:
        return finding
    return Finding(
        severity=finding.severity, path=prefix + finding.path, message=finding.message, anchor=finding.anchor
    )


def _follows(path: str, known: str) -> bool:
    """Tell whether what is said at a path follows from what is known to be wrong: at it, above it, or right below."""
    if path == known or path.startswith((f"{known}.", f"{known}[")):
        return True
    return known.startswith(f"{path}.") and "." not in known[len(path) + 1 :]


def _check_frame(spec: Mapping[str, Any], findings: Findings) -> None:
    version = spec.get("schemaVersion", "")
    if version not in SCHEMA_VERSIONS:
        known = " and ".join(SCHEMA_VERSIONS)
        message = f"{quoted(version)} is not a schema that is read here ({known}); compile with kfp 2"
        findings.add(trail_of("schemaVersion"), message)
    if not spec.get("pipelineInfo", {}).get("name"):
        findings.add(trail_of("pipelineInfo", "name"), "the pipeline has no name; give it one")
    if "dag" not in spec.get("root", {}):
        findings.add(trail_of("root"), "there is no root.dag: nothing to run; this is not a compiled pipeline")


def _check_dag(spec: Mapping[str, Any], trail: Trail, component: Mapping[str, Any], findings: Findings) -> None:
    tasks = tasks_of(component)
    here = ((trail, "dag"), "tasks")
    if not tasks:
        findings.add(here, "the DAG has no tasks: nothing to run; add one, or leave the DAG out")
    for name, task in tasks.items():
        check_task(spec, (here, name), component, task, findings)
    _check_outputs(spec, trail, component, findings)
    cycle = find_cycle({name: dependencies(task) & tasks.keys() for name, task in tasks.items()})
    if cycle:
        findings.add(here, f"tasks wait for each other in a circle: {_circle(cycle)}; take one dependency out")


def _circle(names: list[str]) -> str:
    shown = names if len(names) <= _SHOWN else [*names[: _SHOWN - 1], "…", names[-1]]
    return " -> ".join(map(key_text, shown))


def _check_outputs(spec: Mapping[str, Any], trail: Trail, component: Mapping[str, Any], findings: Findings) -> None:
    tasks = tasks_of(component)
    outputs = component["dag"].get("outputs", {})
    declared = component.get("outputDefinitions", {})
    taken = set()
    for kind, key, selector in selectors(component):
        taken.add((kind, key))
        noun, field = _FROM[kind]
        here = ((((trail, "dag"), "outputs"), kind), key)
        name = selector.get("producerSubtask", "")
        output = selector.get(field, "")
        producer = component_of(spec, tasks[name]) if name in tasks else {}
        if name not in tasks:
            findings.add((here, "producerSubtask"), f"there is no task {quoted(name)} in this DAG to take it from")
        elif producer and output not in producer.get("outputDefinitions", {}).get(kind, {}):
            findings.add((here, field), f"task {quoted(name)} has no output {noun} {quoted(output)}")
    for kind, (noun, _) in _FROM.items():
        for key in outputs.get(kind, {}):
            here = ((((trail, "dag"), "outputs"), kind), key)
            if (kind, key) not in taken:
                findings.add(here, "no task is named to take it from; name one, or leave the output out")
            if key not in declared.get(kind, {}):
                findings.add(here, f"outputDefinitions declare no output {noun} {quoted(key)}; declare it")
        for key in declared.get(kind, {}).keys() - outputs.get(kind, {}).keys():
            here = (((trail, "outputDefinitions"), kind), key)
            findings.add(here, f"dag.outputs do not say which task gives the {noun} {quoted(key)}; name one")


def _check_leaf(document: Document, trail: Trail, component: Mapping[str, Any], findings: Findings) -> None:
    label = component.get("executorLabel", "")
    if not label:
        findings.add(trail, "the component has neither a dag nor an executorLabel; give it one of them")
    elif label not in document.executors and f"{document.prefix}deploymentSpec.executors.{label}" not in {
        f.path for f in document.findings
    }:
        message = f"there is no executor {quoted(label)} in deploymentSpec.executors; add it"
        findings.add((trail, "executorLabel"), message)
    for kind in _FROM:
        for key in component.get("outputDefinitions", {}).get(kind, {}):
            if "/" in key or key in {".", ".."}:
                here = (((trail, "outputDefinitions"), kind), key)
                findings.add(here, f"{quoted(key)} cannot name a file, which each output becomes; give it another name")


def _check_nesting(spec: Mapping[str, Any], findings: Findings) -> None:
    uses = {name: _used(component) for name, component in spec.get("components", {}).items()}
    cycle = find_cycle(uses)
    if cycle:
        findings.add(trail_of("components"), f"components contain each other in a circle: {_circle(cycle)}")
        return
    sizes: dict[str, int] = {"": 0}
    depths: dict[str, int] = {}
    for name in _inside_out(uses, set(uses)):
        tasks = tasks_of(spec.get("components", {}).get(name, {})).values()
        used = [t.get("componentRef", {}).get("name", "") for t in tasks]
        sizes[name] = sum(sizes.get(each, 0) for each in used) if used else 1
        depths[name] = 1 + max((depths.get(each, 0) for each in used), default=0)
    root = [t.get("componentRef", {}).get("name", "") for t in tasks_of(spec.get("root", {})).values()]
    total = sum(sizes.get(name, 0) for name in root)
    if total > _TASKS:
        message = f"the pipeline has {_amount(total)} tasks once nested pipelines are unfolded; the limit is {_TASKS}"
        findings.add(trail_of("root"), message)
    deepest = max((depths.get(name, 0) for name in root), default=0)
    if deepest > _NESTING:
        findings.add(trail_of("root"), f"pipelines are nested {deepest} deep; the limit is {_NESTING}")


def _amount(number: int) -> str:
    return str(number) if number < 10**18 else "far too many"


def _used(component: Mapping[str, Any]) -> set[str]:
    return {task.get("componentRef", {}).get("name", "") for task in tasks_of(component).values()}


def _inside_out(uses: Mapping[str, set[str]], wanted: set[str]) -> Iterator[str]:
    done: set[str] = set()
    stack = [(name, False) for name in sorted(wanted)]
    while stack:
        name, is_entered = stack.pop()
        if name in done:
            continue
        if is_entered:
            done.add(name)
            yield name
        else:
            stack.append((name, True))
            stack.extend((inner, False) for inner in sorted(uses.get(name, ())))
